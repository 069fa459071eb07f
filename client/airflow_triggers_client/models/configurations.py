"""Deployed configurations, checks of a text, and installed extensions as types."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from airflow_triggers_client.models.base import Acts, Result


class ConfigurationSummary(Result):
    """A configuration in a list."""

    name: str
    dag_id: str
    """The manifest DAG: its page in Airflow shows the rules."""
    version: str
    """A hash of the rules."""
    deployed_at: datetime | None
    is_deployed: bool
    """Whether sessions of it can be made. False: its file is broken."""
    task_count: int
    sessions: int
    """How many of its sessions you may read. Counts stop at ``counts_limit``."""
    open: int
    failed: int
    """How many of its sessions have a failed instance."""
    counts_limit: int
    warning_count: int
    import_error: str | None
    """Why its file cannot be used now; its rules are those from before."""


class Finding(Result):
    """Something wrong in a configuration, or probably wrong."""

    severity: str
    """``error`` or ``warning``."""
    code: str
    task: str | None
    text: str


class VersionSummary(Result):
    """A version of a configuration that sessions have, or that is deployed."""

    version: str
    is_deployed: bool
    deployed_at: datetime | None
    sessions: int
    open: int


class Node(Result):
    """A trigger or a task of a graph."""

    id: str
    kind: str


class Edge(Result):
    """A task's directive names a trigger, or the task that fires it."""

    source: str
    target: str
    directive: str


class Graph(Result):
    """A configuration as a graph."""

    nodes: list[Node]
    edges: list[Edge]
    cycles: list[list[str]]
    """Tasks that wait for each other."""
    mermaid: str
    """The graph as a Mermaid flowchart."""
    text: str
    """The graph as a tree of lines."""


class DeployedConfiguration(ConfigurationSummary):
    """A whole configuration."""

    yaml: str | None
    """Its file as written; None: see ``yaml_note``."""
    yaml_note: str | None
    sentences: dict[str, str]
    """The rule of each task as a sentence."""
    tasks: dict[str, dict[str, Any]]
    """By name: its directives, its DAG, and how many instances are ``waiting`` and ``failed``."""
    graph: Graph
    versions: list[VersionSummary]
    """The versions that sessions have, the newest first."""
    warnings: list[Finding]
    acts: Acts = Field(default_factory=dict)
    """What you may do with it now, by act."""


class ConfigurationProblem(Result):
    """A problem in a configuration's text."""

    severity: str
    line: int | None
    task: str | None
    directive: str | None
    code: str
    message: str


class Validation(Result):
    """The problems in a configuration's text."""

    valid: bool
    """Whether none of them is an error."""
    problems: list[ConfigurationProblem]


class Extension(Result):
    """A manager, a storage or a runner."""

    name: str
    class_path: str | None
    description: str | None
    problem: str | None
    """Why it cannot be used."""


class Extensions(Result):
    """What is installed in the API server."""

    managers: list[Extension]
    storages: list[Extension]
    runners: list[Extension]
