"""Fires the triggers of asset events: events of tasks with such outlets, and of Airflow's "create asset event".

An event counts once. The fire is idempotent: its key is made of the event's id. Handled ids are kept as well, so an
event is still seen when its transaction commits late, after others with higher ids. Neighbours: ``gateway`` reads the
events, ``asset_fires.py`` reads their requests, ``asset_rights.py`` says who may; ``loop.py`` calls this in every pass.
"""

from __future__ import annotations

import logging
from collections import deque
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from airflow_triggers.controller.asset_fires import AssetFire, fire_of
from airflow_triggers.controller.asset_rights import authorizer_of, check_by_hand
from airflow_triggers.domain import backoff
from airflow_triggers.domain.events import EventKind, asset_event_details
from airflow_triggers.domain.failures import describe_exception
from airflow_triggers.domain.metadata import EXCEPTION_MESSAGE
from airflow_triggers.domain.uids import SessionUid
from airflow_triggers.errors import (
    CannotDelay,
    IdempotencyConflict,
    InvalidAssetEvent,
    InvalidSessionUid,
    InvalidTrigger,
    LockTimeout,
    RefusedAssetEvent,
    RegistryError,
    SessionExists,
    SessionNotFound,
    TriggersError,
)
from airflow_triggers.gateway.asset_events import (
    AssetEventRow,
    author_of,
    due_asset_events,
    handled_up_to,
    new_asset_events,
)
from airflow_triggers.sessions.authorization import AuthorizeFire
from airflow_triggers.sessions.opening import check_authorized, fire_request
from airflow_triggers.storages import rows, tables
from airflow_triggers.storages.events import add_event
from airflow_triggers.storages.lock_waits import first_statement
from airflow_triggers.storages.stored import UNREADABLE_MOMENT
from airflow_triggers.storages.transaction import snapshot, transaction

log = logging.getLogger(__name__)

LATE = timedelta(days=1)
"""How long the transaction of an event may take to commit. After a longer time the event may be missed."""

RECENT = timedelta(minutes=5)
"""How far a pass looks back at least. A sweep looks back further. More events in this time make a pass slower."""

MAX_ATTEMPTS = 20
"""After this many failures an event is parked: kept with its error, and not tried again."""

FOREIGN = (RefusedAssetEvent, SessionExists)
"""The author may not fire, or the UID belongs to a session with other content. Its history gets no entry."""

FINAL = (
    *FOREIGN,
    CannotDelay,
    IdempotencyConflict,
    InvalidAssetEvent,
    InvalidSessionUid,
    InvalidTrigger,
    SessionNotFound,
)
"""Errors which another try cannot mend."""


class HandledEvents:
    """Up to which id this process had handled every asset event, and when.

    The database keeps only the ids of triggers' events. With few of them and many events of other assets, each pass
    would look at all the others since the last kept id. This mark avoids it.
    """

    def __init__(self) -> None:
        self._marks: deque[tuple[datetime, int]] = deque()

    def note(self, session: Session, *, after: int) -> None:
        """Remember the highest id of now, if no event above ``after`` is left to handle."""
        event_id = handled_up_to(session, after=after)
        if event_id is not None:
            self._marks.append((datetime.now(UTC), event_id))

    def before(self, moment: datetime) -> int:
        """The id handled at this moment; 0 when it is not known."""
        return max((event_id for at, event_id in self._marks if at <= moment), default=0)

    def forget(self, moment: datetime) -> None:
        """Forget all marks before this moment but the latest one."""
        while len(self._marks) > 1 and self._marks[1][0] <= moment:
            self._marks.popleft()


def fire_asset_events(now: datetime, *, after: int) -> int:
    """Fire for every event that is new or due again. Returns how many were fired.

    :param after: events up to this id were handled, or are kept for another try.
    """
    with transaction() as session:
        events = [*new_asset_events(session, after=after), *due_asset_events(session, now=now)]
    return sum(_handle(event) for event in events)


def forget_handled_events(session: Session, now: datetime) -> int:
    """Delete the rows of events that need not be remembered any more. Returns the watermark of :data:`LATE`."""
    columns, late = tables.asset_event.c, watermark(session, now, LATE)
    is_settled = columns.due.is_(None) & columns.error.is_(None)
    session.execute(delete(tables.asset_event).where(columns.event_id < late, is_settled))
    return late


