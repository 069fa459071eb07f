"""Task instances as types."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any

from pydantic import Field

from airflow_triggers_client.models.base import Result


class InstanceStatus(str, Enum):
    """The status of a task instance."""

    UNSTARTED = "unstarted"
    """It waits for triggers."""
    SCHEDULED = "scheduled"
    """Its DAG run is made and has not begun."""
    RUNNING = "running"
    """Its DAG run runs."""
    FINISHED = "finished"
    """It succeeded."""
    FAILED = "failed"
    """It waits for somebody to replay or skip it."""
    REPLAYED = "replayed"
    """It failed, and a clone was run in its place."""
    SKIPPED = "skipped"
    """It failed, or skipped itself, and is done with."""
    ABANDONED = "abandoned"
    """It will never run, because of its ``unless``."""

    def __str__(self) -> str:
        return self.value


Status = Annotated[InstanceStatus | str, Field(union_mode="left_to_right")]
"""A status; one that only a newer server has is a plain string."""


class Instance(Result):
    """One execution of a trigger task."""

    name: str
    """Such as ``t_importSubject#0``."""
    task: str
    number: int
    status: Status
    kwargs: dict[str, dict[str, Any]]
    """The kwargs of each trigger that it took."""
    missing: list[str]
    """The triggers that it still waits for."""
    metadata: dict[str, Any]
    dag_id: str | None
    dag_run_id: str | None
    can_replay: bool
    can_skip: bool
    is_resolved: bool
    """Whether nothing more is to be done."""
