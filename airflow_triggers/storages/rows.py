"""How the values of ``domain/`` stand in rows: conversions both ways, nothing else.

A row that cannot be read becomes a value that says so, whatever the cause. It is shown as unreadable, beside the
others; acting on it is refused. Neighbours: ``sql.py`` (one session) and ``sessions/`` (lists of sessions) use them;
``stored.py`` has the column types that never raise.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Text, cast, literal_column, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from airflow_triggers.domain.configuration import Configuration, TaskConfig
from airflow_triggers.domain.events import SessionEvent
from airflow_triggers.domain.fires import DelayedFire, Fire, FireFilter
from airflow_triggers.domain.hooks import MAX_HOOK_ATTEMPTS, PromisedHook
from airflow_triggers.domain.instances import MAX_INSTANCE_NUMBER, InstanceStatus, TaskInstance
from airflow_triggers.domain.metadata import (
    APPLIED_FIRES,
    DEPTH,
    LOG_LEVEL,
    PARENT,
    RETRIES,
    SEEN_RUN,
    TIMESTAMPS,
    UNREADABLE,
)
from airflow_triggers.domain.validation import excerpt
from airflow_triggers.errors import UnreadableRow
from airflow_triggers.storages import tables
from airflow_triggers.storages.stored import UNREADABLE_MOMENT, Unreadable
from airflow_triggers.storages.summaries import summary_columns
from airflow_triggers.storages.transaction import is_sqlite

EFFECTS = ("touched", "created", "scheduled", "abandoned")


def instance_to_row(session_id: int, instance: TaskInstance, *, configuration: str | None) -> dict[str, Any]:
    """The columns of ``triggers_instance``. ``configuration`` is the name of the session's configuration."""
    return {
        "session_id": session_id,
        "task_name": instance.task.name,
        "number": instance.number,
        "status": instance.status.value,
        "kwargs": dict(instance.kwargs),
        "unless_seen": sorted(instance.unless_seen),
        "metadata": dict(instance.metadata),
        "configuration": configuration,
        **summary_columns(instance),
    }


def instance_from_row(row: Any, configuration: Configuration) -> TaskInstance:
    """The instance in a row of ``triggers_instance``, with its task's current configuration.

    An unreadable one has its stored status, or has failed. Its metadata is ``{"unreadable": why}``.
    """
    task, status = configuration.task_of(row.task_name), _STATUSES.get(row.status)
    flaw = _flaw_of(row, configuration)
    if flaw is None and task is not None and status is not None:
        return TaskInstance(
            task=task,
            number=row.number,
            status=status,
            kwargs=row.kwargs,
            unless_seen=frozenset(row.unless_seen),
            metadata=row.metadata,
        )
    return TaskInstance(
        task=task or TaskConfig(name=str(row.task_name), run=""),
        number=row.number if isinstance(row.number, int) else NO_NUMBER,
        status=status or InstanceStatus.FAILED,
        metadata={UNREADABLE: flaw},
    )


def _flaw_of(row: Any, configuration: Configuration) -> str | None:
    """Why an instance cannot be read from its row; None if it can."""
    if configuration.task_of(row.task_name) is None:
        task_names = ", ".join(sorted(configuration.tasks)) or "none"
        return f"its task is {excerpt(row.task_name)}, and the session's tasks are: {task_names}"
    if not is_number(row.number):
        return f"its number is {excerpt(row.number)}, expected one from 0 to {MAX_INSTANCE_NUMBER}"
    if row.status not in _STATUSES:
        return f"its status is {excerpt(row.status)}, expected one of: {', '.join(_STATUSES)}"
    return _no_kwargs_by_trigger(row.kwargs) or _no_names(row.unless_seen) or _no_metadata(row.metadata)


NO_NUMBER = -1
"""Stands for an instance's number if the row has no integer there. SQLite allows such rows."""


def is_number(value: object) -> bool:
    """Whether it may be an instance's number."""
    return isinstance(value, int) and 0 <= value <= MAX_INSTANCE_NUMBER


def number_after(highest: object, *, of: str) -> int:
    """The number of the next instance; ``of`` names its task.

    :raises UnreadableRow: when the highest number of the task is no valid number.
    """
    if highest is None:
        return 0
    if not is_number(highest):
        raise UnreadableRow(of, f"the highest number of its instances is {excerpt(highest)}")
    return int(str(highest)) + 1


