"""The manager remembered by a session: its hooks and its default runner are the session's, whoever acts on it.

Neighbours: ``manager.py`` and ``hooks.py`` ask here; ``extensions/plugins.py`` has the registry of managers.
"""

from __future__ import annotations

import logging
from typing import ClassVar, Protocol, TypeVar

from airflow_triggers.errors import RegistryError
from airflow_triggers.extensions.plugins import trigger_managers
from airflow_triggers.storages.base import BaseStorageBackend

log = logging.getLogger("airflow_triggers.manager.manager")

DEFAULT_MANAGER = "default"
"""The name of the manager that sessions have unless they name another one."""


class NamedManager(Protocol):
    """A manager of a session."""

    name: ClassVar[str]
    storage: BaseStorageBackend


M = TypeVar("M", bound=NamedManager)


def remembered_manager(manager: M) -> M:
    """The manager with the session's hooks and default runner, of the remembered class. Under the session's lock.

    It is the given one, unless somebody acts on the session through another class than it was made with. The default
    manager has no hooks of its own: its sessions take them from whoever acts.

    :param manager: who acts.
    """
    storage = manager.storage
    name = storage.manager_name
    if name is None or name in (manager.name, DEFAULT_MANAGER):
        return manager
    try:
        other_manager: M = trigger_managers.get(name, storage=storage)
    except RegistryError as error:
        log.warning(
            "Session %s remembers the manager %r, and %r acts on it alone: %s",
            storage.uid,
            name,
            manager.name,
            error,
        )
        return manager
    return other_manager
