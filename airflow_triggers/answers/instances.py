"""Answers about executions of trigger tasks: one, one in full, and a page of a session's.

Neighbours: ``domain/instances.py`` has the value; ``sessions/describing.py`` and ``sessions/pages.py`` read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow_triggers.domain.instances import InstanceStatus, TaskInstance
from airflow_triggers.domain.metadata import (
    CREATED,
    EXCEPTION_MESSAGE,
    EXCEPTION_TYPE,
    PARENT,
    timestamps_of,
)
from airflow_triggers.domain.runs import RunState
from airflow_triggers.sessions.describing import InstanceView
from airflow_triggers.sessions.pages import InstanceDetail, InstancesOfSession


@dataclass(frozen=True, kw_only=True)
class InstanceAnswer:
    """An instance and its DAG run.

    :param missing: the triggers that it still waits for; empty once it no longer waits.
    :param dag_id: None while it has no run; the same for ``dag_run_id``.
    """

    name: str
    task: str
    number: int
    status: InstanceStatus
    kwargs: Mapping[str, Mapping[str, Any]]
    missing: tuple[str, ...]
    metadata: Mapping[str, Any]
    dag_id: str | None
    dag_run_id: str | None
    can_replay: bool
    can_skip: bool
    is_resolved: bool

    @classmethod
    def of(cls, view: InstanceView) -> InstanceAnswer:
        """The answer for an instance and its run."""
        instance = view.instance
        waits = instance.status is InstanceStatus.UNSTARTED
        return cls(
            name=instance.name,
            task=instance.task.name,
            number=instance.number,
            status=instance.status,
            kwargs=instance.kwargs,
            missing=tuple(sorted(instance.missing)) if waits else (),
            metadata=instance.metadata,
            dag_id=view.dag_id,
            dag_run_id=view.run_id,
            can_replay=instance.can_replay,
            can_skip=instance.can_skip,
            is_resolved=instance.is_resolved,
        )


@dataclass(frozen=True, kw_only=True)
class ChainedInstanceAnswer:
    """An instance of a replay chain, in short.

    :param created: when it was made; None: it is not known.
    :param parent: the instance that it was cloned from; None for an original.
    """

    name: str
    status: InstanceStatus
    created: datetime | None
    parent: str | None
    error_type: str | None
    error_message: str | None

    @classmethod
    def of(cls, instance: TaskInstance) -> ChainedInstanceAnswer:
        """The answer for an instance."""
        metadata = instance.metadata
        created_at = timestamps_of(metadata).get(CREATED)
        return cls(
            name=instance.name,
            status=instance.status,
            created=datetime.fromisoformat(created_at) if created_at else None,
            parent=metadata.get(PARENT),
            error_type=_first_line(metadata.get(EXCEPTION_TYPE)),
            error_message=_first_line(metadata.get(EXCEPTION_MESSAGE)),
        )


def _first_line(value: object) -> str | None:
    """A value of the metadata as a line of text: anybody may have set it, to any JSON."""
    return None if value is None else str(value).partition("\n")[0]


@dataclass(frozen=True, kw_only=True)
class RunAnswer:
    """A DAG run's state in Airflow. ``state`` is None when the run is gone."""

    dag_id: str
    dag_run_id: str
    state: str | None
    queued_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of(cls, run: RunState) -> RunAnswer:
        """The answer for a run."""
        return cls(
            dag_id=run.dag_id,
            dag_run_id=run.run_id,
            state=run.state,
            queued_at=run.queued_at,
            started_at=run.started_at,
            ended_at=run.ended_at,
        )


@dataclass(frozen=True, kw_only=True)
class InstanceDetailAnswer(InstanceAnswer):
    """An instance with its replay chain, and its run in Airflow.

    :param chain: the instance, those that it was cloned from, and all their clones; oldest first.
    :param run: None while it has none.
    """

    chain: tuple[ChainedInstanceAnswer, ...]
    run: RunAnswer | None

    @classmethod
    def of_detail(cls, detail: InstanceDetail) -> InstanceDetailAnswer:
        """The answer for a detail."""
        return cls(
            **vars(InstanceAnswer.of(detail.view)),
            chain=tuple(map(ChainedInstanceAnswer.of, detail.chain)),
            run=RunAnswer.of(detail.run) if detail.run else None,
        )


@dataclass(frozen=True, kw_only=True)
class InstancesOfSessionAnswer:
    """Instances of a session, newest first. ``next`` is the cursor of the next page; None on the last one."""

    instances: tuple[InstanceAnswer, ...]
    next: str | None

    @classmethod
    def of(cls, page: InstancesOfSession) -> InstancesOfSessionAnswer:
        """The answer for a page."""
        return cls(instances=tuple(map(InstanceAnswer.of, page.views)), next=page.next)
