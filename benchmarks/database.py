"""Metadata databases for the benchmarks, on PostgreSQL: one is migrated, the others are copies of it.

Neighbours: ``tests/support/databases.py`` makes and drops them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from tests.support.databases import CONNECTION_VARIABLE, migrate, temporary_postgresql_url


@dataclass
class MetadataDatabase:
    """A migrated metadata database. Airflow in this process uses the one entered last."""

    url: str
    _settings: dict[str, Any] = field(default_factory=dict, repr=False)

    def enter(self) -> MetadataDatabase:
        """Connect Airflow, in this process and its children, to this database; open connections stay open."""
        from airflow import settings

        is_entered = os.environ.get(CONNECTION_VARIABLE) == self.url and settings.engine is not None
        os.environ[CONNECTION_VARIABLE] = self.url
        if not self._settings:
            if not is_entered:
                settings.configure_vars()
                settings.configure_orm()
            names = ("engine", "NonScopedSession", "Session")
            self._settings = {name: getattr(settings, name) for name in names}
        for name, value in self._settings.items():
            setattr(settings, name, value)
        return self

    @property
    def engine(self) -> sa.Engine:
        """Airflow's engine on this database."""
        engine: sa.Engine = self._settings["engine"]
        return engine

    def execute(self, statement: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """Run one statement in a transaction of its own; returns its first row, if it has rows."""
        with self.engine.begin() as connection:
            result = connection.execute(sa.text(statement), parameters or {})
            return result.first() if result.returns_rows else None

    def tidy(self) -> None:
        """VACUUM ANALYZE, as autovacuum does after many writes."""
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")

    def close(self) -> None:
        """Close the connections."""
        if self._settings:
            self._settings["engine"].dispose()


class Databases:
    """Makes databases until the benchmarks end, and drops them then."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._template: str | None = None
        self._count = 0

    def new(self) -> MetadataDatabase:
        """A migrated database without rows, dropped at the end of the benchmarks."""
        return self._stack.enter_context(self.loan())

    def empty(self) -> MetadataDatabase:
        """A database without tables, dropped at the end of the benchmarks."""
        self._count += 1
        return MetadataDatabase(self._stack.enter_context(temporary_postgresql_url(f"_bench{self._count}")))

    @contextmanager
    def loan(self) -> Iterator[MetadataDatabase]:
        """A migrated database without rows, dropped afterwards."""
        if self._template is None:
            url = self._stack.enter_context(temporary_postgresql_url("_bench"))
            migrate(url)
            self._template = sa.make_url(url).database
        self._count += 1
        with temporary_postgresql_url(f"_bench{self._count}", template=self._template) as url:
            database = MetadataDatabase(url)
            try:
                yield database
            finally:
                database.close()
