"""Collects the evidence about an instance and explains why it has not run.

Neighbours: ``reasons.py`` explains (pure), ``gateway.waiting`` looks into Airflow.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_triggers.domain.configuration import TaskConfig
from airflow_triggers.domain.disclosure import EVERYTHING, Disclosure
from airflow_triggers.domain.events import Detail, EventKind, SessionEvent
from airflow_triggers.domain.fires import Fire, FireFilter
from airflow_triggers.domain.instances import InstanceStatus, TaskInstance, parse_instance_name
from airflow_triggers.domain.metadata import APPLIED_FIRES, PARENT
from airflow_triggers.domain.runs import Binding, RunInAirflow
from airflow_triggers.errors import InstanceNotFound, TaskNotFound
from airflow_triggers.gateway import waiting
from airflow_triggers.history.reasons import Evidence, Explanation, explain, names_in_use, similar_names
from airflow_triggers.runners import bindings
from airflow_triggers.sessions.describing import reading
from airflow_triggers.storages import tables
from airflow_triggers.storages.base import BaseStorageBackend

SETTLING = frozenset(
    {EventKind.PROGRESS, EventKind.STATUS, EventKind.REPLAY, EventKind.SKIP, EventKind.RECONCILE}
)
"""The entries that say how an instance reached its status."""

MOST_VAIN = 200
"""The newest fires without effect among which a misspelt trigger is looked for."""

MOST_EXPECTED = 100
"""The most fires to come that are looked at."""

IN_FLIGHT = (InstanceStatus.SCHEDULED, InstanceStatus.RUNNING)


# -- why --------------------------------------------------------------------------------------------------------


def why(uid: str, name: str, *, disclosure: Disclosure = EVERYTHING) -> Explanation:
    """Why an instance has not run.

    :param name: an instance's name (``t_import#0``), or a task's (``t_import``). A task's name stands for its latest
        instance; without any, the explanation says why the task has none.
    :param disclosure: which facts of Airflow may be shown.
    :raises SessionNotFound: when there is no session.
    :raises InstanceNotFound: when it has no such instance.
    :raises TaskNotFound: when it has no such task.
    """
    with reading(uid) as (storage, session, _):
        task, instance = _task_and_instance(storage, name)
        evidence = _evidence(storage, session, task, instance)
    # Explain only after the reading: the disclosure asks the auth manager, which may need a connection of its own.
    return explain(replace(evidence, disclosure=disclosure))


def _task_and_instance(storage: BaseStorageBackend, name: str) -> tuple[TaskConfig, TaskInstance | None]:
    configuration = storage.configuration
    if (task := configuration.task_of(name)) is not None:
        return task, storage.last_instance_of_task(name)
    try:
        task_name, _ = parse_instance_name(name)
    except ValueError:
        task_names = ", ".join(sorted(configuration.tasks)) or "none"
        raise TaskNotFound(
            f"Session {storage.uid!r} has no task or instance {name!r}; its tasks are: {task_names}."
        ) from None
    if configuration.task_of(task_name) is None:
        raise InstanceNotFound(f"Session {storage.uid!r} has no instance {name!r}.")
    instance = storage[name]
    return instance.task, instance


def _evidence(
    storage: BaseStorageBackend, session: Session, task: TaskConfig, instance: TaskInstance | None
) -> Evidence:
    configuration = storage.configuration
    unused_names = _unused_names(storage)
    missing = task.triggers if instance is None else instance.lacks
    binding = bindings.find(session, storage, instance) if instance else None
    near = {name for trigger in missing for name in similar_names(trigger, unused_names)}
    latest = {name: _last_fire(storage, name) for name in sorted(missing | near)}
    return Evidence(
        task=task,
        instance=instance,
        now=storage.now(),
        instances={name: _last_instances(storage, name) for name in missing if name in configuration.tasks},
        taken=_fires_of(storage, instance) if instance else {},
        latest={name: fire for name, fire in latest.items() if fire},
        unused=unused_names,
        configuration=configuration.name,
        is_removed=task.name in configuration.removed,
        delayed=tuple(storage.next_delayed_fires(missing, limit=MOST_EXPECTED)) if missing else (),
        settled_by=_settled_by(storage, instance) if instance else None,
        run_key=binding.key if binding else None,
        run=_run_of(session, binding) if binding and instance and instance.status in IN_FLIGHT else None,
    )


def _unused_names(storage: BaseStorageBackend) -> frozenset[str]:
    """The triggers of the newest fires without effect that no task names."""
    vain_fires = storage.fires(limit=MOST_VAIN, only=FireFilter(in_vain=True))
    return frozenset(fire.trigger_name for fire in vain_fires) - names_in_use(storage.configuration)


def _last_instances(storage: BaseStorageBackend, task_name: str) -> tuple[TaskInstance, ...]:
    """The task's last instance, which speaks for the task; empty when it has none."""
    instance = storage.last_instance_of_task(task_name)
    return () if instance is None else (instance,)


