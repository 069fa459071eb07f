"""Describes sessions and lists them: summaries, details, their fires and configurations.

Neighbours: ``records.py`` says where a session is kept; ``api/`` and ``cli/`` show these descriptions.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Sized
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, or_, select, tuple_
from sqlalchemy.orm import Session

from airflow_triggers.domain.configuration import MAX_ID, Configuration, Kwargs
from airflow_triggers.domain.disclosure import Disclosure, shown_delayed_fire, shown_fire, shown_instance
from airflow_triggers.domain.fires import EVERY_FIRE, DelayedFire, Fire, FireFilter
from airflow_triggers.domain.hooks import PromisedHook
from airflow_triggers.domain.instances import InstanceStatus, TaskInstance
from airflow_triggers.domain.uids import SessionUid
from airflow_triggers.domain.validation import validate_filter
from airflow_triggers.errors import InstanceNotFound, SessionNotFound, UnreadableRow
from airflow_triggers.sessions.preconditions import version_of_instance, version_of_session
from airflow_triggers.sessions.records import storage_of
from airflow_triggers.sessions.versions import ConfigurationVersion, deployed_of, version_column, version_of
from airflow_triggers.storages import rows, tables
from airflow_triggers.storages.base import BaseStorageBackend
from airflow_triggers.storages.counts import are_counts, by_status
from airflow_triggers.storages.prefixes import begins_with
from airflow_triggers.storages.readable import InstancePlace
from airflow_triggers.storages.sql import SqlStorageBackend
from airflow_triggers.storages.transaction import snapshot

log = logging.getLogger(__name__)

MOST_KEYS = 1000
"""The most runs looked up by one statement. SQLite takes at most 32,766 parameters."""


@dataclass(frozen=True, kw_only=True)
class SessionSummary:
    """A session in a list.

    :param configuration: the deployed configuration's name; None for one made at run time.
    :param version: the configuration's version; None when the session has no configuration.
    :param counts: how many instances it has, by status; None for a session in another storage.
    """

    uid: str
    manager: str
    storage: str
    configuration: str | None
    created: datetime
    last_modified: datetime
    version: ConfigurationVersion | None = None
    counts: Mapping[InstanceStatus, int] | None = None


@dataclass(frozen=True, kw_only=True)
class InstanceView:
    """An instance and its DAG run; ``dag_id`` and ``run_id`` are None while it has none."""

    instance: TaskInstance
    dag_id: str | None = None
    run_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class InstanceDescription:
    """One instance with its run, and its session's configuration at the same moment.

    :param version: differs after every change of the instance (see ``preconditions.py``).
    """

    tasks: Configuration
    view: InstanceView
    version: str


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """How much of a session a description has, at most. None: all.

    :param triggers: the triggers with their latest kwargs.
    """

    instances: int | None = 25
    fires: int | None = 25
    delayed_fires: int | None = 25
    hooks: int | None = 25
    triggers: int | None = 100

    @classmethod
    def of_each_list(cls, length: int) -> Bounds:
        """The same length for every list."""
        return cls(instances=length, fires=length, delayed_fires=length, hooks=length)


WHOLE = Bounds(instances=None, fires=None, delayed_fires=None, hooks=None, triggers=None)


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """Of what a session has more than its description."""

    instances: bool = False
    fires: bool = False
    delayed_fires: bool = False
    hooks: bool = False
    triggers: bool = False


@dataclass(frozen=True, kw_only=True)
class SessionDescription:
    """A session at one moment, as far as the bounds go.

    :param version: differs after every change of the session (see ``preconditions.py``).
    :param task_counts: how many instances it has in all: task name → status → number.
    :param instances: the newest, ordered by task and number.
    :param oldest_place: the place of the oldest of them in the order of creation; None without any.
    :param latest_kwargs: by trigger, the kwargs of its latest fire.
    :param fires: the latest, newest first.
    :param delayed_fires: the next to come.
    :param hooks: the oldest first.
    """

    summary: SessionSummary
    version: str
    metadata: Mapping[str, Any]
    tasks: Configuration
    task_counts: Mapping[str, Mapping[str, int]]
    instances: tuple[InstanceView, ...]
    oldest_place: InstancePlace | None
    latest_kwargs: Mapping[str, Kwargs]
    fires: tuple[Fire, ...]
    delayed_fires: tuple[DelayedFire, ...] = ()
    hooks: tuple[PromisedHook, ...] = ()
    left_out: LeftOut = LeftOut()


def list_sessions(
    *,
    limit: int = 50,
    after_uid: str | None = None,
    configuration: str | None = None,
    prefix: str | None = None,
    configuration_hashes: Collection[str | None] | None = None,
) -> list[SessionSummary]:
    """Sessions ordered by UID (by code points, on every database).

    :param after_uid: only sessions after this UID.
    :param configuration: only sessions of the deployed configuration with this name.
    :param prefix: only UIDs with exactly this beginning; case counts, and no character is a wildcard.
    :param configuration_hashes: only sessions with one of these configurations (see
        :func:`configurations_of_sessions`); None in the list stands for sessions without a configuration.
    :raises InvalidFilter: when no UID, configuration or prefix can have such a form.
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
        query = query.where(configured_as(configuration_hashes))
    with snapshot() as session:
        session_rows = session.execute(query).all()
        deployed_configurations = deployed_of(session, session_rows)
        return [_summary(row, deployed_configurations) for row in session_rows]


