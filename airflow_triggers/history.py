"""Reads what happened in a session: its history, why an instance has not run, fires and hooks that came to nothing.

Neighbours: ``api/`` and ``cli/`` ask here; ``sessions.py`` opens sessions, ``storages/`` keep their history,
``why.py`` explains and ``gateway.waiting`` looks into Airflow.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_triggers.disclosure import (
    EVERYTHING,
    Disclosure,
    shown_event,
    shown_fire,
)
from airflow_triggers.entries import EventKind, FireFilter, SessionEvent
from airflow_triggers.errors import InstanceNotFound, InvalidCursor, TaskNotFound, UnreadableRow
from airflow_triggers.gateway import waiting
from airflow_triggers.run_waits import RunInAirflow
from airflow_triggers.runners import bindings, promises
from airflow_triggers.sessions import configured_as, reading
from airflow_triggers.storages import rows, tables
from airflow_triggers.storages.base import BaseStorageBackend
from airflow_triggers.storages.events import read_events
from airflow_triggers.storages.sql import SqlStorageBackend
from airflow_triggers.storages.transaction import snapshot
from airflow_triggers.types import (
    Configuration,
    Fire,
    InstanceStatus,
    TaskConfig,
    TaskInstance,
    parse_instance_name,
)
from airflow_triggers.validation import validate_filter
from airflow_triggers.why import Evidence, Explanation, explain, similar_names

Entry = Fire | SessionEvent

BEYOND = 2**63 - 1
"""Larger than every id."""

SETTLING = frozenset({EventKind.PROGRESS, EventKind.STATUS, EventKind.REPLAY, EventKind.SKIP})
"""The entries that tell how an instance came to its status."""

IN_FLIGHT = (InstanceStatus.SCHEDULED, InstanceStatus.RUNNING)


# -- the history ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class HistoryPage:
    """Entries of a session's history, newest first; ``next`` is the cursor of the next page, None on the last one."""

    entries: tuple[Entry, ...]
    next: str | None


def history_of(
    uid: str,
    *,
    limit: int = 50,
    before: str | None = None,
    instance: str | None = None,
    trigger: str | None = None,
    touched_nothing: bool = False,
    disclosure: Disclosure = EVERYTHING,
) -> HistoryPage:
    """The session's fires and everything else that happened, newest first.

    Fires are in the order in which they took effect, and so are the other entries; the two are put together by their
    moments, which the clocks of several machines may have told.

    :param before: the cursor, ``next`` of the page before.
    :param instance: only what concerns the instance of this name.
    :param trigger: only fires of this trigger.
    :param touched_nothing: only fires that had no effect.
    :param disclosure: what of Airflow may be shown.
    :raises SessionNotFound: when there is no session.
    :raises InvalidCursor: when ``before`` is no cursor.
    """
    marks = _read_cursor(before)
    only = FireFilter(trigger_name=trigger, instance=instance, in_vain=True if touched_nothing else None)
    with reading(uid) as (storage, session, row):
        streams: list[list[Entry]] = [list(storage.fires(limit=limit + 1, before=marks[0], only=only))]
        if trigger is None and not touched_nothing:
            streams.append(list(storage.events(limit=limit + 1, before=marks[1], instance=instance)))
            if not isinstance(storage, SqlStorageBackend):  # the controller notes here what it could not do
                beside = read_events(session, row.id, limit=limit + 1, before=marks[2], instance=instance)
                streams.append(list(beside))
    merged = heapq.merge(*(_numbered(number, it) for number, it in enumerate(streams)), key=_newest_first)
    page = list(islice(merged, limit + 1))
    shown = page[:limit]
    for number, entry in shown:
        marks[number] = id_of(entry)
    cursor = ".".join(map(str, marks)) if len(page) > limit else None
    return HistoryPage(entries=tuple(_for_reader(entry, disclosure) for _, entry in shown), next=cursor)


def _for_reader(entry: Entry, disclosure: Disclosure) -> Entry:
    return shown_fire(entry, disclosure) if isinstance(entry, Fire) else shown_event(entry, disclosure)


def _numbered(number: int, stream: list[Entry]) -> Iterator[tuple[int, Entry]]:
    """Each entry with its stream's number. Merging keeps a stream's own order, whatever its clocks said."""
    return ((number, entry) for entry in stream)


def _newest_first(numbered: tuple[int, Entry]) -> float:
    return -moment_of(numbered[1]).timestamp()


def moment_of(entry: Entry) -> datetime:
    """When it happened."""
    return entry.fired_at if isinstance(entry, Fire) else entry.at


