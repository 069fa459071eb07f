"""The answer about one execution of a trigger task.

Neighbours: ``domain/instances.py`` has the value; ``sessions/describing.py`` reads it with its DAG run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_triggers.domain.instances import InstanceStatus
from airflow_triggers.sessions.describing import InstanceView


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
