"""Puts DAGs into the metadata database as the DAG processor does, and plays the scheduler for their runs."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime

from airflow.dag_processing.collection import update_dag_parsing_results_in_db
from airflow.models.dagbundle import DagBundleModel
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, PartitionedAtRuntime
from airflow.serialization.serialized_objects import LazyDeserializedDAG
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState, TaskInstanceState
from sqlalchemy import select

from airflow_triggers.domain.configuration import Configuration
from airflow_triggers.domain.names import MANIFEST_TAG, configuration_tag

BUNDLE = "test-bundle"


def deploy(*dags, bundle=BUNDLE):
    """Serialize the DAGs into the database, as DAGs of this bundle."""
    with create_session() as session:
        if session.get(DagBundleModel, bundle) is None:
            session.add(DagBundleModel(name=bundle))
            session.flush()
        update_dag_parsing_results_in_db(
            bundle, None, [LazyDeserializedDAG.from_dag(dag) for dag in dags], {}, 0.1, set(), session
        )


def dag(dag_id, *task_ids, schedule=None, **options):
    """A usual DAG of empty tasks."""
    with DAG(dag_id, schedule=schedule, start_date=datetime(2026, 1, 1, tzinfo=UTC), **options) as made:
        for task_id in task_ids or ("run",):
            EmptyOperator(task_id=task_id)
    return made


def compiled_dag(name, task_name):
    """A compiled trigger task as the servers see it."""
    return dag(f"{name}.{task_name}", schedule=PartitionedAtRuntime(), tags=[configuration_tag(name)])


def manifest(name, configuration, *, yaml=None):
    """A manifest DAG as the servers see it."""
    with DAG(name, schedule=None, tags=[MANIFEST_TAG, configuration_tag(name)]) as made:
        content = json.dumps(configuration.to_dict())
        EmptyOperator(task_id="configuration", doc_json=content, doc_yaml=yaml)
    return made


def deploy_configuration(name, yaml=None, **tasks):
    """Deploy a configuration of compiled callables: ``t_x={"after": […]}``.

    :param yaml: its file as written.
    """
    directives = {task: {"run": f"module:{task}", **it} for task, it in tasks.items()}
    configuration = Configuration.from_dict({"name": name, "tasks": directives})
    deploy(manifest(name, configuration, yaml=yaml), *(compiled_dag(name, task) for task in tasks))
    return configuration


def run_of(session, view):
    """The DAG run of an instance view."""
    return session.scalar(select(DagRun).where(DagRun.dag_id == view.dag_id, DagRun.run_id == view.run_id))


def play(
    view, state, *, result=None, exception=None, report=None, task_state=None, clear=False, executed=True
):
    """Set the state of the run in Airflow, with the XComs of its task ``run``.

    :param executed: whether the task was executed; otherwise somebody marked the run.
    """
    with create_session() as session:
        run = run_of(session, view)
        run.set_state(DagRunState(state))
        run.clear_number += clear
        task = session.scalar(
            select(TaskInstance).where(TaskInstance.dag_id == view.dag_id, TaskInstance.run_id == view.run_id)
        )
        task.state = TaskInstanceState(task_state or state) if state != "queued" else None
        if executed and state != "queued":
            task.pid, task.start_date = os.getpid(), datetime.now(UTC)
        pushed = {
            "return_value": result,
            "triggers_report": {"exception": exception} if exception else report,
        }
        for key, value in pushed.items():
            if value is not None:
                session.merge(
                    XComModel(
                        dag_run_id=run.id,
                        map_index=-1,
                        task_id="run",
                        key=key,
                        value=value,
                        dag_id=run.dag_id,
                        run_id=run.run_id,
                    )
                )
