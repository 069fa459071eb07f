"""The row for Airflow's processes to find a session outside of Airflow's database.

It says which storage keeps the session, which manager handles it, and which configuration it has. So REST can list and
authorize the session, and the controller can open it. Neighbours: ``sql.py`` keeps whole sessions in the same table.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from airflow_triggers.domain.configuration import Configuration
from airflow_triggers.errors import SessionExists, SessionNotFound
from airflow_triggers.storages import rows, tables
from airflow_triggers.storages.base import BaseStorageBackend
from airflow_triggers.storages.lock_waits import first_statement
from airflow_triggers.storages.transaction import transaction


def anchor(session: Session, storage: BaseStorageBackend, *, configuration: Configuration) -> int:
    """Make or update the session's row. Returns its key. It must be the transaction's first statement.

    Call it under the session's lock.

    :raises SessionExists: when another storage keeps a session of this UID.
    """
    columns, now = tables.session.c, datetime.now(UTC)
    values = {
        "uid": storage.uid,
        "storage": storage.name,
        "manager": storage.manager_name or "default",
        "metadata": {},
        "created": now,
        "last_modified": now,
        "version": 0,
    }
    insertion = rows.insert_or_ignore(tables.session, values)
    first_statement(session, lambda: session.execute(insertion))
    row = session.execute(select(columns.id, columns.storage).where(columns.uid == storage.uid)).one()
    if row.storage != storage.name:
        raise kept_elsewhere(storage.uid, row.storage, claimant=storage.name)
    content_hash = rows.keep_configuration(session, configuration)
    session.execute(
        update(tables.session)
        .where(columns.id == row.id)
        .values(configuration_hash=content_hash, last_modified=now, version=columns.version + 1)
    )
    storage.note_anchored()
    return int(row.id)


def anchor_after_saving(storage: BaseStorageBackend, configuration: Configuration) -> None:
    """Update the row of an anchored session after the lock's commit, so that it never says what was not saved.

    A process that dies in between leaves the row as it was. The next start of a run, or a migration, updates it.
    """

    def follow() -> None:
        # Somebody may have deleted the session, or changed its rules again, since the commit.
        with suppress(SessionNotFound), storage.acquire_lock():
            if storage.configuration.content_hash == configuration.content_hash:
                with transaction() as session:
                    anchor(session, storage, configuration=configuration)

    storage.after_release(follow)


def kept_elsewhere(uid: str, storage_name: str, *, claimant: str) -> SessionExists:
    """The error for opening a session of another storage."""
    return SessionExists(
        f"Session {uid!r} is kept by the storage {storage_name!r}, not by {claimant!r}. Choose another UID, or "
        "open it there."
    )
