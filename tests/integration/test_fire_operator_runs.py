"""FireTriggerOperator in runs of Airflow's own task runner: what its parameters give is what is fired."""

from __future__ import annotations

import pytest
from airflow.models.asset import AssetEvent
from airflow.models.taskinstance import TaskInstance
from airflow.sdk import DAG, task
from airflow.utils.session import create_session as airflow_session
from sqlalchemy import select

from airflow_triggers import FireTriggerOperator
from airflow_triggers.sessions.describing import fires_of
from tests.support.dags import deploy

FIRE = {"trigger": "firstPage", "session_uid": "order-1", "configuration": "survey"}


def ran(dag):
    """Run the DAG's tasks as Airflow does; returns their states, those of mapped ones as ``task_id[index]``."""
    deploy(dag)
    dag.test()
    with airflow_session() as session:
        return {
            it.task_id if it.map_index < 0 else f"{it.task_id}[{it.map_index}]": str(it.state)
            for it in session.scalars(select(TaskInstance).where(TaskInstance.dag_id == dag.dag_id))
        }


def fired(uid="order-1"):
    """The kwargs of each task's fires, by the task that fired."""
    by_task: dict[str, list[dict]] = {}
    for fire in reversed(fires_of(uid)):
        by_task.setdefault(fire.fired_by.split(" ")[1], []).append(dict(fire.kwargs))
    return by_task


@task
def fetch():
    return {"b": 1, "text": "ü"}


@task
def find_nothing():
    return None


@task
def elements():
    return [{"session_uid": "order-1", "trigger_kwargs": {"n": n}} for n in range(2)]


def test_the_output_of_a_task_is_fired(survey, controller):
    with DAG("etl", schedule=None) as dag:
        output = fetch()
        FireTriggerOperator(task_id="output", trigger_kwargs=output, **FIRE)
        FireTriggerOperator(task_id="within", trigger_kwargs={"rows": output, "n": "{{ 1 + 1 }}"}, **FIRE)
        text = FireTriggerOperator(
            task_id="text",
            trigger_kwargs="{{ ti.xcom_pull(task_ids='fetch') | tojson }}",
            **{**FIRE, "session_uid": "{{ 'order' }}-1"},
        )
        output >> text
        FireTriggerOperator.partial(task_id="mapped", **FIRE).expand(trigger_kwargs=[{"n": 1}, {"n": 2}])
        each = FireTriggerOperator.partial(task_id="each", trigger="firstPage", configuration="survey")
        each.expand_kwargs(elements())
    assert set(ran(dag).values()) == {"success"}
    assert controller.run_once() == 7
    assert fired() == {
        "output": [{"b": 1, "text": "ü"}],
        "within": [{"rows": {"b": 1, "text": "ü"}, "n": "2"}],
        "text": [{"b": 1, "text": "ü"}],
        "mapped[0]": [{"n": 1}],
        "mapped[1]": [{"n": 2}],
        "each[0]": [{"n": 0}],
        "each[1]": [{"n": 1}],
    }


def test_a_native_template_is_fired(survey, controller):
    with DAG("etl", schedule=None, render_template_as_native_obj=True) as dag:
        output = fetch()
        template = "{{ ti.xcom_pull(task_ids='fetch') }}"
        output >> FireTriggerOperator(task_id="native", trigger_kwargs=template, **FIRE)
    assert set(ran(dag).values()) == {"success"}
    assert controller.run_once() == 1
    assert fired() == {"native": [{"b": 1, "text": "ü"}]}


@pytest.mark.parametrize("name", FireTriggerOperator.template_fields)
def test_a_task_whose_parameter_finds_nothing_fails_and_fires_nothing(sqlite_airflow_db, name):
    others = {key: value for key, value in FIRE.items() if key != name}
    with DAG("etl", schedule=None) as dag:
        nothing = find_nothing()
        FireTriggerOperator(task_id="output", **others, **{name: nothing})
        FireTriggerOperator(
            task_id="template", **others, **{name: "{{ ti.xcom_pull(task_ids='find_nothing') }}"}
        )
        FireTriggerOperator.partial(task_id="mapped", **others).expand(**{name: [None]})
        nothing >> [dag.get_task("template"), dag.get_task("mapped")]
    states = ran(dag)
    assert states.pop("find_nothing") == "success"
    assert states == {"output": "failed", "template": "failed", "mapped[0]": "failed"}
    with airflow_session() as session:
        assert session.scalars(select(AssetEvent)).all() == []
