"""A manager whose hooks record their calls."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from airflow.plugins_manager import AirflowPlugin

from airflow_triggers import TaskInstance, TriggerManager


class ChaosManager(TriggerManager):
    """Appends a line for each call of a hook to the file of hooks."""

    name = "chaos"

    def _post_fire(self, trigger_name: str, tasks_scheduled: Sequence[TaskInstance]) -> None:
        self._write("fire", trigger_name, [instance.name for instance in tasks_scheduled])

    def _post_replay(self, task_instance: TaskInstance) -> None:
        self._write("replay", task_instance.metadata["parent"], [task_instance.name])

    def _post_skip(self, task_instance: TaskInstance, cascade: bool) -> None:
        self._write("skip", task_instance.name, [])

    def _write(self, hook: str, about: str, instances: list[str]) -> None:
        line = {"hook": hook, "session": self.storage.uid, "about": about, "instances": instances}
        file = os.open(os.environ["CHAOS_HOOKS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(file, (json.dumps(line) + "\n").encode())
        finally:
            os.close(file)


class ChaosPlugin(AirflowPlugin):
    """Airflow finds it in the plugins folder."""

    name = "chaos"
    trigger_managers = [ChaosManager]  # noqa: RUF012  (Airflow declares its own so)