_STATUSES: Mapping[Any, InstanceStatus] = {status.value: status for status in InstanceStatus}


def check_readable(instance: TaskInstance) -> TaskInstance:
    """The instance. :raises UnreadableRow: when it is unreadable: then nothing can be done with it."""
    if UNREADABLE in instance.metadata:
        raise UnreadableRow(f"the task instance {instance.name}", str(instance.metadata[UNREADABLE]))
    return instance


def check_content(content: Mapping[str, Any], *, of: str) -> Mapping[str, Any]:
    """A row's JSON object. :raises UnreadableRow: when it cannot be read; ``of`` names it."""
    if isinstance(content, Unreadable):
        raise UnreadableRow(of, content[UNREADABLE])
    return content


def _no_mapping(content: Any, subject: str) -> str | None:
    if isinstance(content, Unreadable):
        return f"{subject} cannot be read: {content[UNREADABLE]}"
    return None if isinstance(content, dict) else f"{subject} cannot be read: it is no JSON object"


def _no_kwargs_by_trigger(content: Any) -> str | None:
    flaw = _no_mapping(content, "its kwargs")
    if flaw is None and not all(isinstance(kwargs, dict) for kwargs in content.values()):
        return "its kwargs are no mapping of trigger to kwargs"
    return flaw


def _no_names(content: Any) -> str | None:
    return None if _are_names(content) else "its 'unless' triggers are no list of names"


def _no_metadata(content: Any) -> str | None:
    """The flaw in an instance's metadata; None if there is none. Only the framework's own keys have a fixed form."""
    if (flaw := _no_mapping(content, "its metadata")) is not None:
        return flaw
    if UNREADABLE in content:
        return str(content[UNREADABLE])
    for key in _NUMBERS & content.keys():
        if not isinstance(content[key], int):
            return f"its metadata key {key!r} is no whole number"
    if not isinstance(content.get(PARENT), str | None):
        return f"its metadata key {PARENT!r} is no name of an instance"
    if not _is_seen_run(content.get(SEEN_RUN)):
        return f"its metadata key {SEEN_RUN!r} does not say what a run was seen to be"
    return _no_mapping_of_its_values(content)


def _no_mapping_of_its_values(metadata: Mapping[str, Any]) -> str | None:
    for key, (value_noun, is_value) in _MAPPINGS.items():
        content = metadata.get(key, {})
        if not isinstance(content, dict) or not all(map(is_value, content.values())):
            return f"its metadata key {key!r} is no mapping of {value_noun}"
    return None


def _is_seen_run(run: Any) -> bool:
    kinds = {"run_id": str, "state": str, "clear_number": int}
    return run is None or (
        isinstance(run, dict) and all(isinstance(run.get(key), kind) for key, kind in kinds.items())
    )


_NUMBERS = frozenset({DEPTH, LOG_LEVEL, RETRIES})


def _is_moment(text: Any) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except (TypeError, ValueError):
        return False


_MAPPINGS: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    APPLIED_FIRES: ("trigger to fire id", lambda value: isinstance(value, int)),
    TIMESTAMPS: ("moments", _is_moment),
}
"""The mappings in an instance's metadata read by the framework: their description, and the check of a value."""


def fire_to_row(session_id: int, fire: Fire) -> dict[str, Any]:
    """The columns of ``triggers_fire``, without the id."""
    return {
        "session_id": session_id,
        "trigger_name": fire.trigger_name,
        "kwargs": dict(fire.kwargs),
        "fired_at": fire.fired_at,
        "fired_by": fire.fired_by,
        "idempotency_key": fire.idempotency_key,
        "effect": {name: list(getattr(fire, name)) for name in EFFECTS if getattr(fire, name)},
        "in_vain": fire.in_vain,
    }


def fire_from_row(row: Row[Any]) -> Fire:
    """The fire in a row of ``triggers_fire``. If it is unreadable, its kwargs are ``{"unreadable": why}``."""
    effect = row.effect if isinstance(row.effect, dict) else {}
    flaw = (
        _no_mapping(row.kwargs, "its kwargs")
        or _no_mapping(row.effect, "its effect")
        or next((problem for name in effect.keys() & EFFECTS if (problem := _no_effect(effect[name]))), None)
        or _no_moment(row.fired_at)
    )
    return Fire(
        fire_id=row.id,
        trigger_name=row.trigger_name,
        kwargs=Unreadable(flaw) if flaw else row.kwargs,
        fired_at=row.fired_at,
        fired_by=row.fired_by,
        idempotency_key=row.idempotency_key,
        **{name: () if flaw else tuple(effect.get(name, ())) for name in EFFECTS},
    )


