"""The items of bulk acts, as the controllers take them, do them and end them.

An item gets its outcome in the transaction of its act, under the session's lock, and only if it has none. So an act
counts once, however many controllers take the item. Neighbours: ``bulk.py`` makes and reads the rows,
``sessions/bulk_work.py`` does the items, ``controller/bulk.py`` takes them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, Select, delete, func, literal, select, update
from sqlalchemy.orm import Session

from airflow_triggers.domain.backoff import ATTEMPTS
from airflow_triggers.domain.bulk import MAX_ATTEMPTS, BulkItem, BulkOutcome, BulkState, portion
from airflow_triggers.storages import bulk_tables
from airflow_triggers.storages.bulk import counts_of, item_from_row
from airflow_triggers.storages.lock_waits import first_statement

_ACT, _ITEM = bulk_tables.bulk_act.c, bulk_tables.bulk_item.c
_WITHOUT_OUTCOME = _ITEM.outcome.is_(None)
_IS_OPEN = _ACT.ended.is_(None)

DUE_ACTS = 20
"""At most so many bulk acts are looked at in a pass."""


class OwnerKey(NamedTuple):
    """The session of an item, as it was when the bulk act was made. ``key`` is that of its row."""

    uid: str
    key: int | None
    created: datetime | None


@dataclass(frozen=True, kw_only=True)
class ClaimedItem:
    """An item that this controller does now, and no other until its lease ends."""

    position: int
    owner: OwnerKey


def is_due(now: ColumnElement[datetime]) -> tuple[ColumnElement[bool], ...]:
    """The conditions for a bulk act with items to take."""
    return _IS_OPEN, _ACT.next_at <= now


def due_acts(connection: Connection, *, now: datetime) -> list[Row[Any]]:
    """Bulk acts with items to take: their id, rate and ``next_at``, the longest due first."""
    columns = (_ACT.id, _ACT.rate, _ACT.next_at)
    query = select(*columns).where(_IS_OPEN, _ACT.next_at <= now).order_by(_ACT.next_at).limit(DUE_ACTS)
    return list(connection.execute(query))


def claim(session: Session, due_act: Row[Any], *, now: datetime, until: datetime) -> list[ClaimedItem] | None:
    """Take the next items of a due bulk act. None: another controller took them a moment before.

    If all items wait, the bulk act waits as long as the first of them. Without any, it is done.

    :param until: the end of the lease: another controller takes what has no outcome then.
    """
    share = portion(due_act.rate, next_at=due_act.next_at, now=now)
    # An optimistic lock: the first controller moves the moment, and the next one's condition fails.
    own_row = update(bulk_tables.bulk_act).where(_ACT.id == due_act.id, _IS_OPEN)
    due_row = own_row.where(_ACT.next_at == due_act.next_at)
    claim_of_act = due_row.values(next_at=share.next_at, state=BulkState.RUNNING.value).returning(_ACT.id)
    if first_statement(session, lambda: session.scalar(claim_of_act)) is None:
        return None
    free = _free(bulk_act_id=due_act.id, due_by=now, limit=share.size)
    lease = (
        update(bulk_tables.bulk_item)
        .where(_ITEM.bulk_act_id == due_act.id, _ITEM.position.in_(free))
        .values(due=until)
        .returning(_ITEM.position, _ITEM.session_uid, _ITEM.owner_id, _ITEM.owner_created)
    )
    items = [
        ClaimedItem(position=row.position, owner=OwnerKey(row.session_uid, row.owner_id, row.owner_created))
        for row in session.execute(lease)
    ]
    if not items:
        _wait_or_end(session, due_act.id, now=now)
    return sorted(items, key=lambda item: item.position)


def _free(
    *,
    bulk_act_id: int,
    positions: Collection[int] | None = None,
    due_by: datetime | None = None,
    limit: int | None = None,
) -> Select[Any]:
    """The positions of items without an outcome, locked for this statement's transaction.

    Items that somebody else holds are left out: only who cancels waits for items, so nobody waits in a circle.
    """
    query = (
        select(_ITEM.position)
        .where(_ITEM.bulk_act_id == bulk_act_id, _WITHOUT_OUTCOME)
        .order_by(_ITEM.due, _ITEM.position)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    if positions is not None:
        query = query.where(_ITEM.position.in_(positions))
    if due_by is not None:
        query = query.where(_ITEM.due <= due_by)
    # PostgreSQL may run a plain subquery once for each row, and lock more rows than its limit.
    return select(query.cte("free").c.position)


def _wait_or_end(session: Session, bulk_act_id: int, *, now: datetime) -> None:
    query = select(func.min(_ITEM.due)).where(_ITEM.bulk_act_id == bulk_act_id, _WITHOUT_OUTCOME)
    first_due = session.scalar(query)
    if first_due is None:
        end(session, bulk_act_id, state=BulkState.DONE, now=now)
    else:
        own_row = update(bulk_tables.bulk_act).where(_ACT.id == bulk_act_id, _IS_OPEN)
        session.execute(own_row.values(next_at=max(first_due, now)))


def end_if_done(session: Session, bulk_act_id: int, *, now: datetime) -> None:
    """End the bulk act if every item has an outcome."""
    query = select(literal(1)).where(_ITEM.bulk_act_id == bulk_act_id, _WITHOUT_OUTCOME).limit(1)
    if session.scalar(query) is None:
        end(session, bulk_act_id, state=BulkState.DONE, now=now)


def end(
    session: Session, bulk_act_id: int, *, state: BulkState, now: datetime, cancelled_by: str | None = None
) -> None:
    """End an open bulk act, with the numbers of its outcomes."""
    counts = counts_of(session, [bulk_act_id]).get(bulk_act_id, {})
    own_row = update(bulk_tables.bulk_act).where(_ACT.id == bulk_act_id, _IS_OPEN)
    values = {"state": state.value, "ended": now, "counts": counts, "cancelled_by": cancelled_by}
    session.execute(own_row.values(**values))


def take(session: Session, bulk_act_id: int, positions: Collection[int]) -> list[BulkItem]:
    """Those of the items that have no outcome, locked until the transaction ends.

    An item that somebody cancels at this moment is left to them: a holder of a session's lock never waits here.
    """
    query = (
        select(bulk_tables.bulk_item)
        .where(_ITEM.bulk_act_id == bulk_act_id, _ITEM.position.in_(positions), _WITHOUT_OUTCOME)
        .order_by(_ITEM.position)
        .with_for_update(skip_locked=True)
    )
    return [item_from_row(row) for row in session.execute(query)]


def settle(session: Session, bulk_act_id: int, item: BulkItem, *, now: datetime) -> None:
    """Note what became of an item, if it has no outcome yet."""
    own_row = update(bulk_tables.bulk_item).where(
        _ITEM.bulk_act_id == bulk_act_id, _ITEM.position == item.position, _WITHOUT_OUTCOME
    )
    outcome = item.outcome.value if item.outcome else None
    session.execute(own_row.values(outcome=outcome, reason=item.reason, replay=item.replay, ended=now))


def postpone(
    session: Session, bulk_act_id: int, positions: Collection[int], *, reason: str, now: datetime
) -> None:
    """Leave failed items alone for a while; refuse those that have failed too often.

    It must be the transaction's first statement.
    """
    of_items = update(bulk_tables.bulk_item).where(_ITEM.bulk_act_id == bulk_act_id, _WITHOUT_OUTCOME)
    increment = (
        of_items.where(_ITEM.position.in_(_free(bulk_act_id=bulk_act_id, positions=positions)))
        .values(attempts=_ITEM.attempts + 1, reason=reason)
        .returning(_ITEM.position, _ITEM.attempts)
    )
    by_attempts: dict[int, list[int]] = {}
    for row in first_statement(session, lambda: session.execute(increment).all()):
        by_attempts.setdefault(row.attempts, []).append(row.position)
    for attempts, positions_of_attempts in by_attempts.items():
        is_final = attempts >= MAX_ATTEMPTS
        values: dict[str, Any] = (
            {"outcome": BulkOutcome.REFUSED.value, "ended": now}
            if is_final
            else {"due": now + ATTEMPTS.pause_after(attempts)}
        )
        session.execute(of_items.where(_ITEM.position.in_(positions_of_attempts)).values(**values))


def give_back(session: Session, bulk_act_id: int, positions: Collection[int], *, now: datetime) -> None:
    """End the lease of items that were not done. It must be the transaction's first statement."""
    free = _free(bulk_act_id=bulk_act_id, positions=positions)
    own_rows = update(bulk_tables.bulk_item).where(_ITEM.bulk_act_id == bulk_act_id, _ITEM.position.in_(free))
    first_statement(session, lambda: session.execute(own_rows.values(due=now)))


