"""Which version of their configuration sessions have, and whether it is the deployed one.

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

    :param hash: a SHA-256 of the rules (64 hexadecimal digits); equal rules have an equal one.
    :param deployed_at: when these rules were deployed (UTC); None: they were made at run time, or it is not known.
    :param is_deployed: whether they are those that are deployed now under the configuration's name.
    """

    hash: str
    deployed_at: datetime | None
    is_deployed: bool


def version_column() -> ColumnElement[str]:
    """The version of a configuration's row; rows of earlier releases have their hash alone."""
    columns = tables.configuration.c
    return func.coalesce(columns.version, columns.hash)


def deployed_of(session: Session, rows: Iterable[Row[Any]]) -> dict[str, Configuration]:
    """The deployed configurations of the sessions in a list, by name, read by one statement."""
    return gateway.deployed_configurations(session, {row.name for row in rows if row.name is not None})


def version_of(row: Row[Any], deployed: dict[str, Configuration]) -> ConfigurationVersion | None:
    """The version of the session in a row; None when it has no configuration.

    :param row: has the ``name``, ``version`` and ``deployed_at`` of its configuration.
    :param deployed: the deployed configurations by name.
    """
    if row.version is None:
        return None
    current = deployed.get(row.name)
    is_deployed = current is not None and current.version == row.version
    deployed_at = row.deployed_at or (current.deployed_at if current and is_deployed else None)
    return ConfigurationVersion(hash=row.version, deployed_at=deployed_at, is_deployed=is_deployed)
