"""The life of sessions that Airflow's processes share: open, create, fire into, list, describe.

Neighbours: ``api/``, ``cli/`` and ``controller/`` come through here, so that a session is always handled
by the manager class that it remembers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session

from airflow_triggers import gateway
from airflow_triggers.configuration import parse_configuration
from airflow_triggers.configuration.names import dag_id_of
from airflow_triggers.entries import EVERY_FIRE, EventKind, FireFilter, PromisedHook
from airflow_triggers.errors import (
    ConfigurationError,
    RegistryError,
    SessionExists,
    SessionNotFound,
    StorageNotShared,
)
from airflow_triggers.manager import TriggerManager, trigger_managers
from airflow_triggers.runners import task_runners
from airflow_triggers.storages import rows, statements, storage_backends, tables
from airflow_triggers.storages.anchors import anchor
from airflow_triggers.storages.base import BaseStorageBackend
from airflow_triggers.storages.prefixes import begins_with
from airflow_triggers.storages.sql import SqlStorageBackend
from airflow_triggers.storages.transaction import glance, snapshot, transaction
from airflow_triggers.types import Configuration, DelayedFire, Fire, FireResult, Kwargs, TaskInstance
from airflow_triggers.validation import validate_filter, validate_metadata, validate_session_uid

__all__ = [
    "DelayedFire",
    "Fire",
    "InstanceView",
    "KeptSession",
    "SessionDescription",
    "SessionSummary",
    "configuration_of",
    "configurations_of_sessions",
    "create_session",
    "dag_ids_of",
    "deployed_configuration",
    "describe_session",
    "fire_into",
    "fires_of",
    "kept_sessions",
    "list_sessions",
    "manager_of",
    "open_session",
    "reading",
]


@dataclass(frozen=True, kw_only=True)
class SessionSummary:
    """A session in a list. ``configuration`` is the deployed configuration's name, None for one made at run time."""

    uid: str
    manager: str
    storage: str
    configuration: str | None
    created: datetime
    last_modified: datetime


@dataclass(frozen=True, kw_only=True)
class InstanceView:
    """An instance and the DAG run that executes it (None while it has none)."""

    instance: TaskInstance
    dag_id: str | None = None
    run_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class SessionDescription:
    """A session whole, as it was at one moment; ``fires`` are the newest ones, newest first."""

    summary: SessionSummary
    metadata: Mapping[str, Any]
    tasks: Configuration
    instances: tuple[InstanceView, ...]
    latest_kwargs: Mapping[str, Kwargs]
    fires: tuple[Fire, ...]
    delayed_fires: tuple[DelayedFire, ...] = ()
    hooks: tuple[PromisedHook, ...] = ()


def open_session(uid: str) -> TriggerManager:
    """The manager of an existing session, of the class that the session remembers.

    :raises SessionNotFound: when there is no such session.
    :raises RegistryError: when its manager, or the storage that keeps it, is not installed here, or broken.
    """
    kept = kept_sessions([validate_session_uid(uid)]).get(uid)
    if kept is None:
        raise SessionNotFound(uid)
    return kept.open()


def manager_of(uid: str, row: Any) -> TriggerManager:
    """As :func:`open_session`, of a session whose ``manager`` and ``storage`` somebody has read: ``row`` has both."""
    return _managed(_storage_of(uid, row.storage), row.manager)


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
        return _managed(storage or self.open_storage(), self.manager)


def _managed(storage: BaseStorageBackend, manager_name: str) -> TriggerManager:
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
    attached = validate_metadata(metadata)
    made = trigger_managers.get(manager, storage=storage_backends.get(storage, uid=uid))
    if not made.storage.shared:
        raise StorageNotShared(
            f"The storage {storage!r} cannot be used here: {made.storage.unshared_because}. Choose another one."
        )
    deployed = isinstance(configuration, str)
    parsed = (
        _deployed(configuration)
        if isinstance(configuration, str)
        else parse_configuration(configuration, existing_tasks=())
    )
    with made.storage.acquire_lock(create=True, manager=manager):
        created = _configure(made, parsed, deployed=deployed, by=by)
        if created and attached:
            made.storage.set_metadata(attached)
        if not isinstance(made.storage, SqlStorageBackend):
            with transaction() as session:
                anchor(session, made.storage, configuration=made.storage.configuration)
    return made, created


