"""How runs end on a real Airflow, and what their instances say of it: killed, timed out, retried, skipped, failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.demo.airflow import Airflow, free_ports, wait_for
from scripts.demo.client import Client

pytestmark = pytest.mark.timeout(300)

TRIGGERS = {"kill": {}, "slow": {}, "list": {}, "retry": {}, "waive": {}, "bash": {}, "plain": {"rows": 21}}


@pytest.fixture
def airflow(tmp_path):
    airflow = Airflow(tmp_path / "airflow", free_ports(), dags=Path(__file__).with_name("endings"))
    try:
        airflow.prepare()
        airflow.start("scheduler", "dag-processor", "api-server")
        airflow.wait_until_ready()
        yield airflow
    finally:
        airflow.stop()


def test_every_ending_is_told(airflow):
    with Client(airflow.url) as client:
        wait_for(
            "the configuration is deployed",
            lambda: (
                client.request("GET", "/api/v2/dags/plain_dag").is_success
                and client.request("GET", "/api/v2/dags/endings").is_success
            ),
            seconds=90,
            alive=airflow.check_alive,
        )
        for trigger, kwargs in TRIGGERS.items():
            client.fire("all", trigger, kwargs, configuration="endings")

        def instances():
            return {one["task"]: one for one in client.session("all")["instances"]}

        def settled():
            found = instances()
            waiting = {"unstarted", "scheduled", "running"}
            return len(found) == 8 and not any(one["status"] in waiting for one in found.values())

        wait_for("the instances settle", settled, seconds=120, alive=airflow.check_alive)
        found = instances()

    def ending(task):
        metadata = found[task]["metadata"]
        return found[task]["status"], metadata.get("exceptionType") or metadata.get("result")

    assert ending("t_killed") == ("failed", "airflow_triggers.errors.TaskProcessDied")
    assert "was killed" in found["t_killed"]["metadata"]["exceptionInfo"]
    assert ending("t_slow") == ("failed", "airflow.sdk.exceptions.AirflowTaskTimeout")
    assert ending("t_list") == ("failed", "airflow_triggers.errors.InvalidResult")
    assert ending("t_retried") == ("finished", {"try": 2})
    assert ending("t_self_skipped") == ("skipped", None)
    assert ending("t_bash") == ("failed", "airflow_triggers.errors.RunFailed")
    assert "failed tasks: run" in found["t_bash"]["metadata"]["exceptionInfo"]
    assert ending("t_plain") == ("finished", {"loaded": 42})
    assert ending("t_after_plain") == ("finished", {"t_plain": {"loaded": 42}})
