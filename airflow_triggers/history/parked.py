"""Hooks and asset events which failed too often, or cannot be done. Here people see them and have them tried again.

Neighbours: ``api/`` and ``cli/`` ask here; ``controller/`` tries until it parks.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from airflow_triggers.domain.events import EventKind, hook_call_details
from airflow_triggers.domain.hooks import INSTANCE, MAX_HOOK_ATTEMPTS, PromisedHook
from airflow_triggers.errors import NothingParked
from airflow_triggers.gateway.asset_events import AssetEventRow, asset_events, author_of
from airflow_triggers.sessions.audit import AuditEvent, note_act, note_retried_events
from airflow_triggers.sessions.describing import configured_as, promised_hook_of, session_id_of
from airflow_triggers.sessions.opening import open_session
from airflow_triggers.storages import hooks, rows, tables
from airflow_triggers.storages.lock_waits import first_statement
from airflow_triggers.storages.transaction import snapshot, transaction


@dataclass(frozen=True, kw_only=True)
class ParkedHook:
    """A hook that raised, and its session.

    :param hook_id: the key of its row in Airflow's database.
    :param configuration_hash: of its session.
    """

    uid: str
    hook: PromisedHook
    hook_id: int
    configuration_hash: str | None


@dataclass(frozen=True, kw_only=True)
class FailedAssetEvent:
    """An asset event which could not be fired.

    :param event: Airflow's asset event; None when Airflow no longer has it.
    :param source: the task that made it, or the user who created it by hand; None when not known.
    :param due: when it is tried again; None when it is parked.
    :param configuration_hash: the configuration of the session that it names, if there is such a session.
    """

    event_id: int
    event: AssetEventRow | None
    source: str | None
    attempts: int
    error: str
    due: datetime | None
    session_exists: bool = False
    configuration_hash: str | None = None

    @property
    def session_uid(self) -> str | None:
        """The session that it names; None when it names none, or Airflow no longer has the event."""
        return None if self.event is None else _named_session(self.event)


def failed_hooks(
    *,
    limit: int = 50,
    uid: str | None = None,
    parked: bool = False,
    before: int | None = None,
    configuration_hashes: Collection[str | None] | None = None,
) -> list[ParkedHook]:
    """Hooks that raised, as Airflow's database has them, the newest first.

    :param uid: only hooks of this session.
    :param parked: only hooks which the controller does not call again automatically.
    :param before: only hooks with a lower ``hook_id``.
    :param configuration_hashes: only hooks of sessions with one of these configurations; None: of all.
    :raises SessionNotFound: when there is no session ``uid``.
    """
    columns, session_columns = tables.hook.c, tables.session.c
    query = (
        select(tables.hook, session_columns.uid, session_columns.configuration_hash)
        .join(tables.session, session_columns.id == columns.session_id)
        .where(columns.attempts >= (MAX_HOOK_ATTEMPTS if parked else 1))
        .order_by(columns.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(columns.id < before)
    if configuration_hashes is not None:
        query = query.where(configured_as(configuration_hashes))
    with snapshot() as session:
        if uid is not None:
            query = query.where(columns.session_id == session_id_of(session, uid))
        return [_parked_hook(row) for row in session.execute(query)]


def _parked_hook(row: Any) -> ParkedHook:
    """The hook with the id from its session: a session kept elsewhere has ids of its own."""
    hook = rows.hook_from_row(row)
    return ParkedHook(
        uid=row.uid,
        hook_id=row.id,
        hook=replace(hook, token=row.arguments.get(hooks.KNOWN_AS, hook.token)),
        configuration_hash=row.configuration_hash,
    )


def call_hook_again(uid: str, token: int, *, by: str | None = None) -> str | None:
    """Call a promised hook again, in this process.

    :returns: the traceback when it raised again; None when it ended and is forgotten.
    :raises SessionNotFound: when there is no session.
    :raises NothingParked: when the session has no such hook (any more).
    :raises RegistryError: when the session's manager is not installed here.
    """
    promised_hook = promised_hook_of(uid, token)
    if promised_hook is None:
        raise NothingParked(f"Session {uid!r} has no hook {token} to be called: it has ended, or never was.")
    manager = open_session(uid)
    hook_id = hooks.owed_for(uid, token)
    error = manager.call_hook(token, promised_hook.hook, promised_hook.arguments, owed_id=hook_id)
    with manager.storage.acquire_lock():
        instance_name = promised_hook.arguments.get(INSTANCE)
        details = hook_call_details(
            promised_hook.hook, has_ended=error is None, attempts=promised_hook.attempts
        )
        manager.storage.record_event(EventKind.HOOK_CALLED, instance=instance_name, by=by, details=details)
        note_act(
            manager.storage,
            AuditEvent.CALL_HOOK,
            by=by,
            instance=instance_name,
            hook_id=token,
            ended=error is None,
        )
    return error


def failed_asset_events(
    *,
    limit: int = 50,
    parked: bool = False,
    before: int | None = None,
    event_ids: Collection[int] | None = None,
) -> list[FailedAssetEvent]:
    """Asset events of triggers which could not be fired, the newest first.

    :param parked: only events which the controller does not try again automatically.
    :param before: only events with a lower id.
    :param event_ids: only these events.
    """
    columns = tables.asset_event.c
    query = select(tables.asset_event).where(columns.error.is_not(None))
    if parked:
        query = query.where(columns.due.is_(None))
    if before is not None:
        query = query.where(columns.event_id < before)
    if event_ids is not None:
        query = query.where(columns.event_id.in_(event_ids))
    with snapshot() as session:
        event_rows = session.execute(query.order_by(columns.event_id.desc()).limit(limit)).all()
        events = asset_events(session, [row.event_id for row in event_rows])
        hashes = _hashes_of(session, [uid for event in events.values() if (uid := _named_session(event))])
        return [
            _with_session(_failed_asset_event(session, row, events.get(row.event_id)), hashes)
            for row in event_rows
        ]


def _named_session(event: AssetEventRow) -> str | None:
    """The session of the event, as far as it says; see ``controller/asset_fires.py``."""
    uid = event.extra.get("session_uid") if isinstance(event.extra, Mapping) else None
    return uid if isinstance(uid, str) and uid else event.partition_key


def _hashes_of(session: Session, uids: Collection[str]) -> dict[str, str | None]:
    """The hashes of the configurations of those of the sessions that exist."""
    columns = tables.session.c
    possible_uids = [uid for uid in uids if uid.isprintable()]
    query = select(columns.uid, columns.configuration_hash).where(columns.uid.in_(possible_uids))
    return {row.uid: row.configuration_hash for row in session.execute(query)}


def _with_session(event: FailedAssetEvent, hashes: Mapping[str, str | None]) -> FailedAssetEvent:
    uid = event.session_uid
    if uid is None or uid not in hashes:
        return event
    return replace(event, session_exists=True, configuration_hash=hashes[uid])


def _failed_asset_event(session: Session, row: Any, event: AssetEventRow | None) -> FailedAssetEvent:
    source = None if event is None else event.source or author_of(session, event)
    return FailedAssetEvent(
        event_id=row.event_id,
        event=event,
        source=source,
        attempts=row.attempts,
        error=row.error,
        due=row.due,
    )


def retry_asset_events(event_ids: Collection[int], *, by: str | None = None) -> None:
    """Have a controller try the events again at once, as if they had not been tried.

    :raises NothingParked: when one of them did not fail; nothing is changed then.
    """
    columns = tables.asset_event.c
    retry = (
        update(tables.asset_event)
        .where(columns.event_id.in_(event_ids), columns.error.is_not(None))
        .values(due=datetime.now(UTC), attempts=0)
        .returning(columns.event_id)
    )
    with transaction() as session:
        retried_ids = first_statement(session, lambda: set(session.scalars(retry)))
        if missing := sorted(set(event_ids) - retried_ids):
            raise NothingParked(
                f"No such asset event has failed: {', '.join(map(str, missing))}. See 'airflow triggers asset-events'."
            )
        note_retried_events(session, event_ids, by=by)
