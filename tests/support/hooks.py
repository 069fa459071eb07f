"""Looks at the hooks that a session in Airflow's database still owes, and lets the time go by that they wait."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select, update

from airflow_triggers.storages import tables
from airflow_triggers.storages.transaction import transaction


def promised_hooks(storage):
    """The session's hooks that are still to be called, in order, and how often each was tried."""
    owed = select(tables.hook.c.hook, tables.hook.c.attempts).join(tables.session)
    own = owed.where(tables.session.c.uid == storage.uid).order_by(tables.hook.c.id)
    with transaction() as session:
        return [(row.hook, row.attempts) for row in session.execute(own)]


def let_fall_due():
    """The time goes by that a promised hook, a promised run and a back-off are waited with."""
    now = datetime.now(UTC)
    with transaction() as session:
        session.execute(update(tables.hook).values(due=now))
        session.execute(update(tables.run).where(tables.run.c.retry_at.is_not(None)).values(retry_at=now))
