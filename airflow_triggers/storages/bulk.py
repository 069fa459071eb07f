"""The rows of bulk acts: ``triggers_bulk_act`` and ``triggers_bulk_item``, made and read.

Neighbours: ``sessions/bulk_acts.py`` makes and describes bulk acts; ``bulk_queue.py`` takes their items and ends them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.orm import Session

from airflow_triggers.domain.bulk import (
    BulkAct,
    BulkItem,
    BulkOutcome,
    BulkState,
    Scope,
)
from airflow_triggers.storages import bulk_tables, tables
from airflow_triggers.storages.lock_waits import first_statement

_ACT, _ITEM = bulk_tables.bulk_act.c, bulk_tables.bulk_item.c
_WITHOUT_OUTCOME = _ITEM.outcome.is_(None)

CANDIDATE_COLUMNS = (
    "owner_id",
    "owner_created",
    "session_uid",
    "configuration_hash",
    "task_name",
    "number",
    "dag_id",
)
"""The columns of the query for the instances of a bulk act, in their order."""


# -- making ---------------------------------------------------------------------------------------------------


def add_act(session: Session, values: Mapping[str, Any], *, now: datetime) -> int:
    """Make a bulk act without items. Returns its id. It must be the transaction's first statement."""
    start = {"state": BulkState.PENDING.value, "total": 0, "created": now, "next_at": now}
    insertion = insert(bulk_tables.bulk_act).values(**start, configurations=[], **values).returning(_ACT.id)
    return int(first_statement(session, lambda: session.execute(insertion).scalar_one()))


def add_selected(session: Session, bulk_act_id: int, query: Select[Any], *, now: datetime) -> int:
    """Make an item of each selected instance, in one statement. Returns how many.

    :param query: a query with the columns :data:`CANDIDATE_COLUMNS`.
    """
    candidates = query.subquery("chosen")
    columns = [candidates.c[name] for name in CANDIDATE_COLUMNS]
    order = (candidates.c.owner_id, candidates.c.task_name, candidates.c.number)
    values = select(
        literal(bulk_act_id, _ITEM.bulk_act_id.type),
        func.row_number().over(order_by=order),
        *columns,
        literal(0),
        literal(now, _ITEM.due.type),
    )
    names = ["bulk_act_id", "position", *CANDIDATE_COLUMNS, "attempts", "due"]
    result = session.execute(insert(bulk_tables.bulk_item).from_select(names, values))
    return int(result.rowcount)  # type: ignore[attr-defined]


def add_items(
    session: Session, bulk_act_id: int, items: Sequence[Mapping[str, Any]], *, after: int, now: datetime
) -> None:
    """Make items of these instances.

    :param items: the columns :data:`CANDIDATE_COLUMNS` of each, and its ``outcome`` and ``reason``.
    :param after: how many items the bulk act has.
    """
    if items:
        start = {"bulk_act_id": bulk_act_id, "attempts": 0, "due": now}
        numbered = enumerate(items, start=after + 1)
        session.execute(
            insert(bulk_tables.bulk_item),
            [
                {**start, **item, "position": position, "ended": now if item["outcome"] else None}
                for position, item in numbered
            ],
        )


def groups_of(session: Session, bulk_act_id: int) -> set[tuple[str | None, str, str | None]]:
    """The configurations, tasks and runs' DAGs of its items without an outcome."""
    columns = (_ITEM.configuration_hash, _ITEM.task_name, _ITEM.dag_id)
    query = select(*columns).where(_ITEM.bulk_act_id == bulk_act_id, _WITHOUT_OUTCOME).distinct()
    return {tuple(row) for row in session.execute(query)}


def refuse_group(
    session: Session,
    bulk_act_id: int,
    group: tuple[str | None, str, str | None],
    *,
    reason: str,
    now: datetime,
) -> None:
    """Give the items of a group the outcome ``refused``."""
    configuration_hash, task_name, dag_id = group
    session.execute(
        update(bulk_tables.bulk_item)
        .where(
            _ITEM.bulk_act_id == bulk_act_id,
            _WITHOUT_OUTCOME,
            _ITEM.task_name == task_name,
            _ITEM.configuration_hash.is_not_distinct_from(configuration_hash),
            _ITEM.dag_id.is_not_distinct_from(dag_id),
        )
        .values(outcome=BulkOutcome.REFUSED.value, reason=reason, ended=now)
    )


