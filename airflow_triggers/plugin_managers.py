"""Finds trigger managers that Airflow plugins declare: ``class MyPlugin(AirflowPlugin): trigger_managers =
[MyManager]``.

Neighbours: ``manager.py`` has the registry that asks here; ``registry.py`` tells which names are taken twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from airflow import plugins_manager

from airflow_triggers.errors import RegistryError
from airflow_triggers.registry import Declared

ATTRIBUTE = "trigger_managers"


def managers_of_plugins() -> Iterator[Declared[Any]]:
    """The classes in the attribute :data:`ATTRIBUTE` of every plugin that Airflow has loaded."""
    for plugin in plugins_manager._get_plugins()[0]:
        source = f"the plugin {plugin.name!r} ({plugin.source})"
        for manager in getattr(plugin, ATTRIBUTE, ()):
            problem = _problem(manager)
            if problem is None:
                yield Declared(manager.name, partial(_itself, manager), source)
            else:
                shown = getattr(manager, "__qualname__", repr(manager))
                yield Declared(shown, partial(_refuse, f"{shown} of {source} {problem}"), source)


def _problem(manager: Any) -> str | None:
    """What keeps the class from being a manager; ``name`` must be its own, or it would pass for its base."""
    if not (isinstance(manager, type) and hasattr(manager, "_post_fire")):
        return "is no trigger manager. Derive it from airflow_triggers.manager.TriggerManager."
    if not isinstance(vars(manager).get("name"), str) or not vars(manager)["name"]:
        return "has no name. Set the class attribute 'name', a unique identifier."
    return None


def _itself(manager: Callable[..., Any]) -> Callable[..., Any]:
    return manager


def _refuse(why: str) -> Callable[..., Any]:
    raise RegistryError(why)
