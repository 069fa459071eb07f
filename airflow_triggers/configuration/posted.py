"""Checks the text of a configuration that somebody sent: nothing is imported, and no file is read.

Neighbours: ``check.py`` checks a folder as ``airflow triggers check``, with the same findings; ``api/`` asks here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from airflow_triggers.configuration.lines import TextLines
from airflow_triggers.configuration.load import read_configuration
from airflow_triggers.configuration.model import DIRECTIVES
from airflow_triggers.configuration.modules import near_name
from airflow_triggers.configuration.review import Finding, Severity, invalidity, review
from airflow_triggers.configuration.yaml_document import read_document
from airflow_triggers.domain.configuration import TaskConfig
from airflow_triggers.domain.names import RunKind, run_kind
from airflow_triggers.errors import ConfigurationError, Problem

MOST_COMPARISONS = 500_000
"""The most tasks times triggers in a text. Misspelt triggers are found by comparing them with each task's name."""


@dataclass(frozen=True, kw_only=True)
class PostedFinding:
    """A finding in a text.

    :param line: from 1; None: not known.
    :param directive: the directive that it is about; None: the task, or the whole.
    """

    finding: Finding
    line: int | None
    directive: str | None


def check_text(text: str, *, name: str | None, dag_ids: Collection[str]) -> list[PostedFinding]:
    """What is wrong with a configuration's text, in the order of its lines.

    A ``run`` with a dot may be a function of a module: only the deployment's own check can tell.

    :param name: the configuration's name, if it has one already.
    :param dag_ids: ids of deployed DAGs. Another id as ``run`` is only a warning: the DAG may be deployed together with
        the configuration, or be hidden from the user.
    """
    lines = TextLines(text)
    findings = [
        PostedFinding(
            finding=finding,
            line=line or lines.of(Problem(finding.text, task=finding.task)),
            directive=_directive_of(finding),
        )
        for finding, line in _findings(text, name, dag_ids)
    ]
    return sorted(findings, key=lambda finding: finding.line or 0)


def _findings(text: str, name: str | None, dag_ids: Collection[str]) -> Iterator[tuple[Finding, int | None]]:
    if _is_too_large(text):
        sentence = (
            "it has too many tasks and triggers to be checked here: run 'airflow triggers check' on its file."
        )
        yield Finding(code="too-large", severity=Severity.ERROR, text=sentence), None
        return
    try:
        configuration = read_configuration(text, name=name)
    except ConfigurationError as error:
        yield from map(invalidity, error.problems)
        return
    for finding in review(configuration):
        yield finding, None
    for task in configuration:
        if (unknown_run := _of_run(task, dag_ids)) is not None:
            yield unknown_run, None


def _is_too_large(text: str) -> bool:
    try:
        content = read_document(text)
    except yaml.YAMLError:
        return False
    if not isinstance(content, dict):
        return False
    lists = [value for directives in content.values() for value in _values(directives)]
    return len(content) * sum(map(len, lists)) > MOST_COMPARISONS


def _values(directives: Any) -> Iterator[Collection[Any]]:
    """The values of a task that may be lists of triggers."""
    for value in directives.values() if isinstance(directives, dict) else ():
        if isinstance(value, list | set):
            yield value


def _directive_of(finding: Finding) -> str | None:
    names = re.findall(r"'([^']+)'", finding.text)
    return next((name for name in names if name in DIRECTIVES), None)


def _of_run(task: TaskConfig, dag_ids: Collection[str]) -> Finding | None:
    run = task.run
    if not isinstance(run, str) or run_kind(run) is not RunKind.DAG or "." in run or run in dag_ids:
        return None
    near = near_name(run, sorted(dag_ids))
    hint = f" Did you mean {near!r}?" if near else ""
    return Finding(
        code="unknown-run",
        severity=Severity.WARNING,
        text=f"'run' is {run!r}, which is no deployed DAG that you may read.{hint}",
        task=task.name,
    )
