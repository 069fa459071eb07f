"""Answers about instances over all sessions: one in a list, and how many there are.

Neighbours: ``sessions/instances.py`` and ``sessions/instance_counts.py`` read what these answers say.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow_triggers.domain.instances import InstanceStatus
from airflow_triggers.sessions.instance_counts import InstanceCounts, InstanceGroup
from airflow_triggers.sessions.instances import InstanceSummary
from airflow_triggers.sessions.stuck import StuckCode


@dataclass(frozen=True, kw_only=True)
class StuckAnswer:
    """Why an instance is stuck: a word for programs, a sentence for people."""

    code: StuckCode
    text: str


@dataclass(frozen=True, kw_only=True)
class InstanceSummaryAnswer:
    """An instance in a list over all sessions.

    :param configuration: the name of its session's configuration; None for one made at run time.
    :param replays: how many ancestors it has by replay or copy.
    :param dag_id: None while it has no run; the same for ``dag_run_id``.
    :param stuck: None when it is not stuck.
    """

    session_uid: str
    configuration: str | None
    name: str
    task: str
    number: int
    status: InstanceStatus
    created_at: datetime
    changed_at: datetime
    error_type: str | None
    error_message: str | None
    replays: int
    parent: str | None
    dag_id: str | None
    dag_run_id: str | None
    can_replay: bool
    can_skip: bool
    stuck: StuckAnswer | None

    @classmethod
    def of(cls, summary: InstanceSummary) -> InstanceSummaryAnswer:
        """The answer for an instance."""
        return cls(
            session_uid=summary.session_uid,
            configuration=summary.configuration,
            name=summary.name,
            task=summary.task,
            number=summary.number,
            status=summary.status,
            created_at=summary.created_at,
            changed_at=summary.changed_at,
            error_type=summary.error_type,
            error_message=summary.error_message,
            replays=summary.depth,
            parent=summary.parent,
            dag_id=summary.dag_id,
            dag_run_id=summary.run_id,
            can_replay=summary.can_replay,
            can_skip=summary.can_skip,
            stuck=None
            if summary.stuck is None
            else StuckAnswer(code=summary.stuck.code, text=summary.stuck.text),
        )


def group_answer(group: InstanceGroup) -> dict[str, Any]:
    """The answer for a group: what its instances have in common, and what is known of them."""
    return {
        **{key.value: value for key, value in group.values.items()},
        "count": group.count,
        "since": group.since,
        "latest": group.latest,
        "message": group.message,
        "replays": group.replays,
    }


def counts_answer(counts: InstanceCounts) -> dict[str, Any]:
    """The answer for counts: ``groups``, ``total`` and ``is_complete``."""
    return {
        "groups": [group_answer(group) for group in counts.groups],
        "total": counts.total,
        "is_complete": counts.is_complete,
    }
