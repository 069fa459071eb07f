"""A manager whose hook of fires raises while its courier is away, as a plugin of a server in a process of its own.

Neighbours: ``tests/e2e/ui`` copies this file into the server's plugins folder, and uses it in the test's process too.
"""

from __future__ import annotations

import os
from pathlib import Path

from airflow.plugins_manager import AirflowPlugin

from airflow_triggers import TriggerManager


def courier_file() -> Path:
    """The courier is there while this file exists."""
    return Path(os.environ["AIRFLOW_HOME"]) / "courier"


class CourierManager(TriggerManager):
    """Calls a courier after each fire."""

    name = "courier"

    def _post_fire(self, trigger_name, tasks_scheduled):
        if not courier_file().exists():
            raise ConnectionError(f"no courier for {trigger_name}")


class CourierPlugin(AirflowPlugin):
    """Airflow finds it in its plugins folder, airflow-triggers by its attribute."""

    name = "courier"
    trigger_managers = [CourierManager]  # noqa: RUF012  (Airflow declares its own so)
