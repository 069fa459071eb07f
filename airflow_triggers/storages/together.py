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
from airflow_triggers.storages.base import Followers
from airflow_triggers.storages.sql import SqlStorageBackend
from airflow_triggers.storages.transaction import (
    Transaction,
    begun,
    dialect_name,
    first_statement,
    is_sqlite,
    patience,
)


@contextmanager
def hold_together(
    storages: Sequence[SqlStorageBackend], *, wait: bool = False
) -> Iterator[list[SqlStorageBackend]]:
    """Hold the locks of those of the sessions that are free; what is written is kept as one, or undone as one.

    A session that another process is writing is left out, and not waited for: so two who hold several sessions each
    never wait for each other. SQLite cannot tell: there, all of them wait for whoever writes anything.

    :param wait: wait for the lock after all; only for one session.
    :returns: those that are held.
    :raises LockTimeout: when a lock that is waited for was not free in time.
    """
    committing: list[tuple[SqlStorageBackend, Followers]] = []
    try:
        with begun() as opened, ExitStack() as stack:
            locked = _locked_rows(opened, [storage.uid for storage in storages], wait=wait)
            held = [it for it in storages if it.uid in locked and locked[it.uid].storage == it.name]
            for storage in held:
                followers = Followers()
                stack.enter_context(storage.joined(opened, locked[storage.uid], followers))
                committing.append((storage, followers))
            yield held
    except BaseException:
        for _, followers in committing:
            followers.abandon()
        raise
    for storage, followers in committing:
        storage.follow(followers)


def _locked_rows(opened: Transaction, uids: list[str], *, wait: bool) -> Mapping[str, Row[Any]]:
    own = tables.session.c
    locked = (
        update(tables.session)
        .values(version=own.version + 1, last_modified=datetime.now(UTC))
        .returning(own.id, own.uid, own.manager, own.configuration_hash, own.storage)
    )
    if wait or is_sqlite():
        locked = locked.where(own.uid.in_(uids), *patience(dialect_name()))
    else:
        free = select(own.id).where(own.uid.in_(uids)).with_for_update(skip_locked=True, key_share=True)
        locked = locked.where(own.id == free.cte("free").c.id, *patience(dialect_name()))
    return {row.uid: row for row in first_statement(opened, lambda: opened.connection.execute(locked))}
