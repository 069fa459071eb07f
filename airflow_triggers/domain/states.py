"""The rules: which status follows which, and what a fire does. Pure: no database, no clock.

Neighbours: ``manager/manager.py`` asks for a plan and has ``storages/`` keep it. Everything here takes values and
returns values, so a table can test all of docs/semantics.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from airflow_triggers.domain.configuration import Kwargs, TaskConfig, TriggerKwargs
from airflow_triggers.domain.instances import InstanceStatus, TaskInstance
from airflow_triggers.domain.metadata import (
    ACTUAL_KWARGS,
    CREATED,
    FAILURE,
    LAST_MODIFIED,
    RESULT,
    TIMESTAMPS,
    ancestry,
    timestamps_of,
)
from airflow_triggers.errors import InvalidTransition

RIPE = ""
"""In :func:`waits_of`: any fire of the instance's task must look at the instance. No trigger has this name."""


class Event(StrEnum):
    """What can happen to an instance, as a verb for messages."""

    SCHEDULE = "schedule"  #: every required trigger has fired
    ABANDON = "abandon"  #: every ``unless`` trigger has fired, or the rules no longer have the instance
    START = "start"  #: its runner began to work
    FINISH = "finish"  #: its work is done
    FAIL = "fail"  #: its work ended in an error, or could not begin
    WAIVE = "waive"  #: the task skipped itself
    REOPEN = "reopen"  #: somebody had Airflow run its work again
    REPLAY = "replay"  #: a clone takes over
    SKIP = "skip"  #: an operator waives the failure


_S = InstanceStatus

TRANSITIONS: Mapping[Event, tuple[frozenset[InstanceStatus], InstanceStatus]] = {
    Event.SCHEDULE: (frozenset({_S.UNSTARTED}), _S.SCHEDULED),
    Event.ABANDON: (frozenset({_S.UNSTARTED}), _S.ABANDONED),
    Event.START: (frozenset({_S.SCHEDULED}), _S.RUNNING),
    Event.FINISH: (frozenset({_S.SCHEDULED, _S.RUNNING, _S.FAILED, _S.FINISHED, _S.SKIPPED}), _S.FINISHED),
    Event.FAIL: (frozenset({_S.SCHEDULED, _S.RUNNING, _S.FAILED, _S.FINISHED, _S.SKIPPED}), _S.FAILED),
    Event.WAIVE: (frozenset({_S.SCHEDULED, _S.RUNNING, _S.FAILED, _S.FINISHED, _S.SKIPPED}), _S.SKIPPED),
    Event.REOPEN: (frozenset({_S.RUNNING, _S.FAILED, _S.FINISHED, _S.SKIPPED}), _S.SCHEDULED),
    Event.REPLAY: (frozenset({_S.FAILED}), _S.REPLAYED),
    Event.SKIP: (frozenset({_S.FAILED}), _S.SKIPPED),
}
"""Every guarded transition: event → (statuses it may start from, the status it leads to)."""


OUTDATED: Mapping[Event, frozenset[str]] = {
    Event.REOPEN: FAILURE | {RESULT},
    Event.FINISH: FAILURE,
    Event.FAIL: frozenset({RESULT}),
}
"""Metadata of an earlier outcome, by the event which makes it outdated."""


def transition(
    instance: TaskInstance, event: Event, *, now: datetime, metadata: Mapping[str, Any] | None = None
) -> TaskInstance:
    """The instance after the event.

    :raises InvalidTransition: when the instance's status does not allow the event.
    """
    allowed_statuses, target = TRANSITIONS[event]
    if instance.status not in allowed_statuses:
        expected_statuses = tuple(status.value for status in InstanceStatus if status in allowed_statuses)
        raise InvalidTransition(event.value, instance.name, instance.status.value, expected_statuses)
    outdated_keys = OUTDATED.get(event, frozenset())
    if outdated_keys & instance.metadata.keys():
        valid_metadata = {key: value for key, value in instance.metadata.items() if key not in outdated_keys}
        instance = replace(instance, metadata=valid_metadata)
    return with_status(instance, target, now=now, metadata=metadata)


