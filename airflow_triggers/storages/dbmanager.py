"""Registers the tables with Airflow: ``airflow db migrate`` makes and upgrades them.

Neighbours: ``provider_info.py`` names this class under ``db-managers``; ``migrations/`` holds the revisions.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from airflow.utils.db_manager import BaseDBManager
from sqlalchemy import Connection, Dialect, text
from sqlalchemy.exc import DBAPIError

from airflow_triggers.errors import SchemaOutdated, UnsupportedDatabase
from airflow_triggers.storages import bulk_tables

log = logging.getLogger(__name__)

VERSION_TABLE = "triggers_alembic_version"
HEAD_REVISION = "0006"

_HERE = Path(__file__).parent


SUPPORTED_DIALECTS = frozenset({"postgresql", "sqlite"})


class TriggersDBManager(BaseDBManager):
    """Airflow's manager of our tables (see ``airflow.utils.db_manager.BaseDBManager``).

    On an unsupported database it logs one sentence and changes nothing. It raises nothing there, because Airflow's own
    migration calls it in the middle and has more to do afterwards.
    """

    metadata = bulk_tables.bulk_act.metadata
    version_table_name = VERSION_TABLE
    migration_dir = str(_HERE / "migrations")
    alembic_file = str(_HERE / "alembic.ini")
    supports_table_dropping = True
    revision_heads_map = {"0.1.0": HEAD_REVISION}  # noqa: RUF012 - Airflow declares it as it is

    def initdb(self, use_migration_files: bool = False) -> None:
        """Make the tables, or upgrade them."""
        if self._is_supported():
            self._airflows.initdb(use_migration_files=use_migration_files)

    def upgradedb(
        self,
        to_revision: str | None = None,
        from_revision: str | None = None,
        show_sql_only: bool = False,
        use_migration_files: bool = False,
    ) -> None:
        """Upgrade the tables; make them where there are none."""
        if self._is_supported():
            self._airflows.upgradedb(to_revision, from_revision, show_sql_only, use_migration_files)

    def check_migration(self) -> bool:
        """Whether there is nothing to migrate. True on an unsupported database, which has none of our tables."""
        return not is_supported(self._dialect) or bool(self._airflows.check_migration())

    @property
    def _airflows(self) -> Any:
        """Airflow's own methods for every DB manager; without types."""
        return super()

    @property
    def _dialect(self) -> Any:
        return self.session.get_bind().dialect

    def _is_supported(self) -> bool:
        try:
            refuse_unsupported(self._dialect)
        except UnsupportedDatabase as error:
            log.error("%s", error)
            return False
        return True


def is_supported(dialect: Dialect) -> bool:
    """Whether our tables can be in a database of this dialect."""
    return dialect.name in SUPPORTED_DIALECTS


def refuse_unsupported(dialect: Dialect) -> None:
    """:raises UnsupportedDatabase: when our tables cannot be in a database of this dialect."""
    if not is_supported(dialect):
        raise UnsupportedDatabase(dialect.name)


def check_schema(connection: Connection) -> None:
    """Make sure the database holds the tables of this version.

    :raises UnsupportedDatabase: when it is neither SQLite nor PostgreSQL.
    :raises SchemaOutdated: when the tables are missing, older or newer; it names ``airflow db migrate``.
    """
    refuse_unsupported(connection.dialect)
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
