"""A session in a cache: one JSON object with all of it. Conversions both ways, and possible flaws.

Neighbours: ``cache.py`` reads and writes it under the session's lock; ``rows.py`` has the same for the database.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from airflow_triggers.domain.configuration import Configuration, TaskConfig
from airflow_triggers.domain.events import SessionEvent
from airflow_triggers.domain.fires import Fire
from airflow_triggers.domain.instances import TaskInstance
from airflow_triggers.storages import rows


def flaw_of(content: Any) -> str | None:
    """The flaw in the form of a session's content; None if there is none. Flaws of its parts appear on reading them."""
    if not isinstance(content, dict):
        return "it is no JSON object"
    form = {key: type(value) for key, value in new_content("default").items()}
    for key, kind in form.items():
        if not isinstance(content.get(key), kind):
            return f"its {key!r} is no {_JSON_NAMES[kind]}"
    if flaw := rows.no_configuration(content["configuration"]):
        return f"of its configuration, {flaw}"
    instances = content["instances"].values()
    if not all(
        isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)
        for entries in instances
    ):
        return "its instances are no lists of objects by task"
    if not all(isinstance(fire, dict) and fire.keys() >= _FIRE_KEYS for fire in content["fires"]):
        return "its fires are no objects of the right keys"
    return None


_JSON_NAMES: Mapping[type, str] = {
    str: "string",
    bool: "boolean",
    dict: "object",
    list: "array",
    int: "number",
}


def new_content(manager: str | None) -> dict[str, Any]:
    """An empty session with this manager; None: no session."""
    return {
        "manager": manager,
        "anchored": False,
        "configuration": Configuration().to_dict(),
        "metadata": {},
        "instances": {},
        "fires": [],
        "events": [],
        "hooks": {},
        "hook_count": 0,
    }


@dataclass(frozen=True)
class _InstanceRow:
    """An instance's content in the form of a table's row."""

    task_name: str
    number: int
    status: Any
    kwargs: Any
    unless_seen: Any
    metadata: Any


def instances_in(
    content: Mapping[str, Any], task: TaskConfig, configuration: Configuration
) -> list[TaskInstance]:
    """The task's instances, ordered by number. An unreadable one says so."""
    return [
        rows.instance_from_row(
            _InstanceRow(task.name, number, *(entry.get(column) for column in _INSTANCE_COLUMNS)),
            configuration,
        )
        for number, entry in enumerate(content["instances"].get(task.name, ()))
    ]


_INSTANCE_COLUMNS = ("status", "kwargs", "unless_seen", "metadata")
_FIRE_KEYS = frozenset(field.name for field in fields(Fire) if field.init)


def instance_to_json(instance: TaskInstance) -> dict[str, Any]:
    """An instance's content. Its task and number follow from its place."""
    return {
        "status": instance.status.value,
        "kwargs": dict(instance.kwargs),
        "unless_seen": sorted(instance.unless_seen),
        "metadata": dict(instance.metadata),
    }


def event_from_json(event_id: int, entry: Mapping[str, Any]) -> SessionEvent:
    """An entry of the history.

    :raises AttributeError, KeyError, TypeError, ValueError: when it has another form.
    """
    return SessionEvent(**{**entry, "event_id": event_id, "at": datetime.fromisoformat(entry["at"])})


def fire_from_json(entry: Mapping[str, Any]) -> Fire:
    """A fire. :raises AttributeError, KeyError, TypeError, ValueError: when it has another form."""
    lists = {name: tuple(entry[name]) for name in ("touched", "created", "scheduled", "abandoned")}
    return Fire(**{**entry, **lists, "fired_at": datetime.fromisoformat(entry["fired_at"])})
