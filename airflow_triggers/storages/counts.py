"""How many instances a session has, by task and status: kept in its row, and changed with the instances.

Neighbours: ``sql.py`` notes each change of an instance, and saves the counts before its transaction ends. So a reader
of the session's row never counts instances.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from airflow_triggers.domain.instances import RESOLVED_STATUSES, InstanceStatus, TaskInstance
from airflow_triggers.storages.stored import read_json

Counts = dict[str, dict[str, int]]
"""Task name → status → number of instances, without zeros."""


class CountChanges:
    """What a transaction changes in its session's counts.

    :param stored_text: the counts before it, as JSON text.
    """

    def __init__(self, stored_text: Any = "{}") -> None:
        self.stored_text = stored_text
        self._changes: Counter[tuple[str, str]] = Counter()

    def note(self, before: TaskInstance | None, after: TaskInstance) -> None:
        """Note an instance that was added (``before`` is None) or changed."""
        if before is None or before.status is not after.status:
            self._changes[after.task.name, after.status.value] += 1
            if before is not None:
                self._changes[before.task.name, before.status.value] -= 1

    def copy(self) -> CountChanges:
        """The changes so far, to return to at the end of a savepoint."""
        changes = CountChanges(self.stored_text)
        changes._changes.update(self._changes)
        return changes

    def __bool__(self) -> bool:
        return any(self._changes.values())

    @property
    def may_have_instances(self) -> bool:
        """Whether the session has instances, as far as its row says."""
        return self.stored_text != "{}" or bool(self)

    def result(self) -> Counts | None:
        """The counts afterwards; None when the stored ones cannot be right, and the instances must be counted."""
        stored_counts = read_json(self.stored_text)
        if not are_counts(stored_counts):
            return None
        counts: Counts = {task: dict(by_status) for task, by_status in stored_counts.items()}
        for (task, status), change in self._changes.items():
            by_status = counts.setdefault(task, {})
            by_status[status] = by_status.get(status, 0) + change
        if any(number < 0 for by_status in counts.values() for number in by_status.values()):
            return None
        return _without_zeros(counts)


def are_counts(content: Any) -> bool:
    """Whether a JSON value has the form of :data:`Counts`."""
    return isinstance(content, dict) and all(
        isinstance(by_status, dict) and all(type(number) is int for number in by_status.values())
        for by_status in content.values()
    )


def counts_of(rows: Iterable[Any]) -> Counts:
    """The counts in rows with ``task_name``, ``status`` and ``number_of``."""
    counts: Counts = {}
    for row in rows:
        counts.setdefault(str(row.task_name), {})[str(row.status)] = int(row.number_of)
    return counts


def by_status(counts: Counts) -> dict[InstanceStatus, int]:
    """The counts over all tasks, by status. A status that cannot be read counts as failed, as in a session's page."""
    totals: Counter[InstanceStatus] = Counter()
    for task_counts in counts.values():
        for status, number in task_counts.items():
            totals[readable_status(status)] += number
    return {status: totals[status] for status in InstanceStatus if totals[status]}


def readable_status(status: str) -> InstanceStatus:
    """The status with this text; failed if there is none."""
    return InstanceStatus(status) if status in _STATUSES else InstanceStatus.FAILED


def columns_of(counts: Counts) -> dict[str, Any]:
    """The columns of ``triggers_session`` with these counts and their sums."""
    totals = by_status(counts)
    return {
        "counts": counts,
        "instance_count": sum(totals.values()),
        "open_count": sum(number for status, number in totals.items() if status not in RESOLVED_STATUSES),
        "failed_count": totals.get(InstanceStatus.FAILED, 0),
    }


_STATUSES: Mapping[str, InstanceStatus] = {status.value: status for status in InstanceStatus}


def _without_zeros(counts: Counts) -> Counts:
    nonzero = {
        task: {status: number for status, number in by_status.items() if number}
        for task, by_status in counts.items()
    }
    return {task: by_status for task, by_status in nonzero.items() if by_status}