def id_of(entry: Entry) -> int:
    """Its id among its kind."""
    return entry.fire_id if isinstance(entry, Fire) else entry.event_id


def _read_cursor(before: str | None) -> list[int]:
    if before is None:
        return [BEYOND] * 3
    parts = before.split(".")
    if len(parts) != 3 or not all(part.isascii() and part.isdecimal() and len(part) < 20 for part in parts):
        raise InvalidCursor(f"'before' is {before!r}, expected the 'next' of another page.")
    return [min(int(part), BEYOND) for part in parts]


# -- why --------------------------------------------------------------------------------------------------------


def why(uid: str, name: str, *, disclosure: Disclosure = EVERYTHING) -> Explanation:
    """Why an instance has not run; of a task, its latest instance, or why it has none.

    :param name: an instance's name (``t_import#0``), or a task's (``t_import``).
    :param disclosure: what of Airflow may be shown.
    :raises SessionNotFound: when there is no session.
    :raises InstanceNotFound: when it has no such instance.
    :raises TaskNotFound: when it has no such task.
    """
    with reading(uid) as (storage, session, _):
        task, instance = _asked(storage, name)
        evidence = _evidence(storage, session, task, instance)
        return explain(replace(evidence, disclosure=disclosure))


def _asked(storage: BaseStorageBackend, name: str) -> tuple[TaskConfig, TaskInstance | None]:
    configuration = storage.configuration
    if name in configuration.tasks:
        instances = storage.instances_of_task(name)
        return configuration[name], instances[-1] if instances else None
    try:
        task_name, _ = parse_instance_name(name)
    except ValueError:
        known = ", ".join(sorted(configuration.tasks)) or "none"
        raise TaskNotFound(
            f"Session {storage.uid!r} has no task or instance {name!r}; its tasks are: {known}."
        ) from None
    if task_name not in configuration.tasks:
        raise InstanceNotFound(f"Session {storage.uid!r} has no instance {name!r}.")
    instance = storage[name]
    return instance.task, instance


def _evidence(
    storage: BaseStorageBackend, session: Session, task: TaskConfig, instance: TaskInstance | None
) -> Evidence:
    configuration = storage.configuration
    unused = frozenset(storage.latest_kwargs) - _used(configuration)
    missing = task.triggers if instance is None else instance.lacks
    meant = {name for trigger in missing for name in similar_names(trigger, unused)}
    latest = {name: _last_fire(storage, name) for name in sorted(missing | meant)}
    return Evidence(
        task=task,
        instance=instance,
        now=storage.now(),
        instances={
            name: tuple(storage.instances_of_task(name)) for name in missing if name in configuration.tasks
        },
        taken=_taken(storage, instance) if instance else {},
        latest={name: fire for name, fire in latest.items() if fire},
        unused=unused,
        delayed=tuple(storage.delayed_fires()),
        settled_by=_settled_by(storage, instance) if instance else None,
        run=_run_of(storage, session, instance) if instance and instance.status in IN_FLIGHT else None,
    )


def _used(configuration: Configuration) -> frozenset[str]:
    """Every name that the configuration knows as a trigger: a task's own name is fired too."""
    return frozenset(configuration.tasks).union(*(task.triggers for task in configuration))


def _last_fire(storage: BaseStorageBackend, trigger_name: str, *, before: int | None = None) -> Fire | None:
    found = storage.fires(limit=1, before=before, only=FireFilter(trigger_name=trigger_name))
    return found[0] if found else None


def _taken(storage: BaseStorageBackend, instance: TaskInstance) -> dict[str, Fire]:
    """The fires with which the instance took its triggers: those that touched it, or the latest before it was made.

    A clone holds what its original took, unless that was replaced, and takes the rest itself.
    """
    taken: dict[str, Fire] = {}
    names = _held(instance)
    while names:
        concerning = storage.fires(only=FireFilter(instance=instance.name))
        touching = {fire.trigger_name: fire for fire in concerning if instance.name in fire.touched}
        taken = {name: fire for name, fire in touching.items() if name in names} | taken
        original = _original(storage, instance)
        if original is None:
            made_by = next((fire for fire in concerning if instance.name in fire.created), None)
            return _before(storage, made_by, names - taken.keys()) | taken if made_by else taken
        same = {name for name in names if original.kwargs.get(name) == instance.kwargs.get(name)}
        names, instance = same & _held(original), original
    return taken


def _held(instance: TaskInstance) -> set[str]:
    return {*instance.kwargs, *instance.unless_seen}


