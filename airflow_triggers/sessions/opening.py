"""The life of sessions that Airflow's processes share: open, create, fire into, list, describe.

Neighbours: ``api/``, ``cli/`` and ``controller/`` come through here, so that a session is always handled
by the manager class that it remembers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from airflow_triggers import gateway
from airflow_triggers.configuration import parse_configuration
from airflow_triggers.domain.configuration import Configuration, Kwargs
from airflow_triggers.domain.events import EventKind
from airflow_triggers.domain.fires import FireResult
from airflow_triggers.domain.validation import validate_metadata, validate_session_uid
from airflow_triggers.errors import (
    ConfigurationError,
    RegistryError,
    SessionExists,
    SessionNotFound,
    StorageNotShared,
    TriggersError,
    UnknownConfiguration,
)
from airflow_triggers.manager.hooks import DEFAULT_MANAGER
from airflow_triggers.manager.manager import TriggerManager, trigger_managers
from airflow_triggers.runners import task_runners
from airflow_triggers.sentences import sentence
from airflow_triggers.sessions.audit import AuditEvent, note_act, note_fire
from airflow_triggers.storages import rows, statements, storage_backends
from airflow_triggers.storages.anchors import anchor
from airflow_triggers.storages.base import BaseStorageBackend
from airflow_triggers.storages.sql import SqlStorageBackend
from airflow_triggers.storages.transaction import glance, snapshot, transaction


def open_session(uid: str) -> TriggerManager:
    """The manager of an existing session, of the class that the session remembers.

    :raises SessionNotFound: when there is no such session.
    :raises RegistryError: when its manager, or the storage that keeps it, is not installed here, or broken.
    """
    record = kept_sessions([validate_session_uid(uid)]).get(uid)
    if record is None:
        raise SessionNotFound(uid)
    return record.open()


def manager_of(uid: str, *, manager: str, storage: str) -> TriggerManager:
    """As :func:`open_session`, of a session whose manager's and storage's names somebody has read."""
    return _manager_by_name(_storage_of(uid, storage), manager)


@dataclass(frozen=True, kw_only=True)
class KeptSession:
    """What stands in Airflow's database of a session: which storage keeps it, which manager handles it.

    :param configuration: as it was when read; that of a session kept elsewhere is asked of its storage.
    """

    uid: str
    storage: str
    manager: str
    configuration: Configuration

    @property
    def is_here(self) -> bool:
        """Whether the whole session is kept in Airflow's database."""
        return self.storage == SqlStorageBackend.name

    def open_storage(self) -> BaseStorageBackend:
        """The session's storage. :raises RegistryError: when it is not installed here, or broken."""
        return _storage_of(self.uid, self.storage)

    def open(self, storage: BaseStorageBackend | None = None) -> TriggerManager:
        """The session's manager. :raises RegistryError: when it, or the storage, is not installed here, or broken."""
        return _manager_by_name(storage or self.open_storage(), self.manager)


def _manager_by_name(storage: BaseStorageBackend, manager_name: str) -> TriggerManager:
    try:
        return trigger_managers.get(manager_name, storage=storage)
    except RegistryError as error:
        raise RegistryError(
            f"Session {storage.uid!r} can be read, and not changed: it belongs to the manager {manager_name!r}. {error}"
        ) from error


def _storage_of(uid: str, storage_name: str) -> BaseStorageBackend:
    try:
        return storage_backends.get(storage_name, uid=uid)
    except RegistryError as error:
        raise RegistryError(f"Session {uid!r} is kept in the storage {storage_name!r}. {error}") from error


def kept_sessions(uids: Collection[str]) -> dict[str, KeptSession]:
    """Those of the sessions that exist, by UID, read by one statement."""
    with glance() as connection:
        return {
            row.uid: KeptSession(
                uid=row.uid,
                storage=row.storage,
                manager=row.manager,
                configuration=rows.read_configuration(connection, row.configuration_hash),
            )
            for row in connection.execute(statements.KEPT_SESSIONS, {"uids": list(uids)}).all()
        }