Authorize = Callable[[Configuration, bool], None]
"""Raises unless the caller may fire under the configuration; the flag says that the fire makes the session."""


def fire_into(
    uid: str,
    trigger_name: str,
    trigger_kwargs: Kwargs | None = None,
    *,
    configuration: str | None = None,
    manager: str = "default",
    idempotency_key: str | None = None,
    fired_by: str | None = None,
    fire_at: datetime | None = None,
    authorize: Authorize | None = None,
    wait: bool = True,
) -> FireResult:
    """Fire into a session; where ``configuration`` names a deployed one, a first fire makes the session.

    :param authorize: asked before anything is written or locked, about the very configuration that the fire acts under.
    :param wait: False: raise LockTimeout at once when another holds the session (where the store can tell).
    :raises SessionNotFound: when there is no such session and no ``configuration`` is given.
    :raises RegistryError: when its manager is not installed here, or broken.
    """
    kept, seen = kept_sessions([validate_session_uid(uid)]).get(uid), None
    if kept is None:
        if configuration is None:
            raise SessionNotFound(uid)
        seen = _deployed(configuration)
    storage = SqlStorageBackend(uid) if kept is None else kept.open_storage()
    known = seen
    if authorize:
        known = seen or (kept.configuration if kept and kept.is_here else storage.configuration)
        authorize(known, seen is not None)
    found = kept.open(storage) if kept else trigger_managers.get(manager, storage=storage)
    with found.storage.acquire_lock(create=seen is not None, manager=manager, wait=wait):
        if seen is not None:
            _configure(found, seen, deployed=True, by=fired_by)
        current = found.storage.configuration
        if authorize and current is not known and current != known:
            authorize(current, False)
        return found.fire(
            trigger_name,
            trigger_kwargs,
            idempotency_key=idempotency_key,
            fired_by=fired_by,
            fire_at=fire_at,
        )


def deployed_configuration(name: str) -> Configuration:
    """The deployed configuration of that name. :raises UnknownConfiguration: when there is none."""
    return _deployed(name)


def list_sessions(
    *,
    limit: int = 50,
    after_uid: str | None = None,
    configuration: str | None = None,
    prefix: str | None = None,
    configuration_hashes: list[str] | None = None,
) -> list[SessionSummary]:
    """Sessions ordered by UID (by code points, on every database), those after ``after_uid``.

    :param configuration: only sessions of the deployed configuration of that name.
    :param prefix: only UIDs that begin exactly so; case counts, and no character is a wildcard.
    :param configuration_hashes: only sessions whose configuration is one of these (see
        :func:`configurations_of_sessions`).
    :raises InvalidFilter: when a text is of a form that none of these has.
    """
    for name, value in {"UID": after_uid, "configuration": configuration, "prefix": prefix}.items():
        validate_filter(name, value)
    query = _summaries().order_by(tables.session.c.uid).limit(limit)
    if after_uid is not None:
        query = query.where(tables.session.c.uid > after_uid)
    if configuration is not None:
        query = query.where(tables.configuration.c.name == configuration)
    if prefix:
        query = query.where(*begins_with(tables.session.c.uid, prefix))
    if configuration_hashes is not None:
        query = query.where(tables.session.c.configuration_hash.in_(configuration_hashes))
    with snapshot() as session:
        return [_summary(row) for row in session.execute(query)]


def configurations_of_sessions() -> dict[str, Configuration]:
    """Every configuration that some session may have, by content hash: few, however many sessions there are."""
    with snapshot() as session:
        found = session.execute(select(tables.configuration.c.hash, tables.configuration.c.body))
        return {row.hash: Configuration.from_dict(row.body) for row in found}