def summaries_of(session: Session, uids: Sequence[str]) -> tuple[SessionSummary, ...]:
    """The sessions with these UIDs, in this order."""
    query = _summaries().where(tables.session.c.uid.in_(uids))
    session_rows = {row.uid: row for row in session.execute(query)} if uids else {}
    deployed_configurations = deployed_of(session, session_rows.values())
    return tuple(_summary(session_rows[uid], deployed_configurations) for uid in uids)


def configurations_of_sessions() -> dict[str, Configuration]:
    """Every configuration of the sessions, by content hash: few, however many sessions there are."""
    with snapshot() as session:
        configuration_rows = session.execute(select(tables.configuration.c.hash, tables.configuration.c.body))
        configurations = {}
        for row in configuration_rows:
            try:
                configurations[row.hash] = rows.parse_body(row.body, row.hash)
            except UnreadableRow as error:
                log.warning("A configuration is left out: %s", error)
        return configurations


def configured_as(configuration_hashes: Collection[str | None]) -> ColumnElement[bool]:
    """The SQL condition: a session has one of these configurations. None in the list stands for no configuration."""
    column = tables.session.c.configuration_hash
    # SQL's IN never matches NULL.
    has_hash = column.in_([content_hash for content_hash in configuration_hashes if content_hash is not None])
    return or_(has_hash, column.is_(None)) if None in configuration_hashes else has_hash


def session_id_of(session: Session, uid: str) -> int:
    """The id of the session's row.

    :raises SessionNotFound: when there is no such session.
    """
    session_id: int | None = session.scalar(
        select(tables.session.c.id).where(tables.session.c.uid == SessionUid(uid))
    )
    if session_id is None:
        raise SessionNotFound(uid)
    return session_id


