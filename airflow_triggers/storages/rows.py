"""How the values of ``types.py`` stand in rows: conversions both ways, nothing else.

Neighbours: ``sql.py`` (one session) and ``sessions.py`` (lists of sessions) use them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Text, cast, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from airflow_triggers.entries import MAX_HOOK_ATTEMPTS, FireFilter, PromisedHook
from airflow_triggers.storages import tables
from airflow_triggers.storages.transaction import is_sqlite
from airflow_triggers.types import Configuration, DelayedFire, Fire, InstanceStatus, TaskInstance

EFFECTS = ("touched", "created", "scheduled", "abandoned")


def instance_to_row(session_id: int, instance: TaskInstance) -> dict[str, Any]:
    """The columns of ``triggers_instance``."""
    return {
        "session_id": session_id,
        "task_name": instance.task.name,
        "number": instance.number,
        "status": instance.status.value,
        "kwargs": dict(instance.kwargs),
        "unless_seen": sorted(instance.unless_seen),
        "metadata": dict(instance.metadata),
    }


def instance_from_row(row: Row[Any], configuration: Configuration) -> TaskInstance:
    """The instance in a row of ``triggers_instance``, with its task's current configuration."""
    return TaskInstance(
        task=configuration[row.task_name],
        number=row.number,
        status=InstanceStatus(row.status),
        kwargs=row.kwargs,
        unless_seen=frozenset(row.unless_seen),
        metadata=row.metadata,
    )


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
    """The fire in a row of ``triggers_fire``."""
    effect: Mapping[str, list[str]] = row.effect
    return Fire(
        fire_id=row.id,
        trigger_name=row.trigger_name,
        kwargs=row.kwargs,
        fired_at=row.fired_at,
        fired_by=row.fired_by,
        idempotency_key=row.idempotency_key,
        **{name: tuple(effect.get(name, ())) for name in EFFECTS},
    )


def hook_from_row(row: Row[Any]) -> PromisedHook:
    """The hook in a row of ``triggers_hook``."""
    return PromisedHook(
        token=row.id,
        hook=row.hook,
        arguments=row.arguments,
        attempts=row.attempts,
        due=row.due,
        error=row.error,
        parked=row.attempts >= MAX_HOOK_ATTEMPTS,
    )


def fires_covered(only: FireFilter) -> list[ColumnElement[bool]]:
    """The conditions that pick the fires of a session that a filter covers."""
    columns, conditions = tables.fire.c, []
    if only.trigger_name is not None:
        conditions.append(columns.trigger_name == only.trigger_name)
    if only.in_vain is not None:
        conditions.append(columns.in_vain.is_(only.in_vain))
    if only.instance is not None:
        named = cast(columns.effect, Text).contains(json.dumps(only.instance), autoescape=True)
        conditions.append(or_(named, columns.fired_by == only.instance))
    return conditions


def keep_configuration(session: Session, configuration: Configuration) -> str:
    """Store the configuration if its content is new; returns its hash."""
    content_hash = configuration.content_hash
    values = {"hash": content_hash, "name": configuration.name, "body": configuration.to_dict()}
    session.execute(insert_or_ignore(tables.configuration, values))
    return content_hash


def read_configuration(session: Session | Connection, content_hash: str | None) -> Configuration:
    """The configuration of that hash (None: the empty one); kept in memory, since its content never changes."""
    known = known_configuration(content_hash)
    if known is None:
        query = select(tables.configuration.c.body).where(tables.configuration.c.hash == content_hash)
        known = Configuration.from_dict(session.scalar(query) or {"tasks": {}})
        _remembered(content_hash).append(known)
    return known


def known_configuration(content_hash: str | None) -> Configuration | None:
    """The configuration of that hash, if it is in memory."""
    if content_hash is None:
        return Configuration()
    found = _remembered(content_hash)
    return found[0] if found else None


@lru_cache(maxsize=256)
def _remembered(content_hash: str | None) -> list[Configuration]:
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
    """The delayed fire in a row of ``triggers_delayed_fire``."""
    return DelayedFire(
        delayed_id=row.id,
        trigger_name=row.trigger_name,
        kwargs=row.kwargs,
        fire_at=row.fire_at,
        fired_by=row.fired_by,
        idempotency_key=row.idempotency_key,
        attempts=row.attempts,
        error=row.error,
    )


def insert_or_ignore(table: Any, values: Mapping[str, Any]) -> Any:
    """An INSERT that leaves a row with an equal key as it is."""
    dialect = sqlite if is_sqlite() else postgresql
    return dialect.insert(table).values(**values).on_conflict_do_nothing()
