"""Bulk acts over REST: made, tried out, watched, cancelled; and who sees what of them."""

from __future__ import annotations

import pytest
from airflow.api_fastapi.app import purge_cached_app
from sqlalchemy import update

from airflow_triggers.api.permissions import Permissions
from airflow_triggers.controller.loop import Controller
from airflow_triggers.domain.states import Event
from airflow_triggers.sessions.opening import fire_into, open_session
from airflow_triggers.storages import bulk_tables
from airflow_triggers.storages.transaction import transaction
from tests.support.api import Allowed, mounted_api
from tests.support.dags import deploy_configuration
from tests.support.surveys import statuses

PATH = "api/v1/bulk-acts"
FAILED = {"status": ["failed"]}


@pytest.fixture
def api(survey, monkeypatch):
    deploy_configuration("other", t_other={"after": ["firstPage"]})
    for uid, configuration, name in (
        ("on-survey", "survey", "t_import#0"),
        ("on-other", "other", "t_other#0"),
    ):
        fire_into(uid, "firstPage", configuration=configuration)
        open_session(uid).record_progress(name, Event.FAIL)
    api = mounted_api(monkeypatch)
    survey_dags = {"survey.t_import", "survey.t_score"}
    api.let("ann", Allowed(dag_ids=survey_dags))
    api.let("ben", Allowed(methods={"GET"}), Allowed(dag_ids=survey_dags))
    api.let("reader", Allowed(methods={"GET"}))
    yield api
    purge_cached_app()


def post(client, path="", *, status, **body):
    answer = client.post(f"{PATH}{path}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def outcomes(client, bulk_act):
    answer = client.get(f"{PATH}/{bulk_act['id']}/outcomes").json()
    assert answer["next"] is None
    return {(item["session_uid"], item["name"]): item["outcome"] for item in answer["outcomes"]}


def test_a_bulk_act_is_tried_out_made_watched_and_done(api):
    client = api.client("admin")
    tried = post(client, act="replay", filter=FAILED, dry_run=True, status=200)
    assert {key: tried[key] for key in ("total", "allowed", "unchanged", "refused")} == {
        "total": 2,
        "allowed": 2,
        "unchanged": 0,
        "refused": 0,
    }
    assert tried["sample"][0] == {
        "session_uid": "on-survey",
        "name": "t_import#0",
        "outcome": "done",
        "reason": None,
    }
    made = post(client, act="replay", arguments={"cooldown": 0.5}, filter=FAILED, status=202)
    assert (made["state"], made["total"], made["pending"], made["by"]) == ("pending", 2, 2, "admin")
    assert (made["filter"], made["arguments"]["cooldown"]) == (FAILED, 0.5)
    Controller().run_once()
    over = client.get(f"{PATH}/{made['id']}").json()
    assert (over["state"], over["counts"]["done"], over["pending"]) == ("done", 2, 0)
    assert outcomes(client, made) == {("on-survey", "t_import#0"): "done", ("on-other", "t_other#0"): "done"}
    assert statuses("on-other") == {"t_other#0": "replayed", "t_other#1": "scheduled"}
    assert [act["id"] for act in client.get(PATH).json()["bulk_acts"]] == [made["id"]]
    assert post(client, f"/{made['id']}/cancel", status=409)["reason"] == "BulkActOver"


def test_every_act_is_taken_in_its_form(api):
    client = api.client("admin")
    for act, arguments in (
        ("skip", {"cascade": True, "result": {"n": 1}}),
        ("set_status", {"status": "finished"}),
        ("set_metadata", {"metadata": {"ticket": 17}}),
        ("resolve_logs", {}),
        ("resolve_logs", None),
    ):
        sent = {} if arguments is None else {"arguments": arguments}
        assert post(client, act=act, filter=FAILED, dry_run=True, status=200, **sent)["total"] == 2


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"act": "replay"}, "either 'filter' or 'instances'"),
        ({"act": "replay", "filter": {}, "instances": [{"session_uid": "a", "name": "t#0"}]}, "either"),
        ({"act": "resolve_logs", "filter": {"session": ""}}, "'session' is ''"),
        (
            {"act": "skip", "filter": {"session": "", "status": ["failed"]}, "dry_run": True},
            "'session' is ''",
        ),
        ({"act": "resolve_logs", "filter": {"stuck_after": 5}}, "'stuck_after' is 5"),
        ({"act": "explode", "filter": {}}, "act"),
        ({"act": "replay", "filter": {"state": ["failed"]}}, "there is no such field"),
        ({"act": "replay", "filter": {}, "rate": 0}, "rate"),
        ({"act": "replay", "filter": {}, "rate": "fast"}, "rate"),
        ({"act": "set_status", "filter": {}}, "arguments"),
        (
            {"act": "set_status", "filter": {}, "arguments": {"status": "running"}},
            "expected one of: unstarted",
        ),
        ({"act": "replay", "instances": []}, "instances"),
        ({"act": "replay", "instances": [{"session_uid": "a/b", "name": "t#0"}]}, "session_uid"),
        ({"act": "replay", "instances": [{"session_uid": "a", "name": "t"}]}, "name"),
    ],
    ids=str,
)
def test_a_request_that_cannot_be_read_is_refused_and_names_the_input(api, body, problem):
    client = api.client("admin")
    answer = client.post(PATH, json=body)
    assert answer.status_code == 422, answer.text
    assert problem in answer.text
    assert client.get(PATH).json()["bulk_acts"] == []