def _last_fire(storage: BaseStorageBackend, trigger_name: str, *, before: int | None = None) -> Fire | None:
    fires = storage.fires(limit=1, before=before, only=FireFilter(trigger_name=trigger_name))
    return fires[0] if fires else None


def _fires_of(storage: BaseStorageBackend, instance: TaskInstance) -> dict[str, Fire]:
    """The fires with which the instance took its triggers: they touched it, or were the latest before it was made.

    A clone holds its original's triggers with the same kwargs, and takes the others itself.
    """
    fire_by_trigger: dict[str, Fire] = {}
    names = _triggers_of(instance)
    while names:
        concerning = storage.fires(only=FireFilter(instance=instance.name))
        touching = {fire.trigger_name: fire for fire in concerning if instance.name in fire.touched}
        instance_fires = {**_applied_fires(storage, instance), **touching}
        fire_by_trigger = {
            name: fire for name, fire in instance_fires.items() if name in names
        } | fire_by_trigger
        original = _original(storage, instance)
        if original is None:
            made_by = next((fire for fire in concerning if instance.name in fire.created), None)
            if made_by is None:
                return fire_by_trigger
            return _before(storage, made_by, names - fire_by_trigger.keys()) | fire_by_trigger
        unchanged_names = {name for name in names if original.kwargs.get(name) == instance.kwargs.get(name)}
        names, instance = unchanged_names & _triggers_of(original), original
    return fire_by_trigger


def _applied_fires(storage: BaseStorageBackend, instance: TaskInstance) -> dict[str, Fire]:
    """The past fires which the instance took when its rules changed."""
    fire_ids = instance.metadata.get(APPLIED_FIRES, {})
    fires = {name: _last_fire(storage, name, before=fire_id + 1) for name, fire_id in fire_ids.items()}
    return {name: fire for name, fire in fires.items() if fire}


def _triggers_of(instance: TaskInstance) -> set[str]:
    return {*instance.kwargs, *instance.unless_seen}


def _original(storage: BaseStorageBackend, clone: TaskInstance) -> TaskInstance | None:
    """The instance that this one was cloned from; None if its metadata names no earlier instance."""
    try:
        original = storage[clone.metadata[PARENT]]
    except (KeyError, InstanceNotFound):
        return None
    return original if original.number < clone.number else None


def _before(storage: BaseStorageBackend, fire: Fire, trigger_names: set[str]) -> dict[str, Fire]:
    """The latest fire of each trigger before the given fire; triggers without one are left out."""
    latest = {name: _last_fire(storage, name, before=fire.fire_id) for name in trigger_names}
    return {name: earlier for name, earlier in latest.items() if earlier}


def _settled_by(storage: BaseStorageBackend, instance: TaskInstance) -> SessionEvent | None:
    recent = storage.events(instance=instance.name, limit=20)
    return next((event for event in recent if event.kind in SETTLING), None)


def _run_of(session: Session, binding: Binding) -> RunInAirflow:
    now = datetime.now(UTC)
    run = waiting.look_at_run(session, binding.dag_id, binding.run_id, now=now)
    if binding.is_promise:
        return replace(run, state=binding.seen_run.state)
    if not binding.failures:
        return run
    columns = tables.event.c
    last = select(columns.details).where(
        columns.session_id == binding.session_id, columns.kind == EventKind.BACKOFF
    )
    details = session.scalar(last.order_by(columns.id.desc()).limit(1)) or {}
    return replace(run, failures=binding.failures, retry_at=binding.retry_at, error=details.get(Detail.ERROR))
