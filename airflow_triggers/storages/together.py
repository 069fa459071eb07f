"""The locks of several sessions in one transaction, for fires that come many at a time.

Neighbours: ``sql.py`` keeps one session and holds its lock alone; ``sessions/batches.py`` fires into the sessions held
here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row

from airflow_triggers.storages import statements, tables
from airflow_triggers.storages.base import BaseStorageBackend
from airflow_triggers.storages.lock import Followers
from airflow_triggers.storages.lock_waits import first_statement
from airflow_triggers.storages.transaction import Transaction, dialect_name, driver_transaction


@contextmanager
def hold_together(
    storages: Sequence[BaseStorageBackend], *, fires: int, wait: bool = False
) -> Iterator[list[BaseStorageBackend]]:
    """Hold the locks of the free ones among the sessions. All writes are committed as one, or undone as one.

    A session being written by another process is left out, and not waited for. So two holders of several sessions never
    wait for each other. SQLite cannot tell: there, all of them wait for any writer.

    :param storages: the storages of sessions in Airflow's database.
    :param fires: how many fires are to be recorded.
    :param wait: wait for the lock after all; only for one session.
    :returns: the storages of the held sessions.
    :raises LockTimeout: when a lock was not free in time although this call waited for it.
    """
    commits: list[tuple[BaseStorageBackend, Followers]] = []
    try:
        with driver_transaction() as open_transaction, ExitStack() as stack:
            session_rows = _locked_rows(open_transaction, [storage.uid for storage in storages], wait=wait)
            open_transaction.note_locks()
            open_transaction.expect(tables.fire, fires)
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
    lock = statements.lock_sessions(dialect_name(), wait=wait)
    parameters = {"uids": uids, "moment": datetime.now(UTC)}
    session_rows = first_statement(
        open_transaction, lambda: open_transaction.connection.execute(lock, parameters)
    )
    return {row.uid: row for row in session_rows}
