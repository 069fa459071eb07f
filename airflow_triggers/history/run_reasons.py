"""Turns Airflow's facts about a DAG run into the reasons why it has not started, or not ended. Pure.

Neighbours: ``gateway.waiting`` reads Airflow's tables, ``reasons.py`` makes the reasons part of an explanation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from airflow_triggers.domain.disclosure import EVERYTHING, Disclosure
from airflow_triggers.domain.instances import InstanceStatus
from airflow_triggers.domain.runs import IN_FLIGHT, RunInAirflow, TaskInAirflow
from airflow_triggers.sentences import moment, sentence


@dataclass(frozen=True)
class Reason:
    """What stands in the way, or what settled it.

    :param code: a word for programs (``missing_trigger``, ``dag_paused``, ``pool_full``, …).
    :param text: a sentence for people.
    """

    code: str
    text: str


def reasons_of_run(
    run: RunInAirflow, status: InstanceStatus, *, now: datetime, disclosure: Disclosure = EVERYTHING
) -> Iterator[Reason]:
    """What a DAG run waits for.

    :param status: the status of its instance, scheduled or running.
    :param disclosure: which facts of Airflow may be shown.
    """
    if run.failures:
        again = f" It looks again at {moment(run.retry_at)}." if run.retry_at else ""
        yield Reason(
            "backoff",
            sentence(
                f"The triggers controller could not apply what the run did ({run.failures} times)",
                run.error or "its log says why",
            )
            + again,
        )
    if run.state == "promised":
        yield Reason("run_promised", "Its DAG run is about to be created.")
    elif run.state is None:
        yield Reason("run_gone", f"Its DAG run is not in Airflow any more. {_CONTROLLER}")
    elif run.state in ("success", "failed"):
        yield Reason("run_ended", f"Its DAG run is {run.state} in Airflow. {_CONTROLLER}")
    else:
        yield from _in_flight(run, status, now=now, disclosure=disclosure)


_CONTROLLER = (
    "The triggers controller tells the session within seconds; if it does not, see that one runs (beside a scheduler, "
    "or 'airflow triggers controller')."
)


def _in_flight(
    run: RunInAirflow, status: InstanceStatus, *, now: datetime, disclosure: Disclosure
) -> Iterator[Reason]:
    if disclosure.dag(run.dag_id):
        yield from _dag(run)
    if not run.scheduler_alive:
        last = (
            f"the last heartbeat was at {moment(run.scheduler_seen)}"
            if run.scheduler_seen
            else "none ran yet"
        )
        yield Reason("no_scheduler", f"No scheduler of Airflow is alive: {last}.")
    if run.state == "queued":
        yield from _queued_run(run, now=now, disclosure=disclosure)
        return
    if status is InstanceStatus.SCHEDULED:
        yield Reason("run_started", f"Its DAG run has started in Airflow. {_CONTROLLER}")
    if disclosure.task_instances(run.dag_id):
        yield from _tasks(run, disclosure)
    else:
        yield Reason(
            "run_running",
            "Its DAG run is running. What its tasks do is shown to who may read its task instances.",
        )


def _dag(run: RunInAirflow) -> Iterator[Reason]:
    if run.dag is None or run.dag.stale:
        yield Reason("dag_missing", f"The DAG {run.dag_id} is not deployed any more. Deploy it again.")
    elif run.dag.import_errors:
        yield Reason("dag_import_errors", f"The file of the DAG {run.dag_id} has import errors. Repair it.")
    if run.dag is not None and run.dag.paused:
        yield Reason("dag_paused", f"The DAG {run.dag_id} is paused. Unpause it.")


def _queued_run(run: RunInAirflow, *, now: datetime, disclosure: Disclosure) -> Iterator[Reason]:
    since = f" since {moment(run.queued_at)}" if run.queued_at else ""
    if run.run_after is not None and run.run_after > now:
        yield Reason("run_after", f"Its DAG run begins at {moment(run.run_after)}, and not before.")
    elif run.dag is not None and run.dag.active_count >= run.dag.max_active_runs:
        run_ids = ", ".join(run.dag.active_runs)
        ellipsis = ", …" if run.dag.active_count > len(run.dag.active_runs) else ""
        limit = f" is {run.dag.max_active_runs}" if disclosure.dag(run.dag_id) else " allows no more"
        yield Reason(
            "max_active_runs",
            sentence(
                f"{run.dag.active_count} runs of the DAG {run.dag_id} are running, and its max_active_runs{limit}",
                f"{run_ids}{ellipsis}",
            ),
        )
    else:
        yield Reason("run_queued", f"Its DAG run is queued{since}, for the scheduler to start.")


def _tasks(run: RunInAirflow, disclosure: Disclosure) -> Iterator[Reason]:
    active = [task for task in run.tasks if task.state is not None]
    at_work = len([task for task in active if task.state in IN_FLIGHT])
    for task in active or run.tasks[:1]:
        yield _task(run, task, at_work=at_work, disclosure=disclosure)
    if run.task_count > len(run.tasks):
        yield Reason("more_tasks", f"{run.task_count - len(run.tasks)} more tasks have not ended.")


def _task(run: RunInAirflow, task: TaskInAirflow, *, at_work: int, disclosure: Disclosure) -> Reason:
    since = f" since {moment(task.since)}" if task.since else ""
    match task.state:
        case "running":
            return Reason(
                "task_running", f"The task {task.label!r} is running{since} (try {task.try_number})."
            )
        case "queued":
            queue = f" of the queue {task.queue!r}" if task.queue and task.queue != "default" else ""
            return Reason(
                "task_queued",
                f"The task {task.label!r} is queued{since}: no worker{queue} has taken it from the executor.",
            )
        case "scheduled":
            return _scheduled_task(run, task, at_work=at_work, disclosure=disclosure)
        case "up_for_retry":
            return Reason(
                "task_retry", f"The task {task.label!r} failed in try {task.try_number}, and is tried again."
            )
        case "deferred":
            return Reason("task_deferred", f"The task {task.label!r} is deferred{since}, to the triggerer.")
        case "up_for_reschedule":
            return Reason("task_reschedule", f"The task {task.label!r} looks again later what it waits for.")
        case None:
            return Reason("task_waits", f"The task {task.label!r} has not been looked at by the scheduler.")
        case state:
            return Reason("task_state", f"The task {task.label!r} is {state}{since}.")


def _scheduled_task(
    run: RunInAirflow, task: TaskInAirflow, *, at_work: int, disclosure: Disclosure
) -> Reason:
    """Why the scheduler has not handed a ready task to the executor."""
    since = f" since {moment(task.since)}" if task.since else ""
    if (reason := _pool(task, visible=disclosure.pool(task.pool), since=since)) is not None:
        return reason
    if run.dag is not None and at_work >= run.dag.max_active_tasks:
        limit = f"is {run.dag.max_active_tasks}" if disclosure.dag(run.dag_id) else "allows no more"
        return Reason(
            "max_active_tasks",
            f"The task {task.label!r} waits{since}: {at_work} tasks of the run are at work, and the DAG's "
            f"max_active_tasks {limit}.",
        )
    if run.slots and run.busy_slots >= run.slots:
        used_up = "Airflow is at work on as many tasks as its parallelism allows"
        if disclosure.cluster():
            used_up = f"{run.busy_slots} tasks are at work in all of Airflow, and its parallelism allows {run.slots}"
        return Reason("parallelism", f"The task {task.label!r} waits{since}: {used_up}.")
    return Reason("task_scheduled", f"The task {task.label!r} is ready{since}, for the scheduler to queue.")


def _pool(task: TaskInAirflow, *, visible: bool, since: str) -> Reason | None:
    """How its pool holds a task up; None if it does not.

    :param visible: whether the pool may be shown; if not, the sentence neither names it nor says how full it is.
    """
    pool, slots, label = task.pool_state, task.pool_slots, task.label
    if pool is None:
        name = f"the pool {task.pool!r}: there is none" if visible else "a pool that does not exist"
        return Reason("pool_missing", f"The task {label!r} asks for {name}.")
    if pool.slots < slots:
        size = (
            f"takes {slots} slots, and the pool {task.pool!r} has {pool.slots:g} in all"
            if visible
            else "takes more slots than its pool has"
        )
        return Reason("pool_too_small", f"The task {label!r} {size}.")
    if pool.open < slots:
        name = (
            f"the pool {task.pool!r}: {max(0, pool.open):g} of {pool.slots:g} are free, and it takes {slots}"
            if visible
            else "its pool"
        )
        return Reason("pool_full", f"The task {label!r} waits{since} for a slot of {name}.")
    return None