def fire_ids_text(fire_ids: Iterable[int]) -> str:
    """Ids of fires as the column ``fire_ids`` has them. Texts can be appended to each other."""
    return "".join(f"{fire_id} " for fire_id in fire_ids)


def fire_ids_in(text: Any) -> list[int] | None:
    """The ids in a text of :func:`fire_ids_text`; None when they are not known."""
    parts = text.split() if isinstance(text, str) else None
    if parts is None or not all(part.isascii() and part.isdecimal() and len(part) < 20 for part in parts):
        return None
    return [int(part) for part in parts]


def _no_effect(names: Any) -> str | None:
    return None if _are_names(names) else "its effect is no mapping of lists of instances"


def _no_moment(moment: Any) -> str | None:
    return "its moment cannot be read" if moment is UNREADABLE_MOMENT else None


def event_from_row(row: Row[Any]) -> SessionEvent:
    """The entry in a row of ``triggers_event``. If it is unreadable, its details are ``{"unreadable": why}``."""
    flaw = _no_mapping(row.details, "its details") or _no_moment(row.at)
    return SessionEvent(
        event_id=row.id,
        kind=row.kind,
        instance=row.instance,
        at=row.at,
        by=row.by,
        details=Unreadable(flaw) if flaw else row.details,
    )


def hook_from_row(row: Row[Any]) -> PromisedHook:
    """The hook in a row of ``triggers_hook``. If it is unreadable, its arguments are ``{"unreadable": why}``."""
    flaw = _no_mapping(row.arguments, "its arguments") or _no_moment(row.due)
    attempts = row.attempts if isinstance(row.attempts, int) else MAX_HOOK_ATTEMPTS
    return PromisedHook(
        token=row.id,
        hook=row.hook,
        arguments=Unreadable(flaw) if flaw else row.arguments,
        attempts=attempts,
        due=row.due,
        error=row.error,
        parked=attempts >= MAX_HOOK_ATTEMPTS,
    )


IS_IN_VAIN: ColumnElement[bool] = literal_column("triggers_fire.in_vain")
"""The condition of the partial indexes of fires, as they have it: SQLite compares the text."""


def fire_conditions(only: FireFilter) -> list[ColumnElement[bool]]:
    """The conditions for the fires of a session that match a filter."""
    columns, conditions = tables.fire.c, []
    if only.trigger_name is not None:
        conditions.append(columns.trigger_name == only.trigger_name)
    if only.in_vain is not None:
        conditions.append(IS_IN_VAIN if only.in_vain else columns.in_vain.is_(False))
    if only.instance is not None:
        instance_in_effect = cast(columns.effect, Text).contains(json.dumps(only.instance), autoescape=True)
        conditions.append(or_(instance_in_effect, columns.fired_by == only.instance))
    return conditions


def keep_configuration(session: Session | Connection, configuration: Configuration) -> str:
    """Store the configuration if its content is new. Returns its hash."""
    content_hash = configuration.content_hash
    values = {
        "hash": content_hash,
        "name": configuration.name,
        "body": configuration.to_dict(),
        "version": configuration.version,
        "deployed_at": configuration.deployed_at,
    }
    session.execute(insert_or_ignore(tables.configuration, values))
    return content_hash


def read_configuration(session: Session | Connection, content_hash: str | None) -> Configuration:
    """The configuration with this hash (None: the empty one). It stays in memory, because its content never changes."""
    configuration = known_configuration(content_hash)
    if configuration is None:
        columns = tables.configuration.c
        query = select(columns.body, columns.deployed_at).where(columns.hash == content_hash)
        row = session.execute(query).one_or_none()
        configuration = parse_body(row.body if row else None, content_hash)
        configuration = replace(configuration, deployed_at=row.deployed_at if row else None)
        _memory_of(content_hash).append(configuration)
    return configuration


