"""Lists, cancels and retries fires still to come.

Neighbours: ``api/`` and ``cli/`` ask here; the manager delays, fires and cancels, ``controller/`` fires due ones.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, select, tuple_

from airflow_triggers.domain.configuration import MAX_ID
from airflow_triggers.domain.fires import DelayedFire
from airflow_triggers.domain.validation import validate_filter
from airflow_triggers.errors import DelayedFireNotFound, InvalidCursor
from airflow_triggers.sessions.audit import AuditEvent, note_act
from airflow_triggers.sessions.describing import configured_as, reading, session_id_of
from airflow_triggers.sessions.opening import open_session
from airflow_triggers.storages import rows, tables
from airflow_triggers.storages.base import BaseStorageBackend
from airflow_triggers.storages.prefixes import begins_with
from airflow_triggers.storages.transaction import snapshot

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class SessionDelayedFire:
    """A delayed fire and its session.

    :param configuration_hash: of its session.
    """

    uid: str
    fire: DelayedFire
    configuration_hash: str | None


@dataclass(frozen=True, kw_only=True)
class DelayedFiresPage:
    """Fires still to come, the next first. ``next`` is the cursor of the next page; None on the last one."""

    fires: tuple[SessionDelayedFire, ...]
    next: str | None


@dataclass(frozen=True, kw_only=True)
class DelayedFiresFilter:
    """Which fires to come, over all sessions. All conditions must hold; None is no condition.

    :param parked: only fires which the controller does not try again automatically.
    :param trigger: only fires of this trigger.
    :param configuration: only in sessions of the deployed configuration with this name.
    :param prefix: only in sessions whose UIDs begin so.
    :param until: only fires that are to be fired before this moment (with a timezone).
    :param configuration_hashes: only in sessions with one of these configurations.
    :raises InvalidFilter: when a value is outside the allowed form.
    """

    parked: bool = False
    trigger: str | None = None
    configuration: str | None = None
    prefix: str | None = None
    until: datetime | None = None
    configuration_hashes: Collection[str | None] | None = None

    def __post_init__(self) -> None:
        texts = {"trigger": self.trigger, "configuration": self.configuration, "prefix": self.prefix}
        for name, value in texts.items():
            validate_filter(name, value)

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """The conditions on the fires, their sessions and these sessions' configurations, joined."""
        columns, session_columns = tables.delayed_fire.c, tables.session.c
        yield columns.cancelled_at.is_(None)
        if self.parked:
            yield columns.due.is_(None)
        if self.trigger is not None:
            yield columns.trigger_name == self.trigger
        if self.configuration is not None:
            yield tables.configuration.c.name == self.configuration
        if self.prefix:
            yield from begins_with(session_columns.uid, self.prefix)
        if self.until is not None:
            yield columns.fire_at < self.until
        if self.configuration_hashes is not None:
            yield configured_as(self.configuration_hashes)


def list_delayed_fires(
    *,
    uid: str | None = None,
    limit: int = 50,
    after: str | None = None,
    parked: bool = False,
    only: DelayedFiresFilter | None = None,
) -> DelayedFiresPage:
    """Fires still to come, ordered by the moment when they are to be fired (``fire_at``).

    :param uid: only fires of this session; None for all sessions.
    :param after: the cursor, ``next`` of the page before.
    :param parked: only fires which the controller does not try again automatically.
    :param only: which fires, instead of ``parked``.
    :raises SessionNotFound: when there is no such session.
    :raises InvalidCursor: when ``after`` is no cursor.
    """
    columns, session_columns = tables.delayed_fire.c, tables.session.c
    position = (columns.fire_at, columns.id)
    query = (
        select(tables.delayed_fire, session_columns.uid, session_columns.configuration_hash)
        .join(tables.session, session_columns.id == columns.session_id)
        .outerjoin(tables.configuration, tables.configuration.c.hash == session_columns.configuration_hash)
        .where(*(only or DelayedFiresFilter(parked=parked)).conditions())
    )
    if after is not None:
        query = query.where(tuple_(*position) > _read_cursor(after))
    with snapshot() as session:
        if uid is not None:
            query = query.where(columns.session_id == session_id_of(session, uid))
        fire_rows = session.execute(query.order_by(*position).limit(limit + 1)).all()
    page = [
        SessionDelayedFire(
            uid=row.uid, fire=rows.delayed_from_row(row), configuration_hash=row.configuration_hash
        )
        for row in fire_rows[:limit]
    ]
    return DelayedFiresPage(
        fires=tuple(page), next=cursor_after(page[-1].fire) if len(fire_rows) > limit and page else None
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


def cursor_after(fire: DelayedFire) -> str:
    """The cursor of the page after this fire."""
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
