"""Calls a trigger task's callable in this process, and reports the outcome to the manager.

For runners whose instances are not DAG runs: ``threading.py``, and the one of ``airflow_triggers.testing``.
"""

from __future__ import annotations

import logging
import threading

from airflow.sdk.exceptions import AirflowSkipException

from airflow_triggers.configuration.callables import callable_path
from airflow_triggers.domain.configuration import TaskConfig
from airflow_triggers.domain.events import Cause, cause_details
from airflow_triggers.domain.instances import TaskInstance
from airflow_triggers.domain.metadata import RESULT
from airflow_triggers.domain.states import Event
from airflow_triggers.errors import ConfigurationError, InvalidTransition, RunnerError
from airflow_triggers.runners.base import Start
from airflow_triggers.runners.progress import FAULTS, fail, is_system_fault
from airflow_triggers.task import TaskContext, TriggerCallable, call, load_callable

log = logging.getLogger(__name__)


def perform(start: Start, function: TriggerCallable | None = None) -> TaskInstance:
    """Run the instance of a start to its end, and report each step. The lock must not be held.

    :param function: called with the :class:`TaskContext`; None: the callable in the task's ``run``.
    :returns: the instance afterwards.
    :raises InvalidTransition: when somebody else changed the instance's status meanwhile.
    :raises Exception: the reason why progress could not be recorded. The instance has failed with it, unless the
        storage was the cause.
    """
    try:
        return _perform(start, function)
    except FAULTS as error:
        if not isinstance(error, InvalidTransition) and not is_system_fault(error):
            _fail(start, error)
        raise


def _fail(start: Start, error: BaseException) -> None:
    """Fail the instance without its manager, which raised on the report of the progress."""
    storage, name = start.storage, start.instance.name
    why = Cause(
        f"thread {threading.current_thread().name}", cause_details("its progress could not be recorded")
    )
    try:
        with storage.acquire_lock():
            fail(storage, name, error, why=why)
    except Exception:
        log.exception("%s of session %s cannot be failed", name, storage.uid)


def _perform(start: Start, function: TriggerCallable | None) -> TaskInstance:
    start.report(Event.START)
    context = context_of(start)
    try:
        result = call(function or load_callable(path_of_run(start.instance.task)), context)
    except AirflowSkipException as skip:
        return start.report(Event.WAIVE, report=context.report(skip))
    except BaseException as error:  # noqa: BLE001 - the task's own, sys.exit() too: it belongs to the instance
        return start.report(Event.FAIL, report=context.report(error))
    return start.report(
        Event.FINISH,
        metadata={RESULT: result},
        cascade=True,
        cascade_kwargs=result,
        report=context.report(),
    )


def context_of(start: Start) -> TaskContext:
    """The callable's argument."""
    instance = start.instance
    return TaskContext(
        trigger_kwargs=start.kwargs,
        session_uid=start.storage.uid,
        instance_name=instance.name,
        task_name=instance.task.name,
        number=instance.number,
        configuration=start.configuration.name,
        manager_name=start.manager.name,
        task=instance.task,
        metadata=instance.metadata,
        session_manager=start.manager,
    )


def path_of_run(task: TaskConfig) -> str:
    """The callable in the task's ``run``, as ``module:function``.

    :raises RunnerError: when it names no callable importable in this process.
    """
    try:
        path = callable_path(task.run) if isinstance(task.run, str) else None
    except ConfigurationError as error:
        raise RunnerError(str(error)) from error
    if path is None:
        raise RunnerError(
            f"'run' is {task.run!r}, expected a callable ('package.module.function' or 'module:function'): only a "
            "callable can run without Airflow."
        )
    return path
