"""The contract of a storage backend: it keeps one session.

Neighbours: ``readable.py`` has the reading half, ``lock.py`` the lock; ``manager/manager.py`` is the only caller of the
writing half here; ``domain/states.py`` decides what is written. Every backend passes the contract suite.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from airflow_triggers.domain import states
from airflow_triggers.domain.configuration import Configuration, TaskConfig, TriggerKwargs
from airflow_triggers.domain.events import hook_failure_details
from airflow_triggers.domain.fires import DelayedFire, Fire, FireRequest
from airflow_triggers.domain.hooks import INSTANCE, TRIGGER_NAME
from airflow_triggers.domain.instances import InstanceStatus, TaskInstance
from airflow_triggers.domain.validation import (
    validate_instance_metadata,
    validate_replacement_kwargs,
)
from airflow_triggers.errors import CannotDelay, CannotDelete
from airflow_triggers.storages.readable import ReadableSession


class BaseStorageBackend(ReadableSession):
    """Keeps the tasks, instances, fires and metadata of the session ``uid``.

    Reading (:class:`ReadableSession`) works at any time. Writing needs the lock: outside of :meth:`acquire_lock` every
    writing method raises ``RuntimeError``.

    :param uid: the session's UID.
    :raises InvalidSessionUid: when the UID is outside the allowed form.
    """

    @abstractmethod
    def set_configuration(self, configuration: Configuration) -> None:
        """Replace the configuration. Unstarted instances of replaced tasks wait for the new tasks' triggers."""

    def delete(self) -> None:
        """Delete the session with all its records. It is gone after the commit.

        It must be the last act inside the lock. A storage need not support it; then its sessions stay.

        :raises CannotDelete: when the storage deletes none, as by default.
        """
        raise CannotDelete(
            f"The storage {self.name!r}, which keeps session {self.uid!r}, deletes no sessions. Delete it there "
            "by hand."
        )

    @abstractmethod
    def set_metadata(self, metadata: Mapping[str, Any]) -> None:
        """Replace the session's metadata.

        :raises InvalidMetadata: when it is no mapping of JSON values.
        """

    @abstractmethod
    def fire_view(self, trigger_name: str) -> states.FireView:
        """The input of :func:`states.plan_fire`, read at a cost that does not grow with the session."""

    @abstractmethod
    def count_instances(self, task: TaskConfig) -> int:
        """How many instances the task has: the next one's number."""

    @abstractmethod
    def add(self, instance: TaskInstance) -> None:
        """Save a new instance. :raises StaleWrite: when its number is taken."""

    @abstractmethod
    def put(self, before: TaskInstance, after: TaskInstance) -> None:
        """Save a changed instance (optimistic lock).

        :raises StaleWrite: when the stored instance's status is not that of ``before``.
        """

    @abstractmethod
    def find_fire(self, idempotency_key: str) -> Fire | None:
        """The session's fire with this key."""

    @abstractmethod
    def record_fire(self, fire: Fire) -> Fire:
        """Save a fire. Returns it with its ``fire_id``, larger than every earlier one of the session.

        Its kwargs become the session's latest for the trigger.
        """

    @abstractmethod
    def record_event(
        self, kind: str, *, instance: str | None, by: str | None, details: Mapping[str, Any]
    ) -> None:
        """Add an entry to the session's history that is no fire (a repair, a status change)."""

    def delay_fire(self, fire: DelayedFire) -> DelayedFire:
        """Save a fire for later. Returns it with its ``delayed_id``.

        :raises CannotDelay: when no controller would find it in this storage.
        """
        raise CannotDelay(
            f"The storage {self.name!r} keeps no fires for later: no controller looks into it. Use SqlStorageBackend, "
            "or fire at the time."
        )

    def find_delayed_fire(self, idempotency_key: str) -> DelayedFire | None:
        """The fire for later with this key, if it is still to come or was cancelled."""
        return None

    def is_key_used(self, idempotency_key: str) -> bool:
        """Whether a fire of the session has this key, also one for later. Under the lock.

        A fire whose key is not used is no repeat: :meth:`find_fire` is not asked for it.
        """
        return (self.find_fire(idempotency_key) or self.find_delayed_fire(idempotency_key)) is not None

    def look_up_keys(self, idempotency_keys: Collection[str]) -> None:
        """Look up many keys at once, so that :meth:`is_key_used` need not ask for each. Under the lock."""

    def get_delayed_fire(self, delayed_id: int) -> DelayedFire | None:
        """The fire for later with this id, if it is still to come or was cancelled."""
        return None

    def cancel_delayed_fire(self, delayed_id: int, *, by: str | None) -> None:
        """Mark a fire for later as cancelled: it is never taken. Its idempotency key stays used."""
        raise CannotDelay(f"The storage {self.name!r} keeps no fires for later.")

    def retry_delayed_fire(self, delayed_id: int) -> None:
        """Have a fire for later tried again at once, as if nobody had tried it."""
        raise CannotDelay(f"The storage {self.name!r} keeps no fires for later.")

    def take_delayed_fire(self, delayed_id: int) -> DelayedFire | None:
        """Remove a delayed fire, to fire it; None when somebody else did, or it was cancelled."""
        return None

    @abstractmethod
    def add_hook(self, hook: str, arguments: Mapping[str, Any]) -> Any:
        """Remember to call a hook after this lock's commit. Returns a token."""

    @abstractmethod
    def hook_done(self, token: Any) -> None:
        """Forget the hook (takes no lock)."""

    @abstractmethod
    def hook_failed(self, token: Any, error: str) -> None:
        """Record the hook's error, in the history too, and have it called again later (takes no lock)."""

    def note_anchored(self) -> None:
        """Remember, inside the lock, to be :attr:`anchored`. The default does not.

        Without this memory, only the process that fired calls the session's hooks.
        """

    def create_instance(
        self,
        task: TaskConfig | str,
        *,
        kwargs: TriggerKwargs | None = None,
        metadata: Mapping[str, Any] | None = None,
        status: InstanceStatus = InstanceStatus.UNSTARTED,
    ) -> TaskInstance:
        """Add an instance with the triggers in ``kwargs`` taken, of the task as configured now.

        :raises TaskNotFound: when the configuration has no such task.
        :raises InvalidTrigger, InvalidMetadata: when the kwargs or the metadata are outside the allowed form.
        """
        valid_kwargs, valid_metadata = (
            validate_replacement_kwargs(kwargs),
            validate_instance_metadata(metadata),
        )
        config = self.configuration[task if isinstance(task, str) else task.name]
        now = self.now()
        instance = states.new_instance(
            config, self.count_instances(config), now=now, latest=valid_kwargs or {}, metadata=valid_metadata
        )
        if status is not InstanceStatus.UNSTARTED:
            instance = states.with_status(instance, status, now=now)
        self.add(instance)
        return instance

    def clone_instance(
        self,
        instance: TaskInstance | str,
        *,
        kwargs: TriggerKwargs | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> TaskInstance:
        """Add an unstarted copy of the instance, with the next number and its task's current configuration.

        It has taken what the original took, required and ``unless`` triggers, and waits for the others like any
        unstarted instance. A later fire, or a status set by hand, moves it on. If it lacks nothing, the next fire that
        concerns its task settles it. Only a replay schedules its clone itself.

        :param instance: an instance of any status, or its name.
        :param kwargs: ``{trigger: kwargs}`` instead of the original's; None keeps the original's.
        :param metadata: of the clone, besides ``parent`` and ``depth``; nothing of the original's is copied.
        :returns: the clone.
        :raises RuntimeError: outside of :meth:`acquire_lock`.
        :raises InstanceNotFound: when there is no instance of this name.
        :raises TaskNotFound: when the configuration has no task for the given instance.
        :raises InvalidTrigger, InvalidMetadata: when the kwargs or the metadata are outside the allowed form.
        """
        valid_kwargs, valid_metadata = (
            validate_replacement_kwargs(kwargs),
            validate_instance_metadata(metadata),
        )
        original = self[instance] if isinstance(instance, str) else instance
        configuration = self.configuration
        task = configuration.removed.get(original.task.name) or configuration[original.task.name]
        original = replace(original, task=task)
        number = self.count_instances(original.task)
        clone = states.clone_of(
            original, number, now=self.now(), kwargs=valid_kwargs, metadata=valid_metadata
        )
        self.add(clone)
        return clone

    def defer_fire(self, fire: FireRequest) -> bool:
        """Take a fire for later instead of now. Only a storage without a database at hand does (see ``task/``)."""
        return False

    def now(self) -> datetime:
        """The present moment in UTC; tests replace it."""
        return datetime.now(UTC)


def hook_failure(hook: str, arguments: Mapping[str, Any], error: str) -> dict[str, Any]:
    """The history's entry for a hook that raised: the instance that it is about, and the details.

    :param error: a traceback; its last line names the exception.
    """
    lines = error.strip().splitlines()
    details = hook_failure_details(
        hook, trigger_name=arguments.get(TRIGGER_NAME), error=lines[-1] if lines else ""
    )
    return {"instance": arguments.get(INSTANCE), "details": details}
