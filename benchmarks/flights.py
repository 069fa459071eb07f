"""Any number of DAG runs in flight: one started by the product, and copies of it.

Neighbours: ``controllers.py`` and ``schedulers.py`` watch them; ``building.py`` copies rows.
"""

from __future__ import annotations

from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance

from airflow_triggers.controller.loop import Controller
from airflow_triggers.sessions.opening import create_session
from airflow_triggers.storages import tables
from benchmarks.building import bulk, multiply, multiply_sessions
from benchmarks.database import MetadataDatabase
from tests.support.dags import deploy_configuration

DAG_ID = "bench.t_go"
UID = "order"


def runs_in_flight(database: MetadataDatabase, count: int, *, task_state: str = "running") -> None:
    """Give the entered database ``count`` sessions, each with a run in flight; the controller watches these runs.

    :param task_state: the state of each run's only task.
    """
    deploy_configuration("bench", t_go={"after": ["go"], "andEvery": "go"}, t_next={"after": ["never"]})
    manager, _ = create_session(UID, configuration="bench")
    manager.fire("go", {"page": 1})
    database.execute("UPDATE dag_run SET state = 'running', start_date = now()")
    database.execute(
        "UPDATE task_instance SET state = :state, start_date = now(), last_heartbeat_at = now()",
        {"state": task_state},
    )
    Controller().run_once()
    add_runs(database, count - 1)
    database.tidy()


def add_runs(database: MetadataDatabase, count: int) -> None:
    """Copy the first session, its run included."""
    (session_id,) = database.execute("SELECT id FROM triggers_session WHERE uid = :uid", {"uid": UID})
    multiply_sessions(database, UID, count=count)
    of_first = f"it.run_id = (SELECT run_id FROM triggers_run WHERE session_id = {session_id})"
    run_id = {"run_id": "it.run_id || '-' || n"}
    with bulk(database) as connection:
        new_id = {"id": "nextval('dag_run_id_seq')"}
        multiply(connection, DagRun.__table__, where=of_first, count=count, replacing=run_id | new_id)
        unique = {"id": "gen_random_uuid()"}
        multiply(connection, TaskInstance.__table__, where=of_first, count=count, replacing=run_id | unique)
        owner = {"session_id": f"{session_id} + n"}
        multiply(connection, tables.run, where=of_first, count=count, replacing=run_id | owner)
