"""Reads the pending hooks of a session in Airflow's database, and lets their waiting time pass."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select, update

from airflow_triggers.storages import tables
from airflow_triggers.storages.transaction import transaction


def promised_hooks(storage):
    """The session's pending hooks, in order, with the number of tries of each."""
    owed = select(tables.hook.c.hook, tables.hook.c.attempts).join(tables.session)
    own = owed.where(tables.session.c.uid == storage.uid).order_by(tables.hook.c.id)
    with transaction() as session:
        return [(row.hook, row.attempts) for row in session.execute(own)]


def let_fall_due():
    """Let the waiting time of pending hooks, pending runs and back-offs pass."""
    now = datetime.now(UTC)
    with transaction() as session:
        session.execute(update(tables.hook).values(due=now))
        session.execute(update(tables.run).where(tables.run.c.retry_at.is_not(None)).values(retry_at=now))
