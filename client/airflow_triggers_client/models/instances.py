"""Task instances as types."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Annotated, Any

from pydantic import Field

from airflow_triggers_client.models.base import Acts, Result, TaggedResult, texts


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


class Instance(TaggedResult):
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


class ChainedInstance(Result):
    """An instance of a chain of replays, in short."""

    name: str
    status: Status
    created: datetime | None
    parent: str | None
    """The instance that it was cloned from; None for an original."""
    error_type: str | None
    error_message: str | None
    """The first line of its error."""


class DagRun(Result):
    """A DAG run in Airflow."""

    dag_id: str
    dag_run_id: str
    state: str | None
    """``queued``, ``running``, ``success`` or ``failed``; None: it is gone."""
    queued_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None


class InstanceDetail(Instance):
    """An instance with its chain of replays, its DAG run, and what you may do with it."""

    chain: list[ChainedInstance] = Field(default_factory=list)
    """The instance, those that it was cloned from, and all their clones; oldest first, 1,000 at most."""
    run: DagRun | None = None
    """None while it has none."""
    acts: Acts = Field(default_factory=dict)
    """What you may do with it now, by act."""


@dataclass(frozen=True, kw_only=True)
class InstanceFilter:
    """Which instances of all sessions that you may read. All conditions must hold; None is no condition.

    >>> InstanceFilter(status=["failed"], configuration="orders").to_dict()
    {'status': ['failed'], 'configuration': 'orders'}

    :param status: only these statuses, or only this one. Empty: any.
    :param configuration: only sessions of this deployed configuration.
    :param task: only instances of this task.
    :param since: only instances that changed at this moment or later.
    :param until: only instances that changed before this moment.
    :param error_type: only instances with this exception type, as it is stored (``builtins.ValueError``).
    :param replayed: only replays and copies, or only others.
    :param stuck: only scheduled or running instances whose DAG is paused or missing, or that are so for longer than
        ``stuck_after`` seconds; or only others.
    :param session: only sessions whose UID begins with this.
    """

    status: Sequence[InstanceStatus | str] | InstanceStatus | str = ()
    configuration: str | None = None
    task: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    error_type: str | None = None
    replayed: bool | None = None
    stuck: bool | None = None
    stuck_after: float | None = None
    session: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The conditions as a JSON object."""
        entries = {
            "status": [str(status) for status in texts(self.status)] or None,
            "configuration": self.configuration,
            "task": self.task,
            "since": self.since and self.since.isoformat(),
            "until": self.until and self.until.isoformat(),
            "error_type": self.error_type,
            "replayed": self.replayed,
            "stuck": self.stuck,
            "stuck_after": self.stuck_after,
            "session": self.session,
        }
        return {name: value for name, value in entries.items() if value is not None}

    def to_query(self) -> dict[str, Any]:
        """The conditions as parameters of a URL."""
        return {
            name: str(value).lower() if isinstance(value, bool) else value
            for name, value in self.to_dict().items()
        }


class Stuck(Result):
    """Why an instance is stuck."""

    code: str
    """A word for programs."""
    text: str


class InstanceSummary(Result):
    """An instance in a list over all sessions."""

    session_uid: str
    configuration: str | None
    name: str
    task: str
    number: int
    status: Status
    created_at: datetime
    changed_at: datetime
    """When it came into its present status."""
    error_type: str | None
    error_message: str | None
    """The first line of its error."""
    replays: int
    """How many instances it replaces, one after the other."""
    parent: str | None
    """The instance that it replaces."""
    dag_id: str | None
    dag_run_id: str | None
    can_replay: bool
    can_skip: bool
    stuck: Stuck | None
    acts: Acts = Field(default_factory=dict)
    """What you may do with it now, by act."""


class InstanceGroup(Result):
    """Some of the counted instances. The first four are None if you did not group by them."""

    configuration: str | None = None
    task: str | None = None
    error_type: str | None = None
    status: Status | None = None
    count: int
    since: datetime
    """When the first of them came into its status."""
    latest: datetime
    message: str | None
    """The first line of the newest one's error."""
    replays: int
    """The most replays in a row."""


class InstanceCounts(Result):
    """How many instances match a filter."""

    groups: list[InstanceGroup]
    """The largest first, 100 at most."""
    total: int
    is_complete: bool
    """False: only the newest 100,000 instances of a status were counted."""
