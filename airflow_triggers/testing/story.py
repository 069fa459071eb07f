"""Tells a session's story in lines: its fires in order with their effects, its instances and their missing triggers.

Neighbours: ``session.py`` asks; ``assertions.py`` prints it with every failure.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from airflow_triggers.domain.configuration import Configuration
from airflow_triggers.domain.fires import Fire
from airflow_triggers.domain.instances import InstanceStatus, TaskInstance
from airflow_triggers.domain.metadata import EXCEPTION_MESSAGE, EXCEPTION_TYPE, PARENT, RESULT, WITHDRAWN
from airflow_triggers.storages.base import BaseStorageBackend
from airflow_triggers.testing.near import did_you_mean, listing

MOST_LINES = 40
"""The most lines of fires and instances shown at the start of a long story, and at its end."""

WIDTH = 160
"""The most characters of a shown value."""


def story_of(
    storage: BaseStorageBackend, *, manager_name: str, waiting: Mapping[str, datetime | None]
) -> str:
    """The story.

    :param waiting: by name of each instance scheduled and not yet run, the earliest moment of its run; None: any time.
    """
    configuration = storage.configuration
    configuration_note = f", configuration {configuration.name!r}" if configuration.name else ""
    lines = [f"The story of session {storage.uid!r} (manager {manager_name!r}{configuration_note}):"]
    lines += _section("fires", list(_fires(storage)), "nothing was fired")
    if delayed_lines := list(_delayed_fires(storage)):
        lines += _section("fires to come", delayed_lines, "")
    lines += _section("instances", list(_instances(storage, waiting)), "there are none")
    task_lines = [
        f"{task.name}: waits for {listing(task.required)}{_unless(task.unless)}"
        for task in configuration
        if not storage.instances_of_task(task)
    ]
    if task_lines or not configuration.tasks:
        lines += _section("tasks without an instance", task_lines, "the session has no tasks")
    return "\n".join(lines)


def excerpt(value: Any) -> str:
    """A value on one line, cut if it is long."""
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"


def _section(title: str, lines: list[str], placeholder: str) -> list[str]:
    if len(lines) > 2 * MOST_LINES:
        lines = [*lines[:MOST_LINES], f"… {len(lines) - 2 * MOST_LINES} more …", *lines[-MOST_LINES:]]
    return [f"  {title}:", *(f"    {line}" for line in lines or [placeholder])]


def _fires(storage: BaseStorageBackend) -> Iterator[str]:
    fires = storage.fires()[::-1]
    configuration = storage.configuration
    known_triggers = {trigger for task in configuration for trigger in (task.name, *task.triggers)}
    for number, fire in enumerate(fires, start=1):
        seconds = (fire.fired_at - fires[0].fired_at).total_seconds()
        after = f" after {seconds:g} s" if seconds else ""
        by = f" by {fire.fired_by}" if fire.fired_by else ""
        yield (
            f"{number}. {fire.trigger_name} {excerpt(fire.kwargs)}{by}{after}: "
            f"{_effects(fire, configuration, known_triggers)}"
        )


def _delayed_fires(storage: BaseStorageBackend) -> Iterator[str]:
    for fire in storage.delayed_fires():
        by = f" by {fire.fired_by}" if fire.fired_by else ""
        seconds = (fire.fire_at - storage.now()).total_seconds()
        yield f"{fire.trigger_name} {excerpt(fire.kwargs)}{by}: comes with advance(seconds={max(seconds, 0):g})"


def _effects(fire: Fire, configuration: Configuration, known_triggers: set[str]) -> str:
    touched_names = tuple(
        f"{name} (its unless)" if _is_unless(fire.trigger_name, name, configuration) else name
        for name in fire.touched
        if name not in fire.created
    )
    effects = {
        "created": fire.created,
        "touched": touched_names,
        "scheduled": fire.scheduled,
        "abandoned": fire.abandoned,
    }
    effects_text = "; ".join(f"{verb} {', '.join(names)}" for verb, names in effects.items() if names)
    if effects_text:
        return effects_text
    if fire.trigger_name in known_triggers:
        return "changed nothing"
    return f"no task names it.{did_you_mean(fire.trigger_name, known_triggers)}"


def _is_unless(trigger_name: str, instance_name: str, configuration: Configuration) -> bool:
    """Whether the instance's task names the trigger only in its ``unless``."""
    task = configuration.task_of(instance_name.partition("#")[0])
    return task is not None and trigger_name in task.unless and trigger_name not in task.required


def _unless(triggers: Iterable[str]) -> str:
    """The triggers which abandon an instance, for the end of a sentence; empty when there are none."""
    names = list(triggers)
    return f", unless {listing(names)} {'fires' if len(names) == 1 else 'fire'}" if names else ""


def _instances(storage: BaseStorageBackend, waiting: Mapping[str, datetime | None]) -> Iterator[str]:
    now = storage.now()
    for instance in storage:
        parent = instance.metadata.get(PARENT)
        replay = f", replays {parent}" if parent else ""
        yield f"{instance.name}: {instance.status.value}{replay}{standing(instance, waiting, now)}"


def standing(instance: TaskInstance, waiting: Mapping[str, datetime | None], now: datetime) -> str:
    """Details of the instance beside its status."""
    metadata = instance.metadata
    match instance.status:
        case InstanceStatus.UNSTARTED:
            lacks = f", lacks {listing(instance.missing)}" if instance.missing else ""
            return lacks + _unless(set(instance.task.unless) - instance.unless_seen)
        case InstanceStatus.SCHEDULED:
            return _due_note(instance, waiting, now)
        case InstanceStatus.ABANDONED:
            is_withdrawn = metadata.get(WITHDRAWN) or not instance.task.unless
            return ", the rules changed" if is_withdrawn else f", unless {listing(instance.task.unless)}"
        case InstanceStatus.FAILED | InstanceStatus.REPLAYED:
            return f", {_exception(metadata)}" if EXCEPTION_TYPE in metadata else ""
        case InstanceStatus.FINISHED | InstanceStatus.SKIPPED:
            return f", result {excerpt(metadata[RESULT])}" if metadata.get(RESULT) is not None else ""
    return ""


def _due_note(instance: TaskInstance, waiting: Mapping[str, datetime | None], now: datetime) -> str:
    if instance.name not in waiting:
        return ""
    moment = waiting[instance.name]
    if moment is None or moment <= now:
        return ", not run yet"
    return f", not run yet, may run after advance(seconds={(moment - now).total_seconds():g})"


def _exception(metadata: Mapping[str, Any]) -> str:
    message = str(metadata.get(EXCEPTION_MESSAGE, ""))
    first_line, *other_lines = message.splitlines() or [""]
    return f"{metadata[EXCEPTION_TYPE]}: {first_line}{' …' if other_lines else ''}"
