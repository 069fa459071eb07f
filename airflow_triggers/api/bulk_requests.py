"""The requests about bulk acts: what to do to which instances, and which bulk acts and outcomes to list.

Neighbours: ``act_requests.py`` and ``requests.py`` have the acts on one instance; ``routes/bulk_acts.py`` reads these.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from airflow_triggers.api.act_requests import SetInstanceMetadata, SetInstanceStatus
from airflow_triggers.api.fields import Id, InstanceName, KeptName, Prefix, SessionUidText
from airflow_triggers.api.requests import Moment, ReplayInstance, Request, SkipInstance
from airflow_triggers.domain.acts import ActKind, InstanceAct, Replay, ResolveLogs, Skip
from airflow_triggers.domain.bulk import MAX_RATE, MIN_RATE, BulkOutcome, BulkRequest
from airflow_triggers.domain.configuration import MAX_NAME_LENGTH
from airflow_triggers.domain.instances import InstanceStatus
from airflow_triggers.domain.selection import (
    MAX_INSTANCES,
    MAX_STUCK_AFTER,
    STUCK_AFTER,
    InstanceFilter,
    InstanceKey,
)

MAX_BULK_PAGE = 1000

BulkLimit = Annotated[int, Field(ge=1, le=MAX_BULK_PAGE)]


class InstancesFilter(Request):
    """Which instances of all sessions that you may read; as in `GET /instances`. All conditions must hold."""

    status: list[InstanceStatus] = Field(
        [],
        max_length=len(InstanceStatus),
        description="Only these statuses. Empty: any.",
        examples=[["failed"]],
    )
    configuration: KeptName | None = Field(
        None, description="Only sessions of this deployed configuration.", examples=["questionnaire"]
    )
    task: KeptName | None = Field(
        None, description="Only instances of this task.", examples=["t_importSubject"]
    )
    since: Moment | None = Field(None, description="Only what changed at this moment or later.")
    until: Moment | None = Field(None, description="Only what changed before this moment.")
    error_type: KeptName | None = Field(
        None,
        description="Only instances with this exception type, as stored.",
        examples=["builtins.ValueError"],
    )
    replayed: bool | None = Field(
        None, strict=True, description="Only instances with a parent, or only others."
    )
    stuck: bool | None = Field(None, strict=True, description="Only stuck instances, or only others.")
    stuck_after: float = Field(
        STUCK_AFTER,
        ge=0,
        le=MAX_STUCK_AFTER,
        allow_inf_nan=False,
        strict=True,
        description="Seconds after which a scheduled or running instance is stuck.",
    )
    session: Annotated[Prefix, Field(max_length=MAX_NAME_LENGTH)] | None = Field(
        None, description="Only sessions whose UIDs begin so."
    )

    def to_filter(self) -> InstanceFilter:
        """The filter.

        :raises InvalidFilter: when a value is outside the allowed form.
        """
        conditions = self.model_dump(exclude={"status"})
        return InstanceFilter(statuses=frozenset(self.status), **conditions)


class ListedInstance(Request):
    """An instance."""

    session_uid: SessionUidText = Field(examples=["respondent-17"])
    name: InstanceName = Field(examples=["t_importSubject#0"])


class _BulkAct(Request):
    """A bulk act to make: what to do, and to which instances."""

    filter: InstancesFilter | None = Field(
        None,
        description="The instances that match it now. Instances that the act would not change do not count. Either "
        "this or `instances`.",
        examples=[{"status": ["failed"], "configuration": "questionnaire"}],
    )
    instances: list[ListedInstance] | None = Field(
        None,
        min_length=1,
        max_length=MAX_INSTANCES,
        description="These instances. Either this or `filter`.",
        examples=[None],
    )
    dry_run: bool = Field(False, strict=True, description="Only say what would happen. Nothing is written.")
    rate: float | None = Field(
        None,
        ge=MIN_RATE,
        le=MAX_RATE,
        allow_inf_nan=False,
        strict=True,
        description="How many instances a second, at most; null: as the setting `[triggers] bulk_rate` says.",
    )

    @model_validator(mode="after")
    def _either(self) -> Self:
        if (self.filter is None) == (self.instances is None):
            raise ValueError("expected either 'filter' or 'instances'; found both, or neither")
        return self

    def to_act(self) -> InstanceAct:
        """What to do to each instance."""
        raise NotImplementedError

    def to_request(self) -> BulkRequest:
        """The bulk act to make.

        :raises InvalidFilter, InvalidStatus, InvalidMetadata: when a value is outside the allowed form.
        """
        if self.filter is not None:
            selection = self.filter.to_filter()
        else:
            keys = [InstanceKey(instance.session_uid, instance.name) for instance in self.instances or ()]
            selection = InstanceFilter(instances=tuple(keys))
        return BulkRequest(act=self.to_act(), selection=selection, rate=self.rate)


class BulkReplay(_BulkAct):
    """Replay failed instances."""

    act: Literal[ActKind.REPLAY]
    arguments: ReplayInstance = Field(default_factory=lambda: ReplayInstance.model_validate({}))

    def to_act(self) -> Replay:
        """See the base."""
        return Replay(kwargs=self.arguments.kwargs, cooldown=self.arguments.cooldown)


class BulkSkip(_BulkAct):
    """Skip failed instances."""

    act: Literal[ActKind.SKIP]
    arguments: SkipInstance = Field(default_factory=lambda: SkipInstance.model_validate({}))

    def to_act(self) -> Skip:
        """See the base."""
        return Skip(cascade=self.arguments.cascade, result=self.arguments.result)


class BulkSetStatus(_BulkAct):
    """Set the status of instances by hand."""

    act: Literal[ActKind.SET_STATUS]
    arguments: SetInstanceStatus

    def to_act(self) -> InstanceAct:
        """See the base."""
        return self.arguments.to_act()


class BulkSetMetadata(_BulkAct):
    """Attach metadata to instances."""

    act: Literal[ActKind.SET_METADATA]
    arguments: SetInstanceMetadata

    def to_act(self) -> InstanceAct:
        """See the base."""
        return self.arguments.to_act()


class NoArguments(Request):
    """An act without arguments."""


class BulkResolveLogs(_BulkAct):
    """Mark the logs of instances as resolved."""

    act: Literal[ActKind.RESOLVE_LOGS]
    arguments: NoArguments = Field(default_factory=lambda: NoArguments.model_validate({}))

    def to_act(self) -> ResolveLogs:
        """See the base."""
        return ResolveLogs()


MakeBulkAct = Annotated[
    BulkReplay | BulkSkip | BulkSetStatus | BulkSetMetadata | BulkResolveLogs, Field(discriminator="act")
]


class BulkActsQuery(Request):
    """Which bulk acts to list."""

    limit: BulkLimit = Field(50, description="How many at most.")
    after: Id | None = Field(None, description="The cursor: `next` of the page before.")


class OutcomesQuery(Request):
    """Which outcomes to list."""

    limit: BulkLimit = Field(50, description="How many at most.")
    after: Id | None = Field(None, description="The cursor: `next` of the page before.")
    outcome: BulkOutcome | None = Field(None, description="Only instances with this outcome.")
