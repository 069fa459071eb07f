"""Sessions as types."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import ConfigDict, Field

from airflow_triggers_client.models.base import Acts, Result, TaggedResult
from airflow_triggers_client.models.fires import DelayedFire, FireRecord
from airflow_triggers_client.models.hooks import Hook
from airflow_triggers_client.models.instances import Instance, InstanceStatus


class ConfigurationVersion(Result):
    """The version of a session's configuration."""

    hash: str
    """Of the rules alone."""
    deployed_at: datetime | None
    is_deployed: bool | None
    """Whether these rules are deployed now."""


class SessionSummary(Result):
    """A session in a list."""

    uid: str
    manager: str
    storage: str
    configuration: str | None
    """The deployed configuration's name; None for one made at run time."""
    version: ConfigurationVersion | None = None
    """None when the session has no configuration."""
    created: datetime
    last_modified: datetime
    counts: dict[str, int] | None = None
    """How many instances it has, by status; None for a session in another storage."""


class Task(Result):
    """A trigger task of a session; its further directives are in ``model_extra``."""

    model_config = ConfigDict(frozen=True, extra="allow")

    after: list[str]
    run: str | dict[str, Any]
    sentence: str
    """The task's rule."""
    dag_id: str | None


class Session(SessionSummary, TaggedResult):
    """A session as it was at one moment, with the newest of its instances and fires.

    The lists are bounded. ``instances_next``, ``fires_next`` and so on say whether there is more:
    ``client.session_instances(…)`` and its like have them all.
    """

    metadata: dict[str, Any]
    tasks: dict[str, Task]
    removed_tasks: list[str] = Field(default_factory=list)
    """Tasks that its configuration no longer has; their instances may still exist."""
    task_counts: dict[str, dict[str, int]] | None = None
    """How many instances each task has, by status. An older server does not say."""
    instances_total: int | None = None
    """How many instances there are in all."""
    instances: list[Instance]
    """The newest instances, ordered by task and number."""
    instances_next: str | None = None
    """The cursor of the older instances; None: they are all here."""
    latest_triggers: dict[str, dict[str, Any]]
    """The kwargs of each trigger's latest fire."""
    latest_triggers_complete: bool | None = None
    """Whether all triggers that ever fired are among them. An older server does not say."""
    fires: list[FireRecord]
    """The newest fires, newest first."""
    delayed_fires: list[DelayedFire]
    hooks: list[Hook]
    fires_next: int | None = None
    delayed_fires_next: str | None = None
    hooks_next: int | None = None
    acts: Acts = Field(default_factory=dict)
    """What you may do with it now, by act."""

    def count(self, *statuses: InstanceStatus | str) -> int:
        """How many of its instances have one of these statuses; without any, how many it has in all."""
        if self.task_counts is None:
            return sum(not statuses or instance.status in statuses for instance in self.instances)
        names = {str(status) for status in statuses}
        return sum(
            number
            for of_task in self.task_counts.values()
            for status, number in of_task.items()
            if not names or status in names
        )
