"""How long a writer waits for another's lock.

Neighbours: ``transaction.py`` has the transactions; ``statements.py`` and ``sql.py`` lock a session's row.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol, TypeVar

from sqlalchemy import ColumnElement, literal_column, select
from sqlalchemy.exc import DBAPIError, OperationalError

from airflow_triggers.errors import LockTimeout

LOCK_TIMEOUT = 30.0
"""Seconds that a writer waits for another's lock before it gives up."""

T = TypeVar("T")


class OpenTransaction(Protocol):
    """A transaction, of ours or of SQLAlchemy's ORM."""

    def rollback(self) -> None:
        """Undo the transaction. Later statements begin a new one."""


def patience(dialect: str) -> list[ColumnElement[bool]]:
    """Conditions for a transaction's first UPDATE: with them PostgreSQL waits no longer than :data:`LOCK_TIMEOUT`.

    They are always true. The subquery does not depend on the rows, so it is evaluated once, before any of them is
    locked. A statement of its own (``SET LOCAL lock_timeout``) would cost each fire a round trip.
    """
    if dialect == "sqlite":
        # SQLite locks the whole database: see first_statement.
        return []
    setting: ColumnElement[str] = literal_column(f"set_config('lock_timeout', '{LOCK_TIMEOUT:.0f}s', true)")
    return [select(setting).scalar_subquery().is_not(None)]


def first_statement(open_transaction: OpenTransaction, execute: Callable[[], T]) -> T:
    """Run a transaction's first write. It waits while another process holds SQLite's write lock.

    :raises LockTimeout: after :data:`LOCK_TIMEOUT` seconds.
    """
    deadline = time.monotonic() + LOCK_TIMEOUT
    while True:
        try:
            return execute()
        except OperationalError as error:
            if not is_busy(error):
                raise
            # Nothing was written yet, so a new start loses nothing. A kept read lock would keep others waiting.
            open_transaction.rollback()
            if time.monotonic() > deadline:
                raise LockTimeout(
                    f"The database was locked by another writer for {LOCK_TIMEOUT:.0f} seconds; nothing was changed. "
                    "Try again, or use PostgreSQL, which locks one session and not the whole database."
                ) from error
            time.sleep(0.01)


def is_busy(error: DBAPIError) -> bool:
    """Whether SQLite says that another connection is writing."""
    return "database is locked" in str(error.orig) or "database table is locked" in str(error.orig)
