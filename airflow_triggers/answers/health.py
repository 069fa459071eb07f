"""The answer about the health of triggers controllers.

Neighbours: ``domain/health.py`` has the value and judges it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from airflow_triggers.domain.health import Backlog, Health


@dataclass(frozen=True, kw_only=True)
class ControllersAnswer:
    """The controllers.

    :param last_pass: the last sign of life of any of them; None: none has ever run.
    """

    alive: int
    last_pass: datetime | None


@dataclass(frozen=True, kw_only=True)
class OverdueAnswer:
    """What should have been done by now."""

    delayed_fires: int


@dataclass(frozen=True, kw_only=True)
class ParkedAnswer:
    """Work that waits for people."""

    hooks: int
    asset_events: int
    delayed_fires: int


@dataclass(frozen=True, kw_only=True)
class HealthAnswer:
    """The health of the triggers controllers.

    :param status: ``healthy`` or ``unhealthy``.
    :param reason: why it is unhealthy, and what to do; None when it is healthy.
    :param lag: how many seconds the oldest change has been waiting that is not applied yet.
    """

    status: str
    reason: str | None
    at: datetime
    controllers: ControllersAnswer
    lag: float
    oldest_change: datetime | None
    overdue: OverdueAnswer
    parked: ParkedAnswer

    @classmethod
    def of(cls, health: Health) -> HealthAnswer:
        """The answer about this state."""
        backlog, controllers = health.backlog or Backlog(), health.controllers
        return cls(
            status="healthy" if health.is_healthy else "unhealthy",
            reason=health.reason,
            at=health.at,
            controllers=ControllersAnswer(alive=controllers.alive_count, last_pass=controllers.last_pass),
            lag=health.lag.total_seconds(),
            oldest_change=backlog.oldest_change,
            overdue=OverdueAnswer(delayed_fires=backlog.overdue_fires),
            parked=ParkedAnswer(
                hooks=backlog.parked_hooks,
                asset_events=backlog.parked_asset_events,
                delayed_fires=backlog.parked_delayed_fires,
            ),
        )
