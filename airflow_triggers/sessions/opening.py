"""The life of sessions shared by Airflow's processes: open, create, fire into.

Each session remembers its manager class, and ``records.py`` knows it. Neighbours: ``api/``, ``cli/`` and
``controller/`` open sessions only here, so the remembered class always handles a session.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from typing import Any

from airflow_triggers.configuration import parse_configuration
from airflow_triggers.domain.configuration import Configuration, Kwargs
from airflow_triggers.domain.fires import FireRequest, FireResult, SessionFireRequest
from airflow_triggers.domain.uids import SessionUid
from airflow_triggers.domain.validation import validate_metadata
from airflow_triggers.errors import (
    Concealed,
    RegistryError,
    SessionExists,
    SessionNotFound,
    StorageNotShared,
    TriggersError,
    UnknownConfiguration,
)
from airflow_triggers.manager.manager import TriggerManager, trigger_managers
from airflow_triggers.manager.remembered import DEFAULT_MANAGER
from airflow_triggers.runners import bindings
from airflow_triggers.sentences import sentence
from airflow_triggers.sessions.audit import AuditEvent, note_act, note_fire
from airflow_triggers.sessions.authorization import AuthorizeFire, allow_fire
from airflow_triggers.sessions.configuring import configure, deployed_configuration, description_of
from airflow_triggers.sessions.records import SessionRecord, recent_records, record_of
from airflow_triggers.storages import storage_backends
from airflow_triggers.storages.anchors import anchor
from airflow_triggers.storages.base import BaseStorageBackend
from airflow_triggers.storages.sql import SqlStorageBackend
from airflow_triggers.storages.transaction import one_connection, transaction


def open_session(uid: str) -> TriggerManager:
    """The manager of an existing session, of the class that the session remembers.

    :raises SessionNotFound: when there is no such session.
    :raises RegistryError: when its manager, or its storage, is not installed here, or broken.
    """
    record = record_of(SessionUid(uid))
    if record is None:
        raise SessionNotFound(uid)
    return record.open()


def create_session(
    uid: str,
    *,
    configuration: str | Mapping[str, Any] | Configuration,
    manager: str = "default",
    storage: str = SqlStorageBackend.name,
    metadata: Mapping[str, Any] | None = None,
    by: str | None = None,
) -> tuple[TriggerManager, bool]:
    """Create a session. It is idempotent: a session with the same configuration, manager and storage stays as it is.

    :param storage: the name of the storage backend for it.
    :param configuration: a deployed configuration's name, or task name → directives.
    :returns: the session's manager, and whether the session was created now.
    :raises UnknownConfiguration: when no deployed configuration has that name.
    :raises SessionExists: when it exists with another configuration, manager or storage.
    :raises StorageNotShared: when Airflow's other processes would not find it in this storage.
    :raises InvalidMetadata: when the metadata is no mapping, or holds what JSON cannot.
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
        is_new = configure(session_manager, initial_configuration, is_deployed=is_deployed, by=by)
        if is_new and session_metadata:
            session_manager.storage.set_metadata(session_metadata)
        if is_new:
            note_act(session_manager.storage, AuditEvent.CREATE_SESSION, by=by)
        if not session_manager.storage.in_airflow_database:
            # Only the initial configuration knows when it was deployed; a storage elsewhere does not keep this moment.
            current = initial_configuration if is_new else session_manager.storage.configuration
            with transaction() as session:
                session_key = anchor(session, session_manager.storage, configuration=current)
                if is_new:
                    bindings.unbind_all(session, session_key)
    return session_manager, is_new


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
    authorize: AuthorizeFire | None = None,
    wait: bool = True,
) -> FireResult:
    """Fire into a session. With ``configuration``, a first fire creates the session.

    :param configuration: a deployed configuration's name; an existing session must have it. None accepts any.
    :param manager: an existing session must have it. None accepts any, and means ``default`` for a new session.
    :param authorize: called before anything is written or locked, with the configuration under which the fire acts. It
        is called again under the lock if this configuration has changed.
    :param wait: False raises LockTimeout at once when another process holds the session (if the storage can tell).
    :raises SessionNotFound: when there is no such session, and no ``configuration`` is given.
    :raises SessionExists: when it has another configuration or manager than the given one. A repeat of an accepted
        fire (see ``idempotency_key``) is answered all the same.
    :raises UnknownConfiguration: when the session is new, and no deployed configuration has that name.
    :raises RegistryError: when its manager or storage is not installed here, or broken.
    :raises InvalidSessionUid, InvalidTrigger: when the UID, the trigger, its kwargs, the key or the moment are outside
        the allowed form.
    """
    request = SessionFireRequest(
        session_uid=SessionUid(uid),
        trigger_name=trigger_name,
        trigger_kwargs={} if trigger_kwargs is None else trigger_kwargs,
        configuration=configuration,
        manager=manager,
        idempotency_key=idempotency_key,
        fire_at=fire_at,
    )
    return fire_request(request, by=fired_by, authorize=authorize, wait=wait)


