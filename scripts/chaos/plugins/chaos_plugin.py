"""A manager whose hooks write down that they were called."""

import json
import os

from airflow.plugins_manager import AirflowPlugin

from airflow_triggers.manager import TriggerManager


class ChaosManager(TriggerManager):
    """Appends a line for each call of a hook to the file of hooks."""

    name = "chaos"

    def _post_fire(self, trigger_name, tasks_scheduled):
        self._write("fire", trigger_name, [one.name for one in tasks_scheduled])

    def _post_replay(self, task_instance):
        self._write("replay", task_instance.metadata["parent"], [task_instance.name])

    def _post_skip(self, task_instance, cascade):
        self._write("skip", task_instance.name, [])

    def _write(self, hook, about, instances):
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
