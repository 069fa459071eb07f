"""Fires what was to be fired later, once its moment has come.

Neighbours: ``observe.py`` finds what is due, ``loop.py`` calls this in every pass, the manager fires.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from sqlalchemy import update

from airflow_triggers.controller import observe
from airflow_triggers.controller.backoff import pause_after
from airflow_triggers.entries import EventKind
from airflow_triggers.errors import LockTimeout
from airflow_triggers.failures import describe_exception
from airflow_triggers.sessions import open_session
from airflow_triggers.storages import tables
from airflow_triggers.storages.events import add_event
from airflow_triggers.storages.transaction import first_statement, transaction

log = logging.getLogger(__name__)


def fire_due(now: datetime) -> int:
    """Fire what is due, each in a transaction of its own; returns how many were fired.

    One that cannot be fired is logged, keeps its error and is tried again, with growing pauses.
    """
    with transaction() as session:
        due = observe.due_fires(session, now=now)
    fired = 0
    for row in due:
        try:
            manager = open_session(row.uid)
            with manager.storage.acquire_lock(wait=False):
                fired += manager.fire_delayed(row.id) is not None
        except LockTimeout:
            log.debug("Session %s is being written by another process; the next pass looks again", row.uid)
        except Exception as error:
            log.exception("Triggers controller: a delayed fire into session %s failed; backing off", row.uid)
            _back_off(row.id, error)
    return fired


def _back_off(delayed_id: int, error: Exception) -> None:
    columns = tables.delayed_fire.c
    mine = update(tables.delayed_fire).where(columns.id == delayed_id)
    message = describe_exception(error)["exceptionMessage"]
    counted = mine.values(attempts=columns.attempts + 1, error=message).returning(*columns)
    now = datetime.now(UTC)
    try:
        with transaction() as session:
            row = first_statement(session, lambda: session.execute(counted).one_or_none())
            if row is None:
                return
            session.execute(mine.values(due=now + pause_after(row.attempts)))
            if row.attempts == 1:
                details = {
                    "trigger": row.trigger_name,
                    "fire_at": row.fire_at.isoformat(),
                    "error": message,
                }
                kind = EventKind.DELAYED_FIRE_FAILED
                add_event(session, row.session_id, kind, at=now, by="controller", details=details)
    except Exception:
        log.exception("Triggers controller: the delayed fire %s cannot be backed off", delayed_id)
