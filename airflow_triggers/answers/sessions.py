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
    """A whole session at one moment.

    :param tasks: by name, the directives of each task, its rule as a sentence (``sentence``), and its DAG (``dag_id``).
    :param removed_tasks: tasks, by name, which a migration removed from the rules, but which still have instances.
    :param latest_triggers: by trigger, the kwargs of its latest fire.
    :param fires: the latest fires, newest first.
    :param delayed_fires: the next fires to come.
    """

    metadata: Mapping[str, Any]
    tasks: Mapping[str, Mapping[str, Any]]
    removed_tasks: tuple[str, ...]
    instances: tuple[InstanceAnswer, ...]
    latest_triggers: Mapping[str, Mapping[str, Any]]
    fires: tuple[FireAnswer, ...]
    delayed_fires: tuple[DelayedFireAnswer, ...]
    hooks: tuple[HookAnswer, ...]

    @classmethod
    def of_description(cls, description: SessionDescription) -> SessionDetailAnswer:
        """The answer for a description."""
        return cls(
            **_fields_of(description.summary),
            metadata=description.metadata,
            tasks=tasks_of(description.tasks),
            removed_tasks=tuple(sorted(description.tasks.removed)),
            instances=tuple(map(InstanceAnswer.of, description.instances)),
            latest_triggers=description.latest_kwargs,
            fires=tuple(map(FireAnswer.of, description.fires)),
            delayed_fires=tuple(map(DelayedFireAnswer.of, description.delayed_fires)),
            hooks=tuple(map(HookAnswer.of, description.hooks)),
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