def describe_session(uid: str, *, bounds: Bounds = Bounds()) -> SessionDescription:
    """The session, read at one moment. Within the bounds, its size does not change the cost.

    :raises SessionNotFound: when there is none.
    """
    with reading(uid) as (storage, session, row):
        configuration = storage.configuration
        instances = storage.newest_instances(limit=_one_more(bounds.instances))
        page = instances[: bounds.instances]
        fires, latest_fires = _fires_within(storage, bounds)
        delayed_fires = storage.delayed_fires(limit=_one_more(bounds.delayed_fires))
        hooks = storage.hooks_after(0, limit=_one_more(bounds.hooks))
        return SessionDescription(
            summary=_summary(row, deployed_of(session, [row])),
            version=version_of_session(storage),
            metadata=storage.metadata,
            tasks=configuration,
            task_counts=storage.instance_counts,
            instances=views_of(session, row.id, in_order([instance for _, instance in page], configuration)),
            oldest_place=page[-1][0] if page else None,
            latest_kwargs={
                fire.trigger_name: fire.kwargs
                for fire in sorted(latest_fires[: bounds.triggers], key=lambda fire: fire.fire_id)
            },
            fires=tuple(fires[: bounds.fires]),
            delayed_fires=tuple(delayed_fires[: bounds.delayed_fires]),
            hooks=tuple(hooks[: bounds.hooks]),
            left_out=LeftOut(
                instances=len(instances) > len(page),
                fires=_exceeds(fires, bounds.fires),
                delayed_fires=_exceeds(delayed_fires, bounds.delayed_fires),
                hooks=_exceeds(hooks, bounds.hooks),
                triggers=_exceeds(latest_fires, bounds.triggers),
            ),
        )


def _fires_within(storage: BaseStorageBackend, bounds: Bounds) -> tuple[list[Fire], list[Fire]]:
    """The newest fires, and the latest fire of each trigger, each with one more than the bounds allow."""
    return storage.fires(limit=_one_more(bounds.fires)), storage.latest_fires(
        limit=_one_more(bounds.triggers)
    )


def _one_more(limit: int | None) -> int:
    """A limit by which to see whether there is more."""
    return MAX_ID if limit is None else limit + 1


def _exceeds(items: Sized, limit: int | None) -> bool:
    return limit is not None and len(items) > limit


def in_order(instances: Iterable[TaskInstance], configuration: Configuration) -> list[TaskInstance]:
    """The instances ordered by task, as configured, and number. Those of other tasks come last."""
    order = {name: place for place, name in enumerate([*configuration.tasks, *configuration.removed])}
    return sorted(
        instances, key=lambda instance: (order.get(instance.task.name, len(order)), instance.number)
    )


def views_of(
    session: Session, session_id: int, instances: Sequence[TaskInstance]
) -> tuple[InstanceView, ...]:
    """The instances with their runs, in the same order.

    :param session_id: the key of the session's row.
    """
    columns = tables.run.c
    views: list[InstanceView] = []
    for part in range(0, len(instances), MOST_KEYS):
        of_part = instances[part : part + MOST_KEYS]
        keys = [(instance.task.name, instance.number) for instance in of_part]
        query = select(tables.run).where(
            columns.session_id == session_id, tuple_(columns.task_name, columns.number).in_(keys)
        )
        runs = {(run.task_name, run.number): run for run in session.execute(query)}
        views += [_view(instance, runs.get(key)) for instance, key in zip(of_part, keys, strict=True)]
    return tuple(views)


def describe_instance(uid: str, name: str) -> InstanceDescription:
    """One instance, read by its key: the number of instances does not change the cost.

    :raises SessionNotFound: when there is no session.
    :raises InstanceNotFound: when it has no such instance.
    """
    with reading(uid) as (storage, session, row):
        return describe(storage, session, row, name)


def describe(storage: BaseStorageBackend, session: Session, row: Row[Any], name: str) -> InstanceDescription:
    """The same inside of :func:`reading`."""
    try:
        instance = storage[name]
    except InstanceNotFound:
        # The storage words the error otherwise for an impossible name; here both get the same answer.
        raise InstanceNotFound(f"Session {storage.uid!r} has no instance {name!r}.") from None
    (view,) = views_of(session, row.id, [instance])
    return InstanceDescription(tasks=storage.configuration, view=view, version=version_of_instance(instance))


def promised_hook_of(uid: str, token: int) -> PromisedHook | None:
    """The session's hook with this token; None when it has ended, or never existed.

    :raises SessionNotFound: when there is no such session.
    """
    with reading(uid) as (storage, _, _row):
        hooks = storage.hooks_after(token - 1, limit=1)
        return hooks[0] if hooks and hooks[0].token == token else None


