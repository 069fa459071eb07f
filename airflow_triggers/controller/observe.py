"""Finds DAG runs changed since they were last seen, and whether anything else is to be done.

Neighbours: ``loop.py`` asks in every pass; ``gateway`` describes single runs; the tables are the storage's. The
statements of a pass are built once: building them is most of the cost of a pass without news.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Connection,
    FromClause,
    Integer,
    Row,
    Select,
    and_,
    bindparam,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.orm import Session

from airflow_triggers.domain.hooks import MAX_HOOK_ATTEMPTS
from airflow_triggers.domain.runs import IN_FLIGHT, PROMISED, RunKey
from airflow_triggers.gateway.asset_events import any_new_asset_event
from airflow_triggers.gateway.run_columns import DagRunColumns, OnlyTask
from airflow_triggers.runners.bindings import is_among_keys
from airflow_triggers.storages import bulk_tables, tables
from airflow_triggers.storages.bulk_queue import is_due

BATCH = 500

SLICE = 500
"""At most this many watched runs are compared in one pass. A pass costs the same however many there are."""

START = RunKey("", "")
"""The key before the first one: no DAG has an empty id."""

_NOW = bindparam("now", type_=tables.run.c.retry_at.type)

_OWNER = [tables.session.c.uid, tables.session.c.manager, tables.session.c.storage]
_SIZE = bindparam("size", type_=Integer)
_COMPARED_COLUMNS = [
    tables.run.c[name]
    for name in (
        "dag_id",
        "run_id",
        "session_id",
        "compiled",
        "seen_state",
        "seen_clear_number",
        "retry_at",
    )
]


@dataclass(frozen=True, kw_only=True)
class ChangedRun:
    """A run to look at: it changed since it was last seen, is gone, or is a promise now due.

    :param session_uid: the session of the run; ``manager`` and ``storage``: the names remembered for this session.
    """

    key: RunKey
    session_uid: str
    manager: str
    storage: str


@dataclass(frozen=True, kw_only=True)
class Slice:
    """Some of the watched runs, compared.

    :param news: deleted runs, and runs with another state or clear number.
    :param over: keys of runs now ended themselves; before, only their task had succeeded.
    :param end: the key of the last compared run; :data:`START` after the last one of all.
    """

    news: list[ChangedRun]
    over: list[RunKey]
    end: RunKey


def watched_runs(connection: Connection, *, now: datetime, after: RunKey) -> Slice:
    """Compare the next :data:`SLICE` watched runs after a key, in the order of their keys."""
    parameters = {"now": now, "size": SLICE, "after_dag": after.dag_id, "after_run": after.run_id}
    rows = connection.execute(_WATCHED_RUNS, parameters).all()
    ends = [_key_of(row) for row in rows if row.position == SLICE]
    return Slice(
        news=[_changed_run(row) for row in rows if row.is_news],
        over=[_key_of(row) for row in rows if row.is_over],
        end=ends[0] if ends else START,
    )


def reopened_runs(connection: Connection, *, now: datetime) -> list[ChangedRun]:
    """Settled runs in flight again."""
    return _changed_runs(connection, _REOPENED_RUNS, now=now)


def settled_runs(connection: Connection, *, now: datetime) -> list[ChangedRun]:
    """Settled runs that somebody marked otherwise since. It looks at all of them, so not in every pass."""
    return _changed_runs(connection, _SETTLED_RUNS, now=now)


def named_runs(connection: Connection, keys: Iterable[RunKey], *, now: datetime) -> list[ChangedRun]:
    """The watched ones of these runs, if they changed since they were last seen."""
    return _changed_runs(connection, _RUNS_BY_KEY, now=now, keys=list(keys))


def promised_runs(connection: Connection, *, now: datetime) -> list[ChangedRun]:
    """Promised runs of sessions kept elsewhere, which nobody has created in time."""
    return _changed_runs(connection, _DUE_PROMISES, now=now)


def _changed_runs(connection: Connection, query: Select[Any], **parameters: Any) -> list[ChangedRun]:
    return [_changed_run(row) for row in connection.execute(query, parameters)]


def _changed_run(row: Row[Any]) -> ChangedRun:
    return ChangedRun(key=_key_of(row), session_uid=row.uid, manager=row.manager, storage=row.storage)


def _key_of(row: Row[Any]) -> RunKey:
    return RunKey(row.dag_id, row.run_id)


@dataclass(frozen=True, kw_only=True)
class Due:
    """The other work to do now."""

    promises: bool
    fires: bool
    hooks: bool
    asset_events: bool
    bulk_acts: bool


def due_work(connection: Connection, *, now: datetime, after: int) -> Due:
    """Whether a promise, a delayed fire, a hook, an asset event or a bulk act is due: one look at their indexes.

    :param after: only asset events with a higher id count.
    """
    row = connection.execute(_DUE, {"now": now, "after": after}).one()
    return Due(**{name: bool(value) for name, value in row._mapping.items()})


def _comparison(bindings: FromClause, *columns: Any) -> Select[Any]:
    """Our rows beside Airflow's runs. The session is looked up only for returned rows."""
    run, owner = DagRunColumns, tables.session.c
    beside = bindings.outerjoin(
        run.table, (run.dag_id == bindings.c.dag_id) & (run.run_id == bindings.c.run_id)
    ).outerjoin(OnlyTask.table, and_(bindings.c.compiled, OnlyTask.of(bindings.c.dag_id, bindings.c.run_id)))
    owner_columns = (
        select(column).where(owner.id == bindings.c.session_id).scalar_subquery().label(column.name)
        for column in _OWNER
    )
    return select(*owner_columns, bindings.c.dag_id, bindings.c.run_id, *columns).select_from(beside)


