"""What other packages add (managers, storages, runners). Every process using it checks all of it at its start.

Neighbours: ``extensions/registry.py`` finds and loads it. ``api/app.py`` and ``cli/commands.py`` ask here, the
controller asks the registries themselves. The check is early: a class that cannot be imported must not surprise a fire.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_triggers.errors import RegistryError
from airflow_triggers.extensions.registry import Registry
from airflow_triggers.manager.manager import trigger_managers
from airflow_triggers.runners import task_runners
from airflow_triggers.storages import storage_backends

log = logging.getLogger(__name__)

REGISTRY_OF_KIND: Mapping[str, Registry[Any]] = {
    "managers": trigger_managers,
    "storages": storage_backends,
    "runners": task_runners,
}
REGISTRIES: tuple[Registry[Any], ...] = tuple(REGISTRY_OF_KIND.values())


@dataclass(frozen=True, kw_only=True)
class InstalledExtension:
    """A manager, a storage or a runner.

    :param class_path: the dotted path of its class; None: it cannot be loaded.
    :param description: the first line of its class's docstring; None: it has none.
    :param problem: why it cannot be used, as a sentence; None: it can.
    """

    name: str
    class_path: str | None = None
    description: str | None = None
    problem: str | None = None


def installed_extensions() -> dict[str, tuple[InstalledExtension, ...]]:
    """Everything installed, by kind (``managers``, ``storages``, ``runners``), each sorted by name."""
    return {
        kind: tuple(_installed(registry, name) for name in registry.names())
        for kind, registry in REGISTRY_OF_KIND.items()
    }


def _installed(registry: Registry[Any], name: str) -> InstalledExtension:
    try:
        factory = registry.get_class(name)
    except RegistryError as error:
        return InstalledExtension(name=name, problem=str(error))
    module, qualname = getattr(factory, "__module__", None), getattr(factory, "__qualname__", None)
    docstring = (vars(factory).get("__doc__") if isinstance(factory, type) else factory.__doc__) or ""
    return InstalledExtension(
        name=name,
        class_path=f"{module}.{qualname}" if qualname else None,
        description=docstring.strip().partition("\n")[0] or None,
    )


def extension_problems() -> list[str]:
    """A sentence for each unusable manager, storage or runner; the others work."""
    return [problem for registry in REGISTRIES for problem in _problems_of(registry.problems)]


def check_extensions() -> list[str]:
    """Log the :func:`extension_problems` as errors, and return them."""
    return [problem for registry in REGISTRIES for problem in _problems_of(registry.check)]


def _problems_of(look: Callable[[], list[str]]) -> list[str]:
    """A boundary: an error of the check itself is logged, and keeps no process from starting."""
    try:
        return look()
    except Exception:
        log.exception("The installed managers, storages and runners could not be looked at")
        return []
