"""Answers about sessions: one in a list, and one whole.

Neighbours: ``sessions/describing.py`` reads what these answers say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow_triggers.answers.fires import DelayedFireAnswer, FireAnswer
from airflow_triggers.answers.hooks import HookAnswer
from airflow_triggers.answers.instances import InstanceAnswer
from airflow_triggers.configuration import explain_task
from airflow_triggers.domain.configuration import Configuration
from airflow_triggers.domain.instances import InstanceStatus
from airflow_triggers.domain.names import dag_ids_of
from airflow_triggers.sessions import cursors
from airflow_triggers.sessions.delayed_fires import cursor_after
from airflow_triggers.sessions.describing import SessionDescription, SessionSummary
from airflow_triggers.sessions.versions import ConfigurationVersion


@dataclass(frozen=True, kw_only=True)
class SessionAnswer:
    """A session in a list.

    :param configuration: the deployed configuration's name; None for one made at run time.
    :param version: the configuration's version; None when the session has no configuration.
    :param counts: how many instances it has, by status; None for a session in another storage.
    """

    uid: str
    manager: str
    storage: str
    configuration: str | None
    version: ConfigurationVersion | None
    created: datetime
    last_modified: datetime
    counts: Mapping[InstanceStatus, int] | None

    @classmethod
    def of(cls, summary: SessionSummary) -> SessionAnswer:
        """The answer for a summary."""
        return cls(**_fields_of(summary))


@dataclass(frozen=True, kw_only=True)
class SessionDetailAnswer(SessionAnswer):
    """A session at one moment: what it has, the newest of each list, and where the rest is.

    :param tasks: by name, the directives of each task, its rule as a sentence (``sentence``), and its DAG (``dag_id``).
    :param removed_tasks: tasks, by name, which a migration removed from the rules, but which still have instances.
    :param task_counts: how many instances each task has, by status.
    :param instances_total: how many instances there are.
    :param instances: the newest instances, ordered by task and number.
    :param instances_next: the cursor of the older instances; None: they are all here. Likewise ``fires_next``, …
    :param latest_triggers: by trigger, the kwargs of its latest fire.
    :param latest_triggers_complete: whether all triggers that ever fired are among them.
    :param fires: the latest fires, newest first.
    :param delayed_fires: the next fires to come.
    """

    metadata: Mapping[str, Any]
    tasks: Mapping[str, Mapping[str, Any]]
    removed_tasks: tuple[str, ...]
    task_counts: Mapping[str, Mapping[str, int]]
    instances_total: int
    instances: tuple[InstanceAnswer, ...]
    instances_next: str | None
    latest_triggers: Mapping[str, Mapping[str, Any]]
    latest_triggers_complete: bool
    fires: tuple[FireAnswer, ...]
    fires_next: int | None
    delayed_fires: tuple[DelayedFireAnswer, ...]
    delayed_fires_next: str | None
    hooks: tuple[HookAnswer, ...]
    hooks_next: int | None

    @classmethod
    def of_description(cls, description: SessionDescription) -> SessionDetailAnswer:
        """The answer for a description."""
        left_out = description.left_out
        place = description.oldest_place
        counts = description.task_counts
        return cls(
            **_fields_of(description.summary),
            metadata=description.metadata,
            tasks=tasks_of(description.tasks),
            removed_tasks=tuple(sorted(description.tasks.removed)),
            task_counts=counts,
            instances_total=sum(sum(of_task.values()) for of_task in counts.values()),
            instances=tuple(map(InstanceAnswer.of, description.instances)),
            instances_next=cursors.encode(place) if place and left_out.instances else None,
            latest_triggers=description.latest_kwargs,
            latest_triggers_complete=not left_out.triggers,
            fires=tuple(map(FireAnswer.of, description.fires)),
            fires_next=description.fires[-1].fire_id if left_out.fires else None,
            delayed_fires=tuple(map(DelayedFireAnswer.of, description.delayed_fires)),
            delayed_fires_next=cursor_after(description.delayed_fires[-1])
            if left_out.delayed_fires
            else None,
            hooks=tuple(map(HookAnswer.of, description.hooks)),
            hooks_next=description.hooks[-1].token if left_out.hooks else None,
        )


def _fields_of(summary: SessionSummary) -> dict[str, Any]:
    return {
        "uid": summary.uid,
        "manager": summary.manager,
        "storage": summary.storage,
        "configuration": summary.configuration,
        "version": summary.version,
        "created": summary.created,
        "last_modified": summary.last_modified,
        "counts": summary.counts,
    }


def tasks_of(configuration: Configuration) -> dict[str, dict[str, Any]]:
    """By name, the directives of each task, its rule as a sentence (``sentence``), and its DAG (``dag_id``)."""
    dag_ids = dag_ids_of(configuration)
    return {
        task.name: {**task.to_directives(), "sentence": explain_task(task), "dag_id": dag_ids.get(task.name)}
        for task in configuration
    }