def _is_news(bindings: FromClause) -> Any:
    """Whether the run is gone or changed since it was last seen, and its pause, if it has one, is over."""
    run, binding = DagRunColumns, bindings.c
    differs = or_(
        # Nothing was joined: the run was deleted in Airflow.
        run.id.is_(None),
        OnlyTask.run_state(binding.compiled) != binding.seen_state,
        run.clear_number != binding.seen_clear_number,
    )
    return and_(differs, or_(binding.retry_at.is_(None), binding.retry_at <= _NOW))


def _is_over(bindings: FromClause) -> Any:
    """Whether the run succeeded and has not changed since we saw it.

    A watched run of this kind always has a task which reported the success before the run ended.
    """
    binding = bindings.c
    is_as_seen = DagRunColumns.is_as_seen(binding.seen_state, binding.seen_clear_number)
    # For a run that is gone the comparison is NULL. Such a run is not over: it is news.
    return and_(binding.seen_state == "success", func.coalesce(is_as_seen, false()))


def _watched_query() -> Select[Any]:
    key = tables.run.c.dag_id, tables.run.c.run_id
    position = func.row_number().over(order_by=key).label("position")
    # Paged by key and not by OFFSET: the next slice costs the same however many runs were compared before.
    after = tuple_(bindparam("after_dag"), bindparam("after_run"))
    bindings = (
        select(*_COMPARED_COLUMNS, position)
        .where(tables.run.c.watched, tuple_(*key) > after)
        .order_by(*key)
        .limit(_SIZE)
        .subquery("ours")
    )
    news, over = _is_news(bindings), _is_over(bindings)
    # The slice's last row is returned even without news: its key tells the next pass where to go on.
    is_returned = or_(news, over, bindings.c.position == _SIZE)
    return _comparison(bindings, bindings.c.position, news.label("is_news"), over.label("is_over")).where(
        is_returned
    )


def _settled_query(*conditions: Any) -> Select[Any]:
    run = DagRunColumns
    # A deleted settled run (by 'airflow db clean', say) changes nothing: its instance has ended.
    query = _comparison(tables.run).where(~tables.run.c.watched, run.id.is_not(None), _is_news(tables.run))
    return query.where(*conditions).limit(BATCH)


_WATCHED_RUNS = _watched_query()
_REOPENED_RUNS = _settled_query(DagRunColumns.state.in_(IN_FLIGHT))
_SETTLED_RUNS = _settled_query()
_RUNS_BY_KEY = _comparison(tables.run).where(tables.run.c.watched, is_among_keys(), _is_news(tables.run))


def _due_promises() -> tuple[Any, ...]:
    # In the statement's text and no parameter: otherwise the planner could not use the partial index.
    promised_state = literal(PROMISED.state, literal_execute=True)
    return tables.run.c.seen_state == promised_state, tables.run.c.retry_at <= _NOW


def _due_hooks() -> tuple[Any, ...]:
    return tables.hook.c.due <= _NOW, tables.hook.c.attempts < MAX_HOOK_ATTEMPTS


_DUE_PROMISES = (
    select(*_OWNER, tables.run.c.dag_id, tables.run.c.run_id)
    .join(tables.session, tables.session.c.id == tables.run.c.session_id)
    .where(*_due_promises())
    .limit(BATCH)
)
_DUE = select(
    exists(select(literal(1)).select_from(tables.run).where(*_due_promises())).label("promises"),
    exists(select(literal(1)).where(tables.delayed_fire.c.due <= _NOW)).label("fires"),
    exists(select(literal(1)).select_from(tables.hook).where(*_due_hooks())).label("hooks"),
    or_(
        any_new_asset_event(bindparam("after", type_=Integer)),
        exists(select(literal(1)).where(tables.asset_event.c.due <= _NOW)),
    ).label("asset_events"),
    exists(select(literal(1)).select_from(bulk_tables.bulk_act).where(*is_due(_NOW))).label("bulk_acts"),
)


def due_fires(session: Session, *, now: datetime) -> list[Any]:
    """Delayed fires whose moment has come: rows of ``uid`` and ``id``, the earliest first."""
    columns = tables.delayed_fire.c
    query = (
        select(tables.session.c.uid, columns.id)
        .join(tables.session, tables.session.c.id == columns.session_id)
        .where(columns.due <= now)
        .order_by(columns.due, columns.id)
    )
    return list(session.execute(query.limit(BATCH)))


def claim_hooks(session: Session, *, now: datetime, grace: timedelta) -> list[Any]:
    """Promised hooks that are due, each claimed for ``grace``: no other controller gets them meanwhile."""
    columns = tables.hook.c
    query = (
        select(tables.session.c.uid, columns.id, columns.hook, columns.arguments, columns.due)
        .join(tables.session, tables.session.c.id == columns.session_id)
        .where(*_due_hooks())
        .order_by(columns.id)
        .limit(BATCH)
    )
    claimed_hooks = []
    for row in session.execute(query, {"now": now}).all():
        # An optimistic lock: the first to claim a hook moves its moment, and the next one's condition fails.
        claim = (
            update(tables.hook).where(columns.id == row.id, columns.due == row.due).values(due=now + grace)
        )
        if session.execute(claim).rowcount == 1:  # type: ignore[attr-defined]
            claimed_hooks.append(row)
    return claimed_hooks
