"""The buttons on a task instance's page: to its session, and to its instance."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from airflow.api_fastapi.app import purge_cached_app
from airflow.models.dagrun import DagRun
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import BaseOperatorLink
from airflow.utils.session import create_session as airflow_session
from sqlalchemy import select

from airflow_triggers import configuration_dags
from airflow_triggers.domain.names import instance_page, session_page
from airflow_triggers.sessions.opening import fire_into, open_session
from airflow_triggers.task.links import InstanceLink, SessionLink, add_links
from tests.support.airflow_api import airflow_api, client_of
from tests.support.dags import deploy

UID = "order 1"


@pytest.fixture
def client(airflow_db, monkeypatch):
    tasks = {
        "t_pay": {"after": ["paid"], "run": "tests.support.tested.echo"},
        "t_echo": {
            "after": ["paid"],
            "run": {"operator": f"{BashOperator.__module__}.BashOperator", "bash_command": "echo"},
        },
    }
    deploy(*configuration_dags("orders", tasks).values())
    fire_into(UID, "paid", configuration="orders")
    yield client_of(airflow_api(monkeypatch), "ann", role="viewer")
    purge_cached_app()


def links_of(client, task_name):
    dag_id = f"orders.{task_name}"
    with airflow_session() as session:
        run_id = session.scalar(select(DagRun.run_id).where(DagRun.dag_id == dag_id))
    return links_of_run(client, task_name, run_id)


def links_of_run(client, task_name, run_id):
    dag_id = f"orders.{task_name}"
    return client.get(f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/run/links").json()["extra_links"]


def test_a_trigger_task_has_buttons_before_it_has_begun(client):
    assert links_of(client, "t_pay") == {
        "Session": session_page(UID),
        "Instance": instance_page(UID, "t_pay#0"),
    }


def test_an_operator_gets_its_buttons_when_it_has_ended(client):
    assert links_of(client, "t_echo") == {"Session": None, "Instance": None}


def test_a_run_of_before_keeps_its_buttons_when_its_instance_gets_another(client):
    manager = open_session(UID)
    manager.update_instance_status("t_pay#0", "failed")
    manager.update_instance_status("t_pay#0", "unstarted")
    fire_into(UID, "paid")
    with airflow_session() as session:
        run_ids = session.scalars(select(DagRun.run_id).where(DagRun.dag_id == "orders.t_pay")).all()
    assert len(run_ids) == 2
    expected = {"Session": session_page(UID), "Instance": instance_page(UID, "t_pay#0")}
    assert [links_of_run(client, "t_pay", run_id) for run_id in run_ids] == [expected, expected]


def conf_of_another(conf):
    return {**conf, "triggers": {**conf["triggers"], "run_id": "triggers__another"}}


@pytest.mark.parametrize("conf", [None, {}, {"session_uid": UID, "trigger_kwargs": {}}, "of another run"])
def test_a_run_that_executes_no_instance_has_no_buttons(client, conf):
    with airflow_session() as session:
        run = session.scalars(select(DagRun).where(DagRun.dag_id == "orders.t_pay")).one()
        run.conf = conf_of_another(run.conf) if conf == "of another run" else conf
    assert links_of(client, "t_pay") == {"Session": None, "Instance": None}


# -- in the worker ------------------------------------------------------------------------------------------------


def running(conf, run_id="triggers__1"):
    dag_run = SimpleNamespace(conf=conf, run_id=run_id, dag_id="orders.t_echo", partition_key=None)
    return SimpleNamespace(get_template_context=lambda: {"dag_run": dag_run})


IDENTITY = {"run_id": "triggers__1", "session_uid": UID, "instance_name": "t_echo#3"}


@pytest.mark.parametrize(
    ("conf", "links"),
    [
        (
            {"triggers": {**IDENTITY, "task_name": "t_echo", "number": 3}},
            (session_page(UID), instance_page(UID, "t_echo#3")),
        ),
        ({"session_uid": UID}, ("", "")),
        ({}, ("", "")),
    ],
)
def test_the_worker_makes_the_links_from_the_runs_conf(conf, links):
    task_instance = running(conf)
    assert tuple(link().get_link(None, ti_key=task_instance) for link in (SessionLink, InstanceLink)) == links


class OwnLink(BaseOperatorLink):
    name = "Own"

    def get_link(self, operator, *, ti_key):
        return ""


class Computing(EmptyOperator):
    @property
    def operator_extra_links(self):
        return (OwnLink(),)


class Declaring(EmptyOperator):
    operator_extra_links = (OwnLink(),)


@pytest.mark.parametrize(
    ("operator_class", "names"),
    [
        (EmptyOperator, ["Session", "Instance"]),
        (Declaring, ["Own", "Session", "Instance"]),
        (Computing, ["Own"]),
    ],
)
def test_an_operator_keeps_the_buttons_of_its_own(operator_class, names):
    operator = add_links(operator_class(task_id="run"))
    assert [link.name for link in operator.operator_extra_links] == names
