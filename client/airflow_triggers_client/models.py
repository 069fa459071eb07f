"""The API's requests and answers as types.

Members added by a newer server are ignored. The names are those of the REST API; see ``docs/semantics.md`` of
airflow-triggers for their meaning. Neighbours: ``operations/`` read answers into these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

T = TypeVar("T")


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


@dataclass(frozen=True)
class Fire:
    """A trigger to fire into a session.

    :param kwargs: the trigger's kwargs, a JSON object.
    :param configuration: a deployed configuration's name: with it, a first fire makes the session.
    :param manager: the trigger manager of a new session.
    :param idempotency_key: makes the fire idempotent for the life of the session. The client makes a key if it is None:
        so it may send the fire again.
    :param fire_at: the earliest moment of the fire, with an offset from UTC; None: now.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    session_uid: str
    trigger: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    configuration: str | None = None
    manager: str | None = None
    idempotency_key: str | None = None
    fire_at: datetime | None = None


class Result(BaseModel):
    """The base of the API's answers."""

    model_config = ConfigDict(frozen=True, extra="ignore")


@dataclass(frozen=True)
class Page(Generic[T]):
    """A part of a list.

    :param next: the cursor of the next page; None: this is the last page.
    """

    items: Sequence[T]
    next: str | int | None


class SessionSummary(Result):
    """A session in a list."""

    uid: str
    manager: str
    storage: str
    configuration: str | None
    """The deployed configuration's name; None for one made at run time."""
    created: datetime
    last_modified: datetime


class Task(Result):
    """A trigger task of a session; its further directives are in ``model_extra``."""

    model_config = ConfigDict(frozen=True, extra="allow")

    after: list[str]
    run: str | dict[str, Any]
    sentence: str
    """The task's rule."""
    dag_id: str | None


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


class Effect(Result):
    """The effects of a fire, by instance name."""

    trigger: str
    touched: list[str]
    """Instances that took the trigger."""
    created: list[str]
    """Those of them that it created."""
    scheduled: list[str]
    """Those that now run."""
    abandoned: list[str]
    """Those that will never run."""


class FireResult(Effect):
    """The answer to a fire."""

    fire_id: int | None
    """None: it takes effect later, or was cancelled."""
    delayed_fire_id: int | None = None
    """Identifies a fire for later, until it takes effect."""
    repeated: bool = False
    """The server had the fire before; this is its first answer again. The client's own retry can be the reason."""
    deferred: bool = False
    """It takes effect at ``fire_at``."""
    cancelled: bool = False
    """It was for later, and cancelled. It does not come back."""
    fire_at: datetime | None = None


class FireRecord(Effect):
    """A fire in the session's history."""

    fire_id: int
    kwargs: dict[str, Any]
    fired_at: datetime
    fired_by: str | None
    idempotency_key: str | None


class DelayedFire(Result):
    """A delayed fire: still to come, or cancelled."""

    id: int
    trigger: str
    kwargs: dict[str, Any]
    fire_at: datetime
    fired_by: str | None
    idempotency_key: str | None
    attempts: int
    """How often it could not be fired when it was due."""
    error: str | None
    parked: bool
    """It failed too often. The controller does not try it again."""
    cancelled_at: datetime | None = None
    cancelled_by: str | None = None


class Hook(Result):
    """A pending hook of the session's manager."""

    id: int
    hook: str
    arguments: dict[str, Any]
    attempts: int
    due: datetime | None
    error: str | None
    parked: bool
    """It raised too often. The controller does not call it again."""


class HookCall(Result):
    """The result of calling a hook again."""

    ended: bool
    error: str | None
    hook: Hook | None
    """The hook as it is now; None when it ended."""


class Session(SessionSummary):
    """A session whole, as it was at one moment."""

    metadata: dict[str, Any]
    tasks: dict[str, Task]
    instances: list[Instance]
    latest_triggers: dict[str, dict[str, Any]]
    """The kwargs of each trigger's latest fire."""
    fires: list[FireRecord]
    """The newest fires, newest first."""
    delayed_fires: list[DelayedFire]
    hooks: list[Hook]


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


class UnheardFire(Result):
    """A fire that touched nothing."""

    session_uid: str
    fire_id: int
    trigger: str
    kwargs: dict[str, Any]
    fired_at: datetime
    fired_by: str | None
    used_by: list[str]
    """Tasks of the session that use the trigger, and took it before."""
    similar: list[str]
    """Triggers that may have been meant."""
