"""A manager that finalizes its session: it fires ``sessionFinalized`` as soon as nothing else is left to do."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from airflow_triggers import InstanceStatus, TaskConfig, TaskInstance, TriggerManager
from airflow_triggers.domain.states import Event
from survey_managers.once import fire_once

FINALIZED = "sessionFinalized"


class FinalizingManager(TriggerManager):
    """Fires ``sessionFinalized`` once, when no unresolved task is left but those that wait for it."""

    name = "finalizing"

    def _post_fire(self, trigger_name: str, tasks_scheduled: Sequence[TaskInstance]) -> None:
        self._finalize()

    def _post_skip(self, task_instance: TaskInstance, cascade: bool) -> None:
        self._finalize()  # a skip without a cascade fires nothing, and may have waived what was left

    def record_progress(
        self, task_instance: TaskInstance | str, event: Event, **details: Any
    ) -> TaskInstance:
        """A self-skipped task fires nothing and calls no hook: so this checks in the task's own transaction."""
        with self.storage.acquire_lock():
            after = super().record_progress(task_instance, event, **details)
            if event is Event.WAIVE:
                self._finalize()
        return after

    def update_instance_status(
        self, task_instance: TaskInstance | str, *change: Any, **details: Any
    ) -> TaskInstance:
        """A status set by hand fires nothing and calls no hook either."""
        with self.storage.acquire_lock():
            after = super().update_instance_status(task_instance, *change, **details)
            self._finalize()
        return after

    def _finalize(self) -> None:
        fire_once(self, FINALIZED, lambda: {} if self._is_done() else None)

    def _is_done(self) -> bool:
        tasks = self.storage.tasks
        left = {task.name for task in self.storage.get_unresolved_tasks()}
        at_work = [it for it in self.storage.get_unresolved_instances() if not _waits(it)]
        return bool(tasks) and not at_work and left <= final_tasks(tasks.values())


def final_tasks(tasks: Collection[TaskConfig]) -> set[str]:
    """The tasks resolved only by ``sessionFinalized``.

    They run after it, or after such a task; or they may run until it fires (``unless: [sessionFinalized]``).
    """
    required: Mapping[str, frozenset[str]] = {task.name: task.required for task in tasks}
    final = {FINALIZED}
    while more := {name for name, triggers in required.items() if triggers & final} - final:
        final |= more
    return {task.name for task in tasks if task.name in final or FINALIZED in task.unless}


def _waits(instance: TaskInstance) -> bool:
    return instance.status is InstanceStatus.UNSTARTED
