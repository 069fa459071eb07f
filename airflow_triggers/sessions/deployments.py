"""Describes deployed configurations: their rules and text, their versions, and how their sessions stand.

Every count stops at :data:`MOST_COUNTED`: a page costs the same with a million sessions. Neighbours:
``gateway/deployments.py`` reads Airflow; ``api/`` and ``cli/`` show these descriptions.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, literal, literal_column, select
from sqlalchemy.orm import Session

from airflow_triggers import gateway
from airflow_triggers.configuration.graph import Graph
from airflow_triggers.configuration.review import Finding, Severity, review
from airflow_triggers.domain.configuration import Configuration
from airflow_triggers.domain.instances import InstanceStatus
from airflow_triggers.domain.validation import validate_filter
from airflow_triggers.errors import UnknownConfiguration
from airflow_triggers.gateway import Deployment
from airflow_triggers.sessions.describing import configured_as
from airflow_triggers.sessions.versions import version_column
from airflow_triggers.storages import tables
from airflow_triggers.storages.transaction import snapshot

MOST_COUNTED = 10_000
"""Where counts stop: this number means "at least so many"."""

MOST_VERSIONS = 50
"""The most versions of a configuration that are shown: the newest ones."""

Readable = Callable[[Configuration], bool]
"""Whether the reader may read sessions of a configuration."""

ConfigurationHashes = Collection[str | None] | None
"""The configurations whose sessions count; see :func:`configured_as`. None: all."""

_reviews: dict[str, tuple[str, tuple[Finding, ...]]] = {}

# Literals: with a parameter, SQLite would not use the partial indexes.
_IS_OPEN = tables.session.c.open_count > literal_column("0")
_HAS_FAILED = tables.session.c.failed_count > literal_column("0")

_COUNTED_STATUSES = (InstanceStatus.UNSTARTED, InstanceStatus.FAILED)


@dataclass(frozen=True, kw_only=True)
class SessionCounts:
    """How the sessions of a configuration stand, each up to :data:`MOST_COUNTED`.

    :param total: all sessions.
    :param unresolved: those with an instance that is not resolved.
    :param failed: those with a failed instance.
    """

    total: int = 0
    unresolved: int = 0
    failed: int = 0


@dataclass(frozen=True, kw_only=True)
class ConfigurationSummary:
    """A configuration in a list."""

    deployment: Deployment
    sessions: SessionCounts
    warnings: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True)
class VersionSummary:
    """A version of a configuration that sessions have, or that is deployed.

    :param hash: of the rules; see :class:`ConfigurationVersion`.
    :param deployed_at: when it was deployed; None: not known.
    """

    hash: str
    deployed_at: datetime | None
    is_deployed: bool
    sessions: int
    unresolved: int


@dataclass(frozen=True, kw_only=True)
class InstanceCounts:
    """How many instances of a task wait for triggers, and how many failed, each up to :data:`MOST_COUNTED`."""

    waiting: int = 0
    failed: int = 0


@dataclass(frozen=True, kw_only=True)
class ConfigurationDescription:
    """A configuration with everything that is shown of it.

    :param yaml: its file as written; None: it has none, or the text is not kept.
    :param versions: the newest first.
    :param instances: by task.
    """

    summary: ConfigurationSummary
    yaml: str | None
    graph: Graph
    versions: tuple[VersionSummary, ...]
    instances: Mapping[str, InstanceCounts] = field(default_factory=dict)


def list_configurations(
    *, limit: int, after: str | None, readable: Readable, configuration_hashes: ConfigurationHashes
) -> tuple[list[ConfigurationSummary], str | None]:
    """Configurations in the order of their names, and the name to go on after; None: there are no more.

    :param after: only names after this one.
    :param readable: others are left out.
    :param configuration_hashes: only sessions with one of these configurations are counted.
    :raises InvalidFilter: when no name can have the form of ``after``.
    """
    validate_filter("name", after)
    page: list[Deployment] = []
    cursor = after
    while len(page) <= limit:
        with snapshot() as session:
            chunk, cursor = gateway.deployments(session, after=cursor)
        # Outside of the snapshot: the auth manager may need a connection of its own.
        page += [deployment for deployment in chunk if readable(deployment.configuration)]
        if cursor is None:
            break
    page_of_limit, is_last = page[:limit], len(page) <= limit
    with snapshot() as session:
        summaries = [_summary(session, deployment, configuration_hashes) for deployment in page_of_limit]
    return summaries, None if is_last else page_of_limit[-1].name


def deployment_of(name: str) -> Deployment:
    """The deployed configuration with this name, or one whose present file is broken.

    :raises UnknownConfiguration: when there is none.
    """
    with snapshot() as session:
        if (deployment := gateway.deployment(session, name)) is not None:
            return deployment
    raise UnknownConfiguration(f"There is no configuration {name!r}.")


def describe_configuration(
    deployment: Deployment, *, configuration_hashes: ConfigurationHashes
) -> ConfigurationDescription:
    """Everything that is shown of a configuration.

    :param configuration_hashes: only sessions with one of these configurations are counted.
    """
    configuration = deployment.configuration
    with snapshot() as session:
        text = gateway.manifest_text(session, deployment.name)
        doubts = (
            Finding(code="unknown-run", severity=Severity.WARNING, text=doubt, task=task)
            for task, doubt in text.doubts.items()
        )
        summary = _summary(session, deployment, configuration_hashes, doubts)
        return ConfigurationDescription(
            summary=summary,
            yaml=text.yaml,
            graph=Graph.of(configuration),
            versions=_versions(session, deployment, configuration_hashes),
            instances=_instance_counts(session, configuration, configuration_hashes),
        )


def _summary(
    session: Session,
    deployment: Deployment,
    configuration_hashes: ConfigurationHashes,
    doubts: Iterable[Finding] = (),
) -> ConfigurationSummary:
    of_name = _sessions_of(deployment.name, configuration_hashes)
    counts = SessionCounts(
        total=_count(session, of_name),
        unresolved=_count(session, of_name.where(_IS_OPEN)),
        failed=_count(session, of_name.where(_HAS_FAILED)),
    )
    warnings = (*_findings_in(deployment.configuration), *doubts)
    return ConfigurationSummary(deployment=deployment, sessions=counts, warnings=warnings)


def _findings_in(configuration: Configuration) -> tuple[Finding, ...]:
    """The findings of :func:`review`, from memory if the configuration is unchanged: it compares many names."""
    name, content_hash = str(configuration.name), configuration.content_hash
    entry = _reviews.get(name)
    if entry is None or entry[0] != content_hash:
        entry = _reviews[name] = content_hash, tuple(review(configuration))
    return entry[1]


# -- counts -----------------------------------------------------------------------------------------------------


def _sessions_of(name: str, configuration_hashes: ConfigurationHashes) -> Select[Any]:
    query = (
        select(literal(1))
        .select_from(tables.session.join(tables.configuration))
        .where(tables.configuration.c.name == name)
    )
    return query if configuration_hashes is None else query.where(configured_as(configuration_hashes))


def _count(session: Session, query: Select[Any]) -> int:
    return session.scalar(select(func.count()).select_from(query.limit(MOST_COUNTED).subquery())) or 0


def _instance_counts(
    session: Session, configuration: Configuration, configuration_hashes: ConfigurationHashes
) -> dict[str, InstanceCounts]:
    counts = {task.name: dict.fromkeys(_COUNTED_STATUSES, 0) for task in configuration}
    instance = tables.instance.c
    for status in _COUNTED_STATUSES:
        rows = select(instance.task_name).where(
            instance.status == status.value, instance.configuration == configuration.name
        )
        if configuration_hashes is not None:
            rows = rows.join(tables.session, instance.session_id == tables.session.c.id)
            rows = rows.where(configured_as(configuration_hashes))
        limited = rows.limit(MOST_COUNTED).subquery()
        counts_by_task = select(limited.c.task_name, func.count()).group_by(limited.c.task_name)
        for task_name, count in session.execute(counts_by_task):
            if task_name in counts:
                counts[task_name][status] = count
    waiting, failed = _COUNTED_STATUSES
    return {
        name: InstanceCounts(waiting=count[waiting], failed=count[failed]) for name, count in counts.items()
    }


# -- versions ---------------------------------------------------------------------------------------------------


def _versions(
    session: Session, deployment: Deployment, configuration_hashes: ConfigurationHashes
) -> tuple[VersionSummary, ...]:
    columns, version = tables.configuration.c, version_column()
    newest = func.max(columns.deployed_at)
    query = (
        select(version.label("version"), newest.label("deployed_at"))
        .where(columns.name == deployment.name)
        .group_by(version)
        .order_by(newest.desc().nulls_last(), version)
        .limit(MOST_VERSIONS)
    )
    if configuration_hashes is not None:
        hashes = [content_hash for content_hash in configuration_hashes if content_hash is not None]
        query = query.where(columns.hash.in_(hashes))
    current = deployment.configuration
    moments = {row.version: row.deployed_at for row in session.execute(query)}
    if deployment.is_deployed:
        moments = {current.version: moments.get(current.version) or current.deployed_at} | moments
        moments[current.version] = moments[current.version] or current.deployed_at
    return tuple(
        _version_summary(session, deployment, content_hash, deployed_at, configuration_hashes)
        for content_hash, deployed_at in moments.items()
    )


def _version_summary(
    session: Session,
    deployment: Deployment,
    content_hash: str,
    deployed_at: datetime | None,
    configuration_hashes: ConfigurationHashes,
) -> VersionSummary:
    of_version = _sessions_of(deployment.name, configuration_hashes).where(version_column() == content_hash)
    return VersionSummary(
        hash=content_hash,
        deployed_at=deployed_at,
        is_deployed=deployment.is_deployed and content_hash == deployment.configuration.version,
        sessions=_count(session, of_version),
        unresolved=_count(session, of_version.where(_IS_OPEN)),
    )
