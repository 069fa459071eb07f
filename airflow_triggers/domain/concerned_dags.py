"""The DAGs that a right on a session, or on an instance of it, is asked for. Pure.

``docs/rights.md`` has the rules in sentences. Neighbours: ``api/permissions.py`` asks Airflow's auth manager about
these DAGs.
"""

from __future__ import annotations

from dataclasses import replace

from airflow_triggers.domain.configuration import Configuration
from airflow_triggers.domain.names import dag_ids_of

EVERY_DAG = "~"
"""Stands for the DAG of a task without one. No DAG can have this id, therefore only a right on all DAGs covers it.

A question without a DAG id would not do: FAB's auth manager says yes to every user who may read any DAG.
"""


def dag_id_of_each_task(configuration: Configuration) -> dict[str, str]:
    """The DAG of each task, by task name; :data:`EVERY_DAG` for a task without a DAG."""
    return {
        task: EVERY_DAG if dag_id is None else dag_id for task, dag_id in dag_ids_of(configuration).items()
    }


def dag_ids_concerned_by(configuration: Configuration, trigger_name: str) -> frozenset[str]:
    """The DAGs of all tasks that use the trigger; none when no task does."""
    dag_ids = dag_id_of_each_task(configuration)
    return frozenset(dag_ids[task.name] for task in configuration.concerned_by(trigger_name))


def dag_ids_of_session(configuration: Configuration) -> frozenset[str]:
    """The DAGs of the configuration; :data:`EVERY_DAG` when it has no tasks."""
    return frozenset(dag_id_of_each_task(configuration).values()) or frozenset({EVERY_DAG})


def dag_ids_to_read(configuration: Configuration) -> frozenset[str]:
    """The DAGs of the configuration, and former ones: the session may have runs from before its tasks changed DAGs."""
    former_dag_ids = {EVERY_DAG if dag_id is None else dag_id for dag_id in configuration.former_dag_ids}
    return dag_ids_of_session(configuration) | former_dag_ids


def dag_ids_of_instance(
    configuration: Configuration, task_name: str, run_dag_id: str | None
) -> frozenset[str]:
    """The DAG of the instance's run, and the DAG of its task now: an update may have changed it.

    When the configuration lacks the task (its row cannot be read), it may be any of the DAGs.

    :param run_dag_id: None when the instance has no run.
    """
    of_tasks = dag_id_of_each_task(
        replace(configuration, tasks={**configuration.removed, **configuration.tasks})
    )
    task_dag_ids = {of_tasks[task_name]} if task_name in of_tasks else set(of_tasks.values())
    return frozenset(task_dag_ids if run_dag_id is None else {*task_dag_ids, run_dag_id})
