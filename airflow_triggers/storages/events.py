"""The rows of ``triggers_event``: a session's history beside its fires.

Neighbours: ``sql.py`` and ``reading.py`` keep and read a session's; ``controller/`` notes its failures there, without
the session's lock, and for sessions kept elsewhere, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select
from sqlalchemy.orm import Session

from airflow_triggers.domain.events import EventKind, SessionEvent
from airflow_triggers.domain.validation import caller_name
from airflow_triggers.storages import rows, tables


def add_event(
    session: Session | Connection,
    session_id: Any,
    kind: EventKind | str,
    *,
    at: datetime,
    by: str | None,
    details: Mapping[str, Any],
    instance: str | None = None,
) -> None:
    """Save an entry.

    :param session_id: the key of the session's row, or a subquery for it.
    """
    values = {"at": at, "by": caller_name(by), "instance": instance, "details": dict(details)}
    session.execute(insert(tables.event).values(session_id=session_id, kind=str(kind), **values))


def read_events(
    session: Session,
    session_id: int | None,
    *,
    limit: int | None = None,
    before: int | None = None,
    instance: str | None = None,
) -> list[SessionEvent]:
    """The entries of a session, newest first; see :meth:`BaseStorageBackend.events`."""
    columns = tables.event.c
    query = select(tables.event).where(columns.session_id == session_id)
    if before is not None:
        query = query.where(columns.id < before)
    if instance is not None:
        query = query.where(columns.instance == instance)
    return [
        rows.event_from_row(row) for row in session.execute(query.order_by(columns.id.desc()).limit(limit))
    ]
