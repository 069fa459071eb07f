"""TaskConfig and Configuration: trigger tasks, and what a session does with its triggers.

Both are frozen. Neighbours: ``configuration/`` makes them from users' input, ``states.py`` decides over them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from airflow_triggers.errors import TaskNotFound

Kwargs = Mapping[str, Any]
"""The kwargs of one trigger: a JSON object."""

TriggerKwargs = Mapping[str, Kwargs]
"""Kwargs keyed by trigger name: ``{"firstPageReceived": {"respondent": 17}}``."""

MAX_NAME_LENGTH = 200
MAX_KEY_LENGTH = 250
MAX_ID = 2**63 - 1
"""The largest id of a database row: 64 bits, signed."""


@dataclass(frozen=True, kw_only=True)
class TaskConfig:
    """One trigger task: *after* X and Y, *and every* Z, *run* R *unless* U.

    :param name: the task's name, by convention ``t_…``.
    :param after: triggers that must all have fired.
    :param and_every: the trigger that makes a new instance each time it fires; also required.
    :param unless: triggers that, once all have fired, abandon an instance not scheduled yet.
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
        """All triggers of the task: the required ones and ``unless``."""
        return self.required | frozenset(self.unless)

    def to_directives(self) -> dict[str, Any]:
        """The directives as a user writes them, without empty ones; ``from_directives`` reads them."""
        directives: dict[str, Any] = {"after": list(self.after)}
        if self.and_every is not None:
            directives["andEvery"] = self.and_every
        if self.unless:
            directives["unless"] = list(self.unless)
        directives["run"] = self.run
        if self.with_params:
            directives["withParams"] = self.with_params
        if self.using is not None:
            directives["using"] = self.using
        if self.airflow:
            directives["airflow"] = self.airflow
        return directives | dict(self.extra)

    @classmethod
    def from_directives(cls, name: str, directives: Mapping[str, Any]) -> TaskConfig:
        """Read what :meth:`to_directives` wrote (already validated; see ``configuration.parse``)."""
        framework_directives = {"after", "andEvery", "unless", "run", "withParams", "using", "airflow"}
        return cls(
            name=name,
            after=tuple(directives.get("after") or ()),
            and_every=directives.get("andEvery"),
            unless=tuple(directives.get("unless") or ()),
            run=directives["run"],
            with_params=directives.get("withParams") or {},
            using=directives.get("using"),
            airflow=directives.get("airflow") or {},
            extra={key: value for key, value in directives.items() if key not in framework_directives},
        )


@dataclass(frozen=True)
class Configuration:
    """Named trigger tasks; what a session does with its triggers.

    :param tasks: the tasks by name.
    :param name: the deployed configuration's name, or None for one made at run time.
    :param former_dag_ids: DAGs of the session's runs before an update, no longer named by their tasks. None among them:
        a task ran without a DAG. Whoever reads the session reads the results of those runs.
    :param removed: tasks removed from the rules by a migration, by name. No fire concerns them any more. The session
        still has instances of them.
    :param deployed_at: when the rules were deployed (UTC); None: not known, or they were made at run time. It is no
        part of the content.
    :param source: the YAML text from which the rules were just read. It is no part of the content, and not kept with a
        session.
    """

    tasks: Mapping[str, TaskConfig] = field(default_factory=dict)
    name: str | None = None
    former_dag_ids: frozenset[str | None] = frozenset()
    removed: Mapping[str, TaskConfig] = field(default_factory=dict)
    deployed_at: datetime | None = field(default=None, compare=False)
    source: str | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        tasks_by_trigger: dict[str, list[TaskConfig]] = {}
        for task in self.tasks.values():
            for trigger in task.triggers:
                tasks_by_trigger.setdefault(trigger, []).append(task)
        object.__setattr__(self, "_concerned", tasks_by_trigger)

    def __iter__(self) -> Iterator[TaskConfig]:
        return iter(self.tasks.values())

    def __getitem__(self, task_name: str) -> TaskConfig:
        try:
            return self.tasks[task_name]
        except KeyError:
            task_names = ", ".join(sorted(self.tasks)) or "none"
            raise TaskNotFound(
                f"There is no trigger task {task_name!r}; the tasks are: {task_names}."
            ) from None

    def task_of(self, task_name: str) -> TaskConfig | None:
        """The task of an instance, even if it was removed from the rules; None when there is none."""
        return self.tasks.get(task_name) or self.removed.get(task_name)

    @cached_property
    def trigger_names(self) -> tuple[str, ...]:
        """The triggers that the tasks name and fire, each once: their own names are fired, too."""
        of_tasks = ((*task.after, task.and_every, *task.unless, task.name) for task in self)
        names = dict.fromkeys(name for names in of_tasks for name in names if name is not None)
        return tuple(names)

    def concerned_by(self, trigger_name: str) -> tuple[TaskConfig, ...]:
        """The tasks whose ``after``, ``andEvery`` or ``unless`` names the trigger."""
        tasks_by_trigger: dict[str, list[TaskConfig]] = self.__dict__["_concerned"]
        return tuple(tasks_by_trigger.get(trigger_name, ()))

    def with_update(self, update: Configuration) -> Configuration:
        """The configuration with the other's tasks added, or replaced by name."""
        removed_tasks = {name: task for name, task in self.removed.items() if name not in update.tasks}
        return replace(
            self, tasks={**self.tasks, **update.tasks}, removed=removed_tasks, deployed_at=None, source=None
        )

    def to_dict(self) -> dict[str, Any]:
        """``{"name": …, "tasks": {task name: directives}}``, ready for JSON."""
        content: dict[str, Any] = {
            "name": self.name,
            "tasks": {task.name: task.to_directives() for task in self},
        }
        if self.former_dag_ids:
            content["former_dag_ids"] = sorted(self.former_dag_ids, key=lambda dag_id: dag_id or "")
        if self.removed:
            content["removed"] = {task.name: task.to_directives() for task in self.removed.values()}
        return content

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Configuration:
        """Read what :meth:`to_dict` wrote."""
        return cls(
            _tasks_from(content["tasks"]),
            content.get("name"),
            frozenset(content.get("former_dag_ids", ())),
            _tasks_from(content.get("removed", {})),
        )

    @cached_property
    def content_hash(self) -> str:
        """A SHA-256 (64 hexadecimal digits), equal for equal content."""
        return hashlib.sha256(as_json(self.to_dict()).encode()).hexdigest()

    @cached_property
    def version(self) -> str:
        """The :attr:`content_hash` of the rules alone, without the remains of earlier rules.

        Sessions of one version fire by the same rules. A session made of a deployed configuration has its version.
        """
        if not self.former_dag_ids and not self.removed:
            return self.content_hash
        return replace(self, former_dag_ids=frozenset(), removed={}).content_hash


def _tasks_from(content: Mapping[str, Mapping[str, Any]]) -> dict[str, TaskConfig]:
    return {name: TaskConfig.from_directives(name, directives) for name, directives in content.items()}


def as_json(content: Mapping[str, Any]) -> str:
    """The same text for the same JSON content, another for other content (Python finds ``1`` and ``True`` equal)."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"))
