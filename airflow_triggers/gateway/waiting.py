"""Reads from Airflow's tables what a DAG run waits for, and who acted on it. Nothing is changed.

Neighbours: ``runs.py`` creates, observes and marks runs.
``history/run_reasons.py`` puts these values into words; ``history/`` and ``controller/`` ask.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from airflow.configuration import conf
from airflow.jobs.job import Job, JobState
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.log import Log
from airflow.models.pool import Pool
from airflow.models.taskinstance import TaskInstance
from airflow.utils.state import DagRunState, TaskInstanceState
from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from airflow_triggers.domain.runs import DagInAirflow, PoolInAirflow, RunInAirflow, RunState, TaskInAirflow

MOST_NAMES = 5
"""At most this many active runs are named, and as many unfinished tasks."""

ACTS = (
    "bulk_dag_runs",
    "bulk_task_instances",
    "clear_dag_run",
    "clear_dag_run_partitions",
    "clear_dag_runs",
    "delete_dag_run",
    "patch_dag_run",
    "patch_task_group_instances",
    "patch_task_instance",
    "post_clear_task_instances",
)
"""The audit log's names for the acts that clear, mark or delete a run, or tasks of it."""

_AT_WORK = (TaskInstanceState.QUEUED, TaskInstanceState.RUNNING)
_END_STATES = (
    TaskInstanceState.SUCCESS,
    TaskInstanceState.FAILED,
    TaskInstanceState.SKIPPED,
    TaskInstanceState.UPSTREAM_FAILED,
    TaskInstanceState.REMOVED,
)


def last_actor(session: Session, dag_id: str, run_id: str, *, since: datetime | None) -> str | None:
    """Who last cleared, marked or deleted the run in Airflow, by its audit log; None when the log does not say.

    :param since: acts before this moment do not count: they were seen before.
    """
    names_run = or_(Log.run_id == run_id, Log.extra.contains(json.dumps(run_id), autoescape=True))
    query = select(Log.owner).where(Log.dag_id == dag_id, Log.event.in_(ACTS), names_run)
    if since is not None:
        query = query.where(Log.dttm > since)
    return session.scalar(query.order_by(Log.dttm.desc()).limit(1))


def look_at_run(session: Session, dag_id: str, run_id: str, *, now: datetime) -> RunInAirflow:
    """The run as Airflow has it, and what it depends on."""
    run = RunInAirflow(dag_id=dag_id, run_id=run_id, state=None, dag=_dag(session, dag_id))
    columns = (DagRun.state, DagRun.queued_at, DagRun.run_after)
    row = session.execute(
        select(*columns).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id)
    ).one_or_none()
    if row is None:
        return run
    state = str(row.state)
    run = replace(
        run,
        state=state,
        queued_at=row.queued_at,
        run_after=row.run_after,
    )
    if state == DagRunState.QUEUED:
        run = replace(run, dag=_with_active_runs(session, dag_id, run.dag))
    if state == DagRunState.RUNNING:
        run = _with_tasks(session, run)
    return _with_schedulers(session, run, now=now)


def state_of_run(session: Session, dag_id: str, run_id: str) -> RunState:
    """The run's state alone."""
    columns = (DagRun.state, DagRun.queued_at, DagRun.start_date, DagRun.end_date)
    query = select(*columns).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id)
    row = session.execute(query).one_or_none()
    if row is None:
        return RunState(dag_id=dag_id, run_id=run_id, state=None)
    return RunState(
        dag_id=dag_id,
        run_id=run_id,
        state=str(row.state),
        queued_at=row.queued_at,
        started_at=row.start_date,
        ended_at=row.end_date,
    )


def _dag(session: Session, dag_id: str) -> DagInAirflow | None:
    row = session.execute(
        select(
            DagModel.is_paused,
            DagModel.is_stale,
            DagModel.has_import_errors,
            DagModel.max_active_runs,
            DagModel.max_active_tasks,
        ).where(DagModel.dag_id == dag_id)
    ).one_or_none()
    if row is None:
        return None
    return DagInAirflow(
        paused=bool(row.is_paused),
        stale=bool(row.is_stale),
        import_errors=bool(row.has_import_errors),
        max_active_runs=row.max_active_runs,
        max_active_tasks=row.max_active_tasks,
    )