def create_session(
    uid: str,
    *,
    configuration: str | Mapping[str, Any] | Configuration,
    manager: str = "default",
    storage: str = SqlStorageBackend.name,
    metadata: Mapping[str, Any] | None = None,
    by: str | None = None,
) -> tuple[TriggerManager, bool]:
    """Make a session; one that exists with the same configuration, manager and storage is left as it is.

    :param storage: the name of the storage backend that keeps it.
    :param configuration: a deployed configuration's name, or task name → directives.
    :returns: the session's manager, and whether the session was made now.
    :raises UnknownConfiguration: when no deployed configuration has that name.
    :raises SessionExists: when it exists with another configuration, manager or storage.
    :raises StorageNotShared: when Airflow's other processes would not find it in that storage.
    :raises InvalidMetadata: when the metadata is no mapping that JSON can hold.
    """
    session_metadata = validate_metadata(metadata)
    session_manager = trigger_managers.get(manager, storage=storage_backends.get(storage, uid=uid))
    if not session_manager.storage.shared:
        raise StorageNotShared(
            sentence(f"The storage {storage!r} cannot be used here", session_manager.storage.unshared_because)
            + " Choose another one."
        )
    is_deployed = isinstance(configuration, str)
    initial_configuration = (
        deployed_configuration(configuration)
        if isinstance(configuration, str)
        else parse_configuration(configuration, existing_tasks=())
    )
    with session_manager.storage.acquire_lock(create=True, manager=manager):
        is_new = _configure(session_manager, initial_configuration, is_deployed=is_deployed, by=by)
        if is_new and session_metadata:
            session_manager.storage.set_metadata(session_metadata)
        if is_new:
            note_act(session_manager.storage, AuditEvent.CREATE_SESSION, by=by)
        if not isinstance(session_manager.storage, SqlStorageBackend):
            with transaction() as session:
                anchor(session, session_manager.storage, configuration=session_manager.storage.configuration)
    return session_manager, is_new


class Concealed(Exception):
    """Raised by an :data:`Authorize`: the caller may do nothing with such a session, and is not to know of it."""


@dataclass(frozen=True, kw_only=True)
class SessionFire:
    """A fire into a session; see :func:`fire_into`."""

    session_uid: str
    trigger_name: str
    trigger_kwargs: Kwargs | None = None
    configuration: str | None = None
    manager: str | None = None
    idempotency_key: str | None = None
    fire_at: datetime | None = None

    def fire_with(self, manager: TriggerManager, *, fired_by: str | None) -> FireResult:
        """Fire it; see :meth:`TriggerManager.fire`. A repeat changes nothing, and is not audited."""
        result = manager.fire(
            self.trigger_name,
            self.trigger_kwargs,
            idempotency_key=self.idempotency_key,
            fired_by=fired_by,
            fire_at=self.fire_at,
        )
        if not result.repeated:
            ids = {"fire_id": result.fire_id, "delayed_fire_id": result.delayed_fire_id}
            known_ids = {name: number for name, number in ids.items() if number is not None}
            note_fire(manager.storage, self.trigger_name, by=fired_by, **known_ids)
        return result


Authorize = Callable[[Configuration, bool], None]
"""Raises unless the caller may fire under the configuration; the flag says that the fire makes the session.

:class:`Concealed`: the caller is answered as if there were no such session, or no such configuration.
"""


