"""FireTriggerOperator and the hook with a connection, in runs of Airflow's own task runner."""

from __future__ import annotations

import pytest
from airflow.api_fastapi.app import purge_cached_app
from airflow.models.asset import AssetEvent
from airflow.models.taskinstance import TaskInstance
from airflow.sdk import DAG, BaseOperator, task
from airflow.utils.session import create_session as airflow_session
from sqlalchemy import select

from airflow_triggers import FireTriggerOperator, TriggersHook
from airflow_triggers.operators.assets import any_trigger_asset
from airflow_triggers.sessions.describing import fires_of
from tests.support.dags import deploy
from tests.support.rest_connection import connect

FIRE = {
    "trigger": "firstPage",
    "session_uid": "order-1",
    "configuration": "survey",
    "conn_id": "shop",
}


@pytest.fixture
def api(survey, monkeypatch):
    connect(monkeypatch)
    yield
    purge_cached_app()


def ran(dag):
    """Run the DAG's tasks as Airflow does; returns their states."""
    deploy(dag)
    dag.test()
    with airflow_session() as session:
        assert session.scalars(select(AssetEvent)).all() == []
        rows = session.scalars(select(TaskInstance).where(TaskInstance.dag_id == dag.dag_id))
        return [str(row.state) for row in rows]


def fired():
    return [fire.kwargs for fire in reversed(fires_of("order-1"))]


def test_a_fire_over_a_connection_is_carried_out_at_once_and_answers(api):
    answers = []

    @task
    def read(answer):
        answers.append(answer)

    with DAG("etl", schedule=None) as dag:
        read(FireTriggerOperator(task_id="tell", trigger_kwargs={"n": "{{ 1 + 1 }}"}, **FIRE).output)

    assert ran(dag) == ["success", "success"]
    assert fired() == [{"n": "2"}]
    (answer,) = answers
    assert (answer["scheduled"], answer["repeated"]) == (["t_import#0"], False)


def test_a_task_that_is_tried_again_after_it_fired_counts_once(api, monkeypatch):
    execute = FireTriggerOperator.execute
    lost_answers = [ConnectionError("the answer is lost")]

    def execute_and_lose(operator, context):
        answer = execute(operator, context)
        if lost_answers:
            raise lost_answers.pop()
        return answer

    monkeypatch.setattr(FireTriggerOperator, "execute", execute_and_lose)
    with DAG("etl", schedule=None) as dag:
        FireTriggerOperator(task_id="tell", retries=1, retry_delay=0, trigger_kwargs={"n": 1}, **FIRE)

    assert ran(dag) == ["success"]
    assert fired() == [{"n": 1}]


def test_mapped_tasks_fire_once_each_over_a_connection_that_they_may_choose(api):
    elements = [{"trigger_kwargs": {"n": n}, "conn_id": "shop"} for n in range(2)]
    names = {key: value for key, value in FIRE.items() if key != "conn_id"}
    with DAG("etl", schedule=None) as dag:
        FireTriggerOperator.partial(task_id="each", **names).expand_kwargs(elements)

    assert ran(dag) == ["success", "success"]
    assert sorted(kwargs["n"] for kwargs in fired()) == [0, 1]


def test_a_task_fires_with_the_hook_and_a_key_of_its_own(api):
    @task
    def tell():
        with TriggersHook("shop").get_conn() as client:
            for _ in range(2):
                client.fire(
                    "order-1",
                    "firstPage",
                    configuration="survey",
                    idempotency_key=TriggersHook.idempotency_key("first"),
                )

    with DAG("etl", schedule=None) as dag:
        tell()

    assert ran(dag) == ["success"]
    assert len(fired()) == 1


def test_the_hook_tells_airflows_pages_whether_the_deployment_answers(api, monkeypatch):
    assert TriggersHook().test_connection() == (
        True,
        "The API of airflow-triggers answers, and accepts the credentials.",
    )
    connect(monkeypatch, away=[403])
    assert TriggersHook().test_connection() == (False, "Away.")


def test_a_connection_takes_the_place_of_the_asset():
    outlets = [any_trigger_asset()]
    with DAG("etl", schedule=None):
        operator: BaseOperator = FireTriggerOperator(task_id="tell", outlets=outlets, **FIRE)
        mapped = FireTriggerOperator.partial(task_id="each", **FIRE).expand(trigger_kwargs=[{}])

    assert (operator.outlets, mapped.partial_kwargs["outlets"]) == ([], [])
