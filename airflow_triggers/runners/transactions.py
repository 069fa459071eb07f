"""In which database transaction a runner works on DAG runs: the session's own, or one beside it.

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
    """What saves the session, where that is Airflow's database; otherwise a transaction of its own, kept at the end."""
    if storage.in_airflow_database:
        yield storage.transaction
    else:
        with transaction() as session:
            yield session


def after_saving(storage: BaseStorageBackend, work: Callable[[Session], None]) -> None:
    """Work in what saves the session; or once it is saved, where it is kept elsewhere."""
    if storage.in_airflow_database:
        work(storage.transaction)
        return

    def follow() -> None:
        with transaction() as session:
            work(session)

    storage.after_release(follow)