def shown_instance_description(
    description: InstanceDescription, disclosure: Disclosure
) -> InstanceDescription:
    """The instance without the facts that may not be shown."""
    return replace(description, view=shown_view(description.view, disclosure))


def shown_view(view: InstanceView, disclosure: Disclosure) -> InstanceView:
    """The instance and its run, without the facts that may not be shown."""
    return replace(view, instance=shown_instance(view.instance, view.dag_id, disclosure))


def shown_description(description: SessionDescription, disclosure: Disclosure) -> SessionDescription:
    """The description without the facts that may not be shown."""
    return replace(
        description,
        instances=tuple(shown_view(view, disclosure) for view in description.instances),
        fires=tuple(shown_fire(fire, disclosure) for fire in description.fires),
        delayed_fires=tuple(shown_delayed_fire(fire, disclosure) for fire in description.delayed_fires),
    )


def fires_of(
    uid: str, *, limit: int = 50, before: int | None = None, only: FireFilter = EVERY_FIRE
) -> list[Fire]:
    """The session's fires, newest first.

    :param before: only fires before this fire id.
    """
    with reading(uid) as (storage, _, _row):
        return storage.fires(limit=limit, before=before, only=only)


@contextmanager
def reading(uid: str) -> Iterator[tuple[BaseStorageBackend, Session, Row[Any]]]:
    """The session's storage, a snapshot of Airflow's database, and the session's row in it.

    :raises SessionNotFound: when there is no such session.
    :raises RegistryError: when its storage is not installed here, or broken.
    """
    in_database = SqlStorageBackend(uid)
    with snapshot() as session:
        row = session.execute(_summaries().where(tables.session.c.uid == uid)).one_or_none()
        if row is None:
            raise SessionNotFound(uid)
        configuration = rows.read_configuration(session, row.configuration_hash)
        if row.storage == in_database.name:
            with in_database.joined_read(session, row.id, configuration):
                yield in_database, session, row
            return
        storage = storage_of(in_database.uid, row.storage)
        if not storage.exists:
            raise SessionNotFound(uid)
        with storage.consistent_read():
            yield storage, session, row


def configuration_of(uid: str) -> Configuration:
    """The session's configuration, read without its manager.

    :raises SessionNotFound: when there is no such session.
    """
    with reading(uid) as (storage, _, _row):
        return storage.configuration


def _summaries() -> Select[Any]:
    sessions_with_configuration = tables.session.outerjoin(
        tables.configuration, tables.session.c.configuration_hash == tables.configuration.c.hash
    )
    session_columns = tables.session.c
    return select(
        session_columns.id,
        session_columns.uid,
        session_columns.storage,
        session_columns.manager,
        session_columns.created,
        session_columns.last_modified,
        session_columns.configuration_hash,
        tables.configuration.c.name,
        version_column().label("version"),
        tables.configuration.c.deployed_at,
        session_columns.counts,
    ).select_from(sessions_with_configuration)


def _summary(row: Row[Any], deployed_configurations: dict[str, Configuration]) -> SessionSummary:
    return SessionSummary(
        uid=row.uid,
        manager=row.manager,
        storage=row.storage,
        configuration=row.name,
        created=row.created,
        last_modified=row.last_modified,
        version=version_of(row, deployed_configurations),
        counts=_counts(row),
    )


def _counts(row: Row[Any]) -> Mapping[InstanceStatus, int] | None:
    """The counts in a session's row, without those that cannot be read."""
    if row.storage != SqlStorageBackend.name:
        return None
    return by_status(row.counts if are_counts(row.counts) else {})


def _view(instance: TaskInstance, run: Row[Any] | None) -> InstanceView:
    return InstanceView(
        instance=instance, dag_id=run.dag_id if run else None, run_id=run.run_id if run else None
    )
