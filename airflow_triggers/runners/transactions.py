"""The database transaction of a runner's work on DAG runs: the session's own, or one beside it.

Neighbours: ``airflow.py`` and ``promises.py`` ask; ``storages/transaction.py`` makes transactions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from airflow_triggers.storages.base import BaseStorageBackend
from airflow_triggers.storages.transaction import transaction


@contextmanager
def with_session(storage: BaseStorageBackend) -> Iterator[Session]:
    """The session's own transaction, if it is kept in Airflow's database; otherwise a new one, committed at the end."""
    if storage.in_airflow_database:
        yield storage.airflow_transaction
    else:
        with transaction() as session:
            yield session


def after_saving(storage: BaseStorageBackend, work: Callable[[Session], None]) -> None:
    """Work in the session's own transaction; if it is kept elsewhere, work in a new one after it is saved."""
    if storage.in_airflow_database:
        work(storage.airflow_transaction)
        return

    def follow() -> None:
        with transaction() as session:
            work(session)

    storage.after_release(follow)
