"""The old address of the framework's values, for documented imports. The values live in ``domain/``."""

from airflow_triggers.domain.configuration import (
    MAX_ID,
    MAX_KEY_LENGTH,
    MAX_NAME_LENGTH,
    Configuration,
    Kwargs,
    TaskConfig,
    TriggerKwargs,
    as_json,
)
from airflow_triggers.domain.fires import DelayedFire, Fire, FireResult
from airflow_triggers.domain.instances import (
    MAX_INSTANCE_NAME_LENGTH,
    MAX_INSTANCE_NUMBER,
    RESOLVED_STATUSES,
    STATUSES_WITHOUT_LOGS,
    InstanceStatus,
    TaskInstance,
    parse_instance_name,
)
from airflow_triggers.domain.runs import SeenRun

__all__ = [
    "MAX_ID",
    "MAX_INSTANCE_NAME_LENGTH",
    "MAX_INSTANCE_NUMBER",
    "MAX_KEY_LENGTH",
    "MAX_NAME_LENGTH",
    "RESOLVED_STATUSES",
    "STATUSES_WITHOUT_LOGS",
    "Configuration",
    "DelayedFire",
    "Fire",
    "FireResult",
    "InstanceStatus",
    "Kwargs",
    "SeenRun",
    "TaskConfig",
    "TaskInstance",
    "TriggerKwargs",
    "as_json",
    "parse_instance_name",
]
