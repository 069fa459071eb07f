"""Which DAG run executes which instance: the rows of ``triggers_run``.

Neighbours: ``airflow.py`` and ``promises.py`` write them, the controller compares them with Airflow's runs.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, delete, insert, or_, select, update
from sqlalchemy.orm import Session

from airflow_triggers.domain.instances import TaskInstance
from airflow_triggers.domain.metadata import SEEN_RUN
from airflow_triggers.domain.names import RunKind, run_kind
from airflow_triggers.domain.runs import SeenRun
from airflow_triggers.gateway import NewRun
from airflow_triggers.storages import tables
from airflow_triggers.storages.base import BaseStorageBackend

_COLUMNS = tables.run.c
_BIND = insert(tables.run)


def bind(
    session: Session,
    new: NewRun,
    session_id: int,
    instance: TaskInstance,
    *,
    attempt: int,
    seen_run: SeenRun,
    **columns: Any,
) -> None:
    """Remember the run of an instance.

    :param columns: other columns; a run is watched unless they say otherwise.
    """
    values = {
        "dag_id": new.dag_id,
        "run_id": new.run_id,
        "session_id": session_id,
        "task_name": instance.task.name,
        "number": instance.number,
        "attempt": attempt,
        "compiled": run_kind(instance.task.run) is not RunKind.DAG,
        "seen_state": seen_run.state,
        "seen_clear_number": seen_run.clear_number,
        "watched": True,
    }
    session.connection().execute(_BIND, values | columns)


def unbind(session: Session, session_id: int, instance: TaskInstance) -> int:
    """Forget the run of an instance, if it has one; returns the number of its next one."""
    removal = delete(tables.run).where(
        _COLUMNS.session_id == session_id,
        _COLUMNS.task_name == instance.task.name,
        _COLUMNS.number == instance.number,
    )
    earlier = session.scalar(removal.returning(_COLUMNS.attempt))
    return 0 if earlier is None else int(earlier) + 1


def find(session: Session, storage: BaseStorageBackend, instance: TaskInstance) -> Any:
    """The row of an instance; None when it has no run."""
    owner = select(tables.session.c.id).where(tables.session.c.uid == storage.uid).scalar_subquery()
    query = select(tables.run).where(
        _COLUMNS.session_id == owner,
        _COLUMNS.task_name == instance.task.name,
        _COLUMNS.number == instance.number,
    )
    return session.execute(query).one_or_none()


def seen_of(instance: TaskInstance, binding: Any) -> SeenRun:
    """The run as it was last seen: what is kept with the session counts, where it is kept elsewhere than the row."""
    record = instance.metadata.get(SEEN_RUN)
    if record is not None and record["run_id"] == binding.run_id:
        return SeenRun(record["state"], record["clear_number"])
    return SeenRun(binding.seen_state, binding.seen_clear_number)


def note_seen(session: Session, binding: Any, seen_run: SeenRun | None, *, is_watched: bool = False) -> None:
    """Remember what a run was seen to be, or made by us; and stop watching it unless it is still to be heard."""
    run = seen_run or SeenRun(binding.seen_state, binding.seen_clear_number)
    session.execute(
        update(tables.run)
        .where(*by_key(binding.dag_id, binding.run_id))
        .values(seen_state=run.state, seen_clear_number=run.clear_number, watched=is_watched)
    )


def watch(session: Session, dag_id: str, run_id: str, now: SeenRun) -> None:
    """Have the next pass look at a settled run, unless it is as it was last seen, or nobody's.

    :param now: the run as it is now.
    """
    differs = or_(_COLUMNS.seen_state != now.state, _COLUMNS.seen_clear_number != now.clear_number)
    is_settled = (~_COLUMNS.watched, _COLUMNS.promised.is_(None), differs)
    session.execute(update(tables.run).where(*by_key(dag_id, run_id), *is_settled).values(watched=True))


def by_key(dag_id: str, run_id: str) -> tuple[ColumnElement[bool], ...]:
    """Conditions for the row of a run."""
    return _COLUMNS.dag_id == dag_id, _COLUMNS.run_id == run_id
