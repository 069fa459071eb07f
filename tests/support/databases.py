"""Migrated Airflow metadata databases for tests: one per dialect and test run, emptied before each test.

Neighbours: the fixtures ``airflow_db``, ``sqlite_airflow_db`` and ``postgresql_airflow_db`` of
``tests/conftest.py``. Importing this module imports no Airflow.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine, make_url

from tests.support.environment import IN_CI

Dialect = Literal["sqlite", "postgresql"]

CONNECTION_VARIABLE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
POSTGRES_URL = os.environ.get(
    "TRIGGERS_TEST_POSTGRES_URL", "postgresql+psycopg2://postgres@127.0.0.1:5432/postgres"
)
MIGRATION_DEADLINE = 180

# What ``airflow db migrate`` itself puts into a new database.
KEPT_TABLES = frozenset({"log_template", "slot_pool"})


@dataclass
class AirflowDatabase:
    """A metadata database with Airflow's tables and ours, for this process and its children.

    :param dialect: ``"sqlite"`` or ``"postgresql"``.
    :param url: the SQLAlchemy URL, password included.
    """

    dialect: Dialect
    url: str
    _tables: list[sa.Table] = field(default_factory=list, repr=False)

    @property
    def engine(self) -> Engine:
        """Airflow's own engine, connected to this database."""
        from airflow import settings

        assert settings.engine is not None
        return settings.engine

    def enter(self) -> None:
        """Connect Airflow, in this process and its children, to this database."""
        from airflow import settings

        if os.environ.get(CONNECTION_VARIABLE) == self.url and settings.engine is not None:
            return
        os.environ[CONNECTION_VARIABLE] = self.url
        settings.dispose_orm()
        settings.configure_vars()
        settings.configure_orm()

    def empty(self) -> None:
        """Delete all rows of tests, in Airflow's tables and in ours.

        If a test has forgotten to end a transaction, its lock is an error here and not an endless wait.
        """
        from airflow import settings

        settings.Session.remove()
        if not self._tables:
            self._tables = self._reflected_tables()
        with self.engine.connect() as connection:
            if self.dialect == "sqlite":
                connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
            else:
                connection.exec_driver_sql("SET lock_timeout = '10s'")
            filled = self._filled(connection)
            if self.dialect == "sqlite":
                for table in filled:
                    connection.execute(table.delete())
            elif filled:
                names = ", ".join(connection.dialect.identifier_preparer.format_table(it) for it in filled)
                connection.exec_driver_sql(f"TRUNCATE {names} CASCADE")
            connection.commit()
            # The settings belong to the connection: they end with it.
            connection.invalidate()
        if any(table.name == "team" for table in filled):
            _restore_default_pool()

    def _reflected_tables(self) -> list[sa.Table]:
        names = sa.inspect(self.engine).get_table_names()
        return [
            sa.Table(name, sa.MetaData())
            for name in sorted(names)
            if name not in KEPT_TABLES and "alembic_version" not in name
        ]

    def _filled(self, connection: sa.Connection) -> list[sa.Table]:
        rows = [
            sa.select(sa.literal(number)).where(sa.exists(sa.select(sa.literal(1)).select_from(table)))
            for number, table in enumerate(self._tables)
        ]
        return [self._tables[number] for number in connection.scalars(sa.union_all(*rows))]


def _restore_default_pool() -> None:
    """Pools have a foreign key to teams: PostgreSQL's TRUNCATE of the teams also empties the pools."""
    from airflow.utils.db import add_default_pool_if_not_exists

    add_default_pool_if_not_exists()


def sqlite_database(folder: Path) -> AirflowDatabase:
    """Make a migrated SQLite metadata database in the folder."""
    database = AirflowDatabase("sqlite", f"sqlite:///{folder / 'metadata.db'}")
    migrate(database.url)
    return database


def copy_of(database: AirflowDatabase, path: Path) -> AirflowDatabase:
    """A copy of a SQLite metadata database, at the path."""
    source, target = sqlite3.connect(str(make_url(database.url).database)), sqlite3.connect(path)
    with closing(source), closing(target):
        source.backup(target)
    return AirflowDatabase("sqlite", f"sqlite:///{path}")


@contextmanager
def postgresql_database() -> Iterator[AirflowDatabase]:
    """Make a migrated PostgreSQL metadata database; it is dropped at the end.

    Without a server the test is skipped; in CI it fails.
    """
    with temporary_postgresql_url() as url:
        migrate(url)
        yield AirflowDatabase("postgresql", url)


@contextmanager
def temporary_postgresql_url(suffix: str = "", *, template: str | None = None) -> Iterator[str]:
    """Make a PostgreSQL database of this process; it is dropped at the end.

    :param suffix: tells two databases of one process apart.
    :param template: the database to copy; None: an empty database.
    """
    name = f"airflow_triggers_test_{os.getpid()}{suffix}"
    server = sa.create_engine(POSTGRES_URL, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    try:
        _execute(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    except sa.exc.OperationalError as error:
        _without_postgresql(error)
    copied = f' TEMPLATE "{template}"' if template else ""
    _execute(server, f'CREATE DATABASE "{name}"{copied}')
    try:
        yield make_url(POSTGRES_URL).set(database=name).render_as_string(hide_password=False)
    finally:
        _execute(server, f'DROP DATABASE "{name}" WITH (FORCE)')


def _execute(server: Engine, statement: str) -> None:
    with server.connect() as connection:
        connection.exec_driver_sql(statement)


def _without_postgresql(error: Exception) -> None:
    shown: URL = make_url(POSTGRES_URL)
    said = (
        f"No PostgreSQL at {shown.render_as_string()}: {error}. "
        "Start one, or name another in TRIGGERS_TEST_POSTGRES_URL (postgresql+psycopg2://user:password@host/database)."
    )
    if IN_CI:
        pytest.fail(said, pytrace=False)
    pytest.skip(said)


def migrate(url: str) -> None:
    """Run ``airflow db migrate``, as a user would, on the database."""
    finished = subprocess.run(
        [sys.executable, "-m", "airflow", "db", "migrate"],
        env={**os.environ, CONNECTION_VARIABLE: url},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=MIGRATION_DEADLINE,
        check=False,
    )
    assert finished.returncode == 0, f"airflow db migrate failed:\n{finished.stdout}"