def test_instances_that_one_may_not_read_are_not_covered_and_not_counted(api):
    ann = api.client("ann")
    assert post(ann, act="replay", filter=FAILED, dry_run=True, status=200)["total"] == 1
    made = post(ann, act="replay", filter=FAILED, status=202)
    assert made["total"] == 1
    hidden = [{"session_uid": "on-other", "name": "t_other#0"}]
    absent = [{"session_uid": "nowhere", "name": "t_other#0"}]
    for instances in (hidden, absent):
        (item,) = post(ann, act="replay", instances=instances, dry_run=True, status=200)["sample"]
        assert (item["outcome"], item["reason"]) == ("refused", "There is no such instance.")
    listed = post(ann, act="replay", instances=hidden, status=202)
    Controller().run_once()
    assert outcomes(ann, listed) == {("on-other", "t_other#0"): "refused"}
    assert statuses("on-other") == {"t_other#0": "failed"}


def test_instances_that_one_may_read_and_not_replay_are_refused_one_by_one(api):
    ben, reader = api.client("ben"), api.client("reader")
    tried = post(ben, act="replay", filter=FAILED, dry_run=True, status=200)
    assert (tried["total"], tried["allowed"], tried["refused"]) == (2, 1, 1)
    made = post(ben, act="replay", filter=FAILED, status=202)
    assert outcomes(ben, made) == {("on-survey", "t_import#0"): None, ("on-other", "t_other#0"): "refused"}
    assert post(reader, act="replay", filter=FAILED, status=403)["reason"] == "Forbidden"


def test_a_bulk_act_is_shown_to_its_maker_and_to_readers_of_all_its_sessions(api):
    admin, ann, reader = api.client("admin"), api.client("ann"), api.client("reader")
    on_both = post(admin, act="skip", filter=FAILED, status=202, rate=0.01)
    on_survey = post(admin, act="skip", filter={"configuration": "survey"}, status=202, rate=0.01)
    missing = ann.get(f"{PATH}/999")
    for path in ("", "/outcomes"):
        assert ann.get(f"{PATH}/{on_both['id']}{path}").status_code == 404
    hidden = ann.get(f"{PATH}/{on_both['id']}").json()
    assert hidden["detail"].replace(str(on_both["id"]), "999") == missing.json()["detail"]
    assert [act["id"] for act in ann.get(PATH).json()["bulk_acts"]] == [on_survey["id"]]
    assert len(reader.get(PATH).json()["bulk_acts"]) == 2
    assert outcomes(reader, on_both) == {("on-survey", "t_import#0"): None, ("on-other", "t_other#0"): None}
    assert post(reader, f"/{on_survey['id']}/cancel", status=403)["reason"] == "Forbidden"
    assert post(ann, f"/{on_survey['id']}/cancel", status=200)["cancelled_by"] == "ann"
    assert post(ann, f"/{on_both['id']}/cancel", status=404)["reason"] == "BulkActNotFound"


