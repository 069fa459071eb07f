"""Airflow's view of a DAG run and its surroundings: the DAG, its pools, its task instances; and whose run it is.

Neighbours: ``gateway/`` reads these values from Airflow, ``runners/bindings.py`` keeps which run executes which
instance, ``controller/`` and ``history/`` decide over them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

IN_FLIGHT = ("queued", "running")
"""The states of a DAG run, or of a task instance, between its creation and its end, in Airflow's words."""


class RunKey(NamedTuple):
    """The key of a DAG run in Airflow."""

    dag_id: str
    run_id: str


@dataclass(frozen=True)
class SeenRun:
    """Airflow's view of a DAG run.

    :param state: ``queued``, ``running``, ``success`` or ``failed``.
    :param clear_number: how often the run was cleared.
    :param early: whether only its task has this state yet: the run itself is still to follow.
    :param half_cleared: whether it succeeded although some of its tasks are still to run: it was cleared just as the
        scheduler ended it, and Airflow kept both.
    """

    state: str
    clear_number: int
    early: bool = field(default=False, compare=False)
    half_cleared: bool = field(default=False, compare=False)


PROMISED = SeenRun("promised", 0)
"""Stands for the run of a session in another storage until the run is created."""


@dataclass(frozen=True, kw_only=True)
class Binding:
    """Which DAG run executes an instance, and what the controller last saw of it: a row of ``triggers_run``.

    :param session_id: the key of the session's row in ``triggers_session``.
    :param task_name: the instance's task, and ``number`` its number.
    :param attempt: how many runs the instance had before this one.
    :param is_compiled: whether the run's DAG is compiled from a configuration: its only task tells how it ends.
    :param seen_run: the run as last seen; :data:`PROMISED` before it is created.
    :param is_watched: whether every pass of the controller compares the run.
    :param promised_run: the content of a run still to be created, as JSON; None once it is created.
    :param retry_at: when the controller tries again to apply the run (UTC); None: at once.
    :param failures: how many times in a row it could not be applied.
    """

    dag_id: str
    run_id: str
    session_id: int
    task_name: str
    number: int
    attempt: int = 0
    is_compiled: bool = True
    seen_run: SeenRun
    is_watched: bool = True
    promised_run: Mapping[str, Any] | None = None
    retry_at: datetime | None = None
    failures: int = 0

    @property
    def key(self) -> RunKey:
        """The key of its run."""
        return RunKey(self.dag_id, self.run_id)

    @property
    def instance_name(self) -> str:
        """``t_import#0``."""
        return f"{self.task_name}#{self.number}"

    @property
    def is_promise(self) -> bool:
        """Whether its run is still to be created. Its state says so, and it has the run's content."""
        return self.seen_run.state == PROMISED.state and self.promised_run is not None


@dataclass(frozen=True, kw_only=True)
class RunState:
    """A DAG run's state in Airflow, and when it changed.

    :param state: None when the run is gone.
    """

    dag_id: str
    run_id: str
    state: str | None
    queued_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class DagInAirflow:
    """The DAG of a run. ``active_runs`` are the ids of some of the runs that occupy its ``max_active_runs``."""

    paused: bool
    stale: bool
    import_errors: bool
    max_active_runs: int
    max_active_tasks: int
    active_count: int = 0
    active_runs: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PoolInAirflow:
    """A pool: its slots, and how many of them are free."""

    slots: float
    open: float


@dataclass(frozen=True, kw_only=True)
class TaskInAirflow:
    """A task instance of a run that has not ended.

    :param state: Airflow's; None: the scheduler has not looked at it yet.
    :param since: when it came into this state, if known.
    :param pool_state: its pool; None when there is no such pool.
    """

    task_id: str
    map_index: int
    state: str | None
    since: datetime | None
    pool: str
    pool_slots: int
    queue: str | None
    try_number: int
    pool_state: PoolInAirflow | None = None

    @property
    def label(self) -> str:
        """Its name for people."""
        return self.task_id if self.map_index < 0 else f"{self.task_id}[{self.map_index}]"


@dataclass(frozen=True, kw_only=True)
class RunInAirflow:
    """A DAG run as Airflow has it now, and what it depends on.

    :param state: None when the run is gone.
    :param dag: None when there is no such DAG any more.
    :param tasks: some of the unfinished task instances; ``task_count``: how many there are.
    :param busy_slots: how many task instances are queued or running in all of Airflow; ``slots``: how many may be.
    :param scheduler_seen: the last heartbeat of any scheduler; ``scheduler_alive``: whether it is recent.
    :param retry_at: when the controller tries again to apply the run; ``failures``: its failed tries so far.
    :param error: why it failed.
    """

    dag_id: str
    run_id: str
    state: str | None
    queued_at: datetime | None = None
    run_after: datetime | None = None
    dag: DagInAirflow | None = None
    tasks: tuple[TaskInAirflow, ...] = ()
    task_count: int = 0
    busy_slots: int = 0
    slots: int = 0
    scheduler_seen: datetime | None = None
    scheduler_alive: bool = True
    retry_at: datetime | None = None
    failures: int = 0
    error: str | None = None
