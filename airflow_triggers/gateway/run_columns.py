"""Airflow's columns to compare with ours, and what a run's only task tells before the run does.

Neighbours: ``runs.py`` looks at single runs with them, ``controller/observe.py`` at many.
"""

from __future__ import annotations

from datetime import datetime

from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.utils.state import DagRunState
from sqlalchemy import ColumnElement, and_, case, false, func

from airflow_triggers.domain.names import COMPILED_TASK_ID


class DagRunColumns:
    """Airflow's columns that the controller compares with ours."""

    table = DagRun.__table__
    id = table.c.id
    dag_id = table.c.dag_id
    run_id = table.c.run_id
    state = table.c.state
    clear_number = table.c.clear_number

    @classmethod
    def is_as_seen(
        cls, seen_state: ColumnElement[str], seen_clear_number: ColumnElement[int]
    ) -> ColumnElement[bool]:
        """Whether the run itself is in the state last seen."""
        return and_(cls.state == seen_state, cls.clear_number == seen_clear_number)


class OnlyTask:
    """The only task instance of a compiled DAG's run, to be joined to the run.

    When it has succeeded, its run soon succeeds: the scheduler closes the run up to a second later. Two things can come
    in between: somebody clears the run, or it times out. Either counts as an outcome after this one.
    """

    table = TaskInstance.__table__.alias("only_task")
    state = table.c.state

    @classmethod
    def of(cls, dag_id: ColumnElement[str], run_id: ColumnElement[str]) -> ColumnElement[bool]:
        """The condition of the join: the full key only.

        With a condition on state, the planner would choose the slower state index.
        """
        columns = cls.table.c
        of_run = (columns.dag_id == dag_id, columns.run_id == run_id)
        return and_(*of_run, columns.task_id == COMPILED_TASK_ID, columns.map_index == -1)

    @classmethod
    def is_early(cls, is_compiled: ColumnElement[bool]) -> ColumnElement[bool]:
        """Whether the task has succeeded, and its run does not say so yet."""
        has_succeeded = func.coalesce(cls.state == "success", false())
        return and_(is_compiled, DagRunColumns.state == "running", has_succeeded)

    @classmethod
    def run_state(cls, is_compiled: ColumnElement[bool]) -> ColumnElement[str]:
        """The state of the run; ``success`` as soon as its only task has succeeded."""
        return case((cls.is_early(is_compiled), "success"), else_=DagRunColumns.state)


def moment_of_state(is_compiled: ColumnElement[bool]) -> ColumnElement[datetime]:
    """When the run, or its only task, came into its present state."""
    run = DagRunColumns.table.c
    return case(
        (OnlyTask.is_early(is_compiled), OnlyTask.table.c.end_date),
        (run.state == DagRunState.QUEUED.value, run.queued_at),
        (run.state == DagRunState.RUNNING.value, run.start_date),
        else_=run.end_date,
    )
