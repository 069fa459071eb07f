"""The session ``order-1`` of the integration tests' survey, its failed import, and plain DAGs run for it."""

from __future__ import annotations

from airflow_triggers.sessions.describing import describe_session
from airflow_triggers.sessions.opening import create_session, fire_into, open_session
from tests.support.dags import dag, deploy, play


def view(name, uid="order-1"):
    return next(one for one in describe_session(uid).instances if one.instance.name == name)


def statuses(uid="order-1"):
    return {one.instance.name: one.instance.status.value for one in describe_session(uid).instances}


def failed_import(controller):
    fire_into("order-1", "firstPage", {"n": 1}, configuration="survey")
    play(view("t_import#0"), "failed")
    controller.run_once()
    return open_session("order-1")


def plain_dags(*task_ids):
    """Fire ``x`` into ``order-1``: it runs the DAG ``etl`` with these tasks, and after it another DAG."""
    deploy(dag("etl", *task_ids), dag("after_etl"))
    create_session(
        "order-1",
        configuration={
            "t_etl": {"after": ["x"], "run": "etl", "airflow": {"result_task_id": "run"}},
            "t_next": {"after": ["t_etl"], "run": "after_etl"},
        },
    )
    fire_into("order-1", "x")
