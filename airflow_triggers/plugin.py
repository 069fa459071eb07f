"""The plugin for Airflow: the REST application in the API server, the controller beside the scheduler.

Neighbours: ``api/`` is the application, ``listener.py`` starts the controller. Airflow imports plugins in every
process, the tasks' included, so nothing heavy is imported here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from airflow.plugins_manager import AirflowPlugin

from airflow_triggers.listener import TriggersListener

URL_PREFIX = "/triggers"

_STATIC = "triggers/static"
"""Relative: the browser adds the base path of Airflow's page."""

_PAGES = [
    {
        "name": "Triggers",
        "bundle_url": f"{_STATIC}/main.js",
        "destination": "nav",
        "url_route": "triggers",
        "nav_top_level": True,
        "icon": f"{_STATIC}/icon.svg",
        "icon_dark_mode": f"{_STATIC}/icon-dark.svg",
    },
    {
        "name": "Triggers on the dashboard",
        "bundle_url": f"{_STATIC}/main.js",
        "destination": "dashboard",
    },
]
"""The bundle leaves a component at ``globalThis[name]`` for each (``ui/src/main.tsx``)."""

_TABS = [
    {
        "name": "Triggers",
        "bundle_url": f"{_STATIC}/main.js",
        "destination": destination,
        "url_route": f"triggers-{destination}",
        "icon": f"{_STATIC}/icon.svg",
        "icon_dark_mode": f"{_STATIC}/icon-dark.svg",
    }
    for destination in ("dag", "dag_run")
]
"""Tabs on the pages of DAGs and DAG runs. Airflow shows them on every DAG. Routes are unique over all plugins."""


@cache
def _fastapi_apps() -> list[dict[str, Any]]:
    from airflow_triggers.api.app import create_app
    from airflow_triggers.gateway.wakeup import tell_of_successes

    tell_of_successes()
    return [{"app": create_app(), "url_prefix": URL_PREFIX, "name": "Triggers"}]


@cache
def _fastapi_root_middlewares() -> list[dict[str, Any]]:
    from airflow_triggers.api.reachable import Reachable

    return [{"middleware": Reachable, "args": [URL_PREFIX], "name": "Triggers"}]


@cache
def _operator_extra_links() -> list[Any]:
    from airflow_triggers.gateway.extra_links import InstanceLink, SessionLink

    return [SessionLink(), InstanceLink()]


class BuiltWhenRead:
    """A list made only when somebody reads it: the API server, or ``airflow plugins``."""

    def __init__(self, build: Callable[[], list[Any]]) -> None:
        self._build = build

    def __get__(self, plugin: object, plugin_class: type) -> list[Any]:
        return self._build()


class TriggersPlugin(AirflowPlugin):
    """The attributes for Airflow to read (see ``airflow.plugins_manager.AirflowPlugin``)."""

    name = "triggers"
    listeners = [TriggersListener()]  # noqa: RUF012  (Airflow declares them so)
    react_apps = [*_PAGES, *_TABS]  # noqa: RUF012
    fastapi_apps = BuiltWhenRead(_fastapi_apps)
    fastapi_root_middlewares = BuiltWhenRead(_fastapi_root_middlewares)
    operator_extra_links = BuiltWhenRead(_operator_extra_links)
