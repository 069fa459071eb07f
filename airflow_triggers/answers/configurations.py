"""Answers about deployed configurations: one in a list, one whole, and the findings in a text.

Neighbours: ``sessions/deployments.py`` describes what these answers say; ``configuration/posted.py`` checks texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow_triggers.answers.sessions import tasks_of
from airflow_triggers.configuration import explain_task
from airflow_triggers.configuration.graph import Graph
from airflow_triggers.configuration.posted import PostedFinding
from airflow_triggers.configuration.review import Finding, Severity
from airflow_triggers.domain.names import manifest_dag_id
from airflow_triggers.sessions.deployments import (
    MOST_COUNTED,
    ConfigurationDescription,
    ConfigurationSummary,
    VersionSummary,
)


@dataclass(frozen=True, kw_only=True)
class ConfigurationAnswer:
    """A configuration in a list.

    :param version: the hash of its rules.
    :param sessions: how many sessions it has that the reader may read. Counts stop at ``counts_limit``.
    :param open: how many of them are not resolved; ``failed``: how many have a failed instance.
    :param import_error: why its file cannot be used now; None: it can.
    """

    name: str
    dag_id: str
    version: str
    deployed_at: datetime | None
    is_deployed: bool
    task_count: int
    sessions: int
    open: int
    failed: int
    counts_limit: int
    warning_count: int
    import_error: str | None

    @classmethod
    def of(cls, summary: ConfigurationSummary) -> ConfigurationAnswer:
        """The answer for a summary."""
        return cls(**_fields_of(summary))


@dataclass(frozen=True, kw_only=True)
class FindingAnswer:
    """Something wrong in a configuration, or probably wrong: a word for programs, and a sentence."""

    severity: Severity
    code: str
    task: str | None
    text: str

    @classmethod
    def of(cls, finding: Finding) -> FindingAnswer:
        """The answer for a finding."""
        return cls(severity=finding.severity, code=finding.code, task=finding.task, text=finding.text)


@dataclass(frozen=True, kw_only=True)
class VersionAnswer:
    """A version of a configuration, with counts of its sessions."""

    version: str
    is_deployed: bool
    deployed_at: datetime | None
    sessions: int
    open: int

    @classmethod
    def of(cls, version: VersionSummary) -> VersionAnswer:
        """The answer for a version."""
        return cls(
            version=version.hash,
            is_deployed=version.is_deployed,
            deployed_at=version.deployed_at,
            sessions=version.sessions,
            open=version.unresolved,
        )


@dataclass(frozen=True, kw_only=True)
class NodeAnswer:
    """A trigger or a task in a graph."""

    id: str
    kind: str


@dataclass(frozen=True, kw_only=True)
class EdgeAnswer:
    """A task's directive names a trigger, or the task that fires it."""

    source: str
    target: str
    directive: str


@dataclass(frozen=True, kw_only=True)
class GraphAnswer:
    """A configuration as a graph. See :class:`Graph`."""

    nodes: tuple[NodeAnswer, ...]
    edges: tuple[EdgeAnswer, ...]
    cycles: tuple[tuple[str, ...], ...]
    mermaid: str
    text: str

    @classmethod
    def of(cls, graph: Graph) -> GraphAnswer:
        """The answer for a graph."""
        return cls(
            nodes=tuple(NodeAnswer(id=node.id, kind=node.kind.value) for node in graph.nodes),
            edges=tuple(
                EdgeAnswer(source=edge.source, target=edge.target, directive=edge.directive.value)
                for edge in graph.edges
            ),
            cycles=graph.cycles,
            mermaid=graph.to_mermaid(),
            text=graph.to_text(),
        )


@dataclass(frozen=True, kw_only=True)
class ConfigurationDetailAnswer(ConfigurationAnswer):
    """A whole configuration.

    :param yaml: its file as written; None: see ``yaml_note``.
    :param sentences: the rule of each task as a sentence, by name.
    :param tasks: by name, the directives of each task, with ``sentence``, ``dag_id``, and counts of its instances that
        are ``waiting`` and ``failed``.
    :param versions: the versions that sessions have, the newest first.
    """

    yaml: str | None
    yaml_note: str | None
    sentences: Mapping[str, str]
    tasks: Mapping[str, Mapping[str, Any]]
    graph: GraphAnswer
    versions: tuple[VersionAnswer, ...]
    warnings: tuple[FindingAnswer, ...]

    @classmethod
    def of_description(
        cls, description: ConfigurationDescription, *, hidden_yaml: str | None = None
    ) -> ConfigurationDetailAnswer:
        """The answer for a description.

        :param hidden_yaml: why the YAML may not be shown, as a sentence; None: it may.
        """
        configuration = description.summary.deployment.configuration
        counts = description.instances
        no_yaml = None if description.yaml is not None else NO_YAML
        return cls(
            **_fields_of(description.summary),
            yaml=None if hidden_yaml else description.yaml,
            yaml_note=hidden_yaml or no_yaml,
            sentences={task.name: explain_task(task) for task in configuration},
            tasks={
                name: {**task, "waiting": counts[name].waiting, "failed": counts[name].failed}
                for name, task in tasks_of(configuration).items()
            },
            graph=GraphAnswer.of(description.graph),
            versions=tuple(map(VersionAnswer.of, description.versions)),
            warnings=tuple(map(FindingAnswer.of, description.summary.warnings)),
        )


NO_YAML = "It is written in Python, was deployed by an earlier release, or its file has more than 1 MiB."


def _fields_of(summary: ConfigurationSummary) -> dict[str, Any]:
    deployment = summary.deployment
    configuration = deployment.configuration
    return {
        "name": deployment.name,
        "dag_id": manifest_dag_id(deployment.name),
        "version": configuration.version,
        "deployed_at": configuration.deployed_at,
        "is_deployed": deployment.is_deployed,
        "task_count": len(configuration.tasks),
        "sessions": summary.sessions.total,
        "open": summary.sessions.unresolved,
        "failed": summary.sessions.failed,
        "counts_limit": MOST_COUNTED,
        "warning_count": len(summary.warnings),
        "import_error": deployment.import_error,
    }


@dataclass(frozen=True, kw_only=True)
class ProblemAnswer:
    """A finding in a configuration's text, with its place.

    :param line: from 1; None: not known.
    """

    severity: Severity
    line: int | None
    task: str | None
    directive: str | None
    code: str
    message: str


@dataclass(frozen=True, kw_only=True)
class ValidationAnswer:
    """The findings in a configuration's text. Without an error it is valid; warnings may remain."""

    valid: bool
    problems: tuple[ProblemAnswer, ...]

    @classmethod
    def of(cls, posted_findings: Iterable[PostedFinding]) -> ValidationAnswer:
        """The answer for findings."""
        problems = tuple(
            ProblemAnswer(
                severity=posted.finding.severity,
                line=posted.line,
                task=posted.finding.task,
                directive=posted.directive,
                code=posted.finding.code,
                message=posted.finding.text,
            )
            for posted in posted_findings
        )
        return cls(
            valid=all(problem.severity is not Severity.ERROR for problem in problems), problems=problems
        )
