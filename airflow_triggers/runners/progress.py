"""Records an instance's progress with the rules and the storage alone, in the plainest way.

The manager records progress this way, and may do more: it may be somebody's own class. Where the manager raises,
``inprocess.py`` and ``controller/`` use this module alone to fail the instance. People can replay or skip a failed
instance, and no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_triggers.domain.events import Cause, EventKind, error_details, progress_details
from airflow_triggers.domain.failures import describe_exception, failure_in_short
from airflow_triggers.domain.instances import TaskInstance
from airflow_triggers.domain.states import Event, transition
from airflow_triggers.errors import CannotDelay, StaleWrite, StorageError
from airflow_triggers.runners.measures import count_statuses
from airflow_triggers.storages.base import BaseStorageBackend

FAULTS = (Exception, SystemExit)
"""Errors of a user's manager, runner or hook. ``SystemExit`` is one: a callable may end with ``sys.exit()``."""


def is_system_fault(error: BaseException) -> bool:
    """Whether the system failed and not the instance: its database is away, busy or not migrated.

    A later try may succeed, so such an error fails nothing. Two storage errors are the instance's own: a stale write
    (optimistic lock), and a fire that the storage cannot delay.
    """
    return isinstance(error, StorageError) and not isinstance(error, (CannotDelay, StaleWrite))


def record(
    storage: BaseStorageBackend,
    before: TaskInstance,
    event: Event,
    *,
    metadata: Mapping[str, Any] | None = None,
    why: Cause,
) -> TaskInstance:
    """Change the instance's status, and record in the history the change, its cause and who made it.

    Under the session's lock.

    :returns: the instance afterwards.
    :raises InvalidTransition: when its status does not allow the event.
    """
    after = transition(before, event, now=storage.now(), metadata=metadata)
    storage.put(before, after)
    count_statuses(storage, [after])
    details = progress_details(
        event.value, before=before.status.value, after=after.status.value, cause=why.details
    )
    if event is Event.FAIL:
        details |= error_details(failure_in_short(after.metadata))
    storage.record_event(EventKind.PROGRESS, instance=before.name, by=why.by, details=details)
    return after


def fail(
    storage: BaseStorageBackend, instance_name: str, error: BaseException, *, why: Cause
) -> TaskInstance:
    """Fail the instance with the error. Under the session's lock.

    :raises InvalidTransition: when its status does not allow it.
    """
    return record(storage, storage[instance_name], Event.FAIL, metadata=describe_exception(error), why=why)
