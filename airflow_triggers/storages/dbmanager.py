"""Registers the tables with Airflow: ``airflow db migrate`` makes and upgrades them.

Neighbours: ``provider_info.py`` names this class under ``db-managers``; ``migrations/`` holds the revisions.
"""

from __future__ import annotations

from pathlib import Path

from airflow.utils.db_manager import BaseDBManager
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from airflow_triggers.errors import SchemaOutdated
from airflow_triggers.storages import tables

VERSION_TABLE = "triggers_alembic_version"
HEAD_REVISION = "0003"

_HERE = Path(__file__).parent


class TriggersDBManager(BaseDBManager):
    """Airflow's manager of our tables (see ``airflow.utils.db_manager.BaseDBManager``)."""

    metadata = tables.metadata
    version_table_name = VERSION_TABLE
    migration_dir = str(_HERE / "migrations")
    alembic_file = str(_HERE / "alembic.ini")
    supports_table_dropping = True
    revision_heads_map = {"0.1.0": HEAD_REVISION}  # noqa: RUF012 - Airflow declares it as it is


def check_schema(connection: Connection) -> None:
    """Make sure that the database holds the tables of this version.

    :raises SchemaOutdated: when the tables are missing, older or newer; it names ``airflow db migrate``.
    """
    try:
        revision = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608
    except DBAPIError as error:
        raise SchemaOutdated(
            "The tables of airflow-triggers are missing from Airflow's metadata database. "
            "Run 'airflow db migrate', then start again."
        ) from error
    if revision != HEAD_REVISION:
        raise SchemaOutdated(
            f"The tables of airflow-triggers are at version {revision}, and this version of the package needs "
            f"{HEAD_REVISION}. Run 'airflow db migrate' with the same version of airflow-triggers everywhere."
        )
