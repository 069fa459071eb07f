"""Repairs: what people do to an instance. They replay it, skip it, or change its status or metadata by hand.

Neighbours: ``manager.py`` offers and documents these acts and holds the session's lock; ``domain/states.py`` decides
whether they are allowed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from airflow_triggers.domain import states
from airflow_triggers.domain.configuration import Kwargs
from airflow_triggers.domain.events import (
    EventKind,
    metadata_details,
    replay_details,
    skip_details,
    status_details,
)
from airflow_triggers.domain.fires import FireResult
from airflow_triggers.domain.hooks import Hook
from airflow_triggers.domain.instances import InstanceStatus, TaskInstance
from airflow_triggers.domain.metadata import LOGS_RESOLVED, skip_metadata
from airflow_triggers.domain.report import RequestedReplay
from airflow_triggers.domain.states import Event
from airflow_triggers.domain.validation import caller_name
from airflow_triggers.manager.instance_runners import InstanceRunners
from airflow_triggers.runners.measures import count_statuses
from airflow_triggers.storages.base import BaseStorageBackend


class RepairedManager(Protocol):
    """The manager of the session, as repairs need it."""

    storage: BaseStorageBackend

    @property
    def _instance_runners(self) -> InstanceRunners: ...

    def _start(
        self, instance: TaskInstance, *, by: str | None, run_after: datetime | None = None
    ) -> None: ...

    def _promise_hook(self, hook: Hook, **arguments: Any) -> None: ...

    def fire(
        self, trigger_name: str, trigger_kwargs: Kwargs | None = None, *, fired_by: str | None = None
    ) -> FireResult:
        """See :meth:`TriggerManager.fire`."""


@dataclass(frozen=True, kw_only=True)
class Repairs:
    """The repairs by one person, under the session's lock.

    :param by: who repairs, for the history.
    """

    manager: RepairedManager
    by: str | None

    @property
    def _storage(self) -> BaseStorageBackend:
        return self.manager.storage

    def replay(self, original: TaskInstance, how: RequestedReplay) -> TaskInstance:
        """See :meth:`TriggerManager.replay_failed_instance`."""
        storage, now = self._storage, self._storage.now()
        replayed_original = states.transition(original, Event.REPLAY, now=now)
        self._confirm_failed(original, Event.REPLAY)
        storage.put(original, replayed_original)
        kwargs = how.replacement_kwargs
        unstarted_clone = storage.clone_instance(replayed_original, kwargs=kwargs)
        clone = states.schedule(states.with_metadata(unstarted_clone, how.clone_metadata, now=now), now=now)
        storage.put(unstarted_clone, clone)
        count_statuses(storage, [replayed_original, clone])
        self.manager._instance_runners.notify(
            original.task, lambda runner: runner.replayed(storage, original, clone, by=caller_name(self.by))
        )
        details = replay_details(clone.name, kwargs_replaced=kwargs is not None, cooldown=how.cooldown)
        self._record(EventKind.REPLAY, original, details)
        run_after = now + timedelta(seconds=how.cooldown) if how.cooldown else None
        self.manager._start(clone, by=self.by, run_after=run_after)
        self.manager._promise_hook(Hook.POST_REPLAY, instance=clone.name)
        return storage[clone.name]

    def skip(self, before: TaskInstance, *, cascade: bool, result: Kwargs | None) -> TaskInstance:
        """See :meth:`TriggerManager.skip_failed_instance`."""
        storage = self._storage
        metadata = skip_metadata(cascade=cascade, result=result)
        after = states.transition(before, Event.SKIP, now=storage.now(), metadata=metadata)
        self._confirm_failed(before, Event.SKIP)
        storage.put(before, after)
        count_statuses(storage, [after])
        self.manager._instance_runners.notify(
            before.task, lambda runner: runner.skip(storage, after, by=caller_name(self.by), result=result)
        )
        self._record(EventKind.SKIP, before, skip_details(cascade=cascade, result=result))
        if cascade:
            self.manager.fire(before.task.name, result, fired_by=before.name)
        self.manager._promise_hook(Hook.POST_SKIP, instance=before.name, cascade=cascade)
        return after

    def set_status(
        self,
        before: TaskInstance,
        status: InstanceStatus,
        *,
        metadata: Mapping[str, Any],
        cascade: bool,
        kwargs: Kwargs,
    ) -> TaskInstance:
        """See :meth:`TriggerManager.update_instance_status`; ``kwargs``: those of the cascade."""
        storage = self._storage
        after = states.with_status(before, status, now=storage.now(), metadata=metadata)
        storage.put(before, after)
        count_statuses(storage, [after])
        self.manager._instance_runners.notify(
            before.task, lambda runner: runner.overruled(storage, after, by=caller_name(self.by))
        )
        details = status_details(before=before.status.value, after=status.value, cascade=cascade)
        self._record(EventKind.STATUS, before, details)
        if cascade:
            self.manager.fire(before.task.name, kwargs, fired_by=before.name)
        return after

    def attach(self, before: TaskInstance, metadata: Mapping[str, Any]) -> TaskInstance:
        """See :meth:`TriggerManager.update_instance_metadata`."""
        return self._attach(before, metadata, EventKind.METADATA, metadata_details(metadata))

    def resolve_logs(self, before: TaskInstance) -> TaskInstance:
        """See :meth:`TriggerManager.mark_instance_logs_resolved`."""
        return self._attach(before, {LOGS_RESOLVED: True}, EventKind.LOGS_RESOLVED, {})

    def _attach(
        self,
        before: TaskInstance,
        metadata: Mapping[str, Any],
        kind: EventKind,
        details: Mapping[str, Any],
    ) -> TaskInstance:
        after = states.with_metadata(before, metadata, now=self._storage.now())
        self._storage.put(before, after)
        self._record(kind, before, details)
        return after

    def _confirm_failed(self, instance: TaskInstance, event: Event) -> None:
        self.manager._instance_runners.notify(
            instance.task, lambda runner: runner.confirm_failed(self._storage, instance, event.value)
        )

    def _record(self, kind: EventKind, instance: TaskInstance, details: Mapping[str, Any]) -> None:
        self._storage.record_event(kind, instance=instance.name, by=self.by, details=details)
