"""Reads what controllers still have to do, and what is parked for people, with a few index look-ups.

Neighbours: ``health.py`` and ``measures.py`` ask here; ``observe.py`` finds the same work in order to do it. Each read
is bounded, so it costs the same in every database.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, ScalarSelect, Select, and_, bindparam, func, literal, or_, select

from airflow_triggers.domain.health import MAX_COUNT, Backlog
from airflow_triggers.domain.hooks import MAX_HOOK_ATTEMPTS
from airflow_triggers.domain.runs import PROMISED
from airflow_triggers.gateway.asset_events import oldest_new_asset_event
from airflow_triggers.gateway.run_columns import DagRunColumns, OnlyTask, moment_of_state
from airflow_triggers.storages import tables
from airflow_triggers.storages.stored import UNREADABLE_MOMENT

MAX_COMPARED = 2000
"""At most this many watched runs are compared, in the order of their keys."""

_NOW = bindparam("now", type_=tables.run.c.retry_at.type)
_HOOK_LIMIT = literal(MAX_HOOK_ATTEMPTS, literal_execute=True)
"""A literal in the SQL, not a parameter. Otherwise the database cannot use the partial index."""


def read_backlog(connection: Connection, *, now: datetime) -> Backlog:
    """What is still to be done, and what is parked, by one statement.

    A failed change counts from the moment of its next try. A deleted run does not count: nobody knows when it was
    deleted.
    """
    row = connection.execute(_BACKLOG, {"now": now}).one()._mapping
    moments = [row[name] for name in _OLDEST if row[name] not in (None, UNREADABLE_MOMENT)]
    return Backlog(oldest_change=min(moments, default=None), **{name: row[name] for name in _COUNTS})


def _oldest_run() -> ScalarSelect[Any]:
    """When the oldest change of a watched run happened that its instance does not show yet."""
    run, columns = DagRunColumns, tables.run.c
    watched_runs = (
        select(
            columns.dag_id,
            columns.run_id,
            columns.compiled,
            columns.seen_state,
            columns.seen_clear_number,
            columns.retry_at,
        )
        .where(columns.watched)
        .order_by(columns.dag_id, columns.run_id)
        .limit(MAX_COMPARED)
        .subquery("watched")
    )
    binding = watched_runs.c
    differs = or_(
        OnlyTask.run_state(binding.compiled) != binding.seen_state,
        run.clear_number != binding.seen_clear_number,
    )
    # A subquery for each run uses an index. For a join, the planner may read all of Airflow's runs.
    moment = (
        select(moment_of_state(binding.compiled))
        .outerjoin_from(
            run.table, OnlyTask.table, and_(binding.compiled, OnlyTask.of(run.dag_id, run.run_id))
        )
        .where(run.dag_id == binding.dag_id, run.run_id == binding.run_id, differs)
        .correlate(watched_runs)
        .scalar_subquery()
    )
    is_due = or_(binding.retry_at.is_(None), binding.retry_at <= _NOW)
    moments = select(moment.label("moment")).select_from(watched_runs).where(is_due).subquery("moments")
    return select(func.min(moments.c.moment)).scalar_subquery()


def _oldest(column: Any, *conditions: Any) -> ScalarSelect[Any]:
    """The column's earliest moment in the past, by its index."""
    return select(column).where(column <= _NOW, *conditions).order_by(column).limit(1).scalar_subquery()


def _count(query: Select[Any]) -> ScalarSelect[int]:
    return select(func.count()).select_from(query.limit(MAX_COUNT).subquery()).scalar_subquery()


_FIRES, _EVENTS, _HOOKS = tables.delayed_fire.c, tables.asset_event.c, tables.hook.c
_ANY_ROW = literal(1)

_OLDEST = {
    "run": _oldest_run(),
    "promise": _oldest(
        tables.run.c.retry_at, tables.run.c.seen_state == literal(PROMISED.state, literal_execute=True)
    ),
    "delayed_fire": _oldest(_FIRES.due),
    "hook": _oldest(_HOOKS.due, _HOOKS.attempts < _HOOK_LIMIT),
    "asset_event": oldest_new_asset_event(),
    "failed_asset_event": _oldest(_EVENTS.due),
}
_COUNTS = {
    "overdue_fires": _count(select(_ANY_ROW).where(_FIRES.due <= _NOW)),
    "parked_hooks": _count(select(_ANY_ROW).where(_HOOKS.attempts >= _HOOK_LIMIT)),
    "parked_asset_events": _count(select(_ANY_ROW).where(_EVENTS.error.is_not(None), _EVENTS.due.is_(None))),
    "parked_delayed_fires": _count(
        select(_ANY_ROW).where(_FIRES.due.is_(None), _FIRES.cancelled_at.is_(None))
    ),
}
_BACKLOG = select(*(column.label(name) for name, column in (_OLDEST | _COUNTS).items()))