def fire_into(
    uid: str,
    trigger_name: str,
    trigger_kwargs: Kwargs | None = None,
    *,
    configuration: str | None = None,
    manager: str | None = None,
    idempotency_key: str | None = None,
    fired_by: str | None = None,
    fire_at: datetime | None = None,
    authorize: Authorize | None = None,
    wait: bool = True,
) -> FireResult:
    """Fire into a session; where ``configuration`` names a deployed one, a first fire makes the session.

    :param configuration: a session that exists must have it; None: whichever it has.
    :param manager: a session that exists must have it; None: whichever it has, and ``default`` for a new one.
    :param authorize: asked before anything is written or locked, about the very configuration that the fire acts under.
    :param wait: False: raise LockTimeout at once when another holds the session (where the store can tell).
    :raises SessionNotFound: when there is no such session and no ``configuration`` is given.
    :raises SessionExists: when it has another configuration, or another manager, than is given. A repeat of an
        accepted fire (see ``idempotency_key``) is answered all the same.
    :raises UnknownConfiguration: when the session is to be made, and no deployed configuration has that name.
    :raises RegistryError: when its manager is not installed here, or broken.
    """
    fire = SessionFire(
        session_uid=validate_session_uid(uid),
        trigger_name=trigger_name,
        trigger_kwargs=trigger_kwargs,
        configuration=configuration,
        manager=manager,
        idempotency_key=idempotency_key,
        fire_at=fire_at,
    )
    allow = authorize or _allow
    try:
        return _fire(fire, allow, fired_by=fired_by, wait=wait)
    except Concealed:
        raise _absence_error(fire, allow) from None


def _fire(fire: SessionFire, allow: Authorize, *, fired_by: str | None, wait: bool) -> FireResult:
    record = kept_sessions([fire.session_uid]).get(fire.session_uid)
    if record is None and fire.configuration is None:
        raise SessionNotFound(fire.session_uid)
    initial_configuration = authorized_configuration = None
    storage: BaseStorageBackend = SqlStorageBackend(fire.session_uid)
    if record is not None:
        storage, authorized_configuration = _authorized_session(record, allow)
    if fire.configuration is not None and (
        authorized_configuration is None or not authorized_configuration.tasks
    ):
        initial_configuration = authorized_configuration = _authorized_initial(fire.configuration, allow)
    manager_name = fire.manager or DEFAULT_MANAGER
    manager = record.open(storage) if record else trigger_managers.get(manager_name, storage=storage)
    with storage.acquire_lock(create=record is None, manager=manager_name, wait=wait):
        if initial_configuration is not None:
            _configure(manager, initial_configuration, is_deployed=True, by=fired_by)
        current = storage.configuration
        if current is not authorized_configuration and current != authorized_configuration:
            allow(current, False)
        check_session(storage, fire)
        return fire.fire_with(manager, fired_by=fired_by)


def check_session(storage: BaseStorageBackend, fire: SessionFire) -> None:
    """Refuse a fire that names another configuration, or another manager, than the session has. Under its lock.

    The repeat of a fire that was accepted is not refused.

    :raises SessionExists: naming both.
    """
    if fire.configuration is None and fire.manager is None:
        return
    configuration = storage.configuration
    if fire.configuration is not None and configuration.name != fire.configuration:
        difference = f"{_description_of(configuration)}, not with the configuration {fire.configuration!r}"
    elif fire.manager is not None and storage.manager_name != fire.manager:
        difference = f"the manager {storage.manager_name!r}, not with {fire.manager!r}"
    else:
        return
    if fire.idempotency_key is None or not _was_fired(storage, fire.idempotency_key):
        raise SessionExists(
            f"Session {storage.uid!r} exists with {difference}. Nothing was fired. Leave out what you named, or "
            "choose another UID."
        )


def _was_fired(storage: BaseStorageBackend, idempotency_key: str) -> bool:
    return (storage.find_fire(idempotency_key) or storage.find_delayed_fire(idempotency_key)) is not None


def _allow(configuration: Configuration, makes_session: bool) -> None:
    """The :data:`Authorize` of callers that may do everything."""