def with_status(
    instance: TaskInstance,
    status: InstanceStatus,
    *,
    now: datetime,
    metadata: Mapping[str, Any] | None = None,
) -> TaskInstance:
    """The instance with another status, whatever it had; the timestamps move."""
    new_metadata = _with_timestamps({**instance.metadata, **(metadata or {})}, now, status.value)
    return replace(instance, status=status, metadata=new_metadata)


def with_metadata(instance: TaskInstance, metadata: Mapping[str, Any], *, now: datetime) -> TaskInstance:
    """The instance with the metadata merged in; the status stays, ``lastModified`` moves."""
    return replace(instance, metadata=_with_timestamps({**instance.metadata, **metadata}, now))


def _with_timestamps(metadata: dict[str, Any], now: datetime, *moment_names: str) -> dict[str, Any]:
    moments = dict.fromkeys((*moment_names, LAST_MODIFIED), now.isoformat())
    return {**metadata, TIMESTAMPS: {**timestamps_of(metadata), **moments}}


def new_instance(
    task: TaskConfig,
    number: int,
    *,
    now: datetime,
    latest: TriggerKwargs | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> TaskInstance:
    """An unstarted instance. It has taken the session's earlier kwargs (``latest``) of its task's triggers."""
    latest_kwargs = latest or {}
    instance = TaskInstance(
        task=task,
        number=number,
        kwargs={name: latest_kwargs[name] for name in sorted(task.required) if name in latest_kwargs},
        unless_seen=frozenset(task.unless) & latest_kwargs.keys(),
        metadata=dict(metadata or {}),
    )
    return replace(
        instance,
        metadata=_with_timestamps(dict(instance.metadata), now, CREATED, InstanceStatus.UNSTARTED.value),
    )


def clone_of(
    original: TaskInstance,
    number: int,
    *,
    now: datetime,
    kwargs: TriggerKwargs | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> TaskInstance:
    """An unstarted copy of an instance of any status: its kwargs and its ``unless`` state.

    :param kwargs: replaces the original's kwargs completely; None keeps them.
    :param metadata: of the clone, besides its parent and depth; nothing of the original's is copied.
    """
    clone = TaskInstance(
        task=original.task,
        number=number,
        kwargs=original.kwargs if kwargs is None else kwargs,
        unless_seen=original.unless_seen,
        metadata={**(metadata or {}), **ancestry(original.name, depth=original.depth + 1)},
    )
    return replace(clone, metadata=_with_timestamps(dict(clone.metadata), now, CREATED, clone.status.value))


def take(instance: TaskInstance, trigger_name: str, kwargs: Kwargs) -> TaskInstance:
    """The instance with the trigger applied. A trigger already taken changes nothing."""
    after = instance
    if trigger_name in after.missing:
        after = replace(after, kwargs={**after.kwargs, trigger_name: kwargs})
    if trigger_name in after.task.unless and trigger_name not in after.unless_seen:
        after = replace(after, unless_seen=after.unless_seen | {trigger_name})
    return after


def waits_of(instance: TaskInstance) -> frozenset[str]:
    """The triggers whose fire must look at the instance, plus :data:`RIPE` when any fire of its task must.

    An unstarted instance can be ripe without a fire: its task may have been replaced in the configuration.
    """
    if instance.status is not InstanceStatus.UNSTARTED:
        return frozenset()
    ripe = {RIPE} if instance.can_run or instance.can_abandon else set()
    return instance.lacks | ripe


@dataclass(frozen=True, kw_only=True)
class FireView:
    """The facts that a fire needs about a session, and nothing more.

    :param tasks: the tasks concerned by the trigger.
    :param waiting: their unstarted instances that lack the trigger or are ripe.
    :param counts: how many instances each of the tasks has, by task name.
    :param latest: the latest kwargs of earlier fires, by trigger (of the tasks' triggers at least).
    """

    tasks: tuple[TaskConfig, ...]
    waiting: tuple[TaskInstance, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    latest: TriggerKwargs = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class FirePlan:
    """What a fire changes: new instances, and changed ones as (before, after)."""

    created: tuple[TaskInstance, ...] = ()
    changed: tuple[tuple[TaskInstance, TaskInstance], ...] = ()
    touched: tuple[str, ...] = ()

    @property
    def results(self) -> tuple[TaskInstance, ...]:
        """All new and changed instances as they are afterwards."""
        return (*(after for _, after in self.changed), *self.created)

    def in_status(self, status: InstanceStatus) -> tuple[TaskInstance, ...]:
        """The :attr:`results` with this status."""
        return tuple(instance for instance in self.results if instance.status is status)


def needs_new_instance(
    task: TaskConfig, trigger_name: str, count: int, waiting: Iterable[TaskInstance]
) -> bool:
    """Whether the fire makes an instance.

    It does if the task has none, or if the trigger is the task's ``andEvery`` and no instance takes it.

    An instance takes a trigger as a required one, as an ``unless`` trigger, or as both. A replaced task may name in
    ``unless`` a trigger that its instance holds as ``andEvery``, and the other way round.
    """
    if count == 0:
        return True
    return trigger_name == task.and_every and not any(trigger_name in instance.lacks for instance in waiting)


def plan_fire(view: FireView, trigger_name: str, kwargs: Kwargs, *, now: datetime) -> FirePlan:
    """The effect of firing the trigger: docs/semantics.md, "fire", step 1.

    :param view: the session before the fire.
    :param now: the moment of the fire, for the timestamps.
    """
    new_instances: list[TaskInstance] = []
    changes: list[tuple[TaskInstance, TaskInstance]] = []
    touched_names: list[str] = []
    for task in view.tasks:
        waiting = [instance for instance in view.waiting if instance.task.name == task.name]
        for before in waiting:
            unsettled_instance = take(before, trigger_name, kwargs)
            if unsettled_instance is not before:
                touched_names.append(before.name)
            after = settle(unsettled_instance, now=now)
            if after is not before:
                changes.append((before, after))
        if needs_new_instance(task, trigger_name, view.counts.get(task.name, 0), waiting):
            latest_kwargs = {name: value for name, value in view.latest.items() if name != trigger_name}
            fresh = new_instance(task, view.counts.get(task.name, 0), now=now, latest=latest_kwargs)
            new_instances.append(settle(take(fresh, trigger_name, kwargs), now=now))
            touched_names.append(fresh.name)
    return FirePlan(created=tuple(new_instances), changed=tuple(changes), touched=tuple(touched_names))


def settle(instance: TaskInstance, *, now: datetime) -> TaskInstance:
    """The instance; if it is unstarted and ready for it, abandoned or scheduled."""
    if instance.can_abandon:
        return transition(instance, Event.ABANDON, now=now)
    return schedule(instance, now=now) if instance.can_run else instance


def schedule(instance: TaskInstance, *, now: datetime) -> TaskInstance:
    """The instance as handed to its runner, whatever it still lacks: a replay does not wait for triggers.

    :raises InvalidTransition: when it is not unstarted.
    """
    return transition(instance, Event.SCHEDULE, now=now, metadata={ACTUAL_KWARGS: actual_kwargs(instance)})


def actual_kwargs(instance: TaskInstance) -> dict[str, Any]:
    """The input of the instance's work: its kwargs with its task's ``withParams`` merged under."""
    return merge_under(instance.task.with_params, instance.kwargs)


def merge_under(params: TriggerKwargs, kwargs: TriggerKwargs) -> dict[str, Any]:
    """``withParams`` merged recursively under the fired kwargs: wherever both have a value, the fired one wins.

    Only two mappings merge; a fired list, scalar or None replaces what was below it.

    >>> merge_under({"a": {"x": 1, "y": {"z": 2}}}, {"a": {"y": {"w": 3}, "x": None}})
    {'a': {'x': None, 'y': {'z': 2, 'w': 3}}}
    """
    effective_kwargs: dict[str, Any] = dict(params)
    for key, value in kwargs.items():
        below = effective_kwargs.get(key)
        are_mappings = isinstance(below, Mapping) and isinstance(value, Mapping)
        effective_kwargs[key] = merge_under(below, value) if are_mappings else value  # type: ignore[arg-type]
    return effective_kwargs
