"""Finds the trigger managers declared by Airflow plugins: ``class MyPlugin(AirflowPlugin): trigger_managers =
[MyManager]``.

Neighbours: ``manager/manager.py`` offers the registry of this file; ``registry.py`` tells which names are taken twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from airflow import plugins_manager

from airflow_triggers.errors import RegistryError
from airflow_triggers.extensions.registry import Declaration, Registry
from airflow_triggers.sentences import sentence

ATTRIBUTE = "trigger_managers"


def managers_of_plugins() -> Iterator[Declaration[Any]]:
    """The content of the attribute :data:`ATTRIBUTE` of every loaded plugin, classes or not.

    The registry says what is wrong with an entry. A plugin that Airflow could not load is named too: it may be the one
    with the missing manager.
    """
    plugins, import_errors = plugins_manager._get_plugins()
    for plugin in plugins:
        yield from _managers_of(plugin, f"the plugin {plugin.name!r} ({plugin.source})")
    for source, error in import_errors.items():
        why = (
            sentence(f"Airflow could not load the plugin {source!r}", error)
            + " If it has trigger managers, they are missing."
        )
        yield Declaration(None, partial(_refuse, why), source, certain=False)


trigger_managers: Registry[Any] = Registry(
    "trigger manager",
    "triggers.managers",
    elsewhere=managers_of_plugins,
    base="airflow_triggers.manager.manager.TriggerManager",
)
"""Managers by name: ``trigger_managers.get("default", storage)`` makes one.

The base is given by its path, because this room must not import the rooms above it.
"""


def _managers_of(plugin: Any, source: str) -> Iterator[Declaration[Any]]:
    try:
        attribute_value = getattr(plugin, ATTRIBUTE, [])
    # The attribute may be a property of somebody else's plugin. The error is reported below.
    except Exception as error:  # noqa: BLE001
        attribute_value = error
    if not isinstance(attribute_value, list | tuple):
        why = f"{ATTRIBUTE!r} of {source} is {attribute_value!r}, expected a list of classes."
        yield Declaration(None, partial(_refuse, why), source)
        return
    for manager in attribute_value:
        name = vars(manager).get("name") if isinstance(manager, type) else None
        manager_name = name if isinstance(name, str) and name else None
        yield Declaration(manager_name, partial(_class_of, manager), source, label=_label_of(manager))


def _label_of(manager: Any) -> str:
    return getattr(manager, "__qualname__", None) or repr(manager)


def _class_of(manager: Callable[..., Any]) -> Callable[..., Any]:
    return manager


def _refuse(why: str) -> Callable[..., Any]:
    raise RegistryError(why)
