"""The database's errors, as ours: with what to do.

Neighbours: ``transaction.py`` translates what a transaction raises; ``airflow_triggers/errors.py`` has our errors.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from airflow_triggers.errors import DatabaseFailed, LockTimeout, SchemaOutdated, StorageError
from airflow_triggers.sentences import sentence
from airflow_triggers.storages.lock_waits import LOCK_TIMEOUT, is_busy

LOCK_NOT_AVAILABLE = "55P03"
"""PostgreSQL's SQLSTATE when a lock was not free in time."""

FAILURES = (OperationalError, InterfaceError, InternalError)
"""Faults of the database or its connection: away, full, read-only (for PostgreSQL an internal error), or cut off."""


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn the database's errors into ours, chained, where we can say what to do. The others pass."""
    try:
        yield
    except PoolTimeout as error:
        raise LockTimeout(
            "No connection to the database was free in time; nothing was changed. Try again, or raise Airflow's "
            "[database] sql_alchemy_pool_size."
        ) from error
    except DBAPIError as error:
        storage_error = storage_error_for(error)
        if storage_error is None and isinstance(error, FAILURES):
            storage_error = DatabaseFailed(
                sentence("The database failed", message_of(error))
                + " Nothing was changed. Try again; if it stays so, see that the database can be reached and written, "
                "and that its disk is not full."
            )
        if storage_error is None:
            raise
        raise storage_error from error


def storage_error_for(error: DBAPIError) -> StorageError | None:
    """Our error where we know more than the database says; None otherwise."""
    if getattr(error.orig, "pgcode", None) == LOCK_NOT_AVAILABLE:
        return LockTimeout(
            f"Another process held the session, or a DAG run of it, for more than {LOCK_TIMEOUT:.0f} seconds; "
            "nothing was changed. Try again."
        )
    if _lacks_tables(error):
        return SchemaOutdated(
            "The tables of airflow-triggers are missing from Airflow's metadata database. "
            "Run 'airflow db migrate', then start again."
        )
    if isinstance(error, OperationalError) and is_busy(error):
        return LockTimeout("The database is locked by another writer; nothing was changed. Try again.")
    return None


def _lacks_tables(error: DBAPIError) -> bool:
    message = str(error.orig)
    return "no such table: triggers_" in message or (
        'relation "triggers_' in message and "does not exist" in message
    )


def message_of(error: DBAPIError) -> str:
    """The database's own words, on one line."""
    return " ".join(str(error.orig).split())
