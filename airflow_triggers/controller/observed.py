"""Remembers what a run was seen to be: in its row, and with a session that is kept elsewhere.

Neighbours: ``loop.py`` and ``unrecorded.py`` have looked at the run; ``runners/bindings.py`` reads what is kept here.
"""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.orm import Session

from airflow_triggers.domain.instances import TaskInstance
from airflow_triggers.domain.metadata import SEEN_RUN
from airflow_triggers.domain.runs import SeenRun
from airflow_triggers.domain.states import with_metadata
from airflow_triggers.runners import bindings
from airflow_triggers.storages import tables
from airflow_triggers.storages.base import BaseStorageBackend


def note(dag_id: str, run_id: str, seen_run: SeenRun, is_watched: bool, session: Session) -> None:
    """Remember the run as it is, and that it could be brought up to date."""
    values = {"seen_state": seen_run.state, "seen_clear_number": seen_run.clear_number, "watched": is_watched}
    no_failures = {"retry_at": None, "failures": 0}
    session.execute(
        update(tables.run).where(*bindings.by_key(dag_id, run_id)).values(**values, **no_failures)
    )


def with_seen(
    storage: BaseStorageBackend, instance: TaskInstance, run_id: str, seen_run: SeenRun
) -> TaskInstance:
    """Keep with the session what was seen of its run: its row is in another store, and may lag behind."""
    record = {"run_id": run_id, "state": seen_run.state, "clear_number": seen_run.clear_number}
    after = with_metadata(instance, {SEEN_RUN: record}, now=storage.now())
    storage.put(instance, after)
    return after
