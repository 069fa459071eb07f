"""Does items of a bulk act: those of one session, in one transaction, under the session's lock.

Each item gets its outcome in the transaction of the act. A process that dies in the middle leaves neither. A session
kept elsewhere has no such transaction: there the outcome follows the act. If the process dies in between, the item is
taken again, finds nothing to do, and its outcome is ``unchanged``. Neighbours: ``controller/bulk.py`` takes items;
``repairs.py`` has the acts on one instance.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_triggers.domain.acts import InstanceAct, Replay, SetStatus
from airflow_triggers.domain.bulk import BulkAct, BulkItem, BulkOutcome, Scope
from airflow_triggers.domain.failures import describe_exception, failure_in_short
from airflow_triggers.domain.instances import TaskInstance
from airflow_triggers.errors import (
    InstanceNotFound,
    InvalidTransition,
    SessionNotFound,
    TaskNotFound,
    TriggersError,
    UnreadableRow,
)
from airflow_triggers.manager.manager import TriggerManager
from airflow_triggers.runners import bindings
from airflow_triggers.runners.progress import FAULTS, is_system_fault
from airflow_triggers.runners.transactions import after_saving, with_session
from airflow_triggers.sessions.opening import open_session
from airflow_triggers.sessions.repairs import carry_out
from airflow_triggers.storages import bulk_queue, tables
from airflow_triggers.storages.base import BaseStorageBackend
from airflow_triggers.storages.bulk_queue import OwnerKey
from airflow_triggers.storages.transaction import transaction

log = logging.getLogger(__name__)

SESSION_DELETED = "The session was deleted."
OTHER_DAGS = "It comes under other DAGs now, for which nobody checked the rights. Make another bulk act."


@dataclass(frozen=True, kw_only=True)
class Work:
    """A bulk act, ready to be done.

    :param scope: the DAGs that it may touch; None: all.
    """

    bulk_act_id: int
    act: InstanceAct
    scope: Scope | None
    by: str | None

    @classmethod
    def of(cls, bulk_act: BulkAct) -> Work:
        """The work of a bulk act.

        :raises UnreadableRow: when its row cannot be read.
        """
        return cls(
            bulk_act_id=bulk_act.bulk_act_id,
            act=bulk_act.instance_act,
            scope=bulk_act.checked_scope,
            by=bulk_act.by,
        )


def do_items(work: Work, owner: OwnerKey, positions: Collection[int]) -> dict[int, BaseException]:
    """Do those of the items that have no outcome yet. All are items of one session.

    :returns: the failed items, by position, with their errors. They have no outcome, and may be tried again.
    :raises LockTimeout: when another process holds the session; nothing was done.
    """
    try:
        manager = open_session(owner.uid)
        with manager.storage.acquire_lock(wait=False):
            return _do_under_lock(work, manager, positions, owner)
    except SessionNotFound:
        _refuse_gone(work, positions)
        return {}


def _do_under_lock(
    work: Work, manager: TriggerManager, positions: Collection[int], owner: OwnerKey
) -> dict[int, BaseException]:
    storage = manager.storage
    with with_session(storage) as session:
        items = bulk_queue.take(session, work.bulk_act_id, positions)
        is_same_session = _key_of(session, storage) == owner
    done_items: list[BulkItem] = []
    failures: dict[int, BaseException] = {}
    for item in items:
        if not is_same_session:
            done_items.append(replace(item, outcome=BulkOutcome.REFUSED, reason=SESSION_DELETED))
            continue
        try:
            with storage.savepoint():
                done_items.append(_do(work, manager, item))
        except FAULTS as error:
            if is_system_fault(error):
                raise
            log.exception("Bulk act %d: %s of session %s failed", work.bulk_act_id, item.name, storage.uid)
            failures[item.position] = error
    after_saving(storage, lambda session: _settle(session, work, storage, done_items))
    return failures


def _key_of(session: Session, storage: BaseStorageBackend) -> OwnerKey | None:
    columns = tables.session.c
    query = select(columns.uid, columns.id, columns.created).where(columns.uid == storage.uid)
    row = session.execute(query).one_or_none()
    return None if row is None else OwnerKey(*row)


def _do(work: Work, manager: TriggerManager, item: BulkItem) -> BulkItem:
    """Do the act to the item's instance. Returns the item with its outcome."""
    storage, act = manager.storage, work.act
    try:
        instance = storage[item.name]
    except (InstanceNotFound, TaskNotFound, UnreadableRow) as error:
        return replace(item, outcome=BulkOutcome.REFUSED, reason=str(error))
    if work.scope is not None and not _is_covered(work.scope, storage, instance):
        return replace(item, outcome=BulkOutcome.LEFT_OUT, reason=OTHER_DAGS)
    if not act.changes(instance):
        return replace(
            item, outcome=BulkOutcome.UNCHANGED, reason=f"There was nothing to do: it is {instance.status}."
        )
    try:
        after = carry_out(manager, item.name, act, by=work.by, bulk_act_id=work.bulk_act_id)
    except InvalidTransition as error:
        # A replay or a skip is refused if somebody had the run cleared in Airflow a moment before.
        outcome = BulkOutcome.REFUSED if isinstance(act, SetStatus) else BulkOutcome.UNCHANGED
        return replace(item, outcome=outcome, reason=str(error))
    replay = after.name if isinstance(act, Replay) else None
    return replace(item, outcome=BulkOutcome.DONE, reason=None, replay=replay)


def _is_covered(scope: Scope, storage: BaseStorageBackend, instance: TaskInstance) -> bool:
    with with_session(storage) as session:
        binding = bindings.find(session, storage, instance)
    return scope.covers(storage.configuration, instance.task.name, binding.dag_id if binding else None)


def _settle(session: Session, work: Work, storage: BaseStorageBackend, items: Sequence[BulkItem]) -> None:
    if not storage.in_airflow_database:
        # In a transaction of its own: somebody may be cancelling the items, and they are not waited for.
        positions = [item.position for item in items]
        free = {item.position for item in bulk_queue.take(session, work.bulk_act_id, positions)}
        items = [item for item in items if item.position in free]
    for item in items:
        bulk_queue.settle(session, work.bulk_act_id, item, now=datetime.now(UTC))


def _refuse_gone(work: Work, positions: Collection[int]) -> None:
    with transaction() as session:
        bulk_queue.refuse(session, work.bulk_act_id, positions, reason=SESSION_DELETED, now=datetime.now(UTC))


def reason_of(error: BaseException) -> str:
    """A failure as a reason, for the outcome of an item."""
    if isinstance(error, TriggersError):
        return str(error)
    return failure_in_short(describe_exception(error)) or type(error).__name__