def complete(session: Session, bulk_act_id: int, *, total: int, scope: Scope | None) -> None:
    """Note what the made bulk act covers."""
    hashes = select(_ITEM.configuration_hash).where(_ITEM.bulk_act_id == bulk_act_id).distinct()
    values = {
        "total": total,
        "scope": None if scope is None else scope.to_dict(),
        "configurations": sorted(session.scalars(hashes), key=str),
    }
    session.execute(update(bulk_tables.bulk_act).where(_ACT.id == bulk_act_id).values(**values))


# -- reading --------------------------------------------------------------------------------------------------


def find(session: Session, bulk_act_id: int) -> BulkAct | None:
    """The bulk act with this id."""
    return next(iter(_acts(session, select(bulk_tables.bulk_act).where(_ACT.id == bulk_act_id))), None)


def page(session: Session, *, limit: int, before: int | None) -> list[BulkAct]:
    """Bulk acts, the newest first.

    :param before: only bulk acts with a lower id.
    """
    query = select(bulk_tables.bulk_act).order_by(_ACT.id.desc()).limit(limit)
    return _acts(session, query if before is None else query.where(_ACT.id < before))


def _acts(session: Session, query: Select[Any]) -> list[BulkAct]:
    act_rows = session.execute(query).all()
    open_ids = [row.id for row in act_rows if row.counts is None]
    counts = counts_of(session, open_ids) if open_ids else {}
    return [_act_from_row(row, counts.get(row.id, {})) for row in act_rows]


def counts_of(session: Session, bulk_act_ids: Collection[int]) -> dict[int, dict[str, int]]:
    """How many items have each outcome, by bulk act."""
    counts: dict[int, dict[str, int]] = {}
    query = (
        select(_ITEM.bulk_act_id, _ITEM.outcome, func.count().label("number"))
        .where(_ITEM.bulk_act_id.in_(bulk_act_ids), _ITEM.outcome.is_not(None))
        .group_by(_ITEM.bulk_act_id, _ITEM.outcome)
    )
    for row in session.execute(query):
        counts.setdefault(row.bulk_act_id, {})[row.outcome] = row.number
    return counts


def items_page(
    session: Session,
    bulk_act_id: int,
    *,
    limit: int,
    after: int | None,
    conditions: Sequence[ColumnElement[bool]] = (),
) -> list[BulkItem]:
    """Items in their order.

    :param after: only items after this position.
    :param conditions: on the items, and on the sessions as they are now (outer join).
    """
    owner = (
        (tables.session.c.id == _ITEM.owner_id)
        & (tables.session.c.uid == _ITEM.session_uid)
        & (tables.session.c.created == _ITEM.owner_created)
    )
    query = (
        select(bulk_tables.bulk_item)
        .select_from(bulk_tables.bulk_item.outerjoin(tables.session, owner))
        .where(_ITEM.bulk_act_id == bulk_act_id, *conditions)
        .order_by(_ITEM.position)
        .limit(limit)
    )
    if after is not None:
        query = query.where(_ITEM.position > after)
    return [item_from_row(row) for row in session.execute(query)]


def _act_from_row(row: Row[Any], counts: Mapping[str, int]) -> BulkAct:
    known_counts = row.counts if isinstance(row.counts, dict) else counts
    hashes = row.configurations if isinstance(row.configurations, list) else None
    return BulkAct(
        bulk_act_id=row.id,
        kind=row.act,
        arguments=row.arguments,
        selection=row.selection,
        scope=row.scope,
        state=BulkState(row.state),
        total=row.total,
        rate=row.rate,
        by=row.by,
        created=row.created,
        next_at=row.next_at,
        ended=row.ended,
        cancelled_by=row.cancelled_by,
        counts={outcome: known_counts.get(outcome.value, 0) for outcome in BulkOutcome},
        configuration_hashes=None if hashes is None else frozenset(hashes),
    )


def item_from_row(row: Row[Any]) -> BulkItem:
    """The item in a row of ``triggers_bulk_item``."""
    return BulkItem(
        position=row.position,
        session_uid=row.session_uid,
        name=f"{row.task_name}#{row.number}",
        outcome=BulkOutcome(row.outcome) if row.outcome else None,
        reason=row.reason,
        replay=row.replay,
        attempts=row.attempts,
        ended=row.ended,
    )
