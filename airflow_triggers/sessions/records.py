"""The storage and the manager of each session. Airflow's database has a row for every session, wherever it is kept.

Neighbours: ``opening.py`` opens, creates and fires into sessions with these; ``describing.py`` reads their content.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from threading import Lock
from typing import Any

from cachetools import LRUCache

from airflow_triggers.domain.configuration import Configuration
from airflow_triggers.domain.uids import SessionUid
from airflow_triggers.errors import RegistryError
from airflow_triggers.manager.manager import TriggerManager, trigger_managers
from airflow_triggers.storages import rows, statements, storage_backends
from airflow_triggers.storages.base import BaseStorageBackend
from airflow_triggers.storages.sql import SqlStorageBackend
from airflow_triggers.storages.transaction import glance, look


@dataclass(frozen=True, kw_only=True)
class SessionRecord:
    """A session's row in Airflow's database: its storage, its manager, its configuration.

    :param configuration: as it was when read. For a session kept elsewhere, ask its storage instead.
    """

    uid: SessionUid
    storage: str
    manager: str
    configuration: Configuration
    configuration_hash: str | None

    @property
    def is_here(self) -> bool:
        """Whether the whole session is kept in Airflow's database."""
        return self.storage == SqlStorageBackend.name

    def open_storage(self) -> BaseStorageBackend:
        """The session's storage.

        :raises RegistryError: when it is not installed here, or broken.
        """
        return storage_of(self.uid, self.storage)

    def open(self, storage: BaseStorageBackend | None = None) -> TriggerManager:
        """The session's manager.

        :raises RegistryError: when it, or the storage, is not installed here, or broken.
        """
        return _manager_by_name(storage or self.open_storage(), self.manager)


class RecentRecords:
    """The records read lately in this process, by UID. A record may be out of date: compare it under the lock.

    Sessions kept elsewhere are left out: their records do not have their configurations.
    """

    SIZE = 10_000

    def __init__(self) -> None:
        # The manager's name and the configuration's hash. Ten thousand configurations would take much memory.
        self._names: LRUCache[SessionUid, tuple[str, str | None]] = LRUCache(maxsize=self.SIZE)
        self._mutex = Lock()

    def get(self, uid: SessionUid) -> SessionRecord | None:
        """The session's record, if it is remembered, and its configuration is in memory."""
        with self._mutex:
            manager, content_hash = self._names.get(uid, ("", None))
        configuration = rows.known_configuration(content_hash) if manager else None
        if configuration is None:
            return None
        return SessionRecord(
            uid=uid,
            storage=SqlStorageBackend.name,
            manager=manager,
            configuration=configuration,
            configuration_hash=content_hash,
        )

    def remember(self, record: SessionRecord) -> None:
        """Remember a record that was read now."""
        if record.is_here:
            with self._mutex:
                self._names[record.uid] = record.manager, record.configuration_hash

    def forget(self, uid: SessionUid) -> None:
        """Forget the session's record."""
        with self._mutex:
            self._names.pop(uid, None)

    def clear(self) -> None:
        """Forget all records."""
        with self._mutex:
            self._names.clear()


recent_records = RecentRecords()


def records_of(uids: Collection[SessionUid]) -> dict[SessionUid, SessionRecord]:
    """The records of the existing sessions among these, by UID; one statement reads their rows."""
    if not uids:
        return {}
    with glance() as connection:
        session_rows = connection.execute(statements.KEPT_SESSIONS, {"uids": list(uids)}).all()
        rows_by_uid = {row.uid: row for row in session_rows}
        return {
            uid: _record(
                uid,
                rows_by_uid[uid],
                rows.read_configuration(connection, rows_by_uid[uid].configuration_hash),
            )
            for uid in uids
            if uid in rows_by_uid
        }


def record_of(uid: SessionUid) -> SessionRecord | None:
    """The session's record; None when it does not exist. Every fire reads it before it takes the lock."""
    row = look(statements.KEPT_SESSION, {"of_uid": uid}).row
    if row is None:
        return None
    configuration = rows.known_configuration(row.configuration_hash)
    if configuration is None:
        with glance() as connection:
            configuration = rows.read_configuration(connection, row.configuration_hash)
    return _record(uid, row, configuration)


def _record(uid: SessionUid, row: Any, configuration: Configuration) -> SessionRecord:
    return SessionRecord(
        uid=uid,
        storage=row.storage,
        manager=row.manager,
        configuration=configuration,
        configuration_hash=row.configuration_hash,
    )


def manager_of(uid: str, *, manager: str, storage: str) -> TriggerManager:
    """The manager of a session, when the names of its manager and storage are already known.

    :raises RegistryError: when one of them is not installed here, or broken.
    """
    return _manager_by_name(storage_of(uid, storage), manager)


def storage_of(uid: str, storage_name: str) -> BaseStorageBackend:
    """The storage with this name, for the session.

    :raises RegistryError: when it is not installed here, or broken.
    """
    try:
        return storage_backends.get(storage_name, uid=uid)
    except RegistryError as error:
        raise RegistryError(f"Session {uid!r} is kept in the storage {storage_name!r}. {error}") from error


def _manager_by_name(storage: BaseStorageBackend, manager_name: str) -> TriggerManager:
    try:
        return trigger_managers.get(manager_name, storage=storage)
    except RegistryError as error:
        raise RegistryError(
            f"Session {storage.uid!r} can be read, and not changed: it belongs to the manager {manager_name!r}. {error}"
        ) from error
