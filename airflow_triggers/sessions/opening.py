"""The life of sessions that Airflow's processes share: open, create, fire into.

Neighbours: ``api/``, ``cli/`` and ``controller/`` come through here, so that a session is always handled
by the manager class that it remembers. ``records.py`` says which that is.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
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
from airflow_triggers.sentences import sentence
from airflow_triggers.sessions.audit import AuditEvent, note_act, note_fire
from airflow_triggers.sessions.authorization import AuthorizeFire, allow_fire
from airflow_triggers.sessions.configuring import configure, deployed_configuration, description_of
from airflow_triggers.sessions.records import SessionRecord, record_of
from airflow_triggers.storages import storage_backends
from airflow_triggers.storages.anchors import anchor
from airflow_triggers.storages.base import BaseStorageBackend
from airflow_triggers.storages.sql import SqlStorageBackend
from airflow_triggers.storages.transaction import transaction


def open_session(uid: str) -> TriggerManager:
    """The manager of an existing session, of the class that the session remembers.

    :raises SessionNotFound: when there is no such session.
    :raises RegistryError: when its manager, or the storage that keeps it, is not installed here, or broken.
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
        is_new = configure(session_manager, initial_configuration, is_deployed=is_deployed, by=by)
        if is_new and session_metadata:
            session_manager.storage.set_metadata(session_metadata)
        if is_new:
            note_act(session_manager.storage, AuditEvent.CREATE_SESSION, by=by)
        if not session_manager.storage.in_airflow_database:
            # A storage elsewhere does not know when the configuration was deployed.
            current = initial_configuration if is_new else session_manager.storage.configuration
            with transaction() as session:
                anchor(session, session_manager.storage, configuration=current)
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
    """Fire what is requested; see :func:`fire_into`, which raises the same."""
    allow = authorize or allow_fire
    try:
        return _fire(request, allow, by=by, wait=wait)
    except Concealed:
        raise _absence_error(request, allow) from None


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
    with storage.acquire_lock(create=record is None, manager=manager_name, wait=wait):
        if initial_configuration is not None:
            configure(manager, initial_configuration, is_deployed=True, by=by)
        current = storage.configuration
        if current is not authorized_configuration and current != authorized_configuration:
            allow(current, False)
        check_session(storage, request)
        return audited_fire(manager, request, by=by)


def audited_fire(manager: TriggerManager, request: FireRequest, *, by: str | None) -> FireResult:
    """Fire into a session whose lock is held, and note it in Airflow's audit log.

    A repeat changes nothing, and is not audited.
    """
    result = manager.fire_request(request, by=by)
    if not result.repeated:
        ids = {"fire_id": result.fire_id, "delayed_fire_id": result.delayed_fire_id}
        known_ids = {name: number for name, number in ids.items() if number is not None}
        note_fire(manager.storage, request.trigger_name, by=by, **known_ids)
    return result


def check_session(storage: BaseStorageBackend, request: SessionFireRequest) -> None:
    """Refuse a fire that names another configuration, or another manager, than the session has. Under its lock.

    The repeat of a fire that was accepted is not refused.

    :raises SessionExists: naming both.
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
    if request.idempotency_key is None or not _was_fired(storage, request.idempotency_key):
        raise SessionExists(
            f"Session {storage.uid!r} exists with {difference}. Nothing was fired. Leave out what you named, or "
            "choose another UID."
        )


def _was_fired(storage: BaseStorageBackend, idempotency_key: str) -> bool:
    return (storage.find_fire(idempotency_key) or storage.find_delayed_fire(idempotency_key)) is not None


def _authorized_session(
    record: SessionRecord, allow: AuthorizeFire
) -> tuple[BaseStorageBackend, Configuration]:
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


def _authorized_initial(name: str, allow: AuthorizeFire) -> Configuration:
    """The deployed configuration of that name, of which the caller may make a session."""
    initial = deployed_configuration(name)
    try:
        allow(initial, True)
    except Concealed:
        raise UnknownConfiguration(f"There is no deployed configuration {name!r}.") from None
    return initial


def _absence_error(request: SessionFireRequest, allow: AuthorizeFire) -> TriggersError:
    """What the caller is answered who is not to know of the session: the same as if there were none.

    UIDs are shared by all users. Who may make a session of the configuration that they name has to be told that this
    one is taken, but not by what.
    """
    if request.configuration is None:
        return SessionNotFound(request.session_uid)
    _authorized_initial(request.configuration, allow)
    return uid_taken(request.session_uid)


def uid_taken(uid: str) -> SessionExists:
    """The error of whoever names a session's UID for another session, and is not to know what that one is."""
    return SessionExists(
        f"The session UID {uid!r} is taken: by a session that is not yours, or that has another configuration, manager "
        "or storage. Choose another UID."
    )
