"""Looks at the hooks that a session in Airflow's database still owes."""

from __future__ import annotations

from sqlalchemy import select

from airflow_triggers.storages import tables
from airflow_triggers.storages.transaction import transaction


def promised_hooks(storage):
    """The session's hooks that are still to be called, in order, and how often each was tried."""
    owed = select(tables.hook.c.hook, tables.hook.c.attempts).join(tables.session)
    own = owed.where(tables.session.c.uid == storage.uid).order_by(tables.hook.c.id)
    with transaction() as session:
        return [(row.hook, row.attempts) for row in session.execute(own)]
