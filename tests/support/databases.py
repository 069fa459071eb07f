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
from typing import Any, Literal

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.orm import close_all_sessions

from tests.support.environment import IN_CI

Dialect = Literal["sqlite", "postgresql"]

CONNECTION_VARIABLE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
POSTGRES_URL = os.environ.get(
    "TRIGGERS_TEST_POSTGRES_URL", "postgresql+psycopg2://postgres@127.0.0.1:5432/postgres"
)
MIGRATION_DEADLINE = 180

# What ``airflow db migrate`` itself puts into a new database.
KEPT_TABLES = frozenset({"log_template", "slot_pool"})

ORM = ("engine", "Session", "NonScopedSession", "async_engine", "AsyncSession")
"""What ``airflow.settings.configure_orm`` sets."""

_lasting_orms: dict[str, dict[str, Any]] = {}
"""By URL: :data:`ORM` of each lasting database that was entered."""


@dataclass
class AirflowDatabase:
    """A metadata database with Airflow's tables and ours, for this process and its children.

    :param dialect: ``"sqlite"`` or ``"postgresql"``.
    :param url: the SQLAlchemy URL, password included.
    :param is_lasting: whether its engine lasts until :meth:`leave`, though other databases are entered meanwhile. A new
        engine would have to compile all of Airflow's statements again, which takes longer than most tests.
    """

    dialect: Dialect
    url: str
    is_lasting: bool = False
    _tables: list[str] = field(default_factory=list, repr=False)

    @property
    def engine(self) -> Engine:
        """Airflow's own engine, connected to this database."""
        from airflow import settings

        assert settings.engine is not None
        return settings.engine

    def enter(self) -> None:
        """Connect Airflow, in this process and its children, to this database."""
        from airflow import settings

        is_named = os.environ.get(CONNECTION_VARIABLE) == self.url
        # A test may have put back the environment of another database.
        if is_named and settings.engine is not None and settings.engine.url == make_url(self.url):
            return
        _suspend_orm()
        os.environ[CONNECTION_VARIABLE] = self.url
        settings.configure_vars()
        for name, value in _lasting_orms.get(self.url, {}).items():
            setattr(settings, name, value)
        if settings.engine is None:
            settings.configure_orm()
        if self.is_lasting:
            _lasting_orms[self.url] = {name: getattr(settings, name) for name in ORM}

    def leave(self) -> None:
        """Close the connections to this database."""
        from airflow import settings

        self.enter()
        _lasting_orms.pop(self.url, None)
        settings.dispose_orm()

    def empty(self) -> None:
        """Delete all rows of tests, in Airflow's tables and in ours.

        If a test has forgotten to end a transaction, its lock is an error here and not an endless wait.
        """
        from airflow import settings

        from airflow_triggers.sessions.records import recent_records
        from airflow_triggers.storages.kept_connection import kept_connection

        recent_records.clear()
        if (driver := kept_connection.shut()) is not None:
            driver.close()
        settings.Session.remove()
        if not self._tables:
            self._tables = self._tables_in_order()
        with self.engine.begin() as connection:
            if self.dialect == "postgresql":
                connection.exec_driver_sql("SET LOCAL lock_timeout = '10s'")
            # Not TRUNCATE: it makes new files for each table and index, which takes longer than most tests.
            for table in self._filled(connection):
                connection.exec_driver_sql(f"DELETE FROM {table}")

    def forget_deleted_rows(self, *tables: str) -> None:
        """Make the tables and their indexes as small as their rows are: PostgreSQL's plans depend on this."""
        if self.dialect == "postgresql":
            with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                for table in tables:
                    connection.exec_driver_sql(f"VACUUM (FULL, ANALYZE) {table}")

    def _tables_in_order(self) -> list[str]:
        """The names of the tables of tests: those that refer to others come before them."""
        names = [name for name, _ in sa.inspect(self.engine).get_sorted_table_and_fkc_names() if name]
        return [name for name in reversed(names) if name not in KEPT_TABLES and "alembic_version" not in name]

    def _filled(self, connection: sa.Connection) -> list[str]:
        """The names of the tables that have rows, in order."""
        question = " UNION ALL ".join(
            f"SELECT {number} WHERE EXISTS (SELECT 1 FROM {name})" for number, name in enumerate(self._tables)
        )
        return [self._tables[number] for number in sorted(connection.exec_driver_sql(question).scalars())]


def _suspend_orm() -> None:
    """Leave the database that Airflow is connected to. Only the connections to a lasting one stay open."""
    from airflow import settings

    if settings.engine in [orm["engine"] for orm in _lasting_orms.values()]:
        settings.Session.remove()
        close_all_sessions()
        for name in ORM:
            setattr(settings, name, None)
    else:
        settings.dispose_orm()


def _restore_default_pool() -> None:
    """Pools have a foreign key to teams: PostgreSQL's TRUNCATE of the teams also empties the pools."""
    from airflow.utils.db import add_default_pool_if_not_exists

    add_default_pool_if_not_exists()


def sqlite_database(folder: Path) -> AirflowDatabase:
    """Make a migrated SQLite metadata database in the folder."""
    database = AirflowDatabase("sqlite", f"sqlite:///{folder / 'metadata.db'}", is_lasting=True)
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
        yield AirflowDatabase("postgresql", url, is_lasting=True)


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
