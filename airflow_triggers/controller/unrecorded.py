"""Fails the instance of a run whose progress could not be recorded in all tries.

Otherwise nobody could move the instance on; a failed one can be replayed or skipped. From then on the run no longer
counts, as when somebody sets the status by hand. A cleared run counts again. Neighbours: ``loop.py`` counts the tries
and comes here, ``runners/progress.py`` fails an instance without its manager.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from airflow_triggers import gateway
from airflow_triggers.controller.apply import CONTROLLER
from airflow_triggers.domain.events import Cause, cause_details
from airflow_triggers.domain.failures import describe_exception
from airflow_triggers.domain.instances import STATUSES_WITHOUT_WORK, InstanceStatus, TaskInstance
from airflow_triggers.domain.metadata import EXCEPTION_MESSAGE, EXCEPTION_TYPE
from airflow_triggers.domain.runs import RunKey, SeenRun
from airflow_triggers.domain.states import Event
from airflow_triggers.errors import ProgressNotRecorded
from airflow_triggers.manager.manager import TriggerManager
from airflow_triggers.runners import bindings, progress, promises
from airflow_triggers.runners.transactions import after_saving, with_session

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 10
"""Tries in a row to record a run's progress. The pauses grow; all tries together take about nine minutes."""


@dataclass(frozen=True, kw_only=True)
class UnrecordedRun:
    """A run whose progress could not be recorded.

    :param attempts: the number of tries in a row.
    :param error: the error of the last try.
    """

    key: RunKey
    attempts: int
    error: BaseException

    @property
    def cause(self) -> dict[str, Any]:
        """The cause, for the history."""
        phrase = f"what its DAG run did could not be recorded in {self.attempts} tries"
        return cause_details(phrase, dag_id=self.key.dag_id, run_id=self.key.run_id)

    @property
    def reason(self) -> ProgressNotRecorded:
        """The error to fail the instance with."""
        error = describe_exception(self.error)
        reason = ProgressNotRecorded(
            self.key.run_id,
            self.key.dag_id,
            self.attempts,
            f"{error[EXCEPTION_TYPE]}: {error[EXCEPTION_MESSAGE]}",
        )
        reason.__cause__ = self.error
        return reason


def fail_instance(manager: TriggerManager, run: UnrecordedRun) -> bool:
    """Fail the run's instance by its manager. If this raises too, fail it by the storage alone.

    :returns: whether nothing is left to try; False when even this could not be saved.
    """
    for fail in (_fail_by_manager, _fail_by_storage):
        try:
            with manager.storage.acquire_lock(wait=False):
                _settle(manager, run, fail)
        except progress.FAULTS:
            log.exception("Triggers controller: the instance of run %s cannot be failed", run.key.run_id)
        else:
            return True
    return False


Fail = Callable[[TriggerManager, TaskInstance, UnrecordedRun], object]


def _fail_by_manager(manager: TriggerManager, instance: TaskInstance, run: UnrecordedRun) -> object:
    metadata = describe_exception(run.reason)
    return manager.record_progress(
        instance.name, Event.FAIL, metadata=metadata, by=CONTROLLER, cause=run.cause
    )


def _fail_by_storage(manager: TriggerManager, instance: TaskInstance, run: UnrecordedRun) -> object:
    return progress.fail(manager.storage, instance.name, run.reason, why=Cause(CONTROLLER, run.cause))


def _settle(manager: TriggerManager, run: UnrecordedRun, fail: Fail) -> None:
    """Fail the instance, unless it was brought up to date meanwhile. Remember the run as it is now."""
    storage = manager.storage
    with with_session(storage) as session:
        binding = bindings.find_by_run(session, run.key)
        if binding is None or binding.failures < MAX_ATTEMPTS:
            return
        now = _visible(lambda: gateway.see_run(session, *run.key, is_compiled=binding.is_compiled))
    instance = storage[binding.instance_name]
    if instance.status in STATUSES_WITHOUT_WORK or (now is None and instance.status is InstanceStatus.FAILED):
        return
    if binding.is_promise:
        storage.after_release(partial(promises.withdraw, run.key))
    else:
        seen_run = now or bindings.seen_of(instance, binding)
        is_watched = now is not None and now.state != "success"
        noting = partial(bindings.note_applied, run=run.key, seen_run=seen_run, is_watched=is_watched)
        after_saving(storage, noting)
        if not storage.in_airflow_database:
            instance = bindings.with_seen(storage, instance, run.key, seen_run)
    fail(manager, instance, run)


def _visible(see: Callable[[], SeenRun | None]) -> SeenRun | None:
    """The run as it is; None also when reading it raises."""
    try:
        return see()
    except progress.FAULTS:
        log.exception("Triggers controller: a run cannot be looked at")
        return None