def _authorized_session(record: KeptSession, allow: Authorize) -> tuple[BaseStorageBackend, Configuration]:
    """The session's storage, and its configuration, under which the caller may fire."""
    try:
        storage = record.open_storage()
    except RegistryError:
        allow(record.configuration, False)
        raise
    if not record.is_here and not storage.exists:
        raise SessionNotFound(record.uid)
    configuration = record.configuration if record.is_here else storage.configuration
    allow(configuration, False)
    return storage, configuration


def _authorized_initial(name: str, allow: Authorize) -> Configuration:
    """The deployed configuration of that name, of which the caller may make a session."""
    initial = deployed_configuration(name)
    try:
        allow(initial, True)
    except Concealed:
        raise UnknownConfiguration(f"There is no deployed configuration {name!r}.") from None
    return initial


def _absence_error(fire: SessionFire, allow: Authorize) -> TriggersError:
    """What the caller is answered who is not to know of the session: the same as if there were none.

    UIDs are shared by all users. Who may make a session of the configuration that they name has to be told that this
    one is taken, but not by what.
    """
    if fire.configuration is None:
        return SessionNotFound(fire.session_uid)
    _authorized_initial(fire.configuration, allow)
    return uid_taken(fire.session_uid)


def uid_taken(uid: str) -> SessionExists:
    """The error of whoever names a session's UID for another session, and is not to know what that one is."""
    return SessionExists(
        f"The session UID {uid!r} is taken: by a session that is not yours, or that has another configuration, manager "
        "or storage. Choose another UID."
    )


def deployed_configuration(name: str) -> Configuration:
    """The deployed configuration of that name. :raises UnknownConfiguration: when there is none."""
    with snapshot() as session:
        return gateway.deployed_configuration(session, name)


def _configure(
    manager: TriggerManager, configuration: Configuration, *, is_deployed: bool, by: str | None
) -> bool:
    """Give a session, whose lock is held, its configuration; False when it had the same one already.

    A deployed configuration is not checked against the deployed DAGs: one of them missing for a moment (the DAG
    processor is at work) holds up an instance, not the session. A runner that is not installed here stays so.
    """
    storage = manager.storage
    existing = storage.configuration
    if existing.tasks:
        _check_same(manager, existing, configuration)
        return False
    if is_deployed:
        _check_runners(manager, configuration)
        storage.set_configuration(configuration)
        storage.record_event(
            EventKind.CONFIGURE, instance=None, by=by, details={"tasks": sorted(configuration.tasks)}
        )
    else:
        manager.update_configuration(configuration, by=by)
    return True


def _check_runners(manager: TriggerManager, configuration: Configuration) -> None:
    """:raises ConfigurationError: naming every task whose runner cannot be had here."""
    problems = []
    for task in configuration:
        try:
            task_runners.get_class(task.using or manager.default_task_runner_name)
        except RegistryError as error:
            using = (
                repr(task.using) if task.using else f"missing, and the manager {manager.name!r} has its own"
            )
            problems.append(f"task {task.name!r}: 'using' is {using}. {error}")
    if problems:
        raise ConfigurationError(problems)


def _check_same(manager: TriggerManager, existing: Configuration, configuration: Configuration) -> None:
    uid = manager.storage.uid
    same = (
        existing.name == configuration.name
        if configuration.name
        else _content_of(existing) == _content_of(configuration)
    )
    if not same:
        raise SessionExists(
            f"Session {uid!r} exists with {_description_of(existing)}, not with {_description_of(configuration)}. "
            "Choose another UID, or update that session's configuration."
        )
    if manager.storage.manager_name != manager.name:
        raise SessionExists(
            f"Session {uid!r} exists with the manager {manager.storage.manager_name!r}, not {manager.name!r}."
        )


def _content_of(configuration: Configuration) -> str:
    """What is compared of configurations without a name; which DAGs earlier updates replaced is not part of it."""
    return replace(configuration, former_dag_ids=frozenset()).content_hash


def _description_of(configuration: Configuration) -> str:
    if configuration.name:
        return f"the configuration {configuration.name!r}"
    return "a configuration of its own" if configuration.tasks else "no configuration"
