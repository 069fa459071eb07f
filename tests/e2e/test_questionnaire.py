"""The whole path on a real Airflow, every component a process of its own, on both databases.

Triggers are fired over REST from the example input; a failed import is replayed, a failed score skipped; the controller
is killed twice on the way; a viewer may read and not write; at the end every session is as the input demands, and no
process is left.
"""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack

import httpx
import pytest
from rich.console import Console

from scripts.demo.__main__ import CONFIGURATION, INPUT, await_settled, fire_all, repair
from scripts.demo.airflow import COMPONENTS, Airflow, free_ports, wait_for
from scripts.demo.client import API, Client, read_lines
from scripts.demo.expectation import differences, expectations
from tests.support.databases import temporary_postgresql_url

pytestmark = pytest.mark.timeout(540)


@pytest.fixture(params=["sqlite", "postgresql"])
def airflow(request, tmp_path):
    with ExitStack() as stack:
        database = None
        if request.param == "postgresql":
            database = stack.enter_context(temporary_postgresql_url("e2e"))
        airflow = Airflow(tmp_path / "airflow", free_ports(), database)
        stack.callback(airflow.stop)
        airflow.prepare()
        airflow.start(*COMPONENTS)
        airflow.wait_until_ready()
        yield airflow


def controller_pid(airflow):
    wait_for("a controller runs", lambda: bool(airflow.controllers()), seconds=60, alive=airflow.check_alive)
    return airflow.controllers()[0].pid


def kill_controller(airflow):
    """Kill it, and wait until another one has come."""
    pid = controller_pid(airflow)
    os.kill(pid, signal.SIGKILL)
    wait_for(
        "the controller comes back",
        lambda: any(one.pid != pid for one in airflow.controllers()),
        seconds=60,
        alive=airflow.check_alive,
    )


def check_authorization(airflow, session):
    """Nobody without a token reads or writes; a viewer reads only."""
    fire = {"trigger": "pageReceived", "kwargs": {}, "configuration": CONFIGURATION}
    instance = f"{API}/sessions/{session}/instances/t_notify%230"
    reading = [
        f"{API}/sessions",
        f"{API}/sessions/{session}",
        f"{API}/sessions/{session}/fires",
        instance,
        "/triggers/docs",
        "/triggers/openapi.json",
    ]
    writing = [
        (f"{API}/sessions", {"uid": "new", "configuration": CONFIGURATION}),
        (f"{API}/sessions/{session}/fires", fire),
        (f"{API}/sessions/new/fires", fire),
        (f"{instance}/replay", {"kwargs": None}),
        (f"{instance}/skip", {"cascade": False}),
    ]
    for path in reading:
        assert httpx.get(airflow.url + path).status_code == 401, path
    for path, body in writing:
        assert httpx.post(airflow.url + path, json=body).status_code == 401, path
    with Client(airflow.url, "viewer", "viewer") as viewer:
        for path in reading:
            assert viewer.request("GET", path).status_code == 200, path
        for path, body in writing:
            assert viewer.request("POST", path, json=body).status_code == 403, path


def check_partition_key(client, session):
    """Airflow's own list of runs filters by session."""
    answer = client.request(
        "GET",
        f"/api/v2/dags/{CONFIGURATION}.t_importResponses/dagRuns",
        params={"partition_key_pattern": session},
    )
    runs = answer.json()["dag_runs"]
    assert runs
    assert {run["partition_key"] for run in runs} == {session}
    assert all(run["note"].startswith("[`t_importResponses#") for run in runs)


def test_every_session_ends_as_the_input_demands(airflow):
    lines = read_lines(INPUT)
    expected = expectations(lines)
    console = Console(quiet=True)
    with Client(airflow.url) as client:
        wait_for(
            "the configuration is deployed",
            lambda: client.request("GET", f"/api/v2/dags/{CONFIGURATION}").is_success,
            seconds=120,
            alive=airflow.check_alive,
        )
        half = len(lines) // 2
        fire_all(client, lines[:half], console)
        kill_controller(airflow)
        fire_all(client, lines[half:], console)
        kill_controller(airflow)
        sessions = await_settled(airflow, client, expected, console)
        failed = [one for it in sessions.values() for one in it["instances"] if one["status"] == "failed"]
        assert sorted(one["metadata"]["exceptionType"] for one in failed) == [
            "builtins.TypeError",
            "builtins.ValueError",
        ]
        assert {"age": "thirty-six"} in [one["metadata"]["exceptionContext"] for one in failed]
        assert all("questionnaire_tasks.py" in one["metadata"]["exceptionInfo"] for one in failed)
        repair(client, sessions, console)
        sessions = await_settled(airflow, client, expected, console, statuses=True)
        assert differences(expected, sessions, airflow.results) == []
        check_partition_key(client, "respondent-0001")
    check_authorization(airflow, "respondent-0001")
    airflow.stop()
    assert airflow.controllers() == []
