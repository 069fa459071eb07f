"""CacheStorageBackend: a session in a cache, for tests and for short-lived sessions without Airflow's database.

Neighbours: ``base.py`` is the contract, ``cache_content.py`` defines the content, ``cache_region.py`` the place. The
cache is a region of dogpile.cache: this process's memory by default, or Redis with its distributed lock.
"""

from __future__ import annotations

import copy
import hashlib
import json
import logging
import threading
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from itertools import islice
from typing import Any, cast

from dogpile.cache import CacheRegion
from dogpile.cache.api import NO_VALUE

from airflow_triggers.domain import states
from airflow_triggers.domain.configuration import Configuration, TaskConfig
from airflow_triggers.domain.events import EventKind, SessionEvent
from airflow_triggers.domain.fires import EVERY_FIRE, Fire, FireFilter
from airflow_triggers.domain.hooks import MAX_HOOK_ATTEMPTS, PromisedHook
from airflow_triggers.domain.instances import TaskInstance
from airflow_triggers.domain.metadata import UNREADABLE
from airflow_triggers.domain.validation import caller_name, validate_metadata
from airflow_triggers.errors import InstanceNotFound, LockTimeout, SessionNotFound, StaleWrite, UnreadableRow
from airflow_triggers.storages import rows
from airflow_triggers.storages.base import BaseStorageBackend, hook_failure
from airflow_triggers.storages.cache_content import (
    event_from_json,
    fire_from_json,
    flaw_of,
    instance_to_json,
    instances_in,
    new_content,
)
from airflow_triggers.storages.cache_region import cache_url, default_region, mutex_of, translated_errors
from airflow_triggers.storages.stored import Unreadable, read_json

log = logging.getLogger(__name__)

KEY_PREFIX = "airflow_triggers:session:"


class _Work(threading.local):
    """The thread's state under the lock."""

    def __init__(self) -> None:
        self.content: dict[str, Any] | None = None
        self.start: Any = NO_VALUE
        self.is_deleted = False


