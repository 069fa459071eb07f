"""TriggerManager: the controller of one session, and the registry of its subclasses.

Neighbours: ``states.py`` decides, ``storages/`` keep, ``runners/`` start. Every method works under the
session's lock, in one transaction; hooks run after it.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, ClassVar

from airflow_triggers import states
from airflow_triggers.configuration import parse_configuration
from airflow_triggers.configuration.pinning import pinned
from airflow_triggers.errors import ConfigurationError, IdempotencyConflict, RegistryError, RunnerError
from airflow_triggers.failures import describe_exception
from airflow_triggers.plugin_managers import managers_of_plugins
from airflow_triggers.registry import Registry
from airflow_triggers.runners import BaseTaskRunner, Start, task_runners
from airflow_triggers.states import Event
from airflow_triggers.storages.base import BaseStorageBackend
from airflow_triggers.types import (
    MAX_KEY_LENGTH,
    Configuration,
    Fire,
    FireResult,
    InstanceStatus,
    Kwargs,
    TaskConfig,
    TaskInstance,
    TriggerKwargs,
    validate_idempotency_key,
    validate_metadata,
    validate_trigger_kwargs,
    validate_trigger_name,
)

log = logging.getLogger(__name__)


class TriggerManager:
    """Fires triggers into one session, and repairs what failed.

    :param storage: where the session is kept; the session is made when it is first written to.

    Subclasses set :attr:`name`, may override the hooks ``_post_fire``, ``_post_replay``, ``_post_skip`` and
    :attr:`default_task_runner_name`, and are registered under the entry-point group ``triggers.managers``.

    Wherever an instance is a parameter, its name (``"t_import#0"``) or the object is accepted.
    """

    name: ClassVar[str] = "default"
    default_task_runner_name: str = "airflow"

    def __init__(self, storage: BaseStorageBackend) -> None:
        self.storage = storage

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.storage!r}>"

    # -- configuring ------------------------------------------------------------------------------------------

    def update_configuration(
        self, configuration: Mapping[str, Any] | Configuration, *, by: str | None = None
    ) -> Configuration:
        """Add tasks, or replace them by name; the others stay. No instance is made for what fired before.

        :param configuration: task name → directives (see SEMANTICS), or a parsed configuration.
        :returns: the session's configuration afterwards.
        :raises ConfigurationError: naming task, directive, what was found and what was expected; nothing is changed.
        """
        with self.storage.acquire_lock(create=True, manager=self.name):
            current = self.storage.configuration
            parsed = parse_configuration(configuration, existing_tasks=tuple(current.tasks))
            merged = current.updated(pinned(parsed, unless_named=current.name)) if current.tasks else parsed
            self._validate_runners(replace(merged, tasks={name: merged.tasks[name] for name in parsed.tasks}))
            self.storage.set_configuration(merged)
            self.storage.record_event(
                "configure", instance=None, by=by, details={"tasks": sorted(parsed.tasks)}
            )
        return merged

    def _validate_runners(self, configuration: Configuration) -> None:
        by_runner: dict[str, dict[str, TaskConfig]] = {}
        for task in configuration:
            by_runner.setdefault(task.using or self.default_task_runner_name, {})[task.name] = task
        for runner_name, tasks in by_runner.items():
            try:
                runner = task_runners.get(runner_name)
            except RegistryError as error:
                raise ConfigurationError(
                    f"task {next(iter(tasks))!r}: 'using' is {runner_name!r}: {error}"
                ) from error
            runner.validate(self.storage, replace(configuration, tasks=tasks))

    # -- firing -----------------------------------------------------------------------------------------------

    def fire(
        self,
        trigger_name: str,
        trigger_kwargs: Kwargs | None = None,
        *,
        idempotency_key: str | None = None,
        fired_by: str | None = None,
    ) -> FireResult:
        """Fire a trigger into the session. See SEMANTICS, "fire".

        :param trigger_kwargs: a mapping that JSON can hold; None is an empty one.
        :param idempotency_key: makes the fire count once for the life of the session: a repeat does nothing and
            answers with the first result, ``repeated`` being True.
        :param fired_by: the user or the component that fires, for the history.
        :raises InvalidTrigger: when the name, the kwargs or the key are outside the allowed form.
        :raises IdempotencyConflict: when the key was used for another trigger or other kwargs.
        """
        validate_trigger_name(trigger_name)
        kwargs = validate_trigger_kwargs(trigger_kwargs)
        if idempotency_key is not None:
            validate_idempotency_key(idempotency_key)
        with self.storage.acquire_lock(create=True, manager=self.name):
            if idempotency_key is not None and (earlier := self.storage.find_fire(idempotency_key)):
                return _repeated(earlier, trigger_name, kwargs)
            now = self.storage.now()
            plan = states.plan_fire(self.storage.fire_view(trigger_name), trigger_name, kwargs, now=now)
            scheduled = plan.in_status(InstanceStatus.SCHEDULED)
            fire = self.storage.record_fire(
                Fire(
                    trigger_name=trigger_name,
                    kwargs=kwargs,
                    fired_at=now,
                    fired_by=fired_by and fired_by[:MAX_KEY_LENGTH],
                    idempotency_key=idempotency_key,
                    touched=plan.touched,
                    created=tuple(one.name for one in plan.created),
                    scheduled=tuple(one.name for one in scheduled),
                    abandoned=tuple(one.name for one in plan.in_status(InstanceStatus.ABANDONED)),
                )
            )
            for before, after in plan.changed:
                self.storage.put(before, after)
            for instance in plan.created:
                self.storage.add(instance)
            for instance in scheduled:
                self._start(instance, by=fired_by)
            self._promise_hook("_post_fire", trigger_name=trigger_name, scheduled=list(fire.scheduled))
        return fire.to_result()

    def _start(self, instance: TaskInstance, *, by: str | None, run_after: datetime | None = None) -> None:
        """Hand a scheduled instance to its runner; what cannot be started fails with the reason."""
        start = Start(
            storage=self.storage,
            configuration=self.storage.configuration,
            instance=instance,
            kwargs=states.actual_kwargs(instance),
            run_after=run_after,
            by=by,
            report=partial(self.record_progress, instance.name),
        )
        try:
            self._runner(instance.task).run(start)
        except (RunnerError, RegistryError, ConfigurationError) as error:
            log.warning("%s of session %s could not be started: %s", instance.name, self.storage.uid, error)
            self._advance(instance, Event.FAIL, metadata=describe_exception(error))

    def _runner(self, task: TaskConfig) -> BaseTaskRunner:
        return task_runners.get(task.using or self.default_task_runner_name)

    # -- repairing --------------------------------------------------------------------------------------------

    def replay_failed_instance(
        self,
        failed_instance: TaskInstance | str,
        replacement_kwargs: TriggerKwargs | None = None,
        *,
        cooldown: float | None = None,
        by: str | None = None,
    ) -> TaskInstance:
        """Run a failed instance again, as a clone with the task's current configuration.

        :param replacement_kwargs: ``{trigger: kwargs}`` that replace the kwargs completely; None keeps them.
        :param cooldown: seconds to wait before the clone runs.
        :returns: the new instance.
        :raises InvalidTransition: when the instance is not failed; it names both.
        """
        kwargs = _replacement(replacement_kwargs)
        with self.storage.acquire_lock():
            failed = self._instance(failed_instance)
            now = self.storage.now()
            replayed = states.transition(failed, Event.REPLAY, now=now)
            self.storage.put(failed, replayed)
            clone = self.storage.clone_instance(replayed, kwargs=kwargs)
            self._runner(failed.task).replayed(self.storage, failed, clone, by=by)
            self._start(clone, by=by, run_after=now + timedelta(seconds=cooldown) if cooldown else None)
            details = {"replay": clone.name, "kwargs_replaced": kwargs is not None}
            self.storage.record_event("replay", instance=failed.name, by=by, details=details)
            self._promise_hook("_post_replay", instance=clone.name)
            return self.storage[clone.name]

    def skip_failed_instance(
        self,
        failed_instance: TaskInstance | str,
        cascade: bool = False,
        result: Kwargs | None = None,
        *,
        by: str | None = None,
    ) -> TaskInstance:
        """Waive a failed instance, so that it counts as resolved.

        :param cascade: fire the task's name as if it had finished.
        :param result: the kwargs of that cascade, a mapping; kept in the instance's metadata.
        :returns: the skipped instance.
        :raises InvalidTransition: when the instance is not failed; it names both.
        """
        kept = None if result is None else validate_trigger_kwargs(result)
        with self.storage.acquire_lock():
            failed = self._instance(failed_instance)
            skipped = self._advance(failed, Event.SKIP, metadata={"cascade": cascade, "result": kept})
            self._runner(failed.task).skip(self.storage, skipped, by=by, result=kept)
            details = {"cascade": cascade, "result": kept}
            self.storage.record_event("skip", instance=failed.name, by=by, details=details)
            if cascade:
                self.fire(failed.task.name, kept, fired_by=failed.name)
            self._promise_hook("_post_skip", instance=failed.name, cascade=cascade)
            return skipped

    # -- manual changes ---------------------------------------------------------------------------------------

    def update_instance_status(
        self,
        task_instance: TaskInstance | str,
        status: InstanceStatus | str,
        metadata: Mapping[str, Any] | None = None,
        cascade: bool = False,
        cascade_kwargs: Kwargs | None = None,
        *,
        by: str | None = None,
    ) -> TaskInstance:
        """Change an instance's status by hand, whatever it was.

        :param metadata: merged into the instance's.
        :param cascade: also fire the task's name, with ``cascade_kwargs``.
        :raises ValueError: when there is no such status.
        :raises InvalidMetadata: when the metadata is no mapping that JSON can hold.
        """
        target, attached = InstanceStatus(status), validate_metadata(metadata)
        with self.storage.acquire_lock():
            before = self._instance(task_instance)
            after = states.with_status(before, target, now=self.storage.now(), metadata=attached)
            self.storage.put(before, after)
            details = {"from": before.status.value, "to": target.value, "cascade": cascade}
            self.storage.record_event("status", instance=before.name, by=by, details=details)
            if cascade:
                self.fire(before.task.name, cascade_kwargs, fired_by=before.name)
            return after

    def update_instance_metadata(
        self, task_instance: TaskInstance | str, metadata: Mapping[str, Any]
    ) -> TaskInstance:
        """Merge the metadata into the instance's; its status stays.

        :raises InvalidMetadata: when it is no mapping that JSON can hold.
        """
        attached = validate_metadata(metadata)
        with self.storage.acquire_lock():
            before = self._instance(task_instance)
            after = states.with_metadata(before, attached, now=self.storage.now())
            self.storage.put(before, after)
            return after

    def mark_instance_logs_resolved(self, task_instance: TaskInstance | str) -> TaskInstance:
        """Mark the instance's log messages as dealt with."""
        return self.update_instance_metadata(task_instance, {"logsResolved": True})

    # -- progress, as runners and the controller report it ----------------------------------------------------

    def record_progress(
        self,
        task_instance: TaskInstance | str,
        event: Event,
        *,
        metadata: Mapping[str, Any] | None = None,
        cascade: bool = False,
        cascade_kwargs: Kwargs | None = None,
    ) -> TaskInstance:
        """Apply what happened to an instance: it started, finished, failed, skipped itself or was reopened.

        :raises InvalidTransition: when its status does not allow the event.
        """
        with self.storage.acquire_lock():
            after = self._advance(self._instance(task_instance), event, metadata=metadata)
            if cascade:
                self.fire(after.task.name, cascade_kwargs, fired_by=after.name)
            return after

    def _advance(
        self, before: TaskInstance, event: Event, *, metadata: Mapping[str, Any] | None = None
    ) -> TaskInstance:
        after = states.transition(before, event, now=self.storage.now(), metadata=metadata)
        self.storage.put(before, after)
        return after

    def _instance(self, task_instance: TaskInstance | str) -> TaskInstance:
        """The instance as it is now, whatever the caller held."""
        return self.storage[task_instance if isinstance(task_instance, str) else task_instance.name]

    # -- hooks ------------------------------------------------------------------------------------------------

    def _post_fire(self, trigger_name: str, tasks_scheduled: Sequence[TaskInstance]) -> None:
        """Called after a fire was kept, with the instances that it scheduled. Override it."""

    def _post_replay(self, task_instance: TaskInstance) -> None:
        """Called after a replay was kept, with the NEW instance; ``metadata["parent"]`` names the failed one."""

    def _post_skip(self, task_instance: TaskInstance, cascade: bool) -> None:
        """Called after a skip was kept and after its cascade's ``_post_fire``."""

    def _promise_hook(self, hook: str, **arguments: Any) -> None:
        """Have the hook called after the commit: by us, or by the controller if this process dies before."""
        if getattr(type(self), hook) is getattr(TriggerManager, hook):
            return
        token = self.storage.add_hook(hook, arguments)
        self.storage.after_release(partial(self.call_hook, token, hook, arguments))

    def call_hook(self, token: Any, hook: str, arguments: Mapping[str, Any]) -> None:
        """Call a promised hook; one that raises is logged and called again later."""
        try:
            self._hook_call(hook, arguments)
        except Exception:
            log.exception("Hook %s of manager %r raised in session %s", hook, self.name, self.storage.uid)
            self.storage.hook_failed(token, traceback.format_exc())
        else:
            self.storage.hook_done(token)

    def _hook_call(self, hook: str, arguments: Mapping[str, Any]) -> None:
        if hook == "_post_fire":
            self._post_fire(
                arguments["trigger_name"], [self.storage[name] for name in arguments["scheduled"]]
            )
        elif hook == "_post_replay":
            self._post_replay(self.storage[arguments["instance"]])
        else:
            self._post_skip(self.storage[arguments["instance"]], arguments["cascade"])


def _repeated(earlier: Fire, trigger_name: str, kwargs: Kwargs) -> FireResult:
    if (earlier.trigger_name, earlier.kwargs) != (trigger_name, kwargs):
        raise IdempotencyConflict(
            f"The idempotency key {earlier.idempotency_key!r} was used for the fire {earlier.fire_id} of "
            f"{earlier.trigger_name!r} with {dict(earlier.kwargs)}; this one fires {trigger_name!r} with "
            f"{dict(kwargs)}. "
            "Use a key of its own for each fire."
        )
    return earlier.to_result(repeated=True)


def _replacement(kwargs: TriggerKwargs | None) -> dict[str, dict[str, Any]] | None:
    if kwargs is None:
        return None
    return {validate_trigger_name(name): validate_trigger_kwargs(value) for name, value in kwargs.items()}


trigger_managers: Registry[TriggerManager] = Registry(
    "trigger manager", "triggers.managers", elsewhere=managers_of_plugins
)
