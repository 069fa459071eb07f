"""A session's rules: updated by an application, or replaced by the rules deployed now.

Neighbours: ``manager.py`` has the other acts; ``domain/reconcile.py`` says what the past makes of new rules;
``sessions/migration.py`` moves many sessions.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, overload

from airflow_triggers.configuration import parse_configuration
from airflow_triggers.domain.configuration import Configuration
from airflow_triggers.domain.events import Detail, EventKind, configuration_details
from airflow_triggers.domain.fires import Fire
from airflow_triggers.domain.instances import InstanceStatus, TaskInstance
from airflow_triggers.domain.metadata import APPLIED_FIRES, UNREADABLE
from airflow_triggers.domain.reconcile import Diff, InstanceChange, Preview, reconcile, retire
from airflow_triggers.domain.validation import excerpt
from airflow_triggers.errors import ConfigurationError, PreviewOutdated
from airflow_triggers.manager.audit import AuditEvent, note_act
from airflow_triggers.manager.instance_runners import InstanceRunners
from airflow_triggers.manager.updates import (
    merged_configuration,
    migrated_configuration,
    with_former_dags,
)
from airflow_triggers.runners.measures import count_statuses
from airflow_triggers.storages import rows
from airflow_triggers.storages.anchors import anchor_after_saving
from airflow_triggers.storages.base import BaseStorageBackend

History = Literal["ignore", "apply"]
"""Whether the session's past fires count for tasks with changed rules."""

FIRES_PER_PAGE = 1000

TASK_REMOVED = "its task was removed from the rules"
UNLESS_FIRED = "all of its 'unless' triggers had fired"
NOT_MADE = "under the new rules no fire of the past makes it"


@dataclass(frozen=True, kw_only=True)
class NewRules:
    """The new rules of a session.

    :param configuration: the session's whole configuration afterwards.
    :param task_names: the tasks for which the fires of the past count, if they count.
    :param removed_names: the tasks that the session loses.
    :param history: whether the fires of the past count.
    :param is_migration: whether these are all rules of a deployed configuration.
    """

    configuration: Configuration
    task_names: tuple[str, ...]
    removed_names: tuple[str, ...] = ()
    history: str = "ignore"
    is_migration: bool = False


