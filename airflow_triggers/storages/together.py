"""The locks of several sessions in one transaction, for fires that come many at a time.

Neighbours: ``sql.py`` keeps one session and holds its lock alone; ``sessions/batches.py`` fires into those that are
held here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, select, update

from airflow_triggers.storages import tables
from airflow_triggers.storages.base import BaseStorageBackend
from airflow_triggers.storages.lock import Followers
from airflow_triggers.storages.transaction import (
    Transaction,
    dialect_name,
    driver_transaction,
    first_statement,
    is_sqlite,
    patience,
)


@contextmanager
def hold_together(
    storages: Sequence[BaseStorageBackend], *, wait: bool = False
) -> Iterator[list[BaseStorageBackend]]:
    """Hold the locks of those of the sessions that are free; what is written is kept as one, or undone as one.

    A session that another process is writing is left out, and not waited for: so two who hold several sessions each
    never wait for each other. SQLite cannot tell: there, all of them wait for whoever writes anything.

    :param storages: of sessions in Airflow's database.
    :param wait: wait for the lock after all; only for one session.
    :returns: those that are held.
    :raises LockTimeout: when a lock that is waited for was not free in time.
    """
    commits: list[tuple[BaseStorageBackend, Followers]] = []
    try:
        with driver_transaction() as open_transaction, ExitStack() as stack:
            session_rows = _locked_rows(open_transaction, [storage.uid for storage in storages], wait=wait)
            held_storages = [
                storage
                for storage in storages
                if storage.uid in session_rows and session_rows[storage.uid].storage == storage.name
            ]
            for storage in held_storages:
                followers = Followers()
                stack.enter_context(storage.joined(open_transaction, session_rows[storage.uid], followers))
                commits.append((storage, followers))
            yield held_storages
    except BaseException:
        for _, followers in commits:
            followers.abandon()
        raise
    for storage, followers in commits:
        storage.follow(followers)


def _locked_rows(open_transaction: Transaction, uids: list[str], *, wait: bool) -> Mapping[str, Row[Any]]:
    columns = tables.session.c
    lock = (
        update(tables.session)
        .values(version=columns.version + 1, last_modified=datetime.now(UTC))
        .returning(columns.id, columns.uid, columns.manager, columns.configuration_hash, columns.storage)
    )
    if wait or is_sqlite():
        lock = lock.where(columns.uid.in_(uids), *patience(dialect_name()))
    else:
        free = (
            select(columns.id).where(columns.uid.in_(uids)).with_for_update(skip_locked=True, key_share=True)
        )
        lock = lock.where(columns.id == free.cte("free").c.id, *patience(dialect_name()))
    return {
        row.uid: row
        for row in first_statement(open_transaction, lambda: open_transaction.connection.execute(lock))
    }
