"""Controllers in Airflow's ``job`` table, where Airflow shows its own components: registered, alive, ended.

Neighbours: ``controller/process.py`` registers a controller, ``controller/loop.py`` gives its signs of life,
``controller/health.py`` asks who is alive.

The rows are written by statements. Airflow's own ``Job`` notifies every listener at the start of a component. Its
heartbeat sleeps, and a controller must not sleep.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from airflow.configuration import conf
from airflow.jobs.job import Job, JobState
from airflow.utils.net import get_hostname
from airflow.utils.platform import getuser
from sqlalchemy import Connection, func, insert, select, update

from airflow_triggers.domain.health import MAX_COUNT, Controllers, HealthLimits
from airflow_triggers.storages.transaction import transaction

log = logging.getLogger(__name__)

CONTROLLER_JOB_TYPE = "TriggersControllerJob"
"""The ``job_type`` of a controller's row."""

LOOK_FOR_LOST = 60.0
"""Seconds between two searches for killed controllers."""

_JOBS = Job.__table__
_IS_CONTROLLER = _JOBS.c.job_type == CONTROLLER_JOB_TYPE
_IS_RUNNING = _JOBS.c.state == JobState.RUNNING.value

Clock = Callable[[], float]


def configured_limits() -> HealthLimits:
    """The settings ``[triggers] controller_health_check_threshold`` and ``controller_lag_threshold``."""
    silence = conf.getfloat("triggers", "controller_health_check_threshold", fallback=30.0)
    lag = conf.getfloat("triggers", "controller_lag_threshold", fallback=300.0)
    return HealthLimits(silence=timedelta(seconds=silence), lag=timedelta(seconds=lag))


def heartbeat_interval() -> float:
    """Seconds between two heartbeats. Airflow takes a job for dead after 2.1 times as long."""
    return conf.getfloat("scheduler", "job_heartbeat_sec", fallback=5.0)


class ControllerJob:
    """The row of one controller: made at the first heartbeat, renewed at the next ones, ended by :meth:`end`.

    :param clock: monotonic seconds.

    A boundary: errors of the database are logged, and the controller goes on. A killed controller leaves its row
    behind: the heartbeat grows old, and another controller marks the row as failed.
    """

    def __init__(self, *, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._interval = heartbeat_interval()
        self._beat_at = self._look_at = clock()
        self._job_id: int | None = None

    def beat(self) -> None:
        """Give a sign of life, if one is due."""
        now = self._clock()
        if now < self._beat_at:
            return
        self._beat_at = now + self._interval
        try:
            self._write(JobState.RUNNING)
            if now >= self._look_at:
                self._look_at = now + LOOK_FOR_LOST
                _fail_lost_jobs()
        except Exception as error:
            log.warning("Triggers controller: its heartbeat cannot be kept: %s", error)
            log.debug("Triggers controller: heartbeat", exc_info=True)

    def end(self, *, failed: bool) -> None:
        """Say that the controller ends.

        :param failed: whether an error ends it.
        """
        if self._job_id is None:
            return
        try:
            self._write(JobState.FAILED if failed else JobState.SUCCESS)
        except Exception:
            log.exception("Triggers controller: its end cannot be kept")

    def _write(self, state: JobState) -> None:
        """Renew the row. If there is no row (yet, or any more), make one."""
        now = datetime.now(UTC)
        values = {
            "state": state.value,
            "latest_heartbeat": now,
            "end_date": None if state is JobState.RUNNING else now,
        }
        with transaction() as session:
            renewal = update(_JOBS).where(_JOBS.c.id == self._job_id).values(**values)
            if self._job_id is not None and session.execute(renewal).rowcount == 1:  # type: ignore[attr-defined]
                return
            origin = {"job_type": CONTROLLER_JOB_TYPE, "hostname": get_hostname(), "unixname": getuser()}
            row = insert(_JOBS).values(start_date=now, **origin, **values)
            self._job_id = session.execute(row.returning(_JOBS.c.id)).scalar_one()


def _fail_lost_jobs() -> None:
    """Mark the jobs of killed controllers as failed. A controller that only paused marks itself as running again."""
    now = datetime.now(UTC)
    is_lost = _JOBS.c.latest_heartbeat < now - configured_limits().silence
    with transaction() as session:
        session.execute(
            update(_JOBS)
            .where(_IS_CONTROLLER, _IS_RUNNING, is_lost)
            .values(state=JobState.FAILED.value, end_date=now)
        )


def read_controllers(
    connection: Connection, *, now: datetime, silence: timedelta, host: str | None = None
) -> Controllers:
    """Which controllers are alive, by an index of Airflow's.

    :param silence: a controller without a heartbeat for this long is not alive.
    :param host: only those of this host.
    """
    jobs = select(_JOBS.c.latest_heartbeat).where(_IS_CONTROLLER)
    if host is not None:
        jobs = jobs.where(_JOBS.c.hostname == host)
    newest = _JOBS.c.latest_heartbeat.desc()
    is_alive = _IS_RUNNING, _JOBS.c.latest_heartbeat >= now - silence
    alive = jobs.where(*is_alive).order_by(newest).limit(MAX_COUNT).subquery()
    count, last_pass = connection.execute(select(func.count(), func.max(alive.c.latest_heartbeat))).one()
    if count:
        return Controllers(alive_count=count, last_pass=last_pass, host=host)
    last = jobs.add_columns(_JOBS.c.state, _JOBS.c.end_date).order_by(newest).limit(1)
    row = connection.execute(last).one_or_none()
    if row is None:
        return Controllers(alive_count=0, last_pass=None, host=host)
    ended_at = None if row.state == JobState.RUNNING.value else row.end_date
    return Controllers(alive_count=0, last_pass=row.latest_heartbeat, ended_at=ended_at, host=host)


def own_host() -> str:
    """The name of this host, as a controller of this host registers it."""
    return str(get_hostname())
