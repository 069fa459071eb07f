"""The values of the framework: TaskConfig, Configuration, TaskInstance, Fire.

All are frozen; a change makes a new one. Neighbours: ``configuration/`` makes TaskConfig values from
what users write, ``states.py`` decides over them, ``storages/`` keep them.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from airflow_triggers.errors import TaskNotFound

Kwargs = Mapping[str, Any]
"""The kwargs of one trigger: a JSON object."""

TriggerKwargs = Mapping[str, Kwargs]
"""Kwargs keyed by trigger name: ``{"firstPageReceived": {"respondent": 17}}``."""

MAX_NAME_LENGTH = 200
MAX_KEY_LENGTH = 250
MAX_INSTANCE_NUMBER = 999_999_999
"""No task has more instances in one session; a database's integers end a little above."""
MAX_INSTANCE_NAME_LENGTH = MAX_NAME_LENGTH + len(f"#{MAX_INSTANCE_NUMBER}")
MAX_ID = 2**63 - 1
"""The largest id that the database gives."""


SEEN_RUN = "seenRun"
"""The key of an instance's metadata that says what its DAG run was last seen to be, of sessions kept elsewhere."""


class InstanceStatus(StrEnum):
    """Where a task instance stands. The values are stored and part of the REST API."""

    UNSTARTED = "unstarted"  #: waits for triggers
    SCHEDULED = "scheduled"  #: everything has fired; handed to its runner
    RUNNING = "running"  #: the runner has started it
    FINISHED = "finished"  #: done; its name was fired
    FAILED = "failed"  #: an error; waits for a replay or a skip
    REPLAYED = "replayed"  #: failed, and a clone took over
    SKIPPED = "skipped"  #: failed and waived, or a task that skipped itself
    ABANDONED = "abandoned"  #: ``unless`` was satisfied before it was scheduled

    @property
    def is_resolved(self) -> bool:
        """Whether nothing more is to be done."""
        return self in RESOLVED_STATUSES


RESOLVED_STATUSES = frozenset(
    {InstanceStatus.FINISHED, InstanceStatus.SKIPPED, InstanceStatus.REPLAYED, InstanceStatus.ABANDONED}
)

STATUSES_WITHOUT_LOGS = frozenset({InstanceStatus.SKIPPED, InstanceStatus.REPLAYED, InstanceStatus.ABANDONED})
"""Statuses of an instance whose log messages do not matter: it was waived, another took over, or it never ran."""


@dataclass(frozen=True, kw_only=True)
class TaskConfig:
    """One trigger task: *after* X and Y, *and every* Z, *run* R *unless* U.

    :param name: the task's name, by convention ``t_…``.
    :param after: triggers that must all have fired.
    :param and_every: the trigger that makes a new instance each time it fires; also required.
    :param unless: triggers that, once all have fired, abandon an instance that was not scheduled.
    :param run: a DAG id, ``package.module.function`` / ``module:function``, or a mapping
        ``{"operator": dotted path, …kwargs}``.
    :param with_params: static kwargs, merged under the fired ones.
    :param using: the runner's name, or None for the manager's default.
    :param airflow: Airflow's own options for the task's DAG and operator.
    :param extra: every other directive, for custom managers.
    """

    name: str
    run: str | Mapping[str, Any]
    after: tuple[str, ...] = ()
    and_every: str | None = None
    unless: tuple[str, ...] = ()
    with_params: TriggerKwargs = field(default_factory=dict)
    using: str | None = None
    airflow: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def required(self) -> frozenset[str]:
        """All triggers an instance needs before it is scheduled: ``after`` and ``and_every``."""
        return frozenset(self.after) if self.and_every is None else frozenset((*self.after, self.and_every))

    @property
    def triggers(self) -> frozenset[str]:
        """All triggers that concern the task: the required ones and ``unless``."""
        return self.required | frozenset(self.unless)

    def to_directives(self) -> dict[str, Any]:
        """The directives as a user writes them, without empty ones; ``from_directives`` reads them."""
        written: dict[str, Any] = {"after": list(self.after)}
        if self.and_every is not None:
            written["andEvery"] = self.and_every
        if self.unless:
            written["unless"] = list(self.unless)
        written["run"] = self.run
        if self.with_params:
            written["withParams"] = self.with_params
        if self.using is not None:
            written["using"] = self.using
        if self.airflow:
            written["airflow"] = self.airflow
        return written | dict(self.extra)

    @classmethod
    def from_directives(cls, name: str, directives: Mapping[str, Any]) -> TaskConfig:
        """Read what :meth:`to_directives` wrote (already validated; see ``configuration.parse``)."""
        known = {"after", "andEvery", "unless", "run", "withParams", "using", "airflow"}
        return cls(
            name=name,
            after=tuple(directives.get("after") or ()),
            and_every=directives.get("andEvery"),
            unless=tuple(directives.get("unless") or ()),
            run=directives["run"],
            with_params=directives.get("withParams") or {},
            using=directives.get("using"),
            airflow=directives.get("airflow") or {},
            extra={key: value for key, value in directives.items() if key not in known},
        )


