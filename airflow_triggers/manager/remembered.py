"""The manager remembered by a session. Its hooks and its default runner are used, even if another manager acts.

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
"""The name of a session's manager, unless the session names another one."""


class NamedManager(Protocol):
    """A manager of a session."""

    name: ClassVar[str]
    storage: BaseStorageBackend


M = TypeVar("M", bound=NamedManager)


def remembered_manager(manager: M) -> M:
    """The manager with the session's hooks and default runner, of the remembered class. Under the session's lock.

    It is the given manager, unless the session was made with another class. The default manager has no hooks of its
    own: its sessions use the hooks of the acting manager.

    :param manager: the acting manager.
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
