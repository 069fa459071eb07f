"""Finds DAG runs that are not as they were last seen, and hooks that nobody has called.

Neighbours: ``loop.py`` asks in every pass; ``gateway.py`` describes single runs; the tables are the storage's.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select, update
from sqlalchemy.orm import Session

from airflow_triggers.entries import MAX_HOOK_ATTEMPTS
from airflow_triggers.gateway import IN_FLIGHT, DagRunColumns
from airflow_triggers.runners.promises import PROMISED
from airflow_triggers.storages import tables

BATCH = 500


def changed_runs(session: Session, *, now: datetime) -> list[Any]:
    """Watched runs whose state or clear number moved or that are gone, and finished ones that run again.

    :returns: rows of ``uid``, ``dag_id``, ``run_id``; at most :data:`BATCH` of either kind.
    """
    moved = _bound(outer=True).where(
        tables.run.c.watched, or_(DagRunColumns.id.is_(None), _differs()), _due(now)
    )
    again = _bound(outer=False).where(
        ~tables.run.c.watched, DagRunColumns.state.in_(IN_FLIGHT), _differs(), _due(now)
    )
    return [*session.execute(moved.limit(BATCH)), *session.execute(again.limit(BATCH))]


def settled_runs(session: Session, *, now: datetime) -> list[Any]:
    """Runs that were settled and that somebody marked otherwise since: a look at all of them, so not in every pass."""
    query = _bound(outer=False).where(~tables.run.c.watched, _differs(), _due(now))
    return list(session.execute(query.limit(BATCH)))


def promised_runs(session: Session, *, now: datetime) -> list[Any]:
    """Runs that were promised for a session kept elsewhere, and that nobody has created in time."""
    ours = tables.run.c
    query = (
        select(tables.session.c.uid, ours.dag_id, ours.run_id)
        .join(tables.session, tables.session.c.id == ours.session_id)
        .where(ours.seen_state == PROMISED.state, ours.retry_at <= now)
    )
    return list(session.execute(query.limit(BATCH)))


def _bound(*, outer: bool) -> Select[Any]:
    ours = tables.run.c
    same = (DagRunColumns.dag_id == ours.dag_id) & (DagRunColumns.run_id == ours.run_id)
    joined = tables.run.join(tables.session, tables.session.c.id == ours.session_id).join(
        DagRunColumns.table, same, isouter=outer
    )
    return select(tables.session.c.uid, ours.dag_id, ours.run_id).select_from(joined)


def _differs() -> ColumnElement[bool]:
    seen = tables.run.c
    return or_(DagRunColumns.state != seen.seen_state, DagRunColumns.clear_number != seen.seen_clear_number)


def _due(now: datetime) -> ColumnElement[bool]:
    return or_(tables.run.c.retry_at.is_(None), tables.run.c.retry_at <= now)


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
        .where(columns.due <= now, columns.attempts < MAX_HOOK_ATTEMPTS)
        .order_by(columns.id)
        .limit(BATCH)
    )
    claimed = []
    for row in session.execute(query).all():
        mine = update(tables.hook).where(columns.id == row.id, columns.due == row.due).values(due=now + grace)
        if session.execute(mine).rowcount == 1:  # type: ignore[attr-defined]
            claimed.append(row)
    return claimed
