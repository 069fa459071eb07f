"""A client of airflow-triggers: fires triggers into sessions over REST, reads sessions, repairs them.

It needs no Airflow. :class:`TriggersClient` waits for answers; :class:`AsyncTriggersClient` has the same methods for
asyncio. ``errors`` has the tree of errors, ``models`` the types of results. The command ``triggers`` does the same in a
shell.

>>> with TriggersClient("http://localhost:8080", token="…") as client:  # doctest: +SKIP
...     client.fire("respondent-17", "firstPageReceived", {"age": 41}, configuration="questionnaire")
...     client.wait_for("respondent-17", until=resolved(), timeout=600)
"""

from airflow_triggers_client.async_client import AsyncPages, AsyncTriggersClient
from airflow_triggers_client.client import Pages, TriggersClient
from airflow_triggers_client.errors import ApiError, TriggersClientError
from airflow_triggers_client.models import (
    BulkAct,
    BulkOutcome,
    BulkPreview,
    DelayedFire,
    EventEntry,
    Explanation,
    Fire,
    FireEntry,
    FireRecord,
    FireResult,
    Health,
    Hook,
    HookCall,
    Instance,
    InstanceCounts,
    InstanceFilter,
    InstanceOutcome,
    InstanceStatus,
    InstanceSummary,
    MigrationPage,
    Page,
    Session,
    SessionSummary,
    Task,
    UnheardFire,
)
from airflow_triggers_client.operations.batches import FireOutcome, FireProgress, FireReport
from airflow_triggers_client.operations.waiting import (
    Condition,
    idle,
    instance_has_status,
    resolved,
    session_is,
    trigger_fired,
)
from airflow_triggers_client.retries import Retries

__version__ = "0.1.0"

__all__ = [
    "ApiError",
    "AsyncPages",
    "AsyncTriggersClient",
    "BulkAct",
    "BulkOutcome",
    "BulkPreview",
    "Condition",
    "DelayedFire",
    "EventEntry",
    "Explanation",
    "Fire",
    "FireEntry",
    "FireOutcome",
    "FireProgress",
    "FireRecord",
    "FireReport",
    "FireResult",
    "Health",
    "Hook",
    "HookCall",
    "Instance",
    "InstanceCounts",
    "InstanceFilter",
    "InstanceOutcome",
    "InstanceStatus",
    "InstanceSummary",
    "MigrationPage",
    "Page",
    "Pages",
    "Retries",
    "Session",
    "SessionSummary",
    "Task",
    "TriggersClient",
    "TriggersClientError",
    "UnheardFire",
    "idle",
    "instance_has_status",
    "resolved",
    "session_is",
    "trigger_fired",
]