class ConfigurationKeeper:
    """The part of a manager for the session's rules."""

    name: ClassVar[str]
    storage: BaseStorageBackend

    # -- updating ---------------------------------------------------------------------------------------------

    @overload
    def update_configuration(
        self,
        configuration: Mapping[str, Any] | Configuration,
        *,
        by: str | None = None,
        history: History = "ignore",
        preview: Literal[False] = False,
        previewed: Preview | None = None,
    ) -> Configuration: ...

    @overload
    def update_configuration(
        self,
        configuration: Mapping[str, Any] | Configuration,
        *,
        by: str | None = None,
        history: History = "ignore",
        preview: Literal[True],
    ) -> Preview: ...

    def update_configuration(
        self,
        configuration: Mapping[str, Any] | Configuration,
        *,
        by: str | None = None,
        history: History = "ignore",
        preview: bool = False,
        previewed: Preview | None = None,
    ) -> Configuration | Preview:
        """Add tasks, or replace them by name; the others stay.

        :param configuration: task name → directives (see docs/semantics.md), or a parsed configuration.
        :param by: who updates it, for the history and Airflow's audit log.
        :param history: ``ignore``: no instance is made for earlier fires. ``apply``: the fires of the past count for
            the given tasks, as if their rules had been there from the start. What has run is not run again.
        :param preview: write nothing, and return what would happen.
        :param previewed: the answer of ``preview`` for the same rules. The update is refused if the session has changed
            since (optimistic lock).
        :returns: the session's configuration afterwards; with ``preview``, the difference.
        :raises ConfigurationError: naming task, directive, what was found and what was expected; nothing is changed.
        :raises PreviewOutdated: when the session is not as ``previewed`` has it; nothing is changed.
        :raises UnreadableRow: when the fires of the past are to count, and one of them cannot be read.
        """
        _check_history(history)
        with self._changing_rules(create=True, writes=not preview) as session_version:
            current = self.storage.configuration
            update = parse_configuration(configuration, existing_tasks=tuple(current.tasks))
            rules = NewRules(
                configuration=self._updated_configuration(update),
                task_names=tuple(update.tasks),
                history=history,
            )
            result = self._preview_of(rules, session_version)
            if preview:
                return result
            self._keep(rules, result, earlier_preview=previewed, by=by)
            self._note_update(rules, by=by)
            return rules.configuration

    def migrate_configuration(
        self,
        deployed: Configuration,
        *,
        by: str | None = None,
        history: History = "ignore",
        preview: bool = False,
        previewed: Preview | None = None,
    ) -> Preview:
        """Replace the session's rules by those of its deployed configuration, as they are now.

        A task without a place in the deployed configuration is removed. Its waiting instances are abandoned. Its
        started ones run to their end.

        :param deployed: the deployed configuration of the session's name.
        :param by, history, preview, previewed: see :meth:`update_configuration`. With ``apply``, the fires of the past
            count for new tasks and for tasks with other rules than before. In a session that has the deployed version,
            they count for all tasks.
        :returns: the difference, as it was written; with ``preview``, as it would be.
        :raises ConfigurationError: when the session has another configuration, or a runner is not installed here.
        :raises SessionNotFound: when there is no such session.
        :raises PreviewOutdated, UnreadableRow: see :meth:`update_configuration`.
        """
        _check_history(history)
        with self._changing_rules(create=False, writes=not preview) as session_version:
            current = self.storage.configuration
            if deployed.name is None or current.name != deployed.name:
                raise ConfigurationError(
                    f"the session {self.storage.uid!r} has the configuration {current.name!r}, expected "
                    f"{deployed.name!r}: only to a later version of its own rules can it be moved."
                )
            self._instance_runners.require(deployed)
            rules = NewRules(
                configuration=migrated_configuration(self.storage, deployed),
                task_names=_names_to_reconcile(current, deployed, history),
                removed_names=tuple(name for name in current.tasks if name not in deployed.tasks),
                history=history,
                is_migration=True,
            )
            result = self._preview_of(rules, session_version)
            if not preview:
                self._keep(rules, result, earlier_preview=previewed, by=by)
            return result

    @contextmanager
    def _changing_rules(self, *, create: bool, writes: bool) -> Iterator[str]:
        """Hold the session's lock. Gives the session's version.

        :param writes: False: everything written inside is undone, the lock's own trace included.
        """
        hold = self.storage.acquire_lock if writes else self.storage.try_out
        with hold(create=create, manager=self.name):
            yield self.storage.session_version

    def _keep(
        self, rules: NewRules, result: Preview, *, earlier_preview: Preview | None, by: str | None
    ) -> None:
        """Under the session's lock, save its new rules, and change its instances as the rules require."""
        storage = self.storage
        if earlier_preview is not None:
            _check_previewed(storage, earlier_preview, result)
        storage.set_configuration(rules.configuration)
        if storage.anchored:
            anchor_after_saving(storage, rules.configuration)
        storage.record_event(EventKind.CONFIGURE, instance=None, by=by, details=_details_of(rules))
        for change in result.changes:
            storage.put(change.before, change.after)
        for instance in result.create:
            storage.add(instance)
        moved_instances = (
            change.after for change in result.changes if change.after.status is not change.before.status
        )
        count_statuses(storage, [*result.create, *moved_instances])
        for instance, details in _history_entries(result, rules.removed_names):
            storage.record_event(EventKind.RECONCILE, instance=instance.name, by=by, details=details)
        for instance in result.starting:
            self._start(instance, by=by)

    def _note_update(self, rules: NewRules, *, by: str | None) -> None:
        """Put the update into Airflow's audit log, where Airflow's database knows the session."""
        if self.storage.in_airflow_database or self.storage.anchored:
            note_act(
                self.storage,
                AuditEvent.UPDATE_CONFIGURATION,
                by=by,
                tasks=sorted(rules.task_names),
                history=rules.history,
            )

    def _preview_of(self, rules: NewRules, session_version: str) -> Preview:
        diff = _diff_of(self.storage, rules)
        return Preview(
            **{name: getattr(diff, name) for name in ("create", "schedule", "change", "abandon", "keep")},
            configuration=rules.configuration,
            history=rules.history,
            session_version=session_version,
        )

    @abstractmethod
    def _start(self, instance: TaskInstance, *, by: str | None) -> None:
        """Hand a scheduled instance to its runner."""

    @property
    @abstractmethod
    def _instance_runners(self) -> InstanceRunners:
        """The runners of the session's tasks."""

    def _updated_configuration(self, update: Configuration) -> Configuration:
        """The session's configuration with the update's tasks, in their runners' form."""
        configuration = merged_configuration(self.storage.configuration, update)
        tasks = {name: configuration.tasks[name] for name in update.tasks}
        resolution = self._instance_runners.resolve(replace(configuration, tasks=tasks))
        self._validate_runners(resolution)
        return with_former_dags(
            self.storage, replace(configuration, tasks={**configuration.tasks, **resolution.tasks})
        )

    def _validate_runners(self, configuration: Configuration) -> None:
        self._instance_runners.validate(configuration)


