"""How runs end on a real Airflow, and what their instances say of it: killed, timed out, retried, skipped, failed."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest
import redis

from airflow_triggers.storages.cache import KEY_PREFIX
from scripts.demo.airflow import Airflow, free_ports, wait_for
from scripts.demo.client import API, Client
from tests.conftest import REDIS_URL

pytestmark = pytest.mark.timeout(300)

TRIGGERS = {
    **{key: {} for key in ("kill", "slow", "list", "retry", "waive", "ask", "bash")},
    "filter": {"n": "x"},
    "plain": {"rows": 21},
}


@pytest.fixture(params=["sql", "cache"])
def storage(request):
    """Where the session is kept: in Airflow's database, or in Redis."""
    return request.param


@pytest.fixture
def uid():
    """A session of this test alone, also in a Redis that others use; deleted afterwards."""
    uid = f"all-{secrets.token_hex(4)}"
    yield uid
    with redis.Redis.from_url(REDIS_URL) as server:
        server.delete(KEY_PREFIX + uid)


@pytest.fixture
def airflow(tmp_path, storage):
    extra = {"AIRFLOW__TRIGGERS__CACHE_URL": REDIS_URL} if storage == "cache" else {}
    airflow = Airflow(
        tmp_path / "airflow", free_ports(), dags=Path(__file__).with_name("endings"), extra=extra
    )
    try:
        airflow.prepare()
        airflow.start("scheduler", "dag-processor", "api-server")
        airflow.wait_until_ready()
        yield airflow
    finally:
        airflow.stop()


def log_of(client, instance):
    """The lines of the instance's task log, as Airflow's pages read them."""
    run = f"/api/v2/dags/{instance['dag_id']}/dagRuns/{instance['dag_run_id']}"
    answer = client.request("GET", f"{run}/taskInstances/run/logs/1", headers={"Accept": "application/json"})
    return answer.json()["content"]


def have_dags_and_assets_fire(client, uid):
    """Run the DAG that fires, and create an asset event by hand, as Airflow's own REST API does."""
    run = {"logical_date": None, "conf": {"session": uid}}
    answer = client.request("POST", "/api/v2/dags/firing/dagRuns", json=run)
    assert answer.is_success, answer.text
    found = client.request(
        "GET", "/api/v2/assets", params={"uri_pattern": "x-triggers://endings/loaded"}
    ).json()
    event = {
        "asset_id": found["assets"][0]["id"],
        "partition_key": uid,
        "extra": {"kwargs": {"number": 3}},
    }
    answer = client.request("POST", "/api/v2/assets/events", json=event)
    assert answer.is_success, answer.text


def fired_by_others(client, uid):
    """What was fired by assets and operators: trigger, kwargs, by whom."""
    fires = client.session(uid)["fires"]
    named = {"announced", "loaded", "told_each"}
    return [(it["trigger"], it["kwargs"], it["fired_by"]) for it in fires if it["trigger"] in named]


def clear_and_ask(airflow, client, uid, instance):
    """Clear the instance's failed run in Airflow; what the history then says of who did it."""
    run = f"/api/v2/dags/{instance['dag_id']}/dagRuns/{instance['dag_run_id']}"
    answer = client.request("POST", f"{run}/clear", json={"dry_run": False})
    assert answer.is_success, answer.text
    path = f"{API}/sessions/{uid}/history"

    def reopened():
        entries = client.request("GET", path, params={"instance": instance["name"]}).json()["entries"]
        return [it for it in entries if it.get("details", {}).get("event") == "reopen"]

    wait_for("the cleared run is told", reopened, seconds=60, alive=airflow.check_alive)
    why = client.request("GET", f"{API}/sessions/{uid}/instances/t_killed%230/why").json()
    assert (why["status"], why["reasons"][0]["code"]) == ("failed", "failed")
    return reopened()[0]