@pytest.mark.parametrize("act", ["skip", "replay"])
@pytest.mark.parametrize("user", ["admin", "ann", "ben", "reader", "runner"])
def test_acts_say_who_may_cancel_and_the_route_does_the_same(api, act, user):
    api.let("runner", Allowed(methods={"GET"}), Allowed(methods={"POST"}, dag_ids={"survey.t_import"}))
    made = post(api.client("ben"), act=act, filter={"configuration": "survey"}, status=202, rate=0.01)
    assert made["acts"]["cancel"] == {"allowed": True, "reason": None}

    client = api.client(user)
    (listed,), read = client.get(PATH).json()["bulk_acts"], client.get(f"{PATH}/{made['id']}").json()

    cancel = read["acts"]["cancel"]
    assert listed["acts"] == read["acts"]
    assert client.post(f"{PATH}/{made['id']}/cancel").is_success == cancel["allowed"]
    assert cancel["allowed"] == (user in ("admin", "ann", "ben") or (user == "runner" and act == "replay"))
    words = "create runs" if act == "replay" else "edit the task instances"
    reason = f"You may not {words} of all its DAGs. Ask an administrator of Airflow."
    assert cancel["reason"] == (None if cancel["allowed"] else reason)


def test_nobody_may_cancel_a_bulk_act_that_is_over(api):
    client = api.client("admin")
    made = post(client, act="replay", filter=FAILED, status=202)
    cancelled = post(client, f"/{made['id']}/cancel", status=200)

    assert cancelled["acts"] == client.get(f"{PATH}/{made['id']}").json()["acts"]
    assert cancelled["acts"]["cancel"] == {
        "allowed": False,
        "reason": post(client, f"/{made['id']}/cancel", status=409)["detail"],
    }


def test_a_page_of_bulk_acts_asks_the_auth_manager_once_for_the_same_dags(api, monkeypatch):
    for _ in range(3):
        post(api.client("admin"), act="skip", filter=FAILED, status=202, rate=0.01)
    questions = []
    may = Permissions.may

    def count(permissions, right, dag_ids):
        questions.append((right, dag_ids))
        return may(permissions, right, dag_ids)

    monkeypatch.setattr(Permissions, "may", count)
    assert len(api.client("reader").get(PATH).json()["bulk_acts"]) == 3
    assert len(questions) == 1


def test_a_damaged_bulk_act_is_shown_and_says_why_it_cannot_be_cancelled(api):
    client = api.client("admin")
    made = post(client, act="skip", filter=FAILED, status=202, rate=0.01)
    with transaction() as session:
        session.execute(update(bulk_tables.bulk_act).values(scope={"read": []}))

    (listed,) = api.client("reader").get(PATH).json()["bulk_acts"]
    assert not listed["acts"]["cancel"]["allowed"]
    assert f"the bulk act {made['id']}" in listed["acts"]["cancel"]["reason"]


def test_a_maker_who_lost_a_right_sees_no_outcomes_of_those_sessions(api):
    client = api.client("ben")
    made = post(client, act="replay", filter=FAILED, status=202)
    api.let("ben", Allowed(dag_ids={"survey.t_import", "survey.t_score"}))
    assert client.get(f"{PATH}/{made['id']}").json()["total"] == 2
    assert outcomes(client, made) == {("on-survey", "t_import#0"): None}


def test_bulk_acts_and_outcomes_have_pages(api):
    client = api.client("admin")
    made = [post(client, act="skip", filter=FAILED, status=202, rate=0.01)["id"] for _ in range(3)]
    first = client.get(f"{PATH}?limit=2").json()
    second = client.get(f"{PATH}?limit=2&after={first['next']}").json()
    assert [act["id"] for act in first["bulk_acts"] + second["bulk_acts"]] == made[::-1]
    assert second["next"] is None
    page = client.get(f"{PATH}/{made[0]}/outcomes?limit=1").json()
    rest = client.get(f"{PATH}/{made[0]}/outcomes?limit=1&after={page['next']}").json()
    assert [item["session_uid"] for item in page["outcomes"] + rest["outcomes"]] == ["on-survey", "on-other"]
    assert client.get(f"{PATH}/{made[0]}/outcomes?outcome=done").json() == {"outcomes": [], "next": None}