@dataclass(frozen=True)
class Configuration:
    """Named trigger tasks; what a session does with its triggers.

    :param tasks: the tasks by name.
    :param name: the deployed configuration's name, or None for one made at run time.
    :param former_dag_ids: DAGs that runs of the session used before an update, and that their tasks no longer name;
        None among them: a task ran without a DAG. Whoever reads the session reads what those runs returned.
    """

    tasks: Mapping[str, TaskConfig] = field(default_factory=dict)
    name: str | None = None
    former_dag_ids: frozenset[str | None] = frozenset()

    def __post_init__(self) -> None:
        concerned: dict[str, list[TaskConfig]] = {}
        for task in self.tasks.values():
            for trigger in task.triggers:
                concerned.setdefault(trigger, []).append(task)
        object.__setattr__(self, "_concerned", concerned)

    def __iter__(self) -> Iterator[TaskConfig]:
        return iter(self.tasks.values())

    def __getitem__(self, task_name: str) -> TaskConfig:
        try:
            return self.tasks[task_name]
        except KeyError:
            known = ", ".join(sorted(self.tasks)) or "none"
            raise TaskNotFound(f"There is no trigger task {task_name!r}; the tasks are: {known}.") from None

    def concerned_by(self, trigger_name: str) -> tuple[TaskConfig, ...]:
        """The tasks whose ``after``, ``andEvery`` or ``unless`` names the trigger."""
        concerned: dict[str, list[TaskConfig]] = self.__dict__["_concerned"]
        return tuple(concerned.get(trigger_name, ()))

    def updated(self, other: Configuration) -> Configuration:
        """The configuration with the other's tasks added, or replaced by name."""
        return replace(self, tasks={**self.tasks, **other.tasks})

    def to_dict(self) -> dict[str, Any]:
        """``{"name": …, "tasks": {task name: directives}}``, ready for JSON."""
        content: dict[str, Any] = {
            "name": self.name,
            "tasks": {task.name: task.to_directives() for task in self},
        }
        if self.former_dag_ids:
            content["former_dag_ids"] = sorted(self.former_dag_ids, key=lambda dag_id: dag_id or "")
        return content

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Configuration:
        """Read what :meth:`to_dict` wrote."""
        tasks = content["tasks"].items()
        return cls(
            {name: TaskConfig.from_directives(name, directives) for name, directives in tasks},
            content.get("name"),
            frozenset(content.get("former_dag_ids", ())),
        )

    @property
    def content_hash(self) -> str:
        """A SHA-256 (64 hexadecimal digits) that is equal for equal content."""
        return hashlib.sha256(as_json(self.to_dict()).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class TaskInstance:
    """One execution of a trigger task in a session, as it was when read.

    :param task: the task's current configuration.
    :param number: counts the task's instances from 0 in order of creation, replays included.
    :param kwargs: ``{trigger: kwargs}`` of the required triggers that it took.
    :param unless_seen: the ``unless`` triggers that it took.
    :param metadata: see SEMANTICS: ``parent``, ``depth``, ``result``, ``timestamps``, and what users attach.
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
        """The required triggers that it still lacks."""
        return self.task.required - self.kwargs.keys()

    @property
    def lacks(self) -> frozenset[str]:
        """Every trigger that it has not taken: required or ``unless``."""
        return self.missing | (frozenset(self.task.unless) - self.unless_seen)

    @property
    def can_schedule(self) -> bool:
        """Whether it was not scheduled yet: it still takes triggers. Whether it is ready, :attr:`can_run` says."""
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
        """Whether it was handed to its runner at some time; its status may have been set back by hand since."""
        return InstanceStatus.SCHEDULED.value in self.metadata.get("timestamps", {})

    @property
    def depth(self) -> int:
        """How many ancestors it has by replay; 0 for an original."""
        return int(self.metadata.get("depth", 0))

    @property
    def log_level(self) -> int:
        """The highest level that its logger saw (``logging.NOTSET`` when none)."""
        return int(self.metadata.get("logLevel", logging.NOTSET))

    @property
    def log_level_name(self) -> str:
        """The name of :attr:`log_level`."""
        return logging.getLevelName(self.log_level)

    @property
    def logs_relevant(self) -> bool:
        """Whether its status lets its log messages matter: it was not abandoned, replayed or skipped."""
        return self.status not in STATUSES_WITHOUT_LOGS

    @property
    def logs_resolved(self) -> bool:
        """Whether its log messages leave nothing to do.

        They do not when somebody marked them as dealt with, when none is an ``ERROR`` or worse, or when its status lets
        them not matter (:attr:`logs_relevant`).
        """
        marked = bool(self.metadata.get("logsResolved", False))
        return marked or self.log_level < logging.ERROR or not self.logs_relevant

    @property
    def last_modified(self) -> datetime | None:
        """When its status or metadata last changed (UTC)."""
        written = self.metadata.get("timestamps", {}).get("lastModified")
        return datetime.fromisoformat(written) if written else None


@dataclass(frozen=True, kw_only=True)
class FireResult:
    """What a fire did, by instance name.

    :param fire_id: identifies the fire for the life of the session; None until it takes effect.
    :param delayed_fire_id: of a fire for later: under this id it is listed, and cancelled.
    :param touched: instances that took the trigger, the created ones included.
    :param repeated: True when an idempotency key was met again: nothing was done, this is the first result.
    :param deferred: True when it takes effect later, at :attr:`fire_at` or, fired by a task in a worker, once that task
        has succeeded: nothing is known of it yet.
    :param cancelled: True when the idempotency key is that of a fire for later that somebody cancelled: it does not
        come back.
    :param fire_at: when it takes effect (UTC), if later.
    """

    fire_id: int | None
    trigger_name: str
    delayed_fire_id: int | None = None
    touched: tuple[str, ...] = ()
    created: tuple[str, ...] = ()
    scheduled: tuple[str, ...] = ()
    abandoned: tuple[str, ...] = ()
    repeated: bool = False
    deferred: bool = False
    cancelled: bool = False
    fire_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Fire:
    """A fire as the session's history keeps it.

    :param fire_id: counts up in the order in which the session's fires took effect.
    :param fired_by: the user or the component that fired, if known.
    :param touched: names of the instances that took the trigger; likewise ``created``, ``scheduled``, ``abandoned``.
    """

    fire_id: int = 0
    trigger_name: str
    kwargs: Kwargs
    fired_at: datetime
    fired_by: str | None = None
    idempotency_key: str | None = None
    touched: tuple[str, ...] = ()
    created: tuple[str, ...] = ()
    scheduled: tuple[str, ...] = ()
    abandoned: tuple[str, ...] = ()

    @property
    def in_vain(self) -> bool:
        """Whether it touched nothing although somebody meant it to: it is not a task's end that nobody waits for."""
        touched = self.touched or self.created or self.scheduled or self.abandoned
        return not touched and not (self.fired_by or "").startswith(f"{self.trigger_name}#")

    def concerns(self, instance_name: str) -> bool:
        """Whether the instance was touched by it, settled by it, or fired it."""
        touched = (*self.touched, *self.created, *self.scheduled, *self.abandoned)
        return instance_name == self.fired_by or instance_name in touched

    def to_result(self, *, repeated: bool = False) -> FireResult:
        """What :meth:`TriggerManager.fire` answers."""
        return FireResult(
            fire_id=self.fire_id,
            trigger_name=self.trigger_name,
            touched=self.touched,
            created=self.created,
            scheduled=self.scheduled,
            abandoned=self.abandoned,
            repeated=repeated,
        )


@dataclass(frozen=True, kw_only=True)
class DelayedFire:
    """A fire that takes effect later; the controller fires it.

    :param delayed_id: identifies it among all delayed fires.
    :param fire_at: not before this moment (UTC).
    :param attempts: how often it could not be fired when it was due, ``error`` why.
    :param parked: whether that was too often, and it is not tried again by itself.
    :param cancelled_at: when it was cancelled (UTC), ``cancelled_by`` by whom; None: it is still to come.
    """

    delayed_id: int = 0
    trigger_name: str
    kwargs: Kwargs
    fire_at: datetime
    fired_by: str | None = None
    idempotency_key: str | None = None
    attempts: int = 0
    error: str | None = None
    parked: bool = False
    cancelled_at: datetime | None = None
    cancelled_by: str | None = None

    def to_result(self, *, repeated: bool = False) -> FireResult:
        """What :meth:`TriggerManager.fire` answers."""
        cancelled = self.cancelled_at is not None
        return FireResult(
            fire_id=None,
            delayed_fire_id=self.delayed_id,
            trigger_name=self.trigger_name,
            repeated=repeated,
            deferred=not cancelled,
            cancelled=cancelled,
            fire_at=self.fire_at,
        )


@dataclass(frozen=True)
class SeenRun:
    """What Airflow says of a DAG run.

    :param state: ``queued``, ``running``, ``success`` or ``failed``.
    :param clear_number: how often the run was cleared.
    :param early: whether that is only known of its task: the run itself is still to say so.
    :param half_cleared: whether it succeeded and tasks of it are still to run: it was cleared just as the scheduler
        ended it, and Airflow kept both.
    """

    state: str
    clear_number: int
    early: bool = field(default=False, compare=False)
    half_cleared: bool = field(default=False, compare=False)


def parse_instance_name(name: str) -> tuple[str, int]:
    """Split ``t_import#0`` into the task's name and the number.

    :raises ValueError: when no instance can have that name.
    """
    task_name, _, number = name.rpartition("#")
    named = task_name and len(name) <= MAX_INSTANCE_NAME_LENGTH and task_name.isprintable()
    if (
        not named
        or "#" in task_name
        or task_name != task_name.strip()
        or not re.fullmatch(r"0|[1-9][0-9]{0,8}", number)
    ):
        raise ValueError(
            f"{name[:MAX_KEY_LENGTH]!r} is not the name of a task instance, such as 't_import#0'."
        )
    return task_name, int(number)


def as_json(content: Mapping[str, Any]) -> str:
    """The same text for the same JSON content, and another for another (Python finds ``1`` and ``True`` equal)."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"))
