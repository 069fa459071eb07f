"""TriggerManager: the controller of one session, and the registry of its subclasses.

Neighbours: ``domain/states.py`` decides, ``storages/`` keep, ``runners/`` start. ``hooks.py``, ``repeats.py``,
``delayed_fires.py``, ``repairs.py``, ``updates.py``, ``instance_runners.py`` and ``remembered.py`` are its parts. Every
method works under the session's lock, in one transaction; hooks run after it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, ClassVar

from airflow_triggers.domain import states
from airflow_triggers.domain.configuration import (
    Kwargs,
    TriggerKwargs,
)
from airflow_triggers.domain.events import (
    Cause,
    cause_details,
)
from airflow_triggers.domain.failures import describe_exception
from airflow_triggers.domain.fires import DelayedFire, Fire, FireRequest, FireResult
from airflow_triggers.domain.hooks import Hook
from airflow_triggers.domain.instances import InstanceStatus, TaskInstance
from airflow_triggers.domain.report import RequestedReplay, TaskReport
from airflow_triggers.domain.states import Event
from airflow_triggers.domain.validation import (
    caller_name,
    validate_instance_metadata,
    validate_trigger_kwargs,
)
from airflow_triggers.errors import CannotDelay, IdempotencyConflict
from airflow_triggers.extensions import plugins
from airflow_triggers.extensions.registry import Registry
from airflow_triggers.manager.configuring import ConfigurationKeeper
from airflow_triggers.manager.delayed_fires import DelayedFires
from airflow_triggers.manager.hooks import ManagerHooks
from airflow_triggers.manager.instance_runners import InstanceRunners, RunnerSource
from airflow_triggers.manager.remembered import DEFAULT_MANAGER, remembered_manager
from airflow_triggers.manager.repairs import Repairs
from airflow_triggers.manager.repeats import result_of_repeat
from airflow_triggers.runners import Start, progress, task_runners
from airflow_triggers.runners.measures import count_statuses, measured_fire
from airflow_triggers.storages.base import BaseStorageBackend


class TriggerManager(ConfigurationKeeper):
    """Fires triggers into one session, and repairs what failed.

    :param storage: where the session is kept. The first write makes the session.
    :param runners: gives each task its runner by name (``.get(name)``); None: the registry ``task_runners``. A test
        gives its own.

    Subclasses set :attr:`name`. They may override the hooks ``_post_fire``, ``_post_replay``, ``_post_skip`` and
    :attr:`default_task_runner_name`. They are registered under the entry-point group ``triggers.managers``.

    Wherever an instance is a parameter, you may give its name (``"t_import#0"``) or the object.
    """

    name: ClassVar[str] = DEFAULT_MANAGER
    default_task_runner_name: str = "airflow"
    runners: RunnerSource = task_runners

    def __init__(self, storage: BaseStorageBackend, *, runners: RunnerSource | None = None) -> None:
        self.storage = storage
        if runners is not None:
            self.runners = runners

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.storage!r}>"

    # -- hooks ------------------------------------------------------------------------------------------------

    def _post_fire(self, trigger_name: str, tasks_scheduled: Sequence[TaskInstance]) -> None:
        """Called after the commit of a fire, with the instances that it scheduled. Override it."""

    def _post_replay(self, task_instance: TaskInstance) -> None:
        """Called after the commit of a replay, with the NEW instance; ``metadata["parent"]`` names the failed one."""

    def _post_skip(self, task_instance: TaskInstance, cascade: bool) -> None:
        """Called after the commit of a skip and after its cascade's ``_post_fire``."""

    def call_hook(
        self, token: Any, hook: str, arguments: Mapping[str, Any], *, owed_id: int | None = None
    ) -> str | None:
        """Call a promised hook. If it raises, it is logged and called again later.

        :param token: the hook's key in the storage.
        :param owed_id: the hook's key for the controller, if the session is kept elsewhere (see ``storages/hooks.py``).
        :returns: the hook's traceback if it raised; None when it ended.
        """
        return ManagerHooks(self).call(token, hook, arguments, owed_id=owed_id)

    def _promise_hook(self, hook: Hook, **arguments: Any) -> None:
        ManagerHooks(remembered_manager(self)).promise(hook, arguments, default=TriggerManager)

    # -- firing -----------------------------------------------------------------------------------------------

    def fire(
        self,
        trigger_name: str,
        trigger_kwargs: Kwargs | None = None,
        *,
        idempotency_key: str | None = None,
        fired_by: str | None = None,
        fire_at: datetime | None = None,
    ) -> FireResult:
        """Fire a trigger into the session. See docs/semantics.md, "fire".

        :param trigger_kwargs: a mapping of JSON values; None is an empty one.
        :param idempotency_key: makes the fire idempotent for the life of the session. A repeat does nothing and returns
            the first result with ``repeated=True``. A repeat of a cancelled fire for later also does nothing; its
            result has ``cancelled=True``. In a worker the fire waits until the task succeeds; the result has
            ``deferred=True``.
        :param fired_by: the user or the component that fires, for the history.
        :param fire_at: not before this moment, which has a timezone: the controller fires it then. None, or a past
            moment: now.
        :raises InvalidTrigger: when the name, the kwargs, the key or the moment are outside the allowed form.
        :raises CannotDelay: when the fire is for later, and the storage keeps no such fires.
        :raises IdempotencyConflict: when the key was used for another trigger or other kwargs.
        """
        request = FireRequest(
            trigger_name=trigger_name,
            trigger_kwargs={} if trigger_kwargs is None else trigger_kwargs,
            idempotency_key=idempotency_key,
            fire_at=fire_at,
        )
        return self._fire(request, by=fired_by)

    def fire_request(self, request: FireRequest, *, by: str | None = None) -> FireResult:
        """Fire as :meth:`fire` does, without checking the request again.

        If a subclass or this object overrides :meth:`fire`, that method is called.
        """
        if getattr(self.fire, "__func__", None) is _FIRE:
            return self._fire(request, by=by)
        return self.fire(
            request.trigger_name,
            request.trigger_kwargs,
            idempotency_key=request.idempotency_key,
            fired_by=by,
            fire_at=request.fire_at,
        )

    @property
    def has_own_fire(self) -> bool:
        """Whether a subclass or this object overrides :meth:`fire` or :meth:`fire_request`."""
        own = (self.fire, _FIRE), (self.fire_request, _FIRE_REQUEST)
        return any(getattr(method, "__func__", None) is not original for method, original in own)

    def _fire(self, request: FireRequest, *, by: str | None) -> FireResult:
        if self.storage.defer_fire(request):
            trigger_name, fire_at = request.trigger_name, request.fire_at
            return FireResult(fire_id=None, trigger_name=trigger_name, deferred=True, fire_at=fire_at)
        return self.storage.undivided(partial(self._fire_locked, request, by=by))

    def _fire_locked(self, request: FireRequest, *, by: str | None) -> FireResult:
        with self.storage.acquire_lock(create=True, manager=self.name):
            if (first_result := result_of_repeat(self.storage, request)) is not None:
                return measured_fire(self.storage, first_result)
            now = self.storage.now()
            if request.fire_at is not None and request.fire_at > now:
                result = DelayedFires(self).delay(request, request.fire_at, by=by)
                return measured_fire(self.storage, result)
            return measured_fire(self.storage, self._carry_out(request, by=by, now=now).to_result())

    def _carry_out(self, request: FireRequest, *, by: str | None, now: datetime) -> Fire:
        """Record the fire, save the instances that it makes and changes, and start the ready ones."""
        trigger_name, kwargs = request.trigger_name, request.trigger_kwargs
        plan = states.plan_fire(self.storage.fire_view(trigger_name), trigger_name, kwargs, now=now)
        scheduled_instances = plan.in_status(InstanceStatus.SCHEDULED)
        fire = self.storage.record_fire(
            Fire(
                trigger_name=trigger_name,
                kwargs=kwargs,
                fired_at=now,
                fired_by=caller_name(by),
                idempotency_key=request.idempotency_key,
                touched=plan.touched,
                created=tuple(instance.name for instance in plan.created),
                scheduled=tuple(instance.name for instance in scheduled_instances),
                abandoned=tuple(instance.name for instance in plan.in_status(InstanceStatus.ABANDONED)),
            )
        )
        for before, after in plan.changed:
            self.storage.put(before, after)
        for instance in plan.created:
            self.storage.add(instance)
        moved_instances = (after for before, after in plan.changed if after.status is not before.status)
        count_statuses(self.storage, [*plan.created, *moved_instances])
        again = {before.name for before, _ in plan.changed if before.was_scheduled}
        for instance in scheduled_instances:
            self._start(instance, by=by, again=instance.name in again)
        self._promise_hook(Hook.POST_FIRE, trigger_name=trigger_name, scheduled=list(fire.scheduled))
        return fire

    def fire_delayed(self, delayed_id: int) -> FireResult | None:
        """Fire a delayed fire now, as the controller does when it is due.

        Rights are not checked again. The fire was accepted, so it is not lost, even if its author has lost the rights.

        :returns: None when it was fired already, or cancelled.
        """
        return DelayedFires(self).fire(delayed_id)

    def cancel_delayed_fire(self, delayed_fire_id: int, *, by: str | None = None) -> DelayedFire:
        """Take back a fire that is still to come. Its idempotency key stays used: a repeat does not bring it back.

        :param delayed_fire_id: as in :attr:`FireResult.delayed_fire_id`.
        :param by: who cancels it, for the history.
        :returns: the fire, with who cancelled it and when.
        :raises DelayedFireNotFound: when it has been fired, or never was.
        :raises DelayedFireCancelled: when it was cancelled before.
        """
        return DelayedFires(self).cancel(delayed_fire_id, by=by)

    def retry_delayed_fire(self, delayed_fire_id: int, *, by: str | None = None) -> DelayedFire:
        """Have the controller try a failed delayed fire again, now; a parked one, say.

        :returns: the fire.
        :raises DelayedFireNotFound, DelayedFireCancelled: see :meth:`cancel_delayed_fire`.
        :raises NothingParked: when it has not failed.
        """
        return DelayedFires(self).retry(delayed_fire_id, by=by)

    def _start(
        self,
        instance: TaskInstance,
        *,
        by: str | None,
        run_after: datetime | None = None,
        again: bool = False,
    ) -> None:
        """Hand a scheduled instance to its runner. If it cannot be started, it fails with the reason.

        The fire and the other instances stay valid.
        """
        start = Start(
            storage=self.storage,
            configuration=self.storage.configuration,
            manager=self,
            instance=instance,
            kwargs=states.actual_kwargs(instance),
            run_after=run_after,
            by=caller_name(by),
            again=again,
            report=partial(
                self._record_report,
                instance.name,
                by=f"runner {self._instance_runners.name_of(instance.task)}",
            ),
        )
        error = self._instance_runners.start(start)
        if error is not None:
            why = Cause(by, cause_details("it could not be started"))
            self._advance(instance, Event.FAIL, metadata=describe_exception(error), why=why)

    @property
    def _instance_runners(self) -> InstanceRunners:
        return InstanceRunners(
            storage=self.storage,
            source=self.runners,
            default_name=lambda: remembered_manager(self).default_task_runner_name,
        )

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

        :param replacement_kwargs: ``{trigger: kwargs}`` to replace the kwargs completely; None keeps them.
        :param cooldown: seconds to wait before the clone runs; saved in its metadata.
        :returns: the new instance.
        :raises InvalidTransition: when the instance is not failed, or its runner has it at work again; it names both.
        :raises InvalidTrigger, InvalidCooldown: when the kwargs or the cooldown are outside the allowed form.
        """
        how = RequestedReplay(replacement_kwargs=replacement_kwargs, cooldown=cooldown)
        with self.storage.acquire_lock():
            return Repairs(manager=self, by=by).replay(self._instance(failed_instance), how)

    def skip_failed_instance(
        self,
        failed_instance: TaskInstance | str,
        cascade: bool = False,
        result: Kwargs | None = None,
        *,
        by: str | None = None,
    ) -> TaskInstance:
        """Waive a failed instance: it then counts as resolved.

        :param cascade: fire the task's name as if it had finished.
        :param result: the kwargs of this cascade, a mapping; saved in the instance's metadata.
        :returns: the skipped instance.
        :raises InvalidTransition: when the instance is not failed, or its runner has it at work again; it names both.
        """
        cascade_kwargs = None if result is None else validate_trigger_kwargs(result)
        with self.storage.acquire_lock():
            instance = self._instance(failed_instance)
            return Repairs(manager=self, by=by).skip(instance, cascade=cascade, result=cascade_kwargs)

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

        Work in its runner goes on, but no longer decides about the instance, unless the runner starts it again.

        :param metadata: merged into the instance's; without the framework's own keys.
        :param cascade: also fire the task's name, with ``cascade_kwargs``.
        :raises ValueError: when there is no such status.
        :raises InvalidMetadata: when the metadata is no mapping of JSON values, or sets a key of the framework.
        """
        target, instance_metadata = InstanceStatus(status), validate_instance_metadata(metadata)
        kwargs = validate_trigger_kwargs(cascade_kwargs)
        with self.storage.acquire_lock():
            return Repairs(manager=self, by=by).set_status(
                self._instance(task_instance),
                target,
                metadata=instance_metadata,
                cascade=cascade,
                kwargs=kwargs,
            )

    def update_instance_metadata(
        self, task_instance: TaskInstance | str, metadata: Mapping[str, Any], *, by: str | None = None
    ) -> TaskInstance:
        """Merge the metadata into the instance's; its status stays.

        :raises InvalidMetadata: when it is no mapping of JSON values, or sets a key of the framework.
        """
        instance_metadata = validate_instance_metadata(metadata)
        with self.storage.acquire_lock():
            return Repairs(manager=self, by=by).attach(self._instance(task_instance), instance_metadata)

    def mark_instance_logs_resolved(
        self, task_instance: TaskInstance | str, *, by: str | None = None
    ) -> TaskInstance:
        """Mark the instance's log messages as dealt with."""
        with self.storage.acquire_lock():
            return Repairs(manager=self, by=by).resolve_logs(self._instance(task_instance))

    # -- progress, as runners and the controller report it ----------------------------------------------------

    def record_progress(
        self,
        task_instance: TaskInstance | str,
        event: Event,
        *,
        metadata: Mapping[str, Any] | None = None,
        cascade: bool = False,
        cascade_kwargs: Kwargs | None = None,
        report: TaskReport | None = None,
        by: str | None = None,
        cause: Mapping[str, Any] | None = None,
    ) -> TaskInstance:
        """Apply what happened to an instance: it started, finished, failed, skipped itself or was reopened.

        :param by: who or what caused it, for the history; ``cause``: what else is known about it.
        :param report: the task's report. Its fires come before the cascade. If one of them cannot be fired
            (its idempotency key was used for another fire, say), the instance fails.
        :returns: the instance afterwards. If its task asked to run again, it was replayed.
        :raises InvalidTransition: when its status does not allow the event.
        """
        task_report = report or TaskReport()
        instance_metadata = {**task_report.instance_metadata, **(metadata or {})}
        why = Cause(by, cause or {})
        with self.storage.acquire_lock():
            before = self._instance(task_instance)
            if event is Event.FINISH:
                name = before.task.name
                cascades = (
                    [FireRequest(trigger_name=name, trigger_kwargs=cascade_kwargs or {})] if cascade else []
                )
                try:
                    return self._finish(before, instance_metadata, [*task_report.fires, *cascades], why)
                except (IdempotencyConflict, CannotDelay) as error:
                    reason = {**task_report.instance_metadata, **describe_exception(error)}
                    return self._advance(before, Event.FAIL, metadata=reason, why=why)
            after = self._advance(before, event, metadata=instance_metadata, why=why)
            if event is Event.FAIL and task_report.retry is not None:
                Repairs(manager=self, by=after.name).replay(after, task_report.retry)
                # The replay has changed it once more.
                return self._instance(after)
            return after

    def _record_report(self, instance_name: str, event: Event, **progress: Any) -> TaskInstance:
        """A runner's report on an instance. It follows the fire that started the instance, and so do its hooks."""
        with self.storage.reporting():
            return self.record_progress(instance_name, event, **progress)

    def _finish(
        self, before: TaskInstance, metadata: Mapping[str, Any], fires: Sequence[FireRequest], why: Cause
    ) -> TaskInstance:
        """Finish and fire. If a fire of the task is refused, everything is undone."""
        with self.storage.savepoint():
            after = self._advance(before, Event.FINISH, metadata=metadata, why=why)
            for fire in fires:
                self.fire_request(fire, by=after.name)
        return after

    def _advance(
        self,
        before: TaskInstance,
        event: Event,
        *,
        metadata: Mapping[str, Any] | None = None,
        why: Cause,
    ) -> TaskInstance:
        """Change the status, and record in the history the change, its cause and who made it."""
        return progress.record(self.storage, before, event, metadata=metadata, why=why)

    def _instance(self, task_instance: TaskInstance | str) -> TaskInstance:
        """The instance as it is now, whatever the caller held."""
        return self.storage[task_instance if isinstance(task_instance, str) else task_instance.name]


_FIRE, _FIRE_REQUEST = TriggerManager.fire, TriggerManager.fire_request
"""The framework's own methods. A comparison with them shows whether a subclass or an object has overridden it."""


trigger_managers: Registry[TriggerManager] = plugins.trigger_managers
"""Managers by name: ``trigger_managers.get("default", storage)`` makes one."""
