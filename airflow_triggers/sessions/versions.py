"""The version of each session's configuration, and whether it is the deployed one.

Neighbours: ``describing.py`` shows it with each session, ``migration.py`` moves sessions to the deployed version.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, func
from sqlalchemy.orm import Session

from airflow_triggers import gateway
from airflow_triggers.domain.configuration import Configuration
from airflow_triggers.storages import tables


@dataclass(frozen=True, kw_only=True)
class ConfigurationVersion:
    """The version of a session's rules.

    :param hash: the SHA-256 of the rules (64 hexadecimal digits); equal rules have an equal hash.
    :param deployed_at: when these rules were deployed (UTC); None when they were made at run time, or when not known.
    :param is_deployed: whether these rules are deployed now under the configuration's name.
    """

    hash: str
    deployed_at: datetime | None
    is_deployed: bool


def version_column() -> ColumnElement[str]:
    """The version in a configuration's row. Rows of earlier releases have none: their hash stands for it."""
    columns = tables.configuration.c
    return func.coalesce(columns.version, columns.hash)


def deployed_of(session: Session, rows: Iterable[Row[Any]]) -> dict[str, Configuration]:
    """The deployed configurations of the listed sessions, by name, read by one statement."""
    return gateway.deployed_configurations(session, {row.name for row in rows if row.name is not None})


def version_of(
    row: Row[Any], deployed_configurations: dict[str, Configuration]
) -> ConfigurationVersion | None:
    """The version of a row's session; None when it has no configuration.

    :param row: has the ``name``, ``version`` and ``deployed_at`` of the session's configuration.
    :param deployed_configurations: the deployed configurations by name.
    """
    if row.version is None:
        return None
    current = deployed_configurations.get(row.name)
    is_deployed = current is not None and current.version == row.version
    deployed_at = row.deployed_at or (current.deployed_at if current and is_deployed else None)
    return ConfigurationVersion(hash=row.version, deployed_at=deployed_at, is_deployed=is_deployed)
