"""A DAG fires over a connection, and waits in a real triggerer for what comes of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from airflow_triggers.domain.names import instance_page, session_page
from scripts.demo.airflow import Airflow, free_ports, wait_for
from scripts.demo.client import Client

pytestmark = pytest.mark.timeout(300)

RUN = "/api/v2/dags/author/dagRuns"


@pytest.fixture
def airflow(tmp_path):
    port = free_ports()
    connection = {
        "conn_type": "triggers",
        "host": f"http://127.0.0.1:{port}",
        "login": "admin",
        "password": "admin",
    }
    extra = {"AIRFLOW_CONN_OWN": json.dumps(connection)}
    airflow = Airflow(tmp_path / "airflow", port, dags=Path(__file__).with_name("authors"), extra=extra)
    try:
        airflow.prepare()
        airflow.start("scheduler", "dag-processor", "api-server", "triggerer")
        airflow.wait_until_ready()
        yield airflow
    finally:
        airflow.stop()


def buttons_of(client, task_name):
    run = f"/api/v2/dags/authors.{task_name}/dagRuns/triggers__order-1~{task_name}~0"
    return client.request("GET", f"{run}/taskInstances/run/links").json()["extra_links"]


def test_a_dag_waits_in_the_triggerer_until_the_work_of_a_session_is_done(airflow):
    with Client(airflow.url) as client:

        def is_deployed():
            return all(
                client.request("GET", f"/api/v2/dags/{dag}").is_success for dag in ("author", "authors")
            )

        wait_for("the DAGs are deployed", is_deployed, seconds=60, alive=airflow.check_alive)
        run = {"dag_run_id": "first", "logical_date": None, "conf": {"session": "order-1"}}
        assert client.request("POST", RUN, json=run).is_success

        def state_of(task_id):
            return client.request("GET", f"{RUN}/first/taskInstances/{task_id}").json()["state"]

        def is_deferred():
            return state_of("wait") == "deferred"

        wait_for("the sensor waits in the triggerer", is_deferred, seconds=60, alive=airflow.check_alive)
        client.fire("order-1", "approved", {}, configuration="authors")

        def has_ended():
            return client.request("GET", f"{RUN}/first").json()["state"] in ("success", "failed")

        wait_for("the DAG's run has ended", has_ended, seconds=60, alive=airflow.check_alive)
        result = client.request("GET", f"{RUN}/first/taskInstances/read/xcomEntries/return_value").json()

        assert {task_id: state_of(task_id) for task_id in ("tell", "wait", "read")} == dict.fromkeys(
            ("tell", "wait", "read"), "success"
        )
        assert result["value"] == 42
        for task_name in ("t_work", "t_echo"):
            wait_for(
                "the run has its buttons",
                lambda name=task_name: (
                    buttons_of(client, name)
                    == {
                        "Session": session_page("order-1"),
                        "Instance": instance_page("order-1", f"{name}#0"),
                    }
                ),
                seconds=60,
                alive=airflow.check_alive,
            )
