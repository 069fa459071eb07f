"""Reads when the work of a DAG run began and ended, for metrics.

Neighbours: ``runs.py`` reads what the controller decides by; ``controller/measures.py`` asks if metrics are on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, case, func, literal, select
from sqlalchemy.orm import Session

from airflow_triggers.gateway.run_columns import DagRunColumns, OnlyTask


@dataclass(frozen=True, kw_only=True)
class RunMoments:
    """When a run's work began and ended.

    :param started_at: when a compiled DAG's task began, or when another DAG's run did. None: it has not begun.
    :param ended_at: likewise its end; for a task tried again, the end of its last try.
    :param again: whether the run was cleared: then its start does not answer the fire.
    """

    started_at: datetime | None
    ended_at: datetime | None
    again: bool


def read_moments(session: Session, dag_id: str, run_id: str, *, is_compiled: bool) -> RunMoments | None:
    """The moments of the run; None when there is none (any more)."""
    run, task, tells = DagRunColumns, OnlyTask.table.c, literal(is_compiled)

    def of_task(moment: str) -> ColumnElement[datetime]:
        run_moment = run.table.c[moment]
        return case((tells, func.coalesce(task[moment], run_moment)), else_=run_moment).label(moment)

    query = (
        select(of_task("start_date"), of_task("end_date"), run.clear_number)
        .outerjoin_from(run.table, OnlyTask.table, OnlyTask.of(run.dag_id, run.run_id))
        .where(run.dag_id == dag_id, run.run_id == run_id)
    )
    row = session.execute(query).one_or_none()
    if row is None:
        return None
    return RunMoments(started_at=row.start_date, ended_at=row.end_date, again=row.clear_number > 0)