def watermark(session: Session, now: datetime, late: timedelta) -> int:
    """Up to this id, every event was handled or is kept for another try, unless it committed later than ``late``.

    It counts back from the last handled event, so no time passes while no controller runs.
    """
    columns = tables.asset_event.c
    last = session.scalar(select(func.max(columns.seen)))
    if last is None or last <= UNREADABLE_MOMENT:
        return 0
    query = select(func.max(columns.event_id)).where(columns.seen <= min(now, last) - late)
    return int(session.scalar(query) or 0)


def _handle(event: AssetEventRow) -> bool:
    fire = None
    try:
        check_by_hand(event)
        asset_fire, authorize = fire_of(event), authorizer_of(event)
        try:
            request = asset_fire.to_request()
        except TriggersError:
            # An invalid fire is never authorized by fire_request. An event without the right writes no history.
            if authorize is None or _is_authorized(asset_fire, authorize):
                fire = asset_fire
            raise
        fire = asset_fire
        fire_request(request, by=_fired_by(event), authorize=authorize)
    except LockTimeout:
        log.debug("The session of asset event %s is being written; the next pass looks again", event.event_id)
        return False
    except Exception as error:
        log.log(
            logging.ERROR,
            "Triggers controller: asset event %s of %s cannot be fired: %s",
            event.event_id,
            event.uri,
            error,
            exc_info=not isinstance(error, TriggersError),
        )
        _keep(event, error, fire)
        return False
    _keep(event, None, fire)
    return True


def _is_authorized(fire: AssetFire, authorize: AuthorizeFire) -> bool:
    """Whether the session named by an invalid fire exists, and its event may fire into it."""
    try:
        check_authorized(SessionUid(fire.session_uid), authorize)
    except (InvalidSessionUid, RefusedAssetEvent, SessionNotFound):
        return False
    except RegistryError:
        # The rights were checked; the session's storage is not installed here. The history is in Airflow's database.
        return True
    return True


def _fired_by(event: AssetEventRow) -> str:
    """The task, or the person who created the event by hand."""
    if event.source is not None:
        return event.source
    with snapshot() as session:
        return author_of(session, event) or f"asset event {event.event_id}"


def _keep(event: AssetEventRow, error: Exception | None, fire: AssetFire | None) -> None:
    """Remember the event as handled; or remember its error, and when to try again.

    A final error goes into the history of the named session, if this session exists. An event without the right to
    fire into the session writes nothing there.
    """
    event_id = event.event_id
    now, columns = datetime.now(UTC), tables.asset_event.c
    own_row = update(tables.asset_event).where(columns.event_id == event_id)
    new_row = {"event_id": event_id, "seen": now, "attempts": 0}
    try:
        with transaction() as session:
            insert = rows.insert_or_ignore(tables.asset_event, new_row)
            first_statement(session, lambda: session.execute(insert))
            if error is None:
                session.execute(own_row.values(due=None, error=None))
                return
            increment = own_row.values(attempts=columns.attempts + 1).returning(columns.attempts)
            attempts = session.scalar(increment) or 1
            final = isinstance(error, FINAL) or attempts >= MAX_ATTEMPTS
            message = describe_exception(error)[EXCEPTION_MESSAGE]
            session.execute(
                own_row.values(
                    error=message, due=None if final else now + backoff.ATTEMPTS.pause_after(attempts)
                )
            )
            if final and fire is not None and not isinstance(error, FOREIGN):
                _tell(session, event, fire, message, at=now)
    except Exception:
        log.exception("Triggers controller: what became of asset event %s cannot be kept", event_id)


def _tell(session: Session, event: AssetEventRow, fire: AssetFire, error: str, *, at: datetime) -> None:
    """Add an entry to the session's history; do nothing if there is no such session."""
    owner = session.scalar(select(tables.session.c.id).where(tables.session.c.uid == fire.session_uid))
    if owner is None:
        return
    details = asset_event_details(event.event_id, trigger_name=fire.trigger_name, error=error)
    author = event.source or author_of(session, event)
    add_event(session, owner, EventKind.ASSET_EVENT, at=at, by=author, details=details)
