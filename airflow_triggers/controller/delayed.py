"""Fires the delayed fires whose moment has come.

Neighbours: ``observe.py`` finds what is due, ``loop.py`` calls this in every pass, the manager fires.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from sqlalchemy import update

from airflow_triggers.controller import observe
from airflow_triggers.domain import backoff
from airflow_triggers.domain.events import EventKind, delayed_fire_details
from airflow_triggers.domain.failures import describe_exception
from airflow_triggers.domain.metadata import EXCEPTION_MESSAGE
from airflow_triggers.errors import LockTimeout, RegistryError, SessionNotFound
from airflow_triggers.runners.progress import FAULTS, is_system_fault
from airflow_triggers.sessions.opening import open_session
from airflow_triggers.storages import tables
from airflow_triggers.storages.events import add_event
from airflow_triggers.storages.lock_waits import first_statement
from airflow_triggers.storages.transaction import transaction

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 20
"""After this many failures a delayed fire is parked: kept with its error, and not tried again automatically."""


def fire_due(now: datetime) -> int:
    """Fire what is due, each in a transaction of its own. Returns how many were fired.

    A fire that fails is logged and keeps its error. It is tried again with growing pauses, until it is parked. While
    the system fails, or the session's manager is not installed, it is not parked: the tries go on.
    """
    with transaction() as session:
        due_fires = observe.due_fires(session, now=now)
    fire_count = 0
    for row in due_fires:
        try:
            manager = open_session(row.uid)
            with manager.storage.acquire_lock(wait=False):
                fire_count += manager.fire_delayed(row.id) is not None
        except LockTimeout:
            log.debug("Session %s is being written by another process; the next pass looks again", row.uid)
        except SessionNotFound:
            log.info("Session %s was deleted, and its delayed fires with it", row.uid)
        except FAULTS as error:
            log.exception("Triggers controller: a delayed fire into session %s failed; backing off", row.uid)
            _back_off(row.id, error)
    return fire_count


def _back_off(delayed_id: int, error: BaseException) -> None:
    """Leave the fire alone for a while, or for good.

    The history gets an entry when it first fails and when it is parked, not each time.
    """
    columns = tables.delayed_fire.c
    own_row = update(tables.delayed_fire).where(columns.id == delayed_id, columns.cancelled_at.is_(None))
    message = describe_exception(error)[EXCEPTION_MESSAGE]
    increment = own_row.values(attempts=columns.attempts + 1, error=message).returning(*columns)
    now = datetime.now(UTC)
    try:
        with transaction() as session:
            row = first_statement(session, lambda: session.execute(increment).one_or_none())
            if row is None:
                return
            is_parked = row.attempts >= MAX_ATTEMPTS and not _may_pass(error)
            session.execute(
                own_row.values(due=None if is_parked else now + backoff.ATTEMPTS.pause_after(row.attempts))
            )
            if is_parked or row.attempts == 1:
                kind = EventKind.DELAYED_FIRE_PARKED if is_parked else EventKind.DELAYED_FIRE_FAILED
                details = delayed_fire_details(
                    delayed_id, trigger_name=row.trigger_name, fire_at=row.fire_at, error=message
                )
                add_event(session, row.session_id, kind, at=now, by="controller", details=details)
    except Exception:
        log.exception("Triggers controller: the delayed fire %s cannot be backed off", delayed_id)


def _may_pass(error: BaseException) -> bool:
    """Whether the fault is not the fire's: the database is away, or a package has to be installed."""
    return is_system_fault(error) or isinstance(error, RegistryError)
