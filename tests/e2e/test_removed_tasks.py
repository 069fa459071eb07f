"""Tasks that are removed from their file under open sessions, on a real scheduler and real workers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from scripts.demo.airflow import Airflow, free_ports, wait_for
from scripts.demo.client import API, Client
from tests.support.databases import temporary_postgresql_url

pytestmark = pytest.mark.timeout(300)

REDUCED = "t_ship:\n  after: [paid, checked]\n  run: removed_tasks:ship\n"
GIFT = {"color": "red"}


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request):
    """The metadata database's URL; None: SQLite in Airflow's home."""
    if request.param == "sqlite":
        yield None
        return
    with temporary_postgresql_url("_removed") as url:
        yield url


@pytest.fixture
def shop(tmp_path):
    """A DAGs folder of this test's own, whose file changes."""
    folder = tmp_path / "dags"
    shutil.copytree(Path(__file__).with_name("removed"), folder)
    return folder / "shop.yaml"


@pytest.fixture
def airflow(tmp_path, shop, database):
    extra = {
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "1",
        "AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "0",
    }
    airflow = Airflow(tmp_path / "airflow", free_ports(), dags=shop.parent, extra=extra, database=database)
    try:
        airflow.prepare()
        airflow.start("scheduler", "dag-processor", "api-server")
        airflow.wait_until_ready()
        yield airflow
    finally:
        airflow.stop()


def instances(client, uid):
    return {instance["name"]: instance for instance in client.session(uid)["instances"]}


def settled(client, uid):
    waiting = {"scheduled", "running"}
    return not any(instance["status"] in waiting for instance in instances(client, uid).values())


def test_a_removed_task_never_keeps_a_session_waiting(airflow, shop):
    with Client(airflow.url) as client:
        wait_for(
            "the configuration is deployed",
            lambda: client.request("GET", "/api/v2/dags/shop.t_wrap").is_success,
            seconds=90,
            alive=airflow.check_alive,
        )
        for uid in ("order-1", "order-2", "order-3"):
            client.fire(uid, "unheard", {}, configuration="shop")

        # The workers see the new file before the DAG processor does.
        airflow.kill("dag-processor")
        shop.write_text(REDUCED, encoding="utf-8")
        scheduled = client.fire("order-1", "gift", GIFT, configuration="shop")["scheduled"]
        assert sorted(scheduled) == ["t_print#0", "t_wrap#0"]
        wait_for("what was started ends", lambda: settled(client, "order-1"), seconds=60, alive=lambda: None)
        wrapped, printed = (instances(client, "order-1")[name] for name in ("t_wrap#0", "t_print#0"))
        assert (wrapped["status"], wrapped["metadata"]["result"]) == ("finished", {"ribbon": "red"})
        assert (printed["status"], printed["metadata"]["exceptionType"]) == (
            "failed",
            "airflow_triggers.errors.DagUnavailable",
        )
        assert "was removed from the configuration 'shop'" in printed["metadata"]["exceptionMessage"]

        # Once it does, a fire fails at once what it would have started.
        airflow.restart("dag-processor")
        wait_for(
            "the new rules are deployed",
            lambda: not client.session("order-2")["version"]["is_deployed"],
            seconds=90,
            alive=airflow.check_alive,
        )
        assert client.fire("order-2", "gift", GIFT, configuration="shop")["scheduled"]
        failed = instances(client, "order-2")
        assert {instance["status"] for instance in failed.values()} == {"failed"}
        message = failed["t_wrap#0"]["metadata"]["exceptionMessage"]
        assert "does not have the task 't_wrap' any more" in message
        assert "airflow triggers sessions migrate --configuration shop" in message

        # Sessions that are moved get their instances of the other tasks.
        client.fire("order-3", "checked", {}, configuration="shop")
        client.fire("order-3", "paid", {"n": 7}, configuration="shop")
        wait_for("order-3 settles", lambda: settled(client, "order-3"), seconds=60, alive=airflow.check_alive)
        report = json.loads(
            airflow.command(
                *("triggers", "sessions", "migrate", "--configuration", "shop", "--history", "apply"),
                *("--output", "json"),
            )
        )
        assert [(session["uid"], session["outcome"]) for session in report] == [
            ("order-1", "moved"),
            ("order-2", "moved"),
            ("order-3", "moved"),
        ]
        answer = client.request("POST", f"{API}/configurations/shop/migrate", json={"prefix": "order-"})
        assert {session["outcome"] for session in answer.json()["sessions"]} == {"unchanged"}
        for uid in ("order-1", "order-2"):
            for trigger in ("checked", "paid"):
                client.fire(uid, trigger, {"n": 8}, configuration="shop")
            wait_for(f"{uid} settles", lambda: settled(client, uid), seconds=60, alive=airflow.check_alive)  # noqa: B023
            assert instances(client, uid)["t_ship#0"]["metadata"]["result"] == {"parcel": 8}
        assert instances(client, "order-3")["t_ship#0"]["status"] == "finished"
