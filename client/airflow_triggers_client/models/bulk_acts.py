"""Bulk acts as types: one act on many instances, which controllers do."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated, Any

from pydantic import Field

from airflow_triggers_client.models.base import Acts, Result


class BulkState(str, Enum):
    """Where a bulk act stands."""

    PENDING = "pending"
    """No controller has begun it."""
    RUNNING = "running"
    DONE = "done"
    """Every instance has an outcome."""
    CANCELLED = "cancelled"
    """Somebody stopped it; what was done stays done."""

    def __str__(self) -> str:
        return self.value


class BulkOutcome(str, Enum):
    """What became of an instance of a bulk act."""

    DONE = "done"
    UNCHANGED = "unchanged"
    """There was nothing to do."""
    LEFT_OUT = "left_out"
    """It comes under other DAGs now, for which nobody checked the rights."""
    REFUSED = "refused"
    CANCELLED = "cancelled"

    def __str__(self) -> str:
        return self.value


Outcome = Annotated[BulkOutcome | str, Field(union_mode="left_to_right")]


class BulkAct(Result):
    """A bulk act."""

    id: int
    act: str
    """replay, skip, set_status, set_metadata or resolve_logs."""
    arguments: dict[str, Any]
    filter: dict[str, Any] | None
    """The conditions for its instances; None: they were listed."""
    state: Annotated[BulkState | str, Field(union_mode="left_to_right")]
    total: int
    pending: int
    """How many instances have no outcome yet."""
    counts: dict[str, int]
    """How many instances have each outcome."""
    rate: float
    """How many a second, at most."""
    by: str | None
    created: datetime
    ended: datetime | None
    cancelled_by: str | None
    acts: Acts = Field(default_factory=dict)
    """What you may do with it now, by act."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be done."""
        return self.state not in (BulkState.PENDING, BulkState.RUNNING)


class InstanceOutcome(Result):
    """An instance of a bulk act, and what became of it."""

    session_uid: str
    name: str
    outcome: Outcome | None
    """None until something has become of it."""
    reason: str | None
    """Why it was not done; or the last failure, while it is tried again."""
    replay: str | None
    """The name of the new instance, after a replay."""
    attempts: int
    ended: datetime | None


class Sample(Result):
    """An instance, and what a bulk act would do to it."""

    session_uid: str
    name: str
    outcome: Outcome
    reason: str | None


class BulkPreview(Result):
    """What a bulk act would do. Nothing was written."""

    total: int
    allowed: int
    """How many instances it would act on."""
    unchanged: int
    refused: int
    sample: list[Sample]
