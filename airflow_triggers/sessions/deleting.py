"""Deletes one session, with its history. Its DAG runs stay in Airflow.

Nothing of the session is left: a later fire with a configuration creates a new session with the same UID. Neighbours:
``api/`` and ``cli/`` ask; ``resolution.py`` says whether a session is resolved; ``cleaning.py`` deletes many.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from airflow_triggers.domain.uids import SessionUid
from airflow_triggers.errors import SessionNotFound, SessionUnresolved, StorageNotShared
from airflow_triggers.sentences import sentence
from airflow_triggers.sessions.audit import note_deletion
from airflow_triggers.sessions.authorization import Authorize, allow
from airflow_triggers.sessions.preconditions import Precondition
from airflow_triggers.sessions.records import SessionRecord, record_of
from airflow_triggers.sessions.resolution import hooks_to_call, open_ends
from airflow_triggers.storages import tables
from airflow_triggers.storages.base import BaseStorageBackend
from airflow_triggers.storages.lock_waits import first_statement
from airflow_triggers.storages.transaction import glance, transaction


def delete_session(
    uid: str,
    *,
    force: bool = False,
    by: str | None = None,
    authorize: Authorize | None = None,
    if_match: Precondition | None = None,
) -> None:
    """Delete a session, under its lock.

    :param force: delete it although it is not resolved. Nothing follows from its runs any more.
    :param by: who does it, for Airflow's audit log.
    :param authorize: raises unless the caller may delete a session of the configuration. It is called before the
        session is locked, and again under the lock if the configuration has changed.
    :param if_match: the versions that the session may have.
    :raises SessionNotFound: when there is no such session.
    :raises PreconditionFailed: when it has another version.
    :raises SessionUnresolved: when it is not resolved; it names the reasons.
    :raises CannotDelete: when its storage cannot delete sessions.
    :raises StorageNotShared: when this process cannot see the session's storage.
    :raises LockTimeout: when another process holds the session for too long.
    :raises RegistryError: when its storage is not installed here, or broken.
    """
    record = record_of(SessionUid(uid))
    if record is None:
        raise SessionNotFound(uid)
    storage = record.open_storage()
    if not storage.in_airflow_database:
        _refuse_unseen(storage)
    is_kept_elsewhere = not record.is_here and storage.exists
    configuration = storage.configuration if is_kept_elsewhere else record.configuration
    check = authorize or allow
    check(configuration)

    def check_again() -> None:
        if storage.configuration != configuration:
            check(storage.configuration)
        if if_match is not None:
            if_match.check_session(storage)

    if storage.in_airflow_database:
        with storage.acquire_lock():
            check_again()
            if not force:
                _refuse_unresolved(storage.airflow_transaction, storage, storage.session_key)
            storage.delete()
            note_deletion(storage.airflow_transaction, uid, configuration, by=by, force=force)
    else:
        delete_elsewhere(record, storage, force=force, by=by, check_again=check_again)


def delete_elsewhere(
    record: SessionRecord,
    storage: BaseStorageBackend,
    *,
    force: bool,
    by: str | None,
    unchanged_since: datetime | None = None,
    check_again: Callable[[], None] | None = None,
) -> None:
    """Delete a session kept in another storage, and then its row in Airflow's database.

    A process that dies in between leaves the row. Deleting the session again deletes the row. The row stays if
    somebody made the session anew in between: each new session counts up the row's version (optimistic lock).

    :param unchanged_since: delete it only if nothing was done in it since this moment.
    :param check_again: called under the session's lock. It raises unless the caller may delete it as it is now.
    :raises SessionUnresolved: when something was done since, when it is not resolved and ``force`` is false, or when
        somebody is making a lost session anew.
    :raises StorageNotShared: when this process cannot see the session's storage.
    """
    _refuse_unseen(storage)
    if storage.exists:
        with storage.acquire_lock():
            if check_again is not None:
                check_again()
            _check_elsewhere(storage, force=force, unchanged_since=unchanged_since)
            version = _version_of(storage)
            storage.delete()
    else:
        version = _version_of_lost(storage)
    columns = tables.session.c
    own_row = (columns.uid == storage.uid, columns.storage == storage.name, columns.version == version)
    with transaction() as session:
        first_statement(session, lambda: session.execute(delete(tables.session).where(*own_row)))
        note_deletion(session, record.uid, record.configuration, by=by, force=force)


def check_elsewhere(storage: BaseStorageBackend, *, force: bool, unchanged_since: datetime | None) -> None:
    """Check that :func:`delete_elsewhere` would delete the session. A session that its storage lost is only a row.

    :raises SessionUnresolved, StorageNotShared: see there.
    """
    _refuse_unseen(storage)
    if storage.exists:
        _check_elsewhere(storage, force=force, unchanged_since=unchanged_since)


def _version_of(storage: BaseStorageBackend) -> int | None:
    """The version of the session's row, under its lock; None when there is no row."""
    with glance() as connection:
        query = select(tables.session.c.version).where(tables.session.c.uid == storage.uid)
        return connection.scalar(query)


def _version_of_lost(storage: BaseStorageBackend) -> int | None:
    """The same for a session that its storage lost.

    :raises SessionUnresolved: when somebody has made it anew.
    """
    # A session's row is written before the session is saved. The lock waits for somebody in between.
    with storage.try_out(create=True):
        version = _version_of(storage)
    if storage.exists:
        raise SessionUnresolved(storage.uid, ["somebody has made it anew just now"])
    return version


def _refuse_unseen(storage: BaseStorageBackend) -> None:
    """Refuse a storage of this process alone: a session that lives elsewhere would look lost."""
    if not storage.shared:
        reason = f"The storage {storage.name!r}, which keeps session {storage.uid!r}, cannot be seen from this process"
        raise StorageNotShared(
            sentence(reason, storage.unshared_because)
            + " Nothing was deleted. Give this process the settings of Airflow's other processes, for a cache "
            "[triggers] cache_url, and try again."
        )


def _check_elsewhere(storage: BaseStorageBackend, *, force: bool, unchanged_since: datetime | None) -> None:
    if unchanged_since is not None:
        moments = [fire.fired_at for fire in storage.fires(limit=1)]
        moments += [event.at for event in storage.events(limit=1)]
        if any(moment >= unchanged_since for moment in moments):
            raise SessionUnresolved(
                storage.uid, [f"something was done in it since {unchanged_since.isoformat()}"]
            )
    if not force:
        with transaction() as session:
            _refuse_unresolved(session, storage, _key_of(session, storage.uid))


def _refuse_unresolved(session: Session, storage: BaseStorageBackend, session_id: int) -> None:
    is_here = storage.in_airflow_database
    reasons = open_ends(session, session_id, None if is_here else list(storage))
    if not is_here and (count := len(storage.hooks())) and not any("hook" in reason for reason in reasons):
        reasons.append(hooks_to_call(count))
    if reasons:
        raise SessionUnresolved(storage.uid, reasons)


def _key_of(session: Session, uid: str) -> int:
    return int(session.scalars(select(tables.session.c.id).where(tables.session.c.uid == uid)).one())
