"""The plugin that Airflow loads: the REST application in the API server, the controller beside the scheduler.

Neighbours: ``api/`` is the application, ``listener.py`` starts the controller. Airflow imports plugins in every
process, the tasks' included, so nothing heavy is imported here.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from airflow.plugins_manager import AirflowPlugin

from airflow_triggers.listener import LifecycleListener

URL_PREFIX = "/triggers"


@cache
def _fastapi_apps() -> list[dict[str, Any]]:
    from airflow_triggers.api.app import create_app

    return [{"app": create_app(), "url_prefix": URL_PREFIX, "name": "Triggers"}]


class BuiltWhenRead:
    """The applications, made at the first read: only the API server reads them, and ``airflow plugins``."""

    def __get__(self, plugin: object, plugin_class: type) -> list[dict[str, Any]]:
        return _fastapi_apps()


class TriggersPlugin(AirflowPlugin):
    """What Airflow reads (see ``airflow.plugins_manager.AirflowPlugin``)."""

    name = "triggers"
    listeners = [LifecycleListener()]  # noqa: RUF012  (Airflow declares them so)
    fastapi_apps = BuiltWhenRead()
