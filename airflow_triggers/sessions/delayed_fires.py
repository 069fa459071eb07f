"""Lists, cancels and retries fires still to come.

Neighbours: ``api/`` and ``cli/`` ask here; the manager delays, fires and cancels, ``controller/`` fires due ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, tuple_

from airflow_triggers.domain.configuration import MAX_ID
from airflow_triggers.domain.fires import DelayedFire
from airflow_triggers.domain.uids import SessionUid
from airflow_triggers.errors import DelayedFireNotFound, InvalidCursor, SessionNotFound
from airflow_triggers.sessions.audit import AuditEvent, note_act
from airflow_triggers.sessions.describing import reading
from airflow_triggers.sessions.opening import open_session
from airflow_triggers.storages import rows, tables
from airflow_triggers.storages.base import BaseStorageBackend
from airflow_triggers.storages.transaction import snapshot

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class SessionDelayedFire:
    """A delayed fire and its session."""

    uid: str
    fire: DelayedFire


@dataclass(frozen=True, kw_only=True)
class DelayedFiresPage:
    """Fires still to come, the next first. ``next`` is the cursor of the next page; None on the last one."""

    fires: tuple[SessionDelayedFire, ...]
    next: str | None


def list_delayed_fires(
    *, uid: str | None = None, limit: int = 50, after: str | None = None, parked: bool = False
) -> DelayedFiresPage:
    """Fires still to come, ordered by the moment when they are to be fired (``fire_at``).

    :param uid: only fires of this session; None for all sessions.
    :param after: the cursor, ``next`` of the page before.
    :param parked: only fires which the controller does not try again automatically.
    :raises SessionNotFound: when there is no such session.
    :raises InvalidCursor: when ``after`` is no cursor.
    """
    columns, session_columns = tables.delayed_fire.c, tables.session.c
    position = (columns.fire_at, columns.id)
    query = (
        select(tables.delayed_fire, session_columns.uid)
        .join(tables.session, session_columns.id == columns.session_id)
        .where(columns.cancelled_at.is_(None))
    )
    if after is not None:
        query = query.where(tuple_(*position) > _read_cursor(after))
    if parked:
        query = query.where(columns.due.is_(None))
    with snapshot() as session:
        if uid is not None:
            owner = session.scalar(select(session_columns.id).where(session_columns.uid == SessionUid(uid)))
            if owner is None:
                raise SessionNotFound(uid)
            query = query.where(columns.session_id == owner)
        fire_rows = session.execute(query.order_by(*position).limit(limit + 1)).all()
    page = [SessionDelayedFire(uid=row.uid, fire=rows.delayed_from_row(row)) for row in fire_rows[:limit]]
    return DelayedFiresPage(
        fires=tuple(page), next=_cursor(page[-1].fire) if len(fire_rows) > limit and page else None
    )


def delayed_fire_of(uid: str, delayed_fire_id: int) -> DelayedFire:
    """The fire, still to come or cancelled.

    :raises SessionNotFound: when there is no such session.
    :raises DelayedFireNotFound: when it has been fired, or never existed.
    """
    with reading(uid) as (storage, _, _row):
        fire = storage.get_delayed_fire(delayed_fire_id) if 0 < delayed_fire_id <= MAX_ID else None
    if fire is None:
        raise DelayedFireNotFound(uid, delayed_fire_id)
    return fire


def cancel(uid: str, delayed_fire_id: int, *, by: str | None = None) -> DelayedFire:
    """See :meth:`TriggerManager.cancel_delayed_fire`. :raises SessionNotFound: when there is no such session."""
    manager = open_session(uid)
    with manager.storage.acquire_lock():
        fire = manager.cancel_delayed_fire(delayed_fire_id, by=by)
        _note(manager.storage, AuditEvent.CANCEL_DELAYED_FIRE, fire, by=by)
    return fire


def retry(uid: str, delayed_fire_id: int, *, by: str | None = None) -> DelayedFire:
    """See :meth:`TriggerManager.retry_delayed_fire`. :raises SessionNotFound: when there is no such session."""
    manager = open_session(uid)
    with manager.storage.acquire_lock():
        fire = manager.retry_delayed_fire(delayed_fire_id, by=by)
        _note(manager.storage, AuditEvent.RETRY_DELAYED_FIRE, fire, by=by)
    return fire


def _note(storage: BaseStorageBackend, event: AuditEvent, fire: DelayedFire, *, by: str | None) -> None:
    note_act(storage, event, by=by, trigger=fire.trigger_name, delayed_fire_id=fire.delayed_id)


def _cursor(fire: DelayedFire) -> str:
    return f"{(fire.fire_at - _EPOCH) // _MICROSECOND}.{fire.delayed_id}"


def _read_cursor(after: str) -> tuple[datetime, int]:
    moment, _, delayed_id = after.partition(".")
    numbers = (moment.removeprefix("-"), delayed_id)
    if all(part.isascii() and part.isdecimal() and len(part) < 20 for part in numbers):
        try:
            return _EPOCH + int(moment) * _MICROSECOND, min(int(delayed_id), MAX_ID)
        except OverflowError:
            pass
    raise InvalidCursor(f"'after' is {after[:80]!r}, expected the 'next' of another page.")
