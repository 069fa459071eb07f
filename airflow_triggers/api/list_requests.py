"""The queries of lists over all sessions.

Neighbours: ``requests.py`` has the other requests, ``fields.py`` the types of their fields.
"""

from __future__ import annotations

from pydantic import Field

from airflow_triggers.api.fields import Cursor, KeptName, ListLimit, Prefix, TriggerName
from airflow_triggers.api.requests import Moment, Request
from airflow_triggers.domain.instances import InstanceStatus
from airflow_triggers.domain.selection import MAX_STUCK_AFTER, STUCK_AFTER, InstanceFilter
from airflow_triggers.sessions.instance_counts import GroupBy
from airflow_triggers.sessions.listing import MAX_IDLE_FOR, SessionFilter, SessionOrder


class SessionsQuery(Request):
    """Which sessions to list."""

    limit: ListLimit = Field(50, description="How many at most.")
    after: Prefix | None = Field(None, description="The cursor: `next` of the page before.")
    configuration: KeptName | None = Field(None, description="Only sessions of this deployed configuration.")
    version: KeptName | None = Field(
        None, description="Only sessions with this version of their configuration: the `hash` of `version`."
    )
    prefix: Prefix | None = Field(None, description="Only UIDs that begin so.")
    contains: Prefix | None = Field(
        None, description="Only UIDs with this part. A page looks at about 2,000 UIDs at most."
    )
    has_failed: bool | None = Field(None, description="True: only sessions with failed instances.")
    open: bool | None = Field(None, description="True: only sessions with instances that are not resolved.")
    resolved: bool | None = Field(
        None, description="True: only sessions in which nothing waits, runs or is still to come."
    )
    waiting_for: TriggerName | None = Field(
        None, description="Only sessions with an instance that waits for this trigger."
    )
    idle_for: float | None = Field(
        None,
        ge=0,
        le=MAX_IDLE_FOR,
        allow_inf_nan=False,
        description="Seconds: only sessions whose last change is longer ago.",
    )
    order_by: SessionOrder = Field(
        SessionOrder.UID, description="By UID, or by the last change: `-last_modified` has the newest first."
    )

    def session_filter(self) -> SessionFilter:
        """The filter.

        :raises InvalidFilter: when a value is outside the allowed form.
        """
        return SessionFilter(
            configuration=self.configuration,
            version=self.version,
            prefix=self.prefix,
            contains=self.contains,
            has_failed=self.has_failed,
            is_open=self.open,
            is_resolved=self.resolved,
            waiting_for=self.waiting_for,
            idle_for=self.idle_for,
        )


class InstanceFilterQuery(Request):
    """Which instances of all sessions."""

    status: list[InstanceStatus] = Field(
        [], max_length=len(InstanceStatus), description="Only these statuses; name it again for each."
    )
    configuration: KeptName | None = Field(
        None, description="Only in sessions of this deployed configuration.", examples=["questionnaire"]
    )
    task: KeptName | None = Field(
        None, description="Only of this trigger task.", examples=["t_importSubject"]
    )
    since: Moment | None = Field(
        None, description="Only instances that came into their status at this moment or later."
    )
    until: Moment | None = Field(
        None, description="Only instances that came into their status before this moment."
    )
    error_type: KeptName | None = Field(
        None, description="Only with this class of exception.", examples=["builtins.ValueError"]
    )
    replayed: bool | None = Field(
        None, description="True: only replays and copies of other instances. False: only the others."
    )
    stuck: bool | None = Field(
        None,
        description="True: only stuck instances. These are scheduled or running, and their DAG is paused or missing, "
        "or their status is older than `stuck_after`. False: only the others.",
    )
    stuck_after: float = Field(
        STUCK_AFTER, ge=0, le=MAX_STUCK_AFTER, allow_inf_nan=False, description="Seconds."
    )
    session: Prefix | None = Field(None, description="Only in sessions with a UID that begins so.")

    def instance_filter(self) -> InstanceFilter:
        """The filter.

        :raises InvalidFilter: when a value is outside the allowed form.
        """
        return InstanceFilter(
            statuses=frozenset(self.status),
            configuration=self.configuration,
            task=self.task,
            since=self.since,
            until=self.until,
            error_type=self.error_type,
            replayed=self.replayed,
            stuck=self.stuck,
            stuck_after=self.stuck_after,
            session=self.session,
        )


class InstancesQuery(InstanceFilterQuery):
    """Which instances of all sessions to list."""

    limit: ListLimit = Field(50, description="How many at most.")
    after: Cursor | None = Field(None, description="The cursor: `next` of the page before.")


class InstanceCountsQuery(InstanceFilterQuery):
    """Which instances of all sessions to count."""

    group_by: list[GroupBy] = Field(
        [], max_length=len(GroupBy), description="What to group by; name it again for each."
    )