def test_every_ending_is_told(airflow, storage, uid):
    with Client(airflow.url) as client:
        wait_for(
            "the configuration is deployed",
            lambda: (
                client.request("GET", "/api/v2/dags/plain_dag").is_success
                and client.request("GET", "/api/v2/dags/endings").is_success
                and client.request("GET", "/api/v2/dags/firing").is_success
            ),
            seconds=90,
            alive=airflow.check_alive,
        )
        body = {"uid": uid, "configuration": "endings", "storage": storage}
        assert client.request("POST", f"{API}/sessions", json=body).status_code == 201
        for trigger, kwargs in TRIGGERS.items():
            client.fire(uid, trigger, kwargs, configuration="endings")
        have_dags_and_assets_fire(client, uid)

        def instances():
            return {one["name"]: one for one in client.session(uid)["instances"]}

        def settled():
            found = instances()
            waiting = {"unstarted", "scheduled", "running"}
            return len(found) == 13 and not any(one["status"] in waiting for one in found.values())

        wait_for("the instances settle", settled, seconds=120, alive=airflow.check_alive)
        found = instances()
        wait_for(
            "every event has fired",
            lambda: len(fired_by_others(client, uid)) >= 6,
            seconds=60,
            alive=airflow.check_alive,
        )
        others = fired_by_others(client, uid)
        fires = client.session(uid)["fires"]
        logged = log_of(client, found["t_filters#0"])
        cleared = clear_and_ask(airflow, client, uid, found["t_bash#0"])

    def ending(task, number=0):
        one = found[f"{task}#{number}"]
        return one["status"], one["metadata"].get("exceptionType") or one["metadata"].get("result")

    assert ending("t_killed") == ("failed", "airflow_triggers.errors.TaskProcessDied")
    assert "was killed" in found["t_killed#0"]["metadata"]["exceptionInfo"]
    assert ending("t_slow") == ("failed", "airflow.sdk.exceptions.AirflowTaskTimeout")
    assert ending("t_list") == ("failed", "airflow_triggers.errors.InvalidResult")
    assert ending("t_retried") == ("finished", {"try": 2})
    assert ending("t_self_skipped") == ("skipped", None)
    assert found["t_self_skipped#0"]["metadata"]["why"] == "nothing to do"
    assert ending("t_asks", 0)[0] == ending("t_asks", 1)[0] == "replayed"
    assert found["t_asks#1"]["metadata"]["tried"] == 1
    assert ending("t_asks", 2) == ("finished", {"number": 2})
    counted = [fire["kwargs"] for fire in fires if fire["trigger"] == "counted"]
    assert counted == [{"number": 2, "try": 2}], "only the try that succeeded fires"
    told = [(fire["kwargs"], fire["fired_by"]) for fire in fires if fire["trigger"] == "told"]
    assert told == [({"depth": 2}, "t_asks#2")], "the manager of a worker fires likewise"
    assert ending("t_after_asks") == ("finished", {"t_asks": {"number": 2}, "counted": counted[0]})
    assert ending("t_filters") == ("failed", "airflow_triggers.errors.InvalidTriggerKwargs")
    problems = found["t_filters#0"]["metadata"]["exceptionMessage"]
    assert "2 problems in the trigger kwargs" in problems
    assert "filter.when: Field required; found nothing" in problems
    assert found["t_filters#0"]["metadata"]["logLevel"] == 40
    (line,) = [one for one in logged if one.get("event") == "the answers of somebody are odd"]
    assert (line["level"], line["respondent"], line["page"]) == ("error", 17, 3)
    left = [one for one in logged if str(one.get("event")).startswith("airflow_triggers.errors.Invalid")]
    assert [(one["level"], one["respondent"], "page" in one) for one in left] == [("error", 17, False)]
    assert any("cannot be had in a worker" in str(one.get("event")) for one in logged)
    assert ending("t_bash") == ("failed", "airflow_triggers.errors.RunFailed")
    assert "failed tasks: run" in found["t_bash#0"]["metadata"]["exceptionInfo"]
    assert ending("t_plain") == ("finished", {"loaded": 42})
    assert ending("t_after_plain") == ("finished", {"t_plain": {"loaded": 42}})
    assert sorted((trigger, kwargs.get("number")) for trigger, kwargs, _ in others) == [
        ("announced", None),
        ("loaded", 1),
        ("loaded", 2),
        ("loaded", 3),
        ("told_each", 1),
        ("told_each", 2),
    ], "each success and each event by hand fires once, whatever Airflow tried again"
    sources = {by.partition(",")[0] for _, _, by in others}
    assert {"task load[0] of firing", "task tell of firing", "task tell_each[1] of firing"} <= sources
    assert cleared["by"] == "admin in Airflow"
    assert cleared["details"]["cause"] == "its DAG run was cleared in Airflow"
