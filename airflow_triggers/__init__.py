"""The Triggers framework on Apache Airflow: the public names, loaded at their first use.

Airflow imports plugins in every process, task processes included. So importing this package loads nothing else.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_triggers.configuration.compile import configuration_dags, trigger_dags
    from airflow_triggers.configuration.declare import trigger_task
    from airflow_triggers.domain.configuration import Configuration, TaskConfig
    from airflow_triggers.domain.failures import with_context
    from airflow_triggers.domain.fires import FireResult
    from airflow_triggers.domain.instances import InstanceStatus, TaskInstance
    from airflow_triggers.hooks import TriggersHook
    from airflow_triggers.manager.manager import TriggerManager
    from airflow_triggers.operators import FireTriggerOperator, trigger_asset
    from airflow_triggers.sensors import TriggerSessionSensor
    from airflow_triggers.storages.cache import CacheStorageBackend
    from airflow_triggers.storages.sql import SqlStorageBackend
    from airflow_triggers.task import TaskContext

__version__ = "0.1.0"

_HOMES = {
    "CacheStorageBackend": "airflow_triggers.storages.cache",
    "Configuration": "airflow_triggers.domain.configuration",
    "FireResult": "airflow_triggers.domain.fires",
    "FireTriggerOperator": "airflow_triggers.operators.fire",
    "InstanceStatus": "airflow_triggers.domain.instances",
    "SqlStorageBackend": "airflow_triggers.storages.sql",
    "TaskConfig": "airflow_triggers.domain.configuration",
    "TaskContext": "airflow_triggers.task",
    "TaskInstance": "airflow_triggers.domain.instances",
    "TriggerManager": "airflow_triggers.manager",
    "TriggerSessionSensor": "airflow_triggers.sensors",
    "TriggersHook": "airflow_triggers.hooks",
    "configuration_dags": "airflow_triggers.configuration.compile",
    "trigger_asset": "airflow_triggers.operators.assets",
    "trigger_dags": "airflow_triggers.configuration.compile",
    "trigger_task": "airflow_triggers.configuration.declare",
    "with_context": "airflow_triggers.domain.failures",
}

__all__ = [
    "CacheStorageBackend",
    "Configuration",
    "FireResult",
    "FireTriggerOperator",
    "InstanceStatus",
    "SqlStorageBackend",
    "TaskConfig",
    "TaskContext",
    "TaskInstance",
    "TriggerManager",
    "TriggerSessionSensor",
    "TriggersHook",
    "configuration_dags",
    "trigger_asset",
    "trigger_dags",
    "trigger_task",
    "with_context",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
