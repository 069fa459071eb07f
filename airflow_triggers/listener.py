"""The listener: keeps a controller running beside the scheduler, and tells it of runs marked by people.

Airflow calls ``on_starting`` in every component, before the component's job says what it is. But the job is a mapped
object, and SQLAlchemy reports its changes. Its ``state`` becomes ``running`` when the component really starts. Its
``latest_heartbeat`` changes every few seconds (``[scheduler] scheduler_heartbeat_sec``) while the component works.

Neighbours: ``plugin.py`` registers it, ``controller/process.py`` is the process to keep running,
``runners/bindings.py`` knows the runs, DAG files import ``configuration/compile.py``.
"""

from __future__ import annotations

import logging
from typing import Any

from airflow.listeners import hookimpl

log = logging.getLogger(__name__)

SCHEDULER = "SchedulerJob"
DAG_PROCESSOR = "DagProcessorJob"
RUNNING = "running"


class TriggersListener:
    """Airflow's hooks for the life of a component, and for the end of a DAG run."""

    def __init__(self) -> None:
        self._watched_jobs: list[WatchedJob] = []

    @hookimpl
    def on_starting(self, component: object) -> None:
        """A component begins to start. If it turns out to be a scheduler, it gets a controller."""
        if _is_job(component):
            self._watched_jobs.append(WatchedJob(component))

    @hookimpl
    def before_stopping(self, component: object) -> None:
        """A component ends. Its controller, if it has one, ends first."""
        for watched_job in [
            watched_job for watched_job in self._watched_jobs if watched_job.job is component
        ]:
            self._watched_jobs.remove(watched_job)
            watched_job.end()

    @hookimpl
    def on_dag_run_success(self, dag_run: Any) -> None:
        """A run succeeded, or somebody marked it so."""
        self._have_looked_at(dag_run)

    @hookimpl
    def on_dag_run_failed(self, dag_run: Any) -> None:
        """A run failed, or somebody marked it so."""
        self._have_looked_at(dag_run)

    def _have_looked_at(self, dag_run: Any) -> None:
        """Have the controller look at an ended run, in the transaction that marks it.

        The controller would find it anyway, but only later, when it looks at all settled runs. In a component's own
        process this does nothing: a run ended by a scheduler was in flight before, and the controller watches it
        already. A boundary: after any error, the mark stands.
        """
        if self._watched_jobs:
            return
        run_id = None
        try:
            # Read before the watch: after the transaction has failed it cannot be read, and the log names it.
            run_id = dag_run.run_id
            _watch(dag_run)
        except Exception:
            log.exception("Triggers: the controller cannot be told of run %s", run_id)


class WatchedJob:
    """A job of this process. It reacts when the job begins to run and, for a scheduler's job, at each heartbeat."""

    def __init__(self, job: Any) -> None:
        from sqlalchemy import event

        self.job = job
        self._controller: Any = None
        self._events = ((type(job).state, self._on_state), (type(job).latest_heartbeat, self._on_heartbeat))
        for attribute, react in self._events:
            event.listen(attribute, "set", react)

    def end(self) -> None:
        """Stop watching, and end the controller."""
        from sqlalchemy import event

        for attribute, react in self._events:
            event.remove(attribute, "set", react)
        if self._controller is not None:
            self._controller.stop()

    def _on_state(self, job: Any, state: Any, *_: Any) -> None:
        if job is not self.job or state != RUNNING:
            return
        if job.job_type in (SCHEDULER, DAG_PROCESSOR):
            _import_for_forks()
        if job.job_type == DAG_PROCESSOR:
            _spare_other_dags()
        if job.job_type == SCHEDULER and self._controller is None:
            self._look_after_controller()

    def _on_heartbeat(self, job: Any, *_: Any) -> None:
        if job is self.job and self._controller is not None:
            self._look_after_controller()

    def _look_after_controller(self) -> None:
        """Start the controller if it is not running. A boundary: after any error, the scheduler goes on."""
        try:
            if self._controller is None:
                self._controller = _controller_process()
            if self._controller is not None:
                self._controller.keep_running()
        except Exception:
            log.exception("Triggers controller: cannot be kept running")


def _import_for_forks() -> None:
    """Import the modules of configurations' DAG files, before this process forks the readers of DAG files.

    The DAG processor forks one process for each file. The LocalExecutor forks workers, which fork one process for each
    task. None of them imports these modules again: this would take most of the time between a task's start and its
    code. A boundary: after an error, the DAG file's own import fails too, where people see it.
    """
    try:
        import airflow_triggers.configuration.compile  # noqa: F401
    except Exception:
        log.exception("Triggers: what DAG files import cannot be imported ahead of them")


def _spare_other_dags() -> None:
    """Have this process keep DAGs active beside a broken configuration. A boundary: the DAG processor goes on."""
    try:
        from airflow_triggers.gateway.import_errors import spare_other_dags

        spare_other_dags()
    except Exception:
        log.exception("Triggers: import errors of single configurations cannot be kept under their DAG file")


def _controller_process() -> Any:
    """The controller to keep running.

    None when the setting ``controller_autostart`` is off, or when the database is not supported.
    """
    from airflow.configuration import conf

    from airflow_triggers.controller.process import ControllerProcess, check_database
    from airflow_triggers.errors import UnsupportedDatabase

    if not conf.getboolean("triggers", "controller_autostart", fallback=True):
        log.info("Triggers controller: not started, [triggers] controller_autostart is off")
        return None
    try:
        check_database()
    except UnsupportedDatabase as error:
        log.error("Triggers controller: not started. %s", error)
        return None
    return ControllerProcess()


def _watch(dag_run: Any) -> None:
    from sqlalchemy.orm import object_session

    from airflow_triggers.domain.runs import SeenRun
    from airflow_triggers.runners import bindings
    from airflow_triggers.storages.dbmanager import is_supported

    session = object_session(dag_run)
    if session is not None and is_supported(session.get_bind().dialect):
        now = SeenRun(str(dag_run.state), dag_run.clear_number)
        with session.begin_nested():
            bindings.watch(session, dag_run.dag_id, dag_run.run_id, now)


def _is_job(component: object) -> bool:
    # Compared by name: in a task's process the component is only a marker, and no model may be imported there.
    kind = type(component)
    return (kind.__module__, kind.__name__) == ("airflow.jobs.job", "Job")
