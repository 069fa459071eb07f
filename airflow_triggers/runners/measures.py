"""Counts fires and changes of status. The numbers go out after the commit, and never for undone work.

Neighbours: ``manager/manager.py`` and ``progress.py`` say what happened; ``metrics.py`` sends.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from airflow_triggers import metrics
from airflow_triggers.domain.fires import FireResult
from airflow_triggers.domain.instances import TaskInstance
from airflow_triggers.metrics import Metric
from airflow_triggers.storages.base import BaseStorageBackend


def measured_fire(storage: BaseStorageBackend, result: FireResult) -> FireResult:
    """Count the fire after the commit. Under the session's lock.

    :returns: the result.
    """
    if metrics.are_on():
        configuration, outcome = storage.configuration.name, _outcome(result)
        storage.after_release(
            partial(metrics.count, Metric.FIRES, configuration=configuration, outcome=outcome)
        )
        if outcome == UNMATCHED:
            storage.after_release(partial(metrics.count, Metric.FIRES_UNMATCHED, configuration=configuration))
    return result


UNMATCHED = "unmatched"


def _outcome(result: FireResult) -> str:
    if result.repeated:
        return "repeated"
    if result.delayed_fire_id is not None:
        return "delayed"
    if result.scheduled:
        return "started"
    return "recorded" if result.touched or result.created else UNMATCHED


def count_statuses(storage: BaseStorageBackend, instances: Iterable[TaskInstance]) -> None:
    """Count the new status of these instances after the commit. Under the session's lock."""
    if metrics.are_on():
        configuration = storage.configuration.name
        for instance in instances:
            status = instance.status.value
            storage.after_release(
                partial(metrics.count, Metric.INSTANCES, configuration=configuration, status=status)
            )