def describe_session(uid: str, *, fire_limit: int = 100) -> SessionDescription:
    """The session whole, read at one moment. :raises SessionNotFound: when there is none."""
    with reading(uid) as (storage, session, row):
        bound = session.execute(select(tables.run).where(tables.run.c.session_id == row.id))
        runs = {f"{run.task_name}#{run.number}": run for run in bound}
        return SessionDescription(
            summary=_summary(row),
            metadata=storage.metadata,
            tasks=storage.configuration,
            instances=tuple(_view(instance, runs.get(instance.name)) for instance in storage),
            latest_kwargs=storage.latest_kwargs,
            fires=tuple(storage.fires(limit=fire_limit)),
            delayed_fires=tuple(storage.delayed_fires()),
            hooks=tuple(storage.hooks()),
        )


def fires_of(
    uid: str, *, limit: int = 50, before: int | None = None, only: FireFilter = EVERY_FIRE
) -> list[Fire]:
    """The session's fires, newest first, those before the fire id ``before``."""
    with reading(uid) as (storage, _, _row):
        return storage.fires(limit=limit, before=before, only=only)


@contextmanager
def reading(uid: str) -> Iterator[tuple[BaseStorageBackend, Session, Row[Any]]]:
    """The session's storage, the database as it is at one moment, and the session's row in it."""
    in_database = SqlStorageBackend(uid)
    with in_database.consistent_read() as session:
        row = session.execute(_summaries().where(tables.session.c.uid == uid)).one_or_none()
        if row is None:
            raise SessionNotFound(uid)
        if row.storage == in_database.name:
            yield in_database, session, row
            return
        storage = _storage_of(uid, row.storage)
        if not storage.exists:
            raise SessionNotFound(uid)
        with storage.consistent_read():
            yield storage, session, row


def configuration_of(uid: str) -> Configuration:
    """The session's configuration, read without its manager. :raises SessionNotFound: when there is no session."""
    with reading(uid) as (storage, _, _row):
        return storage.configuration


def dag_ids_of(configuration: Configuration) -> dict[str, str]:
    """The DAG that each task runs, by task name; a task that runs none (another runner's) is left out."""
    found = {}
    for task in configuration:
        try:
            found[task.name] = dag_id_of(configuration, task)
        except ConfigurationError:
            continue
    return found


def _deployed(name: str) -> Configuration:
    with snapshot() as session:
        return gateway.deployed_configuration(session, name)


def _configure(
    manager: TriggerManager, configuration: Configuration, *, deployed: bool, by: str | None
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
    if deployed:
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
            found = (
                repr(task.using) if task.using else f"missing, and the manager {manager.name!r} has its own"
            )
            problems.append(f"task {task.name!r}: 'using' is {found}. {error}")
    if problems:
        raise ConfigurationError(problems)


def _check_same(manager: TriggerManager, existing: Configuration, given: Configuration) -> None:
    uid = manager.storage.uid
    same = existing.name == given.name if given.name else existing.content_hash == given.content_hash
    if not same:
        raise SessionExists(
            f"Session {uid!r} exists with {_named(existing)}, not with {_named(given)}. "
            "Choose another UID, or update that session's configuration."
        )
    if manager.storage.manager_name != manager.name:
        raise SessionExists(
            f"Session {uid!r} exists with the manager {manager.storage.manager_name!r}, not {manager.name!r}."
        )


def _named(configuration: Configuration) -> str:
    return f"the configuration {configuration.name!r}" if configuration.name else "a configuration of its own"


def _summaries() -> Select[Any]:
    found = tables.session.outerjoin(
        tables.configuration, tables.session.c.configuration_hash == tables.configuration.c.hash
    )
    own = tables.session.c
    return select(
        own.id, own.uid, own.storage, own.manager, own.created, own.last_modified, tables.configuration.c.name
    ).select_from(found)


def _summary(row: Row[Any]) -> SessionSummary:
    return SessionSummary(
        uid=row.uid,
        manager=row.manager,
        storage=row.storage,
        configuration=row.name,
        created=row.created,
        last_modified=row.last_modified,
    )


def _view(instance: TaskInstance, run: Row[Any] | None) -> InstanceView:
    return InstanceView(
        instance=instance, dag_id=run.dag_id if run else None, run_id=run.run_id if run else None
    )