def parse_body(body: Any, content_hash: str | None) -> Configuration:
    """The configuration in a row of ``triggers_configuration``.

    :raises UnreadableRow: when it cannot be read. Then the rights on its sessions are unknown.
    """
    of = f"the configuration {content_hash}"
    flaw = "there is none" if body is None else no_configuration(check_content(body, of=of))
    if flaw is not None:
        raise UnreadableRow(of, flaw)
    return Configuration.from_dict(body)


def no_configuration(body: Mapping[str, Any]) -> str | None:
    """The flaw in the form of a configuration's body; None if there is none. Its meaning was checked by the parser."""
    name, former_dag_ids = body.get("name"), body.get("former_dag_ids", [])
    mappings = {"tasks": body.get("tasks"), "removed": body.get("removed", {})}
    for key, content in mappings.items():
        if not isinstance(content, dict):
            return f"its {key!r} are {excerpt(content)}, expected a mapping of task name to directives"
    if not isinstance(name, str | None):
        return f"its 'name' is {excerpt(name)}, expected a string"
    if not isinstance(former_dag_ids, list) or not all(
        isinstance(dag_id, str | None) for dag_id in former_dag_ids
    ):
        return f"its 'former_dag_ids' are {excerpt(former_dag_ids)}, expected a list of strings"
    problems = (
        f"of its task {excerpt(task_name)}, {problem}"
        for mapping in mappings.values()
        for task_name, directives in (mapping or {}).items()
        if (problem := _no_directives(directives))
    )
    return next(problems, None)


def _no_directives(directives: Any) -> str | None:
    """The flaw in the form of a task's directives; None if there is none."""
    if not isinstance(directives, dict):
        return f"the directives are {excerpt(directives)}, expected a mapping"
    for key, is_right in _DIRECTIVES.items():
        value = directives.get(key)
        if not is_right(value) and (value is not None or key == "run"):
            return f"the directive {key!r} is {excerpt(value)}"
    return None


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _is_run(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, dict) and isinstance(value.get("operator"), str))


def _are_kwargs(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(kwargs, dict) for kwargs in value.values())


_DIRECTIVES: Mapping[str, Callable[[Any], bool]] = {
    "after": _are_names,
    "andEvery": lambda value: isinstance(value, str),
    "unless": _are_names,
    "run": _is_run,
    "withParams": _are_kwargs,
    "using": lambda value: isinstance(value, str),
    "airflow": lambda value: isinstance(value, dict),
}
"""The form of each directive read by the framework. Only ``run`` is required."""


def known_configuration(content_hash: str | None) -> Configuration | None:
    """The configuration with this hash, if it is in memory."""
    if content_hash is None:
        return Configuration()
    memory = _memory_of(content_hash)
    return memory[0] if memory else None


@lru_cache(maxsize=256)
def _memory_of(content_hash: str | None) -> list[Configuration]:
    """A place for one configuration, filled when it is first read."""
    return []


def delayed_to_row(session_id: int, fire: DelayedFire) -> dict[str, Any]:
    """The columns of ``triggers_delayed_fire``, without the id."""
    return {
        "session_id": session_id,
        "trigger_name": fire.trigger_name,
        "kwargs": dict(fire.kwargs),
        "fire_at": fire.fire_at,
        "due": fire.fire_at,
        "fired_by": fire.fired_by,
        "idempotency_key": fire.idempotency_key,
        "attempts": fire.attempts,
    }


def delayed_from_row(row: Row[Any]) -> DelayedFire:
    """The delayed fire in a row of ``triggers_delayed_fire``; see :func:`fire_from_row`."""
    flaw = _no_mapping(row.kwargs, "its kwargs") or _no_moment(row.fire_at)
    return DelayedFire(
        delayed_id=row.id,
        trigger_name=row.trigger_name,
        kwargs=Unreadable(flaw) if flaw else row.kwargs,
        fire_at=row.fire_at,
        fired_by=row.fired_by,
        idempotency_key=row.idempotency_key,
        attempts=row.attempts if isinstance(row.attempts, int) else 0,
        error=row.error,
        parked=row.due is None and row.cancelled_at is None,
        cancelled_at=row.cancelled_at,
        cancelled_by=row.cancelled_by,
    )


def insert_or_ignore(table: Any, values: Mapping[str, Any]) -> Any:
    """An INSERT that changes nothing if a row with an equal key exists."""
    dialect = sqlite if is_sqlite() else postgresql
    return dialect.insert(table).values(**values).on_conflict_do_nothing()
