"""Finds well-formed rules of a configuration that never work as their author meant them (pure).

Neighbours: ``check.py`` shows the findings to CI, ``compile.py`` on the manifest's page. ``graph.py`` finds cycles,
``parse.py`` refuses malformed rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from airflow_triggers.configuration.graph import cycles_of
from airflow_triggers.configuration.modules import near_name
from airflow_triggers.domain.configuration import Configuration, TaskConfig
from airflow_triggers.errors import Problem


class Severity(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    """The configuration cannot be deployed, or one of its tasks can never run."""

    WARNING = "warning"
    """Probably a slip."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something wrong in a configuration, or probably wrong.

    :param code: the kind of mistake, for programs (``cycle``).
    :param task: the task's name; None: the finding is about the configuration, or about another file.
    :param text: one sentence or more, without the task's name.
    """

    code: str
    severity: Severity
    text: str
    task: str | None = None


_LINE = re.compile(r"line (\d+): ")


def invalidity(problem: str) -> tuple[Finding, int | None]:
    """The finding for a problem of a configuration that cannot be used, and the line that the problem names, if any."""
    task = problem.task if isinstance(problem, Problem) else None
    text = problem.removeprefix(f"task {task!r}: ")
    match = _LINE.match(text)
    finding = Finding(
        code="invalid", severity=Severity.ERROR, text=text[match.end() :] if match else text, task=task
    )
    return finding, int(match[1]) if match else None


def review(configuration: Configuration) -> Iterator[Finding]:
    """Every finding from the configuration alone, in the order of its tasks."""
    cycles = dict(_cycles(configuration))
    for task in configuration:
        if task.name in cycles:
            yield cycles[task.name]
        yield from _overlap(task)
        yield from _unfired_triggers(task, configuration)
        yield from _unused_params(task)


def _cycles(configuration: Configuration) -> Iterator[tuple[str, Finding]]:
    """One finding for each cycle, at its first task."""
    for cycle in cycles_of(configuration):
        yield cycle[0], _cycle_finding(cycle)


def _cycle_finding(cycle: Sequence[str]) -> Finding:
    if len(cycle) == 1:
        text = "it waits for itself, so it never starts."
    else:
        chain = ", which waits for ".join(map(repr, [*cycle[1:], cycle[0]]))
        text = f"it waits for {chain}: none of them ever starts."
    return Finding(code="cycle", severity=Severity.ERROR, text=text, task=cycle[0])


def _overlap(task: TaskConfig) -> Iterator[Finding]:
    overlap = [trigger for trigger in task.unless if trigger in task.required]
    if not overlap:
        return
    names = ", ".join(map(repr, overlap))
    if len(overlap) == len(task.unless):
        text = (
            f"it waits for every trigger of its 'unless' ({names}), so it is abandoned when it could start. Expected "
            "'unless' to name a trigger that may stay out."
        )
        yield Finding(code="never-runs", severity=Severity.ERROR, text=text, task=task.name)
    else:
        text = (
            f"'unless' names {names}, for which it waits as well. Only the other triggers of 'unless' decide."
        )
        yield Finding(code="unless-overlap", severity=Severity.WARNING, text=text, task=task.name)


def _unfired_triggers(task: TaskConfig, configuration: Configuration) -> Iterator[Finding]:
    """Triggers named like a task's cascade, without such a task. Applications may fire all others."""
    for trigger in sorted(task.triggers - configuration.tasks.keys()):
        if trigger.startswith("t_"):
            text = f"it names {trigger!r}, and no task of this name fires it."
            yield Finding(code="unfired", severity=Severity.WARNING, text=text, task=task.name)


def _unused_params(task: TaskConfig) -> Iterator[Finding]:
    """Static kwargs for a trigger with a name similar to a trigger of the task. Others may be constants."""
    for trigger in task.with_params:
        if trigger not in task.required and (near := near_name(trigger, sorted(task.required))):
            text = f"'withParams' has {trigger!r}, for which it does not wait. Did you mean {near!r}?"
            yield Finding(code="unawaited", severity=Severity.WARNING, text=text, task=task.name)