def fire_request(
    request: SessionFireRequest,
    *,
    by: str | None = None,
    authorize: AuthorizeFire | None = None,
    wait: bool = True,
) -> FireResult:
    """Fire the request; see :func:`fire_into`, which raises the same errors."""
    allow = authorize or allow_fire
    # Without waiting, a missing session looks like a locked one. So its record is read first.
    if wait and (record := recent_records.get(request.session_uid)) is not None:
        try:
            return _fire_as_remembered(record, request, allow, by=by)
        except _RecordOutdated:
            recent_records.forget(record.uid)
    try:
        with one_connection():
            return _fire(request, allow, by=by, wait=wait)
    except Concealed:
        raise _absence_error(request, allow) from None


def check_authorized(uid: SessionUid, authorize: AuthorizeFire) -> None:
    """Ask ``authorize`` about an existing session as :func:`fire_request` does, without a fire.

    :raises SessionNotFound: when there is no such session.
    :raises RegistryError: when its storage is not installed here, or broken; ``authorize`` has allowed the fire.
    :raises Exception: what ``authorize`` raises.
    """
    record = record_of(uid)
    if record is None:
        raise SessionNotFound(uid)
    _authorized_session(record, authorize)


class _RecordOutdated(Exception):
    """The session is not as it is remembered. Nothing was done."""


def _fire_as_remembered(
    record: SessionRecord, request: SessionFireRequest, allow: AuthorizeFire, *, by: str | None
) -> FireResult:
    """Fire into a session whose record is remembered: its row is read once, with the lock.

    Under the lock, the record must be right. So the caller's rights were checked for the configuration that holds.

    :raises _RecordOutdated: when the record is not right, or the session cannot be fired into: read it anew.
    """
    if request.configuration is not None and not record.configuration.tasks:
        # The fire gives the session its first configuration.
        raise _RecordOutdated
    try:
        allow(record.configuration, False)
        manager = record.open()
    except Exception as error:
        # Nothing is done yet. An error that was not due to an old record comes again.
        raise _RecordOutdated from error
    fire = partial(_fire_locked, manager, record, request, by=by)
    # A manager's own fire may do what a transaction does not undo, so it is called once.
    return fire() if manager.has_own_fire else manager.storage.undivided(fire)


def _fire_locked(
    manager: TriggerManager, record: SessionRecord, request: SessionFireRequest, *, by: str | None
) -> FireResult:
    with ExitStack() as lock:
        try:
            storage = lock.enter_context(manager.storage.acquire_lock())
        except (SessionNotFound, SessionExists) as error:
            raise _RecordOutdated from error
        if storage.manager_name != record.manager or storage.configuration != record.configuration:
            raise _RecordOutdated
        check_session(storage, request)
        return audited_fire(manager, request, by=by)


