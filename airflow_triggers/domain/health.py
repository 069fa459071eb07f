"""Health: whether triggers controllers are alive and keep up, and what to do where they do not. Pure.

Neighbours: ``gateway/jobs.py`` reads the controllers, ``controller/health.py`` reads the rest and asks here; ``api/``
and ``cli/`` show the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

MAX_COUNT = 1000
"""Nothing is counted beyond this number, so that a count costs the same in every database."""

START = "Start one with 'airflow triggers controller', or let each scheduler run one ([triggers] controller_autostart)."


@dataclass(frozen=True, kw_only=True)
class Controllers:
    """The controllers that Airflow's database knows.

    :param alive_count: how many gave a sign of life in time.
    :param last_pass: when one of them last did so: it had finished a pass, or a session within a long pass.
        None: no controller has ever run.
    :param ended_at: when the last one ended; None while one runs, or where the last one ended without a word.
    :param host: only those of this host are meant; None: all.
    """

    alive_count: int
    last_pass: datetime | None
    ended_at: datetime | None = None
    host: str | None = None


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
    """The state of the controllers and of what they have to do, at one moment.

    :param oldest_change: when the oldest change happened that is not applied yet, and nobody has put off; None: all
        is applied.
    """

    at: datetime
    controllers: Controllers
    limits: HealthLimits
    oldest_change: datetime | None = None

    @property
    def lag(self) -> timedelta:
        """How long the oldest change has been waiting that is not applied yet; zero when all is applied."""
        return max(timedelta(0), self.at - (self.oldest_change or self.at))

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
        noun = "controller is" if controllers.alive_count == 1 else "controllers are"
        number = (
            f"{MAX_COUNT} or more" if controllers.alive_count >= MAX_COUNT else str(controllers.alive_count)
        )
        silence = _seconds(max(timedelta(0), self.at - controllers.last_pass))
        return (
            f"{number} triggers {noun} alive{_on(controllers.host)}; the last sign of life is {silence} old, the "
            f"oldest change that is not applied yet {_seconds(self.lag)}."
        )

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


def _on(host: str | None) -> str:
    return "" if host is None else f" on host {host!r}"


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _seconds(duration: timedelta) -> str:
    """A duration for people: ``0.4 s``, ``31 s``."""
    seconds = duration.total_seconds()
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
