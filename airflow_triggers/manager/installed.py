"""What other packages add (managers, storages, runners). Every process using it checks all of it at its start.

Neighbours: ``extensions/registry.py`` finds and loads it. ``api/app.py`` and ``cli/commands.py`` ask here, the
controller asks the registries themselves. The check is early: a class that cannot be imported must not surprise a fire.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from airflow_triggers.extensions.registry import Registry
from airflow_triggers.manager.manager import trigger_managers
from airflow_triggers.runners import task_runners
from airflow_triggers.storages import storage_backends

log = logging.getLogger(__name__)

REGISTRIES: tuple[Registry[Any], ...] = (trigger_managers, storage_backends, task_runners)


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