class CacheStorageBackend(BaseStorageBackend):
    """Keeps the session ``uid`` in a cache, whole: each fire reads and writes all of it.

    :param region: a configured region of dogpile.cache. Configure Redis with ``distributed_lock=True``, or two
        processes can overwrite each other's fires. None: the Redis in the setting ``[triggers] cache_url``, which
        Airflow's processes find too; without this setting, the memory of this process.

    >>> from airflow_triggers import CacheStorageBackend
    >>> CacheStorageBackend("order-4711").exists
    False
    """

    name = "cache"

    def __init__(self, uid: str, *, region: CacheRegion | None = None) -> None:
        super().__init__(uid)
        self._region = region or default_region()
        self.shared = region is None and bool(cache_url())
        self.unshared_because = (
            "its cache is the memory of this process"
            if region is None
            else "its region is one that only this process knows"
        )
        self._key = KEY_PREFIX + uid
        self._work = _Work()
        self._mutex = self._own_mutex()

    def _own_mutex(self) -> Any:
        mangle = self._region.key_mangler
        mutex = self._region.actual_backend.get_mutex(mangle(self._key) if mangle else self._key)
        if mutex is not None:
            return mutex
        return mutex_of(self._region, self.uid)

    @property
    def _identity(self) -> Hashable:
        """See :meth:`BaseStorageBackend._identity`. Two regions keep two sessions of one UID."""
        return type(self), id(self._region), self.uid

    # -- the lock ---------------------------------------------------------------------------------------------

    @contextmanager
    def _hold(self, *, create: bool, manager: str, wait: bool) -> Iterator[None]:
        """The cache's lock for the session's key, or a lock of this process."""
        with translated_errors(self.uid):
            is_held = self._mutex.acquire(wait)
        if not is_held:
            raise LockTimeout(
                f"Session {self.uid!r} is being written by another holder of its lock; try again."
            )
        try:
            before = self._stored
            if before is NO_VALUE and not create:
                raise SessionNotFound(self.uid)
            content = self._parse(before) or new_content(manager)
            self._work.content, self._work.start = content, before
            self._work.is_deleted = False
            try:
                yield
                self._replace(before, None if self._work.is_deleted else json.dumps(content))
            finally:
                self._work.content = None
        finally:
            self._release()

    def _replace(self, before: Any, after: str | None) -> None:
        """Save the content; None: delete the session.

        After :data:`cache_region.LOCK_LIFE` the lock may have a new holder, whose writes must not be lost (optimistic
        lock).
        """
        if self._stored != before:
            raise StaleWrite(
                f"Session {self.uid!r} was written by another while this one had its lock for too long; nothing was "
                "changed. Try again, and hold the lock for a shorter time."
            )
        with translated_errors(self.uid):
            if after is None:
                self._region.delete(self._key)
            else:
                self._region.set(self._key, after)

    def _release(self) -> None:
        try:
            self._mutex.release()
        except Exception:
            # The lock was lost. Every cache has errors of its own for this, so the except is broad.
            log.exception("Session %s: its lock was not held to the end", self.uid)

    @contextmanager
    def _nesting(self) -> Iterator[None]:
        """On an exception, restore the earlier content."""
        content = self._writing
        before, was_deleted = copy.deepcopy(content), self._work.is_deleted
        try:
            yield
        except BaseException:
            content.clear()
            content.update(before)
            self._work.is_deleted = was_deleted
            raise

    def save(self) -> None:
        """See :meth:`BaseStorageBackend.save`. Nobody reads a cache inside a transaction, so it does nothing."""
        _ = self._writing

    @property
    def _stored(self) -> Any:
        """The cache's value for the session; ``NO_VALUE`` if there is none."""
        with translated_errors(self.uid):
            return self._region.get(self._key)

    def _load(self) -> dict[str, Any] | None:
        return self._parse(self._stored)

    def _parse(self, value: Any) -> dict[str, Any] | None:
        """The content from the cache; None when there is none.

        :raises UnreadableRow: when the content has another form.
        """
        if value is NO_VALUE:
            return None
        content = read_json(value)
        flaw = content[UNREADABLE] if isinstance(content, Unreadable) else flaw_of(content)
        if flaw is not None:
            raise self._unreadable(flaw)
        return cast("dict[str, Any]", content)

    def _unreadable(self, flaw: str) -> UnreadableRow:
        return UnreadableRow(f"the session {self.uid!r}", flaw, where="the cache that keeps it")

    @contextmanager
    def _reading(self, parts: str) -> Iterator[None]:
        """Turn errors about a missing or malformed part of the content into an error about the session."""
        try:
            yield
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise self._unreadable(
                f"one of its {parts} is of another form ({type(error).__name__}: {error})"
            ) from error

    @property
    def _writing(self) -> dict[str, Any]:
        if self._work.content is None:
            raise self._no_lock_error()
        return self._work.content

    @property
    def _content(self) -> dict[str, Any]:
        """The lock holder's writes, or the stored content; an empty session when there is none."""
        if self._work.content is not None:
            return self._work.content
        return self._load() or new_content(None)

    # -- reading ----------------------------------------------------------------------------------------------

    @property
    def exists(self) -> bool:
        """Whether there is such a session."""
        return self._content["manager"] is not None

    @property
    def anchored(self) -> bool:  # type: ignore[override]
        """See :attr:`BaseStorageBackend.anchored`."""
        return bool(self._content["anchored"])

    @property
    def configuration(self) -> Configuration:
        """The session's tasks, as last updated."""
        return Configuration.from_dict(self._content["configuration"])

    @property
    def session_version(self) -> str:
        """See :meth:`BaseStorageBackend.session_version`."""
        content, start = self._work.content, self._work.start
        if content is None:
            return _version_of(self._stored)
        is_unwritten = content == (self._parse(start) or new_content(content["manager"]))
        return _version_of(start if is_unwritten else json.dumps(content))

    @property
    def manager_name(self) -> str | None:
        """The name of the session's remembered manager."""
        return cast("str | None", self._content["manager"])

    @property
    def instances(self) -> dict[str, TaskInstance]:
        """All instances by name, ordered by task (as configured) and number."""
        content = self._content
        configuration = Configuration.from_dict(content["configuration"])
        instances: dict[str, TaskInstance] = {}
        for task in (*configuration, *configuration.removed.values()):
            for instance in instances_in(content, task, configuration):
                instances[instance.name] = instance
        return instances

    def instances_of_task(self, task: TaskConfig | str) -> list[TaskInstance]:
        """The task's instances ordered by number."""
        content = self._content
        task_name = task if isinstance(task, str) else task.name
        if task_name not in content["instances"]:
            return []
        configuration = Configuration.from_dict(content["configuration"])
        config = configuration.task_of(task_name) or configuration[task_name]
        return instances_in(content, config, configuration)

    def __getitem__(self, instance_name: str) -> TaskInstance:
        if not self.exists:
            raise SessionNotFound(self.uid)
        instance = self.instances.get(instance_name)
        if instance is None:
            raise InstanceNotFound(f"Session {self.uid!r} has no instance {instance_name!r}.")
        return instance if self._work.content is None else rows.check_readable(instance)

    @property
    def latest_kwargs(self) -> dict[str, dict[str, Any]]:
        """The kwargs of each trigger's latest fire, by trigger name, oldest first."""
        latest: dict[str, dict[str, Any]] = {}
        for fire in self._content["fires"]:
            latest.pop(fire["trigger_name"], None)
            latest[fire["trigger_name"]] = fire["kwargs"]
        return latest

    @property
    def metadata(self) -> dict[str, Any]:
        """The session's own metadata."""
        return dict(self._content["metadata"])

    def fires(
        self, *, limit: int | None = None, before: int | None = None, only: FireFilter = EVERY_FIRE
    ) -> list[Fire]:
        """The history of fires, newest first."""
        fires = map(self._fire, reversed(self._content["fires"]))
        covered_fires = (
            fire for fire in fires if (before is None or fire.fire_id < before) and only.covers(fire)
        )
        return list(islice(covered_fires, limit))

    def events(
        self, *, limit: int | None = None, before: int | None = None, instance: str | None = None
    ) -> list[SessionEvent]:
        """See :meth:`BaseStorageBackend.events`."""
        with self._reading("events"):
            events = [
                event_from_json(number, entry)
                for number, entry in enumerate(self._content["events"], start=1)
            ]
        matching_events = [
            event
            for event in events
            if (before is None or event.event_id < before) and instance in (None, event.instance)
        ]
        return matching_events[::-1][:limit]

    def hooks(self) -> list[PromisedHook]:
        """See :meth:`BaseStorageBackend.hooks`. Without a controller that knows it, a raised hook is parked at once."""
        max_attempts = MAX_HOOK_ATTEMPTS if self.anchored else 1
        with self._reading("hooks"):
            return [
                PromisedHook(token=int(token), **entry, parked=entry["attempts"] >= max_attempts)
                for token, entry in self._content["hooks"].items()
            ]

    def _fire(self, entry: Mapping[str, Any]) -> Fire:
        with self._reading("fires"):
            return fire_from_json(entry)

    # -- writing, inside the lock -----------------------------------------------------------------------------

    def set_configuration(self, configuration: Configuration) -> None:
        """See :meth:`BaseStorageBackend.set_configuration`. What an instance waits for is derived at each read."""
        self._writing["configuration"] = configuration.to_dict()

    def delete(self) -> None:
        """See :meth:`BaseStorageBackend.delete`."""
        _ = self._writing
        self._work.is_deleted = True

    def set_metadata(self, metadata: Mapping[str, Any]) -> None:
        """Replace the session's metadata."""
        self._writing["metadata"] = validate_metadata(metadata)

    def fire_view(self, trigger_name: str) -> states.FireView:
        """See :meth:`BaseStorageBackend.fire_view`. Here it reads the whole session."""
        tasks = self.configuration.concerned_by(trigger_name)
        waiting = [
            rows.check_readable(instance)
            for task in tasks
            for instance in self.instances_of_task(task)
            if states.waits_of(instance) & {trigger_name, states.RIPE}
        ]
        return states.FireView(
            tasks=tasks,
            waiting=tuple(waiting),
            counts={task.name: self.count_instances(task) for task in tasks},
            latest=self.latest_kwargs,
        )

    def count_instances(self, task: TaskConfig) -> int:
        """How many instances the task has."""
        return len(self._content["instances"].get(task.name, ()))

    def add(self, instance: TaskInstance) -> None:
        """See :meth:`BaseStorageBackend.add`."""
        entries = self._writing["instances"].setdefault(instance.task.name, [])
        if len(entries) != instance.number:
            raise StaleWrite(f"Session {self.uid!r} has an instance {instance.name} already.")
        entries.append(instance_to_json(instance))

    def put(self, before: TaskInstance, after: TaskInstance) -> None:
        """See :meth:`BaseStorageBackend.put`."""
        entries = self._writing["instances"][after.task.name]
        if entries[after.number]["status"] != before.status.value:
            raise StaleWrite(f"{after.name} of session {self.uid!r} is not {before.status.value} any more.")
        entries[after.number] = instance_to_json(after)

    def find_fire(self, idempotency_key: str) -> Fire | None:
        """The session's fire with this key."""
        entries = (entry for entry in self._content["fires"] if entry["idempotency_key"] == idempotency_key)
        return next(map(self._fire, entries), None)

    def record_fire(self, fire: Fire) -> Fire:
        """See :meth:`BaseStorageBackend.record_fire`."""
        fires = self._writing["fires"]
        recorded_fire = replace(fire, fire_id=len(fires) + 1)
        fires.append({**asdict(recorded_fire), "fired_at": recorded_fire.fired_at.isoformat()})
        return recorded_fire

    def record_event(
        self, kind: str, *, instance: str | None, by: str | None, details: Mapping[str, Any]
    ) -> None:
        """See :meth:`BaseStorageBackend.record_event`."""
        at = self.now().isoformat()
        entry = {
            "kind": str(kind),
            "instance": instance,
            "by": caller_name(by),
            "at": at,
            "details": dict(details),
        }
        self._writing["events"].append(entry)

    def add_hook(self, hook: str, arguments: Mapping[str, Any]) -> int:
        """See :meth:`BaseStorageBackend.add_hook`."""
        content = self._writing
        content["hook_count"] += 1
        content["hooks"][str(content["hook_count"])] = {
            "hook": str(hook),
            "arguments": dict(arguments),
            "attempts": 0,
            "error": None,
        }
        return int(content["hook_count"])

    def hook_done(self, token: int) -> None:
        """Forget the hook."""
        with self.acquire_lock():
            self._writing["hooks"].pop(str(token), None)

    def hook_failed(self, token: int, error: str) -> None:
        """Record the hook's error; see :meth:`hooks`."""
        with self.acquire_lock():
            entry = self._writing["hooks"].get(str(token))
            if entry is not None:
                entry.update(error=error, attempts=entry["attempts"] + 1)
                if entry["attempts"] == 1 and not self.anchored:
                    self.record_event(
                        EventKind.HOOK_PARKED,
                        by=None,
                        **hook_failure(entry["hook"], entry["arguments"], error),
                    )

    def pending_hooks(self) -> list[tuple[int, str, dict[str, Any]]]:
        """See :meth:`BaseStorageBackend.pending_hooks`, in the form of ``manager.call_hook``."""
        return [(hook.token, hook.hook, dict(hook.arguments)) for hook in self.hooks()]

    def note_anchored(self) -> None:
        """See :meth:`BaseStorageBackend.note_anchored`."""
        self._writing["anchored"] = True


def _version_of(value: Any) -> str:
    """The cache's content of a session, as a short text."""
    return "" if value is NO_VALUE else hashlib.sha256(str(value).encode()).hexdigest()
