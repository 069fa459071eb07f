"""Fires the triggers that asset events stand for: of tasks with such outlets, and of Airflow's "create asset event".

An event counts once: the fire's idempotency key is made of its id, and what was handled is kept, so that an event whose
transaction commits late, after others with higher ids, is still seen. Neighbours: ``gateway`` reads the events,
``loop.py`` calls this in every pass, ``operators/`` make the assets.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from airflow_triggers.asset_uris import trigger_of
from airflow_triggers.controller.backoff import pause_after
from airflow_triggers.entries import EventKind
from airflow_triggers.errors import (
    IdempotencyConflict,
    InvalidAssetEvent,
    InvalidSessionUid,
    InvalidTrigger,
    LockTimeout,
    SessionExists,
    SessionNotFound,
    TriggersError,
)
from airflow_triggers.failures import describe_exception
from airflow_triggers.gateway.asset_events import AssetEventRow, due_asset_events, new_asset_events
from airflow_triggers.sessions import fire_into
from airflow_triggers.storages import rows, tables
from airflow_triggers.storages.events import add_event
from airflow_triggers.storages.transaction import first_statement, transaction
from airflow_triggers.types import Kwargs

log = logging.getLogger(__name__)

LATE = timedelta(days=1)
"""How long an event's transaction may take to commit without the event being missed."""

RECENT = timedelta(minutes=5)
"""How far a pass looks back at least; a sweep looks further. What it looks at grows with the events of that time."""

MAX_ATTEMPTS = 20
"""An event that failed so often is parked: kept with its error, and not tried again."""

FINAL = (
    IdempotencyConflict,
    InvalidAssetEvent,
    InvalidSessionUid,
    InvalidTrigger,
    SessionExists,
    SessionNotFound,
)
"""What trying again does not mend."""


@dataclass(frozen=True, kw_only=True)
class AssetFire:
    """What an asset event asks for."""

    session_uid: str
    trigger_name: str
    kwargs: Kwargs
    configuration: str | None
    idempotency_key: str
    fired_by: str


def fire_asset_events(now: datetime, *, after: int) -> int:
    """Fire for every event that is new or due again; returns how many were fired.

    :param after: events up to this id were handled, or are kept as still to be.
    """
    with transaction() as session:
        found = [*new_asset_events(session, after=after), *due_asset_events(session, now=now)]
    return sum(_handle(event) for event in found)


def forget_handled(session: Session, now: datetime) -> int:
    """Delete what was kept of events that need not be remembered any more; returns the watermark of :data:`LATE`."""
    columns, late = tables.asset_event.c, watermark(session, now, LATE)
    settled = columns.due.is_(None) & columns.error.is_(None)
    session.execute(delete(tables.asset_event).where(columns.event_id < late, settled))
    return late


def watermark(session: Session, now: datetime, late: timedelta) -> int:
    """Up to this id, every event was handled or is kept as still to be, unless it committed later than ``late``.

    Counted back from the last event that was handled: while no controller runs, no time passes.
    """
    columns = tables.asset_event.c
    last = session.scalar(select(func.max(columns.seen)))
    if last is None:
        return 0
    handled = select(func.max(columns.event_id)).where(columns.seen <= min(now, last) - late)
    return int(session.scalar(handled) or 0)


def parse_event(event: AssetEventRow) -> AssetFire:
    """:raises InvalidAssetEvent: when it does not say which trigger to fire, or into which session."""
    extra = event.extra
    trigger, configuration = trigger_of(event.uri)
    trigger = trigger or extra.get("trigger")
    uid = extra.get("session_uid") or event.partition_key
    if not isinstance(trigger, str):
        raise InvalidAssetEvent(event.event_id, "names no trigger: its extra has no 'trigger'")
    if not isinstance(uid, str):
        raise InvalidAssetEvent(
            event.event_id,
            "names no session: give its UID as the partition key, or as 'session_uid' in extra",
        )
    kwargs = extra.get("kwargs", {})
    if not isinstance(kwargs, Mapping):
        raise InvalidAssetEvent(event.event_id, f"has the 'kwargs' {kwargs!r} in extra, expected a mapping")
    return AssetFire(
        session_uid=uid,
        trigger_name=trigger,
        kwargs=kwargs,
        configuration=configuration or _text(extra.get("configuration")),
        idempotency_key=_text(extra.get("idempotency_key")) or f"asset-event-{event.event_id}",
        fired_by=event.source or f"asset event {event.event_id}",
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _handle(event: AssetEventRow) -> bool:
    asked = None
    try:
        asked = parse_event(event)
        fire_into(
            asked.session_uid,
            asked.trigger_name,
            asked.kwargs,
            configuration=asked.configuration,
            idempotency_key=asked.idempotency_key,
            fired_by=asked.fired_by,
        )
    except LockTimeout:
        log.debug("The session of asset event %s is being written; the next pass looks again", event.event_id)
        return False
    except Exception as error:
        log.log(
            logging.ERROR,
            "Triggers controller: asset event %s of %s cannot be fired: %s",
            *(event.event_id, event.uri, error),
            exc_info=not isinstance(error, TriggersError),
        )
        _keep(event, error, asked)
        return False
    _keep(event, None, asked)
    return True


def _keep(event: AssetEventRow, error: Exception | None, asked: AssetFire | None) -> None:
    """Remember that the event was handled; or why not, and when to try again.

    One that is not tried again is told in the history of the session that it names, if there is one.
    """
    event_id = event.event_id
    now, columns = datetime.now(UTC), tables.asset_event.c
    mine = update(tables.asset_event).where(columns.event_id == event_id)
    made = {"event_id": event_id, "seen": now, "attempts": 0}
    try:
        with transaction() as session:
            insert = rows.insert_or_ignore(tables.asset_event, made)
            first_statement(session, lambda: session.execute(insert))
            if error is None:
                session.execute(mine.values(due=None, error=None))
                return
            counted = mine.values(attempts=columns.attempts + 1).returning(columns.attempts)
            attempts = session.scalar(counted) or 1
            final = isinstance(error, FINAL) or attempts >= MAX_ATTEMPTS
            message = describe_exception(error)["exceptionMessage"]
            session.execute(mine.values(error=message, due=None if final else now + pause_after(attempts)))
            if final and asked is not None:
                _tell(session, event, asked, message, at=now)
    except Exception:
        log.exception("Triggers controller: what became of asset event %s cannot be kept", event_id)


def _tell(session: Session, event: AssetEventRow, asked: AssetFire, error: str, *, at: datetime) -> None:
    """An entry in the session's history; nothing where there is no such session."""
    owner = session.scalar(select(tables.session.c.id).where(tables.session.c.uid == asked.session_uid))
    if owner is None:
        return
    details = {"event_id": event.event_id, "trigger": asked.trigger_name, "error": error}
    add_event(session, owner, EventKind.ASSET_EVENT, at=at, by=event.source, details=details)
