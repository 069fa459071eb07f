"""Histories and explanations as types."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Tag

from airflow_triggers_client.models.base import Result
from airflow_triggers_client.models.fires import FireRecord
from airflow_triggers_client.models.instances import Status


class FireEntry(FireRecord):
    """A fire in a session's history."""

    kind: Literal["fire"]
    at: datetime
    by: str | None
    text: str
    """What happened, as a sentence."""


class EventEntry(Result):
    """Something else in a session's history: a change of status, a repair, a failed hook, …"""

    kind: str
    event_id: int
    at: datetime
    by: str | None
    instance: str | None
    details: dict[str, Any]
    text: str
    """What happened, as a sentence."""


def _entry_kind(entry: Any) -> str:
    kind = entry.get("kind") if isinstance(entry, dict) else getattr(entry, "kind", None)
    return "fire" if kind == "fire" else "event"


HistoryEntry = Annotated[
    Annotated[FireEntry, Tag("fire")] | Annotated[EventEntry, Tag("event")],
    Discriminator(_entry_kind),
]
"""An entry of a session's history."""


class Reason(Result):
    """A reason why an instance waits, or why it is settled."""

    code: str
    """A word for programs."""
    text: str


class Arrival(Result):
    """A fire, in short."""

    fire_id: int
    trigger: str
    at: datetime
    by: str | None


class ExpectedFire(Result):
    """A fire to come."""

    at: datetime
    error: str | None


class Requirement(Result):
    """A trigger that an instance needs, or that abandons it."""

    trigger: str
    directive: str
    """``after``, ``andEvery`` or ``unless``."""
    arrived: bool
    fire: Arrival | None
    note: str | None
    expected: list[ExpectedFire]
    similar: list[Arrival]
    """Fires of triggers that no task uses and whose names resemble this one."""


class Explanation(Result):
    """Why an instance has not run, or how it ended."""

    name: str
    task: str
    status: Status | None
    rule: str
    answer: str
    """The answer in one sentence."""
    reasons: list[Reason]
    requirements: list[Requirement]
    dag_id: str | None
    dag_run_id: str | None