def _names_to_reconcile(
    current: Configuration, deployed_configuration: Configuration, history: str
) -> tuple[str, ...]:
    """The new tasks and those with other rules.

    With ``apply``, all tasks of a session that has the deployed version: it may have been moved without its past.
    """
    if history == "apply" and current.version == deployed_configuration.version:
        return tuple(deployed_configuration.tasks)
    return tuple(task.name for task in deployed_configuration if current.tasks.get(task.name) != task)


def _check_history(history: object) -> None:
    if history not in ("ignore", "apply"):
        raise ConfigurationError(f"'history' is {excerpt(history)}, expected 'ignore' or 'apply'.")


def _check_previewed(storage: BaseStorageBackend, earlier_preview: Preview, result: Preview) -> None:
    """:raises PreviewOutdated: when the session has changed since the preview, or the preview was of other rules."""
    if earlier_preview.session_version != result.session_version:
        raise PreviewOutdated(
            f"Session {storage.uid!r} has changed since the preview. Nothing was changed. Look at a new preview, and "
            "apply that."
        )
    if (earlier_preview.configuration, earlier_preview.history) != (result.configuration, result.history):
        raise PreviewOutdated(
            f"The preview of session {storage.uid!r} was of other rules, or of another 'history', than the update has. "
            "Nothing was changed. Preview this very update."
        )


def _diff_of(storage: BaseStorageBackend, rules: NewRules) -> Diff:
    """The effect of the rules on the session's instances, under its lock."""
    now = storage.now()
    diff = retire(
        (
            instance
            for name in rules.removed_names
            for instance in storage.instances_of_task(name)
            if UNREADABLE not in instance.metadata
        ),
        now=now,
    )
    if rules.history == "ignore" or not rules.task_names:
        return diff
    tasks = [rules.configuration[name] for name in rules.task_names]
    instances = [
        replace(rows.check_readable(instance), task=task)
        for task in tasks
        for instance in storage.instances_of_task(task.name)
    ]
    triggers = frozenset[str]().union(*(task.triggers for task in tasks))
    history_diff = reconcile(tasks, _past_fires(storage, triggers), instances, now=now)
    return Diff(
        create=history_diff.create,
        schedule=history_diff.schedule,
        change=history_diff.change,
        abandon=diff.abandon + history_diff.abandon,
        keep=diff.keep + history_diff.keep,
    )


def _past_fires(storage: BaseStorageBackend, triggers: frozenset[str]) -> list[Fire]:
    """All fires of the session, oldest first, read in pages. Only fires of these triggers keep their kwargs.

    :raises UnreadableRow: when one of these cannot be read.
    """
    fires: list[Fire] = []
    before: int | None = None
    while page := storage.fires(limit=FIRES_PER_PAGE, before=before):
        for fire in page:
            if fire.trigger_name in triggers:
                rows.check_content(fire.kwargs, of=f"the fire {fire.fire_id} of session {storage.uid!r}")
                fires.append(fire)
            else:
                fires.append(replace(fire, kwargs={}))
        before = page[-1].fire_id
    return fires[::-1]


def _details_of(rules: NewRules) -> dict[str, Any]:
    """The history's details of new rules."""
    details = configuration_details(rules.task_names)
    if rules.is_migration:
        details[Detail.VERSION] = rules.configuration.version
    if rules.removed_names:
        details[Detail.REMOVED] = sorted(rules.removed_names)
    if rules.history != "ignore":
        details[Detail.HISTORY] = rules.history
    return details


def _history_entries(
    diff: Diff, removed_names: Collection[str]
) -> Iterator[tuple[TaskInstance, dict[str, Any]]]:
    """The changed instances, each with the history's details of its change."""
    for instance in diff.create:
        yield instance, _entry("create", instance, removed_names)
    for change in diff.changes:
        yield change.after, _entry(_effect_of(change), change.after, removed_names)


def _effect_of(change: InstanceChange) -> str:
    effects = {InstanceStatus.SCHEDULED: "schedule", InstanceStatus.ABANDONED: "abandon"}
    return effects.get(change.after.status, "change")


def _entry(effect: str, instance: TaskInstance, removed_names: Collection[str]) -> dict[str, Any]:
    details: dict[str, Any] = {Detail.EFFECT: effect, Detail.TO: instance.status.value}
    if fire_ids := instance.metadata.get(APPLIED_FIRES):
        details[Detail.FIRES] = fire_ids
    if instance.status is InstanceStatus.ABANDONED:
        details[Detail.CAUSE] = _cause_of_abandonment(instance, removed_names)
    return details


def _cause_of_abandonment(instance: TaskInstance, removed_names: Collection[str]) -> str:
    if instance.task.name in removed_names:
        return TASK_REMOVED
    unless = instance.task.unless
    return UNLESS_FIRED if unless and instance.unless_seen.issuperset(unless) else NOT_MADE
