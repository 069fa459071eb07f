"""Health: whether triggers controllers are alive and keep up, and what to do if not. Pure.

Neighbours: ``gateway/jobs.py`` reads the controllers, ``controller/health.py`` reads the rest and asks here; ``api/``
and ``cli/`` show the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

MAX_COUNT = 1000
"""Counts stop at this number. A count costs the same however large the database is."""

START = "Start one with 'airflow triggers controller', or let each scheduler run one ([triggers] controller_autostart)."


@dataclass(frozen=True, kw_only=True)
class Controllers:
    """The controllers known to Airflow's database.

    :param alive_count: how many gave a sign of life in time.
    :param last_pass: the last sign of life of any of them: it had finished a pass, or a session within a long pass.
        None: no controller has ever run.
    :param ended_at: when the last one ended; None while one runs, or where the last one ended without a word.
    :param host: only controllers of this host count; None: all.
    """

    alive_count: int
    last_pass: datetime | None
    ended_at: datetime | None = None
    host: str | None = None


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """What is still to be done, and what waits for people. Numbers are :data:`MAX_COUNT` at most.

    :param oldest_change: when the oldest change happened that is not applied yet. A change put off after a failure does
        not count before its next try. None: all is applied.
    :param overdue_fires: delayed fires whose moment has come.
    :param parked_hooks: hooks that raised too often; the controller no longer calls them automatically.
    :param parked_asset_events: asset events given up after failures; likewise ``parked_delayed_fires`` for delayed
        fires.
    """

    oldest_change: datetime | None = None
    overdue_fires: int = 0
    parked_hooks: int = 0
    parked_asset_events: int = 0
    parked_delayed_fires: int = 0

    @property
    def parked_counts(self) -> dict[str, int]:
        """The number of parked things of each kind, by its noun."""
        return {
            "hook": self.parked_hooks,
            "asset event": self.parked_asset_events,
            "delayed fire": self.parked_delayed_fires,
        }


@dataclass(frozen=True, kw_only=True)
class HealthLimits:
    """What counts as healthy.

    :param silence: how long a controller may give no sign of life.
    :param lag: how long a change may wait until it is applied.
    """

    silence: timedelta
    lag: timedelta


@dataclass(frozen=True, kw_only=True)
class Health:
    """The state of the controllers and of their work, at one moment.

    :param backlog: None for the health of one host: all controllers work on the same backlog.
    """

    at: datetime
    controllers: Controllers
    limits: HealthLimits
    backlog: Backlog | None = None

    @property
    def lag(self) -> timedelta:
        """How long the oldest unapplied change has been waiting; zero when all is applied."""
        oldest_change = self.backlog.oldest_change if self.backlog else None
        return max(timedelta(0), self.at - (oldest_change or self.at))

    @property
    def reason(self) -> str | None:
        """Why it is unhealthy and what to do, in one sentence or two; None: it is healthy."""
        if not self.controllers.alive_count:
            return self._silence_reason()
        if self.lag > self.limits.lag:
            return (
                f"The oldest change that is not applied yet has waited {_seconds(self.lag)}, expected at most "
                f"{_seconds(self.limits.lag)} ([triggers] controller_lag_threshold). Look into the controllers' logs, "
                "or run more controllers."
            )
        return None

    @property
    def is_healthy(self) -> bool:
        """Whether a controller is alive, and the controllers keep up."""
        return self.reason is None

    @property
    def sentence(self) -> str:
        """The state for people: what is healthy, or the :attr:`reason`."""
        if self.reason is not None:
            return self.reason
        controllers = self.controllers
        assert controllers.last_pass is not None
        count, verb = controllers.alive_count, "is" if controllers.alive_count == 1 else "are"
        alive = f"{_number(count, 'triggers controller')} {verb} alive{_on(controllers.host)}"
        silence = _seconds(max(timedelta(0), self.at - controllers.last_pass))
        life = f"{alive}; the last sign of life is {silence} old"
        if self.backlog is None:
            return f"{life}."
        parked_text = ", ".join(
            _number(count, noun) for noun, count in self.backlog.parked_counts.items() if count
        )
        waiting = f"the oldest change that is not applied yet has waited {_seconds(self.lag)}"
        lag = waiting if self.backlog.oldest_change else "every change is applied"
        return f"{life}, {lag}{f'; parked: {parked_text}' if parked_text else ''}."

    def _silence_reason(self) -> str:
        controllers, place = self.controllers, _on(self.controllers.host)
        if controllers.last_pass is None:
            return f"No triggers controller has run{place} on this metadata database. {START}"
        if controllers.ended_at is not None:
            return f"No triggers controller runs{place}: the last one ended at {_moment(controllers.ended_at)}. {START}"
        return (
            f"No triggers controller is alive{place}: the last sign of life was at {_moment(controllers.last_pass)}, "
            f"{_seconds(self.at - controllers.last_pass)} ago, expected at most {_seconds(self.limits.silence)} "
            "([triggers] controller_health_check_threshold). Look into its log, and start it again."
        )


def _number(count: int, noun: str) -> str:
    """``1 hook``, ``2 hooks``; ``1000 or more hooks`` at the limit of counting."""
    number = f"{count} or more" if count >= MAX_COUNT else str(count)
    return f"{number} {noun}" if count == 1 else f"{number} {noun}s"


def _on(host: str | None) -> str:
    return "" if host is None else f" on host {host!r}"


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _seconds(duration: timedelta) -> str:
    """A duration for people: ``0.4 s``, ``31 s``."""
    seconds = duration.total_seconds()
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
