"""The locks of several sessions in one transaction, for fires that come many at a time.

Neighbours: ``sql.py`` keeps one session and holds its lock alone; ``sessions/batches.py`` fires into the sessions held
here.
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
from airflow_triggers.storages.lock_waits import first_statement, patience
from airflow_triggers.storages.statements import COUNTS_TEXT
from airflow_triggers.storages.transaction import Transaction, dialect_name, driver_transaction, is_sqlite


@contextmanager
def hold_together(
    storages: Sequence[BaseStorageBackend], *, wait: bool = False
) -> Iterator[list[BaseStorageBackend]]:
    """Hold the locks of the free ones among the sessions. All writes are committed as one, or undone as one.

    A session being written by another process is left out, and not waited for. So two holders of several sessions never
    wait for each other. SQLite cannot tell: there, all of them wait for any writer.

    :param storages: the storages of sessions in Airflow's database.
    :param wait: wait for the lock after all; only for one session.
    :returns: the storages of the held sessions.
    :raises LockTimeout: when a lock was not free in time although this call waited for it.
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
        .returning(
            columns.id,
            columns.uid,
            columns.manager,
            columns.configuration_hash,
            columns.storage,
            COUNTS_TEXT,
        )
    )
    if wait or is_sqlite():
        lock = lock.where(columns.uid.in_(uids), *patience(dialect_name()))
    else:
        # FOR NO KEY UPDATE (key_share): an insert of a row with a foreign key to the session must not count as a lock.
        free = (
            select(columns.id).where(columns.uid.in_(uids)).with_for_update(skip_locked=True, key_share=True)
        )
        lock = lock.where(columns.id == free.cte("free").c.id, *patience(dialect_name()))
    return {
        row.uid: row
        for row in first_statement(open_transaction, lambda: open_transaction.connection.execute(lock))
    }
