"""TaskInstance and its status: one execution of a trigger task in a session.

Neighbours: ``states.py`` has the transitions, ``metadata.py`` the keys of an instance's metadata.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from airflow_triggers.domain.configuration import MAX_KEY_LENGTH, MAX_NAME_LENGTH, TaskConfig, TriggerKwargs
from airflow_triggers.domain.metadata import DEPTH, LAST_MODIFIED, LOG_LEVEL, LOGS_RESOLVED, timestamps_of

MAX_INSTANCE_NUMBER = 999_999_999
"""No task has an instance with a larger number. A database's integers end a little above."""
MAX_INSTANCE_NAME_LENGTH = MAX_NAME_LENGTH + len(f"#{MAX_INSTANCE_NUMBER}")


class InstanceStatus(StrEnum):
    """Where a task instance stands. The values are stored and part of the REST API."""

    UNSTARTED = "unstarted"  #: waits for triggers
    SCHEDULED = "scheduled"  #: everything has fired; handed to its runner
    RUNNING = "running"  #: the runner has started it
    FINISHED = "finished"  #: done; its name was fired
    FAILED = "failed"  #: an error; waits for a replay or a skip
    REPLAYED = "replayed"  #: failed, and a clone took over
    SKIPPED = "skipped"  #: failed and waived, or the task skipped itself
    ABANDONED = "abandoned"  #: ``unless`` was satisfied before it was scheduled

    @property
    def is_resolved(self) -> bool:
        """Whether nothing more is to be done."""
        return self in RESOLVED_STATUSES


RESOLVED_STATUSES = frozenset(
    {InstanceStatus.FINISHED, InstanceStatus.SKIPPED, InstanceStatus.REPLAYED, InstanceStatus.ABANDONED}
)

STATUSES_WITHOUT_LOGS = frozenset({InstanceStatus.SKIPPED, InstanceStatus.REPLAYED, InstanceStatus.ABANDONED})
"""Log messages do not matter in these statuses: the instance was waived, was replaced by a clone, or never ran."""

STATUSES_WITHOUT_WORK = frozenset(
    {InstanceStatus.UNSTARTED, InstanceStatus.REPLAYED, InstanceStatus.ABANDONED}
)
"""Nothing works for an instance with these statuses. Its DAG run no longer concerns it."""


@dataclass(frozen=True, kw_only=True)
class TaskInstance:
    """One execution of a trigger task in a session, as it was when read.

    :param task: the task's current configuration.
    :param number: counts the task's instances from 0 in order of creation, replays included.
    :param kwargs: ``{trigger: kwargs}`` of the required triggers already taken.
    :param unless_seen: the ``unless`` triggers already taken.
    :param metadata: see docs/semantics.md: ``parent``, ``depth``, ``result``, ``timestamps``, and what users attach.
    """

    task: TaskConfig
    number: int
    status: InstanceStatus = InstanceStatus.UNSTARTED
    kwargs: TriggerKwargs = field(default_factory=dict)
    unless_seen: frozenset[str] = frozenset()
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """``t_import#0``."""
        return f"{self.task.name}#{self.number}"

    @property
    def missing(self) -> frozenset[str]:
        """The required triggers still missing."""
        return self.task.required - self.kwargs.keys()

    @property
    def lacks(self) -> frozenset[str]:
        """Every trigger not taken yet: required or ``unless``."""
        return self.missing | (frozenset(self.task.unless) - self.unless_seen)

    @property
    def can_schedule(self) -> bool:
        """Whether it was not scheduled yet: it still takes triggers. :attr:`can_run` says whether it is ready."""
        return self.status is InstanceStatus.UNSTARTED

    @property
    def can_abandon(self) -> bool:
        """Whether it is unstarted and has taken every ``unless`` trigger: it must not run."""
        return self.can_schedule and bool(self.task.unless) and self.unless_seen.issuperset(self.task.unless)

    @property
    def can_run(self) -> bool:
        """Whether it is unstarted, has everything required, and is not to be abandoned.

        The next fire that concerns its task schedules it.
        """
        return self.can_schedule and not self.missing and not self.can_abandon

    @property
    def can_replay(self) -> bool:
        """Whether it may be replayed: only when it failed."""
        return self.status is InstanceStatus.FAILED

    @property
    def can_skip(self) -> bool:
        """Whether it may be skipped: only when it failed."""
        return self.status is InstanceStatus.FAILED

    @property
    def is_resolved(self) -> bool:
        """Whether nothing more is to be done."""
        return self.status.is_resolved

    @property
    def was_scheduled(self) -> bool:
        """Whether it was ever handed to its runner. Its status may have been set back by hand since."""
        return InstanceStatus.SCHEDULED.value in timestamps_of(self.metadata)

    @property
    def depth(self) -> int:
        """How many ancestors it has by replay; 0 for an original."""
        return int(self.metadata.get(DEPTH, 0))

    @property
    def log_level(self) -> int:
        """The highest level seen by its logger (``logging.NOTSET`` when none)."""
        return int(self.metadata.get(LOG_LEVEL, logging.NOTSET))

    @property
    def log_level_name(self) -> str:
        """The name of :attr:`log_level`."""
        return logging.getLevelName(self.log_level)

    @property
    def logs_relevant(self) -> bool:
        """Whether its log messages matter: it was not abandoned, replayed or skipped."""
        return self.status not in STATUSES_WITHOUT_LOGS

    @property
    def logs_resolved(self) -> bool:
        """Whether its log messages leave nothing to do.

        There are three such cases: somebody marked them as dealt with; none is an ``ERROR`` or worse; they do not
        matter for its status (:attr:`logs_relevant`).
        """
        is_marked = bool(self.metadata.get(LOGS_RESOLVED, False))
        return is_marked or self.log_level < logging.ERROR or not self.logs_relevant

    @property
    def last_modified(self) -> datetime | None:
        """When its status or metadata last changed (UTC)."""
        timestamp = timestamps_of(self.metadata).get(LAST_MODIFIED)
        return datetime.fromisoformat(timestamp) if timestamp else None


def parse_instance_name(name: str) -> tuple[str, int]:
    """Split ``t_import#0`` into the task's name and the number.

    :raises ValueError: when no instance can have this name.
    """
    task_name, _, number = name.rpartition("#")
    fits = task_name and len(name) <= MAX_INSTANCE_NAME_LENGTH and task_name.isprintable()
    if (
        not fits
        or "#" in task_name
        or task_name != task_name.strip()
        or not re.fullmatch(r"0|[1-9][0-9]{0,8}", number)
    ):
        raise ValueError(
            f"{name[:MAX_KEY_LENGTH]!r} is not the name of a task instance, such as 't_import#0'."
        )
    return task_name, int(number)
