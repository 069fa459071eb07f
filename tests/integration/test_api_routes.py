"""What each route does, over real tables and DAG runs on both databases."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from airflow.api_fastapi.app import purge_cached_app
from airflow.utils.session import create_session as airflow_session
from sqlalchemy import update

from airflow_triggers.domain.states import Event
from airflow_triggers.domain.validation import json_object, validate_session_uid, validate_trigger_name
from airflow_triggers.sessions.describing import describe_session
from airflow_triggers.sessions.opening import create_session, open_session
from airflow_triggers.storages import tables
from tests.support.api import mounted_api
from tests.support.calls import calls_of
from tests.support.dags import deploy_configuration, run_of

SESSIONS = "api/v1/sessions"


@pytest.fixture
def client(airflow_db, monkeypatch):
    deploy_configuration(
        "survey",
        t_import={"after": ["firstPage"], "andEvery": "page", "priority": "high"},
        t_score={"after": ["t_import"], "unless": ["embedded"]},
    )
    yield mounted_api(monkeypatch).client("admin")
    purge_cached_app()


def fire(client, trigger, uid="order-1", **body):
    answer = client.post(f"{SESSIONS}/{uid}/fires", json={"trigger": trigger, **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


def read(client, uid="order-1"):
    answer = client.get(f"{SESSIONS}/{uid}")
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def failed_import(client):
    fire(client, "firstPage", configuration="survey", kwargs={"n": 1})
    fire(client, "page")
    manager = open_session("order-1")
    manager.record_progress("t_import#0", Event.START)
    manager.record_progress("t_import#0", Event.FAIL, metadata={"exceptionType": "builtins.ValueError"})
    return f"{SESSIONS}/order-1/instances/t_import%230"


def test_a_session_is_created_once_and_read_whole(client):
    body = {"uid": "order-1", "configuration": "survey", "metadata": {"country": "NL"}}
    answers = [client.post(SESSIONS, json=body) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]
    first = answers[0].json()
    assert answers[1].json().items() <= read(client).items()
    assert datetime.fromisoformat(first["created"]).utcoffset() == timedelta(0)
    assert (
        first.items()
        >= {
            "uid": "order-1",
            "manager": "default",
            "configuration": "survey",
            "metadata": {"country": "NL"},
            "instances": [],
            "latest_triggers": {},
            "fires": [],
        }.items()
    )
    assert first["tasks"]["t_import"] == {
        "after": ["firstPage"],
        "andEvery": "page",
        "run": "module:t_import",
        "priority": "high",
        "sentence": "After firstPage has fired, and every time page fires, run module:t_import.",
        "dag_id": "survey.t_import",
    }


def test_a_session_that_exists_otherwise_is_a_conflict(client):
    deploy_configuration("orders", t_pay={"after": ["paid"]})
    client.post(SESSIONS, json={"uid": "order-1", "configuration": "orders"})
    answer = client.post(SESSIONS, json={"uid": "order-1", "configuration": "survey"})
    assert (answer.status_code, answer.json()["reason"]) == (409, "SessionExists")


def test_a_fire_answers_what_it_did_and_shows_in_the_session(client):
    body = {"kwargs": {"n": 1}, "configuration": "survey"}
    fired = fire(client, "firstPage", **body)
    assert fired == {
        "fire_id": fired["fire_id"],
        "trigger": "firstPage",
        "touched": ["t_import#0"],
        "created": ["t_import#0"],
        "scheduled": [],
        "abandoned": [],
        "delayed_fire_id": None,
        "repeated": False,
        "deferred": False,
        "cancelled": False,
        "fire_at": None,
    }
    assert fire(client, "page", kwargs={"page": 2})["scheduled"] == ["t_import#0"]
    shown = read(client)
    assert shown["instances"] == [
        {
            "name": "t_import#0",
            "task": "t_import",
            "number": 0,
            "status": "scheduled",
            "kwargs": {"firstPage": {"n": 1}, "page": {"page": 2}},
            "missing": [],
            "metadata": shown["instances"][0]["metadata"],
            "dag_id": "survey.t_import",
            "dag_run_id": "triggers__order-1~t_import~0",
            "can_replay": False,
            "can_skip": False,
            "is_resolved": False,
        }
    ]
    assert shown["latest_triggers"] == {"firstPage": {"n": 1}, "page": {"page": 2}}
    assert [(one["trigger"], one["fired_by"]) for one in shown["fires"]] == [
        ("page", "admin"),
        ("firstPage", "admin"),
    ]
    instance = client.get(f"{SESSIONS}/order-1/instances/t_import%230").json()
    assert {key: instance[key] for key in shown["instances"][0]} == shown["instances"][0]
    assert [link["name"] for link in instance["chain"]] == ["t_import#0"]
    assert instance["run"]["state"] == "queued"


def test_an_instance_that_waits_says_for_what(client):
    fire(client, "firstPage", configuration="survey")
    (instance,) = read(client)["instances"]
    assert (instance["status"], instance["missing"]) == ("unstarted", ["page"])


def test_an_idempotency_key_counts_once_and_only_for_the_same_fire(client):
    first = fire(client, "firstPage", configuration="survey", idempotency_key="page-1")
    assert fire(client, "firstPage", idempotency_key="page-1") == {**first, "repeated": True}
    body = {"trigger": "firstPage", "kwargs": {"n": 2}, "idempotency_key": "page-1"}
    answer = client.post(f"{SESSIONS}/order-1/fires", json=body)
    assert (answer.status_code, answer.json()["reason"]) == (409, "IdempotencyConflict")


def test_sessions_are_listed_by_pages_prefix_and_configuration(client):
    deploy_configuration("orders", t_pay={"after": ["paid"]})
    for uid in ("a-1", "a-2", "a-3", "b_1", "b-1"):
        create_session(uid, configuration="orders" if uid == "b-1" else "survey")

    def uids(**params):
        answer = client.get(SESSIONS, params=params).json()
        return [one["uid"] for one in answer["sessions"]], answer["next"]

    assert sorted(uids()[0]) == ["a-1", "a-2", "a-3", "b-1", "b_1"]
    assert uids(prefix="a", limit=2) == (["a-1", "a-2"], "a-2")
    assert uids(prefix="a", limit=2, after="a-2") == (["a-3"], None)
    assert uids(prefix="b_") == (["b_1"], None)
    assert uids(configuration="orders") == (["b-1"], None)
    assert uids(configuration="unknown") == ([], None)


def test_fires_are_listed_by_pages_newest_first(client):
    for number in range(5):
        fire(client, "other", configuration="survey", kwargs={"n": number})

    def numbers(**params):
        answer = client.get(f"{SESSIONS}/order-1/fires", params=params).json()
        return [one["kwargs"]["n"] for one in answer["fires"]], answer["next"]

    first, cursor = numbers(limit=2)
    second, cursor = numbers(limit=2, before=cursor)
    assert (first, second, numbers(limit=2, before=cursor)) == ([4, 3], [2, 1], ([0], None))


def test_a_replay_answers_the_new_instance_with_its_run(client, failed_import):
    before = datetime.now(UTC)
    body = {"kwargs": {"firstPage": {"n": 2}}, "cooldown": 3600}
    answer = client.post(f"{failed_import}/replay", json=body)
    clone = answer.json()
    assert answer.status_code == 200
    assert clone.items() >= {"name": "t_import#1", "status": "scheduled", "kwargs": body["kwargs"]}.items()
    assert clone["metadata"]["parent"] == "t_import#0"
    assert clone["dag_run_id"] == "triggers__order-1~t_import~1"
    view = next(it for it in describe_session("order-1").instances if it.instance.name == "t_import#1")
    with airflow_session() as session:
        assert run_of(session, view).run_after >= before + timedelta(hours=1)
    assert client.get(failed_import).json()["status"] == "replayed"


def test_a_skip_answers_the_skipped_instance_and_cascades(client, failed_import):
    answer = client.post(f"{failed_import}/skip", json={"cascade": True, "result": {"rows": 7}})
    skipped = answer.json()
    assert (answer.status_code, skipped["status"], skipped["is_resolved"]) == (200, "skipped", True)
    assert skipped["metadata"]["result"] == {"rows": 7}
    assert read(client)["latest_triggers"]["t_import"] == {"rows": 7}


@pytest.mark.parametrize("action", ["replay", "skip"])
def test_only_a_failed_instance_is_repaired(client, failed_import, action):
    client.post(f"{failed_import}/skip", json={})
    answer = client.post(f"{failed_import}/{action}", json={})
    assert (answer.status_code, answer.json()["reason"]) == (409, "InvalidTransition")
    assert "t_import#0: it is skipped" in answer.json()["detail"]


@pytest.mark.parametrize(
    "name", ["t_import%239", "t_none%230", "t_import", "t_import%2399999999999999999999", "%00"]
)
def test_an_unknown_instance_is_not_found(client, failed_import, name):
    path = f"{SESSIONS}/order-1/instances/{name}"
    answers = [client.get(path), *(client.post(f"{path}/{it}", json={}) for it in ("replay", "skip"))]
    assert {(it.status_code, it.json()["reason"]) for it in answers} == {(404, "InstanceNotFound")}


def test_an_unknown_session_is_not_found(client):
    path = f"{SESSIONS}/order-9"
    answers = [
        client.get(path),
        client.get(f"{path}/fires"),
        client.get(f"{path}/instances/t_import%230"),
        client.post(f"{path}/fires", json={"trigger": "firstPage"}),
        client.post(f"{path}/instances/t_import%230/replay", json={}),
        client.post(f"{path}/instances/t_import%230/skip", json={}),
    ]
    assert {(it.status_code, it.json()["reason"]) for it in answers} == {(404, "SessionNotFound")}


def test_an_unknown_configuration_is_not_found(client):
    answers = [
        client.post(SESSIONS, json={"uid": "order-1", "configuration": "nope"}),
        client.post(f"{SESSIONS}/order-1/fires", json={"trigger": "a", "configuration": "nope"}),
    ]
    assert {(it.status_code, it.json()["reason"]) for it in answers} == {(404, "UnknownConfiguration")}
    assert client.get(SESSIONS).json()["sessions"] == []


@pytest.mark.parametrize("uid", ["Bestellung 17 + äö", "?#&=%", "日本語", "..."])
def test_any_printable_uid_works_percent_encoded(client, uid):
    assert client.post(SESSIONS, json={"uid": uid, "configuration": "survey"}).status_code == 201
    path = quote(uid, safe="")
    assert fire(client, "firstPage", uid=path)["touched"] == ["t_import#0"]
    assert read(client, uid=path)["uid"] == uid


def test_a_fire_has_its_uid_its_trigger_and_its_kwargs_checked_once(client):
    create_session("order-1", configuration="survey")
    with calls_of(validate_session_uid, validate_trigger_name, json_object) as calls:
        assert fire(client, "page", kwargs={"n": 1})["touched"] == ["t_import#0"]
    assert calls == ["validate_session_uid", "json_object", "validate_trigger_name"]


def test_an_invalid_trigger_is_refused_whether_or_not_there_is_such_a_session(client):
    create_session("order-1", configuration="survey")
    for uid in ("order-1", "order-2"):
        answer = client.post(f"{SESSIONS}/{uid}/fires", json={"trigger": " page"})
        assert (answer.status_code, answer.json()["reason"]) == (422, "InvalidTrigger")


@pytest.mark.parametrize("uid", ["", " a", "a ", "a/b", "a\nb", "x" * 201])
def test_no_session_is_created_with_a_uid_of_another_form(client, uid):
    answer = client.post(SESSIONS, json={"uid": uid, "configuration": "survey"})
    assert (answer.status_code, answer.json()["reason"]) == (422, "InvalidSessionUid")


@pytest.mark.parametrize("trigger", ["", " a", "x" * 201, "a\nb", "\ud800"])
def test_a_trigger_of_another_form_is_refused_and_makes_no_session(client, trigger):
    content = json.dumps({"trigger": trigger, "configuration": "survey"})
    headers = {"Content-Type": "application/json"}
    answer = client.post(f"{SESSIONS}/order-1/fires", content=content, headers=headers)
    assert (answer.status_code, answer.json()["reason"]) == (422, "InvalidTrigger")
    assert client.get(SESSIONS).json()["sessions"] == []


def test_kwargs_as_deep_as_allowed_are_kept_and_shown(client):
    deep: dict = {}
    for _ in range(97):
        deep = {"a": deep}
    fire(client, "firstPage", configuration="survey", kwargs=deep)
    assert read(client)["latest_triggers"]["firstPage"] == deep


def test_an_unpaired_surrogate_that_a_task_left_behind_can_be_shown(client, failed_import):
    with airflow_session() as session:  # as an older version kept it
        session.execute(update(tables.instance).values(metadata={"file": "\udcff"}))
    assert client.get(failed_import).json()["metadata"]["file"] == "\udcff"
    assert client.post(f"{failed_import}/replay", json={}).json()["name"] == "t_import#1"


def test_a_fire_for_later_is_listed_until_its_moment(client, survey):
    moment = "2931-05-17T10:00:00+02:00"
    body = {"trigger": "firstPage", "configuration": "survey", "fire_at": moment}
    answer = client.post(f"{SESSIONS}/order-1/fires", json=body).json()
    assert (answer["deferred"], answer["fire_at"], answer["fire_id"]) == (True, "2931-05-17T08:00:00Z", None)
    (fire,) = client.get(f"{SESSIONS}/order-1").json()["delayed_fires"]
    assert (fire["trigger"], fire["fire_at"], fire["attempts"]) == ("firstPage", "2931-05-17T08:00:00Z", 0)
    for wrong in ("2931-05-17T10:00:00", "tomorrow"):
        refused = client.post(f"{SESSIONS}/order-1/fires", json={**body, "fire_at": wrong})
        assert refused.status_code == 422, refused.text
        assert "fire_at" in refused.text
