"""The API's requests and answers as types.

Members added by a newer server are ignored. The names are those of the REST API; see ``docs/semantics.md`` of
airflow-triggers for their meaning. Neighbours: ``operations/`` read answers into these.
"""

from airflow_triggers_client.models.base import AllowedAct, Page, Result
from airflow_triggers_client.models.bulk_acts import (
    BulkAct,
    BulkOutcome,
    BulkPreview,
    BulkState,
    InstanceOutcome,
    Sample,
)
from airflow_triggers_client.models.configurations import (
    ConfigurationProblem,
    ConfigurationSummary,
    DeployedConfiguration,
    Edge,
    Extension,
    Extensions,
    Finding,
    Graph,
    Node,
    Validation,
    VersionSummary,
)
from airflow_triggers_client.models.fires import (
    DelayedFire,
    Effect,
    Fire,
    FireRecord,
    FireResult,
    UnheardFire,
)
from airflow_triggers_client.models.health import Controllers, Health, Overdue, Parked
from airflow_triggers_client.models.history import (
    Arrival,
    EventEntry,
    ExpectedFire,
    Explanation,
    FireEntry,
    HistoryEntry,
    Reason,
    Requirement,
)
from airflow_triggers_client.models.hooks import Hook, HookCall
from airflow_triggers_client.models.instances import (
    ChainedInstance,
    DagRun,
    Instance,
    InstanceCounts,
    InstanceDetail,
    InstanceFilter,
    InstanceGroup,
    InstanceStatus,
    InstanceSummary,
    Status,
    Stuck,
)
from airflow_triggers_client.models.migration import (
    MigrationEffect,
    MigrationOutcome,
    MigrationPage,
    SessionMigration,
)
from airflow_triggers_client.models.parked import AssetEvent, SessionDelayedFire, SessionHook
from airflow_triggers_client.models.sessions import ConfigurationVersion, Session, SessionSummary, Task
from airflow_triggers_client.models.updates import ConfigurationUpdate

__all__ = [
    "AllowedAct",
    "Arrival",
    "AssetEvent",
    "BulkAct",
    "BulkOutcome",
    "BulkPreview",
    "BulkState",
    "ChainedInstance",
    "ConfigurationProblem",
    "ConfigurationSummary",
    "ConfigurationUpdate",
    "ConfigurationVersion",
    "Controllers",
    "DagRun",
    "DelayedFire",
    "DeployedConfiguration",
    "Edge",
    "Effect",
    "EventEntry",
    "ExpectedFire",
    "Explanation",
    "Extension",
    "Extensions",
    "Finding",
    "Fire",
    "FireEntry",
    "FireRecord",
    "FireResult",
    "Graph",
    "Health",
    "HistoryEntry",
    "Hook",
    "HookCall",
    "Instance",
    "InstanceCounts",
    "InstanceDetail",
    "InstanceFilter",
    "InstanceGroup",
    "InstanceOutcome",
    "InstanceStatus",
    "InstanceSummary",
    "MigrationEffect",
    "MigrationOutcome",
    "MigrationPage",
    "Node",
    "Overdue",
    "Page",
    "Parked",
    "Reason",
    "Requirement",
    "Result",
    "Sample",
    "Session",
    "SessionDelayedFire",
    "SessionHook",
    "SessionMigration",
    "SessionSummary",
    "Status",
    "Stuck",
    "Task",
    "UnheardFire",
    "Validation",
    "VersionSummary",
]