def _original(storage: BaseStorageBackend, clone: TaskInstance) -> TaskInstance | None:
    """What the instance was cloned of: an earlier one of its task, whatever its metadata may say."""
    try:
        original = storage[clone.metadata["parent"]]
    except (KeyError, InstanceNotFound):
        return None
    return original if original.number < clone.number else None


def _before(storage: BaseStorageBackend, fire: Fire, trigger_names: set[str]) -> dict[str, Fire]:
    """Of each trigger that had fired before the fire, the latest fire."""
    latest = {name: _last_fire(storage, name, before=fire.fire_id) for name in trigger_names}
    return {name: earlier for name, earlier in latest.items() if earlier}


def _settled_by(storage: BaseStorageBackend, instance: TaskInstance) -> SessionEvent | None:
    recent = storage.events(instance=instance.name, limit=20)
    return next((event for event in recent if event.kind in SETTLING), None)


def _run_of(storage: BaseStorageBackend, session: Session, instance: TaskInstance) -> RunInAirflow | None:
    bound = bindings.find(session, storage, instance)
    if bound is None:
        return None
    seen = bindings.seen_of(instance, bound)
    now = datetime.now(UTC)
    found = waiting.look_at_run(session, bound.dag_id, bound.run_id, seen=seen, now=now)
    if promises.is_promise(bound):
        return replace(found, state=bound.seen_state)
    if not bound.failures:
        return found
    kept = tables.event.c
    last = select(kept.details).where(kept.session_id == bound.session_id, kept.kind == EventKind.BACKOFF)
    details = session.scalar(last.order_by(kept.id.desc()).limit(1)) or {}
    return replace(found, failures=bound.failures, retry_at=bound.retry_at, error=details.get("error"))


# -- fires that did nothing, in all sessions ----------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class VainFire:
    """A fire that touched nothing, and is not the cascade of a task whose end nobody waits for.

    :param used_by: the session's tasks that its trigger concerns (they had it already); empty: no task uses it.
    :param similar: triggers that the session's tasks use and that resemble it, where no task uses it.
    """

    uid: str
    fire: Fire
    used_by: tuple[str, ...] = ()
    similar: tuple[str, ...] = ()


def vain_fires(
    *,
    limit: int = 50,
    before: int | None = None,
    trigger: str | None = None,
    configuration: str | None = None,
    configuration_hashes: Collection[str | None] | None = None,
    disclosure: Disclosure = EVERYTHING,
) -> list[VainFire]:
    """Fires that touched nothing, in all sessions that Airflow's database keeps, newest first.

    :param before: a fire id, for the next page.
    :param trigger: only fires of this trigger.
    :param configuration: only in sessions of the deployed configuration of this name.
    :param configuration_hashes: only in sessions whose configuration is one of these; None among them: in sessions
        without a configuration.
    :param disclosure: what of Airflow may be shown.
    :raises InvalidFilter: when a name is of a form that none has.
    """
    validate_filter("trigger", trigger)
    validate_filter("configuration", configuration)
    fires, own, known = tables.fire.c, tables.session.c, tables.configuration.c
    query = (
        select(tables.fire, own.uid, own.configuration_hash)
        .join(tables.session, own.id == fires.session_id)
        .where(fires.in_vain.is_(True))
    )
    if before is not None:
        query = query.where(fires.id < before)
    if trigger is not None:
        query = query.where(fires.trigger_name == trigger)
    if configuration is not None:
        named = select(known.hash).where(known.name == configuration)
        query = query.where(own.configuration_hash.in_(named))
    if configuration_hashes is not None:
        query = query.where(configured_as(configuration_hashes))
    with snapshot() as session:
        found = session.execute(query.order_by(fires.id.desc()).limit(limit)).all()
        vain = [_vain(row, _configuration(session, row.configuration_hash)) for row in found]
    return [replace(entry, fire=shown_fire(entry.fire, disclosure)) for entry in vain]


def _configuration(session: Session, content_hash: str | None) -> Configuration:
    """The configuration of that hash; of one that cannot be read, nothing is known but that the fire did nothing."""
    try:
        return rows.read_configuration(session, content_hash)
    except UnreadableRow:
        return Configuration()


def _vain(row: Any, configuration: Configuration) -> VainFire:
    fire = rows.fire_from_row(row)
    used_by = tuple(task.name for task in configuration.concerned_by(fire.trigger_name))
    near = () if used_by else similar_names(fire.trigger_name, _used(configuration))
    return VainFire(uid=row.uid, fire=fire, used_by=used_by, similar=near)
