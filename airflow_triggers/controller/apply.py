"""Applies the decision about a run to its instance, with what the run's tasks left behind.

Neighbours: ``observation.py`` has read the run, ``decide.py`` decides, ``loop.py`` calls this under the session's lock.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from airflow_triggers import gateway
from airflow_triggers.controller.cause import cause_of
from airflow_triggers.controller.decide import Decision
from airflow_triggers.controller.measures import time_run
from airflow_triggers.controller.observation import ObservedRun
from airflow_triggers.domain import jsonb
from airflow_triggers.domain.events import Detail, cause_details
from airflow_triggers.domain.failures import describe_exception
from airflow_triggers.domain.instances import TaskInstance
from airflow_triggers.domain.metadata import RESULT, UNREADABLE
from airflow_triggers.domain.names import RunKind, run_kind
from airflow_triggers.domain.report import TaskReport, merge
from airflow_triggers.domain.states import Event
from airflow_triggers.domain.validation import validate_trigger_kwargs
from airflow_triggers.errors import InvalidReport, InvalidTrigger, RunDeleted, RunFailed, TaskProcessDied
from airflow_triggers.manager.manager import TriggerManager
from airflow_triggers.storages.stored import Unreadable

log = logging.getLogger(__name__)


CONTROLLER = "controller"
"""The author of a status change by Airflow's scheduler and workers, when no person acted."""


def apply(manager: TriggerManager, instance: TaskInstance, decision: Decision, run: ObservedRun) -> None:
    """Have the manager record what happened, event by event. Under the session's lock."""
    for event in decision.events:
        if event is Event.FAIL:
            after = _fail(manager, instance, run)
        elif event is Event.FINISH:
            after = _finish(manager, instance, run)
        else:
            after = _record(manager, instance, run, event)
        time_run(manager.storage, instance, event, moments=run.moments)
        log.info(
            "Session %s: %s %s → %s (DAG run %s of %s)",
            manager.storage.uid,
            instance.name,
            instance.status.value,
            after.status.value,
            run.key.run_id,
            run.key.dag_id,
        )
        instance = after


def _record(
    manager: TriggerManager, instance: TaskInstance, run: ObservedRun, event: Event, **outcome: Any
) -> TaskInstance:
    """Have the manager record the event, with its cause for the history."""
    phrase = cause_of(instance.status, event, seen_run=run.seen_run, now=run.now)
    cause = cause_details(phrase, dag_id=run.key.dag_id, run_id=run.key.run_id)
    cause[Detail.RUN_STATE] = run.now.state if run.now else None
    if run.now and run.now.clear_number:
        cause[Detail.CLEAR_NUMBER] = run.now.clear_number
    by = f"{run.actor} in Airflow" if run.actor else CONTROLLER
    return manager.record_progress(instance, event, by=by, cause=cause, **outcome)


def _finish(manager: TriggerManager, instance: TaskInstance, run: ObservedRun) -> TaskInstance:
    """The run succeeded: finish the instance with the run's result, or skip it if its tasks skipped themselves.

    A report or a result that cannot be used fails the instance instead.
    """
    try:
        report = _without_failure(_report(run))
        if run.is_waived:
            return _record(manager, instance, run, Event.WAIVE, report=report)
        result = _exact_result(_readable(run.xcoms.result, verb="returned"), report)
        kwargs = validate_trigger_kwargs(_as_kwargs(result))
    except (InvalidReport, InvalidTrigger) as error:
        return _record(manager, instance, run, Event.FAIL, metadata=describe_exception(error))
    return _record(
        manager,
        instance,
        run,
        Event.FINISH,
        metadata={RESULT: result},
        cascade=True,
        cascade_kwargs=kwargs,
        report=report,
    )


def _exact_result(result: Any, report: TaskReport) -> Any:
    """What the run returned. The task's report counts where Airflow's XCom could not keep the value exactly.

    If somebody changed the XCom since, the XCom counts.
    """
    return report.result if report.result is not None and jsonb.may_be_same(report.result, result) else result


def _as_kwargs(result: Any) -> Mapping[str, Any]:
    """What a run returned, as kwargs. A mapping stays as it is; another value goes under its XCom key."""
    if result is None:
        return {}
    return result if isinstance(result, Mapping) else {gateway.RETURN_KEY: result}


def _fail(manager: TriggerManager, instance: TaskInstance, run: ObservedRun) -> TaskInstance:
    """The run failed: fail the instance with what its task reported, else with what Airflow knows."""
    if run.now is None:
        error = RunDeleted(f"The DAG run {run.key.run_id!r} of {run.key.dag_id!r} was deleted in Airflow.")
        return _record(manager, instance, run, Event.FAIL, metadata=describe_exception(error))
    try:
        report = _report(run)
    except InvalidReport as error:
        return _record(manager, instance, run, Event.FAIL, metadata=describe_exception(error))
    if "failed" not in run.task_states.values():
        # A report of an earlier try is not why the run failed now.
        report = _without_failure(report)
    metadata = {} if report.exception else describe_exception(_run_failure(instance, run))
    return _record(manager, instance, run, Event.FAIL, metadata=metadata, report=report)


def _run_failure(instance: TaskInstance, run: ObservedRun) -> Exception:
    """Why a run failed, where no task reported it."""
    failed_task_ids = sorted(task_id for task_id, state in run.task_states.items() if state == "failed")
    if run_kind(instance.task.run) is RunKind.CALLABLE and failed_task_ids:
        return TaskProcessDied(
            "The task's process ended without reporting an exception: it was killed, marked failed, ran out of "
            f"memory, or could not load its DAG file. Its log in Airflow, run {run.key.run_id!r} of "
            f"{run.key.dag_id!r}, may say more."
        )
    reason = (
        f"failed tasks: {', '.join(failed_task_ids)}"
        if failed_task_ids
        else "no task of it failed; it timed out or was marked failed"
    )
    return RunFailed(
        f"The DAG run {run.key.run_id!r} of {run.key.dag_id!r} failed ({reason}). Their logs in Airflow say why."
    )


def _without_failure(report: TaskReport) -> TaskReport:
    """The report without its exception and its retry, which belong to a failure."""
    return replace(report, exception=None, retry=None)


def _report(run: ObservedRun) -> TaskReport:
    """:raises InvalidReport: when a task's report cannot be used."""
    return merge(TaskReport.from_json(_readable(report, verb="reported")) for report in run.xcoms.reports)


def _readable(value: Any, *, verb: str) -> Any:
    """What a task left behind. :raises InvalidReport: when it cannot be read."""
    if isinstance(value, Unreadable):
        raise InvalidReport(f"What a task {verb} cannot be read: {value[UNREADABLE]}.")
    return value