def _with_active_runs(session: Session, dag_id: str, dag: DagInAirflow | None) -> DagInAirflow | None:
    if dag is None:
        return None
    running = (DagRun.dag_id == dag_id, DagRun.state == DagRunState.RUNNING, DagRun.backfill_id.is_(None))
    count = session.scalar(select(func.count()).select_from(DagRun).where(*running)) or 0
    run_ids = session.scalars(
        select(DagRun.run_id).where(*running).order_by(DagRun.start_date).limit(MOST_NAMES)
    )
    return replace(dag, active_count=count, active_runs=tuple(run_ids))


def _with_tasks(session: Session, run: RunInAirflow) -> RunInAirflow:
    state: ColumnElement[Any] = TaskInstance.__table__.c.state
    is_unfinished = (
        TaskInstance.dag_id == run.dag_id,
        TaskInstance.run_id == run.run_id,
        or_(state.is_(None), state.not_in(_END_STATES)),
    )
    count = session.scalar(select(func.count()).select_from(TaskInstance).where(*is_unfinished)) or 0
    columns = (
        TaskInstance.task_id,
        TaskInstance.map_index,
        TaskInstance.state,
        TaskInstance.scheduled_dttm,
        TaskInstance.queued_dttm,
        TaskInstance.start_date,
        TaskInstance.pool,
        TaskInstance.pool_slots,
        TaskInstance.queue,
        TaskInstance.try_number,
    )
    order = (state.is_(None), TaskInstance.task_id, TaskInstance.map_index)
    rows = session.execute(select(*columns).where(*is_unfinished).order_by(*order).limit(MOST_NAMES)).all()
    tasks = tuple(_task(row) for row in rows)
    if any(task.state == TaskInstanceState.SCHEDULED for task in tasks):
        run = replace(run, busy_slots=_busy_slots(session))
        pools = Pool.slots_stats(session=session)
        tasks = tuple(_in_pool(task, pools) for task in tasks)
    return replace(run, tasks=tasks, task_count=count)


def _task(row: Any) -> TaskInAirflow:
    since = {
        TaskInstanceState.SCHEDULED: row.scheduled_dttm,
        TaskInstanceState.QUEUED: row.queued_dttm,
        TaskInstanceState.RUNNING: row.start_date,
        TaskInstanceState.DEFERRED: row.start_date,
    }
    return TaskInAirflow(
        task_id=row.task_id,
        map_index=row.map_index,
        state=str(row.state) if row.state else None,
        since=since.get(row.state),
        pool=row.pool,
        pool_slots=row.pool_slots,
        queue=row.queue,
        try_number=row.try_number,
    )


def _in_pool(task: TaskInAirflow, pools: Any) -> TaskInAirflow:
    stats = pools.get(task.pool)
    state = PoolInAirflow(slots=stats["total"], open=stats["open"]) if stats else None
    return replace(task, pool_state=state)


def _busy_slots(session: Session) -> int:
    state: ColumnElement[Any] = TaskInstance.__table__.c.state
    return session.scalar(select(func.count()).select_from(TaskInstance).where(state.in_(_AT_WORK))) or 0


def _with_schedulers(session: Session, run: RunInAirflow, *, now: datetime) -> RunInAirflow:
    """Add whether a scheduler is alive, and how many tasks all schedulers together let run."""
    job_type, threshold = "SchedulerJob", conf.getint("scheduler", "scheduler_health_check_threshold")
    last = session.scalar(select(func.max(Job.latest_heartbeat)).where(Job.job_type == job_type))
    recent = now - timedelta(seconds=threshold)
    alive = (
        select(func.count())
        .select_from(Job)
        .where(Job.job_type == job_type, Job.state == JobState.RUNNING, Job.latest_heartbeat >= recent)
    )
    count = session.scalar(alive) or 0
    slots = conf.getint("core", "parallelism") * max(count, 1)
    return replace(run, scheduler_seen=last, scheduler_alive=count > 0, slots=slots)