def _fire(request: SessionFireRequest, allow: AuthorizeFire, *, by: str | None, wait: bool) -> FireResult:
    record = record_of(request.session_uid)
    if record is None and request.configuration is None:
        raise SessionNotFound(request.session_uid)
    initial_configuration = authorized_configuration = None
    storage: BaseStorageBackend = SqlStorageBackend(request.session_uid)
    if record is not None:
        storage, authorized_configuration = _authorized_session(record, allow)
    if request.configuration is not None and (
        authorized_configuration is None or not authorized_configuration.tasks
    ):
        initial_configuration = authorized_configuration = _authorized_initial(request.configuration, allow)
    manager_name = request.manager or DEFAULT_MANAGER
    manager = record.open(storage) if record else trigger_managers.get(manager_name, storage=storage)
    if record is not None:
        recent_records.remember(record)
    with storage.acquire_lock(create=record is None, manager=manager_name, wait=wait):
        if initial_configuration is not None:
            configure(manager, initial_configuration, is_deployed=True, by=by)
        current = storage.configuration
        # Another process may have changed the configuration between the check and the lock.
        if current is not authorized_configuration and current != authorized_configuration:
            allow(current, False)
        check_session(storage, request)
        return audited_fire(manager, request, by=by)


def audited_fire(manager: TriggerManager, request: FireRequest, *, by: str | None) -> FireResult:
    """Fire into a session, and note it in Airflow's audit log. The caller holds the session's lock.

    A repeat changes nothing, and is not audited.
    """
    result = manager.fire_request(request, by=by)
    if not result.repeated:
        ids = {"fire_id": result.fire_id, "delayed_fire_id": result.delayed_fire_id}
        known_ids = {name: number for name, number in ids.items() if number is not None}
        note_fire(manager.storage, request.trigger_name, by=by, **known_ids)
    return result


def check_session(storage: BaseStorageBackend, request: SessionFireRequest) -> None:
    """Refuse a fire with another configuration or manager than the session's. The caller holds its lock.

    The repeat of an accepted fire is not refused.

    :raises SessionExists: it names both.
    """
    if request.configuration is None and request.manager is None:
        return
    configuration = storage.configuration
    if request.configuration is not None and configuration.name != request.configuration:
        difference = f"{description_of(configuration)}, not with the configuration {request.configuration!r}"
    elif request.manager is not None and storage.manager_name != request.manager:
        difference = f"the manager {storage.manager_name!r}, not with {request.manager!r}"
    else:
        return
    if request.idempotency_key is None or not storage.is_key_used(request.idempotency_key):
        raise SessionExists(
            f"Session {storage.uid!r} exists with {difference}. Nothing was fired. Leave out what you named, or "
            "choose another UID."
        )


def _authorized_session(
    record: SessionRecord, allow: AuthorizeFire
) -> tuple[BaseStorageBackend, Configuration]:
    """The session's storage and configuration, after a check that the caller may fire under it."""
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


def _authorized_initial(name: str, allow: AuthorizeFire) -> Configuration:
    """The deployed configuration with this name, after a check that the caller may create a session of it."""
    initial = deployed_configuration(name)
    try:
        allow(initial, True)
    except Concealed:
        raise UnknownConfiguration(f"There is no deployed configuration {name!r}.") from None
    return initial


def _absence_error(request: SessionFireRequest, allow: AuthorizeFire) -> TriggersError:
    """The error for a caller who may not know of the session: the same as if there were none.

    But all users share the UIDs. A caller who may create a session of the named configuration must learn: the UID is
    taken. They do not learn by which session.
    """
    if request.configuration is None:
        return SessionNotFound(request.session_uid)
    _authorized_initial(request.configuration, allow)
    return uid_taken(request.session_uid)


def uid_taken(uid: str) -> SessionExists:
    """The error for a caller who names a taken UID for a new session, and may not know the existing session."""
    return SessionExists(
        f"The session UID {uid!r} is taken: by a session that is not yours, or that has another configuration, manager "
        "or storage. Choose another UID."
    )
