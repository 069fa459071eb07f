"""The health of controllers as types."""

from __future__ import annotations

from datetime import datetime

from airflow_triggers_client.models.base import Result


class Controllers(Result):
    """The controllers."""

    alive: int
    """How many gave a sign of life in time."""
    last_pass: datetime | None
    """When one of them last finished a pass; None: none has ever run."""


class Overdue(Result):
    """What should have been done by now."""

    delayed_fires: int


class Parked(Result):
    """Work tried too often: it waits for people."""

    hooks: int
    asset_events: int
    delayed_fires: int


class Health(Result):
    """The health of the triggers controllers."""

    status: str
    """``healthy`` or ``unhealthy``."""
    reason: str | None
    """Why it is unhealthy, and what to do; None when it is healthy."""
    at: datetime
    controllers: Controllers
    lag: float
    """How many seconds the oldest change has been waiting that is not applied yet."""
    oldest_change: datetime | None
    overdue: Overdue
    parked: Parked

    @property
    def is_healthy(self) -> bool:
        """Whether a controller is alive, and the controllers keep up."""
        return self.status == "healthy"
