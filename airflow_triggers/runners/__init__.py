"""Task runners start ready instances. ``task_runners.get("airflow")`` makes one by name."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow_triggers.extensions.registry import Registry
from airflow_triggers.runners.base import BaseTaskRunner, Start

task_runners: Registry[BaseTaskRunner] = Registry("task runner", "triggers.runners", base=BaseTaskRunner)

if TYPE_CHECKING:
    from airflow_triggers.runners.airflow import AirflowTaskRunner
    from airflow_triggers.runners.threading import ThreadingTaskRunner

__all__ = ["AirflowTaskRunner", "BaseTaskRunner", "Start", "ThreadingTaskRunner", "task_runners"]

_HOMES = {
    "AirflowTaskRunner": "airflow_triggers.runners.airflow",
    "ThreadingTaskRunner": "airflow_triggers.runners.threading",
}


def __getattr__(name: str) -> Any:
    """The runners themselves, imported at their first use, because each needs something heavy."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