def refuse(
    session: Session, bulk_act_id: int, positions: Collection[int] | None, *, reason: str, now: datetime
) -> None:
    """Refuse items without an outcome. It must be the transaction's first statement.

    :param positions: None: all of them.
    """
    of_items = () if positions is None else (_ITEM.position.in_(positions),)
    _end_items(session, bulk_act_id, BulkOutcome.REFUSED, *of_items, reason=reason, now=now)


# -- ending ---------------------------------------------------------------------------------------------------


def cancel(session: Session, bulk_act_id: int, *, by: str | None, now: datetime) -> bool:
    """Cancel the items without an outcome, and the bulk act. Returns whether it was open.

    It must be the transaction's first statement. It waits for the items at work in this moment.
    """
    # Locks the row: nobody takes further items.
    own_row = update(bulk_tables.bulk_act).where(_ACT.id == bulk_act_id, _IS_OPEN)
    cancellation = own_row.values(state=BulkState.CANCELLED.value).returning(_ACT.id)
    if first_statement(session, lambda: session.scalar(cancellation)) is None:
        return False
    _end_items(session, bulk_act_id, BulkOutcome.CANCELLED, reason=None, now=now)
    end(session, bulk_act_id, state=BulkState.CANCELLED, now=now, cancelled_by=by)
    return True


def _end_items(
    session: Session,
    bulk_act_id: int,
    outcome: BulkOutcome,
    *conditions: ColumnElement[bool],
    reason: str | None,
    now: datetime,
) -> None:
    own_rows = update(bulk_tables.bulk_item).where(
        _ITEM.bulk_act_id == bulk_act_id, _WITHOUT_OUTCOME, *conditions
    )
    outcomes = own_rows.values(outcome=outcome.value, reason=reason, ended=now)
    first_statement(session, lambda: session.execute(outcomes))


def ended_before(session: Session, moment: datetime, *, limit: int) -> list[int]:
    """The ids of bulk acts that ended before the moment, oldest first."""
    query = select(_ACT.id).where(_ACT.ended < moment).order_by(_ACT.ended, _ACT.id).limit(limit)
    return list(session.scalars(query))


def count_ended_before(session: Session, moment: datetime) -> int:
    """How many bulk acts ended before the moment."""
    return int(session.scalar(select(func.count()).where(_ACT.ended < moment)) or 0)


def remove(session: Session, bulk_act_id: int) -> None:
    """Delete a bulk act with its items. It must be the transaction's first statement."""
    deletion = delete(bulk_tables.bulk_act).where(_ACT.id == bulk_act_id)
    first_statement(session, lambda: session.execute(deletion))
