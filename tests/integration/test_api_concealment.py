"""What a user may do nothing with is answered as what does not exist: same status, same body, same headers."""

from __future__ import annotations

import pytest
from airflow.api_fastapi.app import purge_cached_app
from sqlalchemy import update

from airflow_triggers import SqlStorageBackend, TriggerManager
from airflow_triggers.domain.states import Event
from airflow_triggers.sessions.describing import describe_session, list_sessions
from airflow_triggers.sessions.opening import create_session, fire_into, open_session
from airflow_triggers.storages import storage_backends, tables
from airflow_triggers.storages.transaction import transaction
from tests.support.api import READING, Allowed, mounted_api
from tests.support.dags import deploy_configuration
from tests.support.statements import statements

SESSIONS = "api/v1/sessions"
BATCH = "api/v1/fires"
ORDERS = Allowed(dag_ids={"orders.t_pay"})
CREATE_SURVEY_RUNS = Allowed(methods={"POST"}, entities={"RUN"}, dag_ids={"survey.t_import"})

READS = [
    "",
    "?x=1",
    "/fires",
    "/fires?trigger=firstPage&limit=1",
    "/fires?before=1",
    "/history",
    "/history?before=none",
    "/history?instance=t_import%230",
    "/instances/t_import%230",
    "/instances/t_nothing%230",
    "/instances/nothing",
    "/instances/t_import%230/why",
    "/instances/t_import/why",
    "/instances/nothing/why",
]
ACTS = [
    ("/fires", {"trigger": "firstPage"}),
    ("/fires", {"trigger": "usedByNoTask"}),
    ("/fires", {"trigger": "firstPage", "kwargs": {"n": 2}, "idempotency_key": "first"}),
    ("/fires", {"trigger": "firstPage", "fire_at": "2999-01-01T00:00:00Z"}),
    ("/fires", {"trigger": "x" * 1000}),
    ("/fires", {"trigger": ""}),
    ("/fires", {"trigger": "firstPage", "manager": "default"}),
    ("/instances/t_import%230/replay", {}),
    ("/instances/t_import%230/replay", {"kwargs": {"firstPage": {}}, "cooldown": 1}),
    ("/instances/t_import%230/skip", {"cascade": True, "result": {}}),
    ("/instances/t_nothing%230/skip", {}),
    ("/hooks/1/call", None),
    ("/hooks/999/call", None),
]


@pytest.fixture
def api(airflow_db, monkeypatch):
    deploy_configuration("survey", t_import={"after": ["firstPage"]}, t_score={"after": ["t_import"]})
    deploy_configuration("orders", t_pay={"after": ["paid"]})
    api = mounted_api(monkeypatch)
    api.let("shop", ORDERS)
    fail_import("survey-1")
    yield api
    purge_cached_app()


def fail_import(uid):
    """A session of the survey, whose import failed, and which has a hook that is still to be called."""
    fire_into(uid, "firstPage", {"n": 1}, configuration="survey", idempotency_key="first")
    manager = open_session(uid)
    manager.record_progress("t_import#0", Event.START)
    manager.record_progress("t_import#0", Event.FAIL)
    with manager.storage.acquire_lock():
        manager.storage.add_hook("_post_fire", {"trigger_name": "firstPage", "scheduled": []})


def same(answer, uid, other, other_uid):
    """Whether an answer about one session is that about the other, byte for byte, but for its UID."""
    own = answer.content.replace(uid.encode(), other_uid.encode())
    return (answer.status_code, own, dict(answer.headers)) == (
        other.status_code,
        other.content,
        dict(other.headers),
    )


@pytest.mark.parametrize("path", READS)
def test_a_session_of_others_reads_like_one_that_does_not_exist(api, path):
    shop = api.client("shop")
    hidden = shop.get(f"{SESSIONS}/survey-1{path}")
    assert same(hidden, "survey-1", shop.get(f"{SESSIONS}/survey-2{path}"), "survey-2")
    assert hidden.status_code in (404, 422)


@pytest.mark.parametrize(("path", "body"), ACTS)
def test_an_act_in_a_session_of_others_is_answered_like_one_in_none(api, path, body):
    shop, before = api.client("shop"), describe_session("survey-1")
    hidden = shop.post(f"{SESSIONS}/survey-1{path}", json=body)
    assert same(hidden, "survey-1", shop.post(f"{SESSIONS}/survey-2{path}", json=body), "survey-2")
    assert hidden.status_code in (404, 422)
    assert describe_session("survey-1") == before


def test_a_batch_tells_sessions_of_others_from_none_as_little(api):
    create_session("order-1", configuration="orders")
    bodies = [body for path, body in ACTS if path == "/fires"]
    fires = [{**body, "session_uid": uid} for body in bodies for uid in ("survey-1", "survey-2", "order-1")]
    results = api.client("shop").post(BATCH, json={"fires": fires}).json()["results"]
    for hidden, absent, _ in zip(*[iter(results)] * 3, strict=True):
        place = {"index": 0, "instance": "…"}
        assert str(hidden | place).replace("survey-1", "survey-2") == str(absent | place)
        assert hidden["status"] in (404, 422)
    assert [one["status"] for one in results[2::3]].count(200) > 0
    assert len(describe_session("survey-1").fires) == 1


def test_whoever_may_fire_and_not_read_fires_and_is_told_that_they_may_not_read(api):
    api.let("shop", CREATE_SURVEY_RUNS)
    shop = api.client("shop")
    assert shop.post(f"{SESSIONS}/survey-1/fires", json={"trigger": "firstPage"}).status_code == 200
    refused = shop.get(f"{SESSIONS}/survey-1")
    assert (refused.status_code, refused.json()["reason"]) == (403, "Forbidden")
    for path in ("/instances/t_import%230", "/instances/nothing", "/instances/nothing/why", "/history"):
        answer = shop.get(f"{SESSIONS}/survey-1{path}").json()
        assert answer == {**refused.json(), "instance": f"/triggers/{SESSIONS}/survey-1{path}"}


def test_whoever_may_read_and_not_fire_is_told_that_they_may_not_fire(api):
    api.let("reader", *READING)
    reader = api.client("reader")
    for path, body in [("/fires", {"trigger": "firstPage"}), ("/instances/t_import%230/replay", {})]:
        answer = reader.post(f"{SESSIONS}/survey-1{path}", json=body)
        assert (answer.status_code, answer.json()["reason"]) == (403, "Forbidden")


@pytest.mark.parametrize("uid", ["survey-1", "survey-2"])
@pytest.mark.parametrize("by", ["create", "fire", "batch"])
def test_a_configuration_of_others_is_answered_like_one_that_does_not_exist(api, by, uid):
    answers = [ask_for(api.client("shop"), by, uid, configuration) for configuration in ("survey", "nothing")]
    assert answers[0].replace("survey'", "nothing'") == answers[1]
    assert "404" in answers[0] or "UnknownConfiguration" in answers[0]
    assert [one.uid for one in list_sessions()] == ["survey-1"]


def ask_for(client, by, uid, configuration):
    """The status and the text of the answer to whoever names a configuration."""
    if by == "create":
        answer = client.post(SESSIONS, json={"uid": uid, "configuration": configuration})
    elif by == "fire":
        body = {"trigger": "firstPage", "configuration": configuration}
        answer = client.post(f"{SESSIONS}/{uid}/fires", json=body)
    else:
        fire = {"session_uid": uid, "trigger": "firstPage", "configuration": configuration}
        answer = client.post(BATCH, json={"fires": [fire]})
    return f"{answer.status_code} {answer.text}"


@pytest.mark.parametrize("query", ["", "&trigger=unused"])
def test_lists_filtered_by_a_configuration_of_others_are_those_of_none(api, query):
    fire_into("survey-1", "unused")
    shop = api.client("shop")
    for path in (f"{SESSIONS}?", f"{BATCH}?touched=nothing{query}&"):
        hidden, absent = (shop.get(f"{path}configuration={name}") for name in ("survey", "nothing"))
        assert (hidden.status_code, hidden.content) == (200, absent.content)
        assert "survey" not in shop.get(path).text


@pytest.mark.parametrize("by", ["create", "fire", "batch"])
def test_whoever_may_make_a_session_is_told_that_its_uid_is_taken_and_not_by_what(api, by):
    create_session("own", configuration={"t_a": {"after": ["a"], "run": "survey.t_score"}})
    told = {ask_for(api.client("shop"), by, uid, "orders").replace(uid, "UID") for uid in ("survey-1", "own")}
    assert len(told) == 1
    assert "SessionExists" in told.pop()
    assert len(describe_session("survey-1").fires) == 1


@pytest.mark.parametrize("by", ["create", "fire", "batch"])
def test_whoever_may_not_make_a_session_is_not_told_whether_its_uid_is_taken(api, by):
    api.let("reader", Allowed(methods={"GET"}, dag_ids={"orders.t_pay"}))
    hidden, absent = (ask_for(api.client("reader"), by, uid, "orders") for uid in ("survey-1", "survey-2"))
    assert hidden.replace("survey-1", "survey-2") == absent
    assert "403" in hidden


def test_a_reader_is_told_what_a_session_has_that_exists_otherwise(api):
    refused = [ask_for(api.client("admin"), by, "survey-1", "orders") for by in ("create", "fire")]
    assert all(
        "exists with the configuration 'survey', not with the configuration 'orders'" in answer
        for answer in refused
    )


def test_a_session_whose_storage_is_not_installed_is_told_to_those_only_who_may_know_of_it(api):
    with transaction() as session:
        session.execute(update(tables.session).values(storage="elsewhere"))
    shop, admin = api.client("shop"), api.client("admin")
    assert "elsewhere" not in storage_backends.names()
    assert admin.get(f"{SESSIONS}/survey-1").status_code == 503
    assert admin.post(f"{SESSIONS}/survey-1/fires", json={"trigger": "firstPage"}).status_code == 503
    hidden = [
        shop.get(f"{SESSIONS}/survey-1"),
        shop.post(f"{SESSIONS}/survey-1/fires", json={"trigger": "x"}),
    ]
    assert [one.json()["reason"] for one in hidden] == ["SessionNotFound"] * 2


def test_a_session_whose_manager_is_not_installed_is_told_to_those_only_who_may_know_of_it(api):
    with transaction() as session:
        session.execute(update(tables.session).values(manager="missing"))
    for user, status in (("admin", 503), ("shop", 404)):
        fire = {"trigger": "firstPage", "session_uid": "survey-1"}
        client = api.client(user)
        assert client.post(f"{SESSIONS}/survey-1/fires", json={"trigger": "firstPage"}).status_code == status
        assert client.post(BATCH, json={"fires": [fire]}).json()["results"][0]["status"] == status


# -- sessions without DAGs ----------------------------------------------------------------------------------------

WITHOUT_DAGS = {
    "threads": {"t_call": {"after": ["a"], "run": "json:dumps", "using": "threading"}},
    "mixed": {
        "t_call": {"after": ["a"], "run": "json:dumps", "using": "threading"},
        "t_pay": {"after": ["b"], "run": "orders.t_pay"},
    },
}


@pytest.fixture
def without_dags(api):
    """Sessions of which Airflow has no DAG to ask about, or not for every task."""
    for uid, configuration in WITHOUT_DAGS.items():
        create_session(uid, configuration=configuration)
    TriggerManager(SqlStorageBackend("bare")).fire("unused")
    return ["bare", "mixed", "threads"]


@pytest.mark.parametrize(
    "rights", [[], [ORDERS], [Allowed(dag_ids={"orders.t_pay", "survey.t_import", "survey.t_score"})]]
)
def test_a_session_with_a_task_that_has_no_dag_takes_the_right_on_all_dags(api, without_dags, rights):
    api.let("shop", *rights)
    shop = api.client("shop")
    for uid in without_dags:
        assert shop.get(f"{SESSIONS}/{uid}").status_code in (403, 404), uid
        answer = shop.post(f"{SESSIONS}/{uid}/fires", json={"trigger": "a"})
        assert answer.status_code in (403, 404), uid
        assert uid not in [one["uid"] for one in shop.get(SESSIONS).json()["sessions"]]
        assert uid not in shop.get(f"{BATCH}?touched=nothing").text
    assert [len(describe_session(uid).fires) for uid in without_dags] == [1, 0, 0]


@pytest.mark.parametrize("user", ["admin", "viewer"])
def test_whoever_may_read_all_dags_reads_and_lists_sessions_without_one(api, without_dags, user):
    client = api.client(user)
    listed = [one["uid"] for one in client.get(SESSIONS).json()["sessions"]]
    assert set(without_dags) < set(listed)
    assert [client.get(f"{SESSIONS}/{uid}").status_code for uid in without_dags] == [200] * 3
    assert '"bare"' in client.get(f"{BATCH}?touched=nothing").text
    status = 200 if user == "admin" else 403
    for uid in without_dags:
        fired = client.post(f"{SESSIONS}/{uid}/fires", json={"trigger": "unused"})
        assert fired.status_code == status


def test_of_a_session_with_some_dags_a_trigger_of_those_takes_the_right_on_them(api, without_dags):
    shop = api.client("shop")
    for trigger, status in (("b", 200), ("unused", 200), ("a", 403)):
        answer = shop.post(f"{SESSIONS}/mixed/fires", json={"trigger": trigger})
        assert answer.status_code == status, trigger
    assert shop.get(f"{SESSIONS}/mixed").status_code == 403


# -- sessions whose configuration named other DAGs before ------------------------------------------------------------


@pytest.mark.parametrize("started", [True, False])
def test_runs_of_a_dag_that_a_task_named_before_are_read_with_the_right_on_that_dag(api, started):
    create_session("moved", configuration={"t_a": {"after": ["a"], "run": "survey.t_score"}})
    manager = open_session("moved")
    if started:
        manager.fire("a", {"secret": 1})
    manager.update_configuration({"t_a": {"after": ["a"], "run": "orders.t_pay"}})
    manager.fire("a")
    shop, admin = api.client("shop"), api.client("admin")
    reads = [f"{SESSIONS}/moved{path}" for path in ("", "/fires", "/history", "/instances/t_a%230")]
    assert {shop.get(path).status_code for path in reads} == {403 if started else 200}
    assert {admin.get(path).status_code for path in reads} == {200}
    assert ("moved" in shop.get(SESSIONS).text) is not started
    assert "moved" in admin.get(SESSIONS).text
    assert shop.post(f"{SESSIONS}/moved/fires", json={"trigger": "a"}).status_code == 200


def test_authorizing_reads_the_configuration_alone_whichever_dags_the_session_had(api):
    create_session("moved", configuration={"t_a": {"after": ["a"], "run": "survey.t_score"}})
    open_session("moved").fire("a")
    open_session("moved").update_configuration({"t_a": {"after": ["a"], "run": "orders.t_pay"}})
    shop = api.client("shop")
    for path in ("", "/fires", "/history", "/instances/t_a%230", "/instances/t_a/why"):
        with statements() as sent:
            assert shop.get(f"{SESSIONS}/moved{path}").status_code == 403
        assert sent
        for table in ("triggers_run", "triggers_instance", "triggers_fire", "triggers_event"):
            assert not any(table in statement for statement in sent), path


def test_dags_that_were_replaced_one_after_the_other_are_all_asked_about(api):
    create_session("moved", configuration={"t_a": {"andEvery": "a", "after": [], "run": "survey.t_import"}})
    manager = open_session("moved")
    for dag_id in ("survey.t_score", "orders.t_pay", "orders.t_pay"):
        manager.fire("a")
        manager.update_configuration({"t_a": {"andEvery": "a", "after": [], "run": dag_id}})
    for missing in ("survey.t_import", "survey.t_score", "orders.t_pay"):
        dag_ids = {"survey.t_import", "survey.t_score", "orders.t_pay"} - {missing}
        api.let("reader", Allowed(methods={"GET"}, dag_ids=dag_ids))
        assert api.client("reader").get(f"{SESSIONS}/moved").status_code == 404
        assert "moved" not in api.client("reader").get(SESSIONS).text
    api.let("reader", Allowed(methods={"GET"}, dag_ids={*dag_ids, missing}))
    assert api.client("reader").get(f"{SESSIONS}/moved").status_code == 200


def test_results_of_a_task_that_ran_without_a_dag_stay_with_those_who_may_read_all_dags(api):
    create_session("moved", configuration=WITHOUT_DAGS["threads"])
    open_session("moved").fire("a")
    open_session("moved").update_configuration({"t_call": {"after": ["a"], "run": "orders.t_pay"}})
    assert api.client("shop").get(f"{SESSIONS}/moved").status_code == 403
    assert api.client("viewer").get(f"{SESSIONS}/moved").status_code == 200


def test_a_session_is_the_same_as_before_whichever_dags_it_had(api):
    once = {"t_a": {"after": ["a"], "run": "survey.t_score"}}
    create_session("moved", configuration=once)
    manager = open_session("moved")
    manager.fire("a")
    manager.update_configuration({"t_a": {"after": ["a"], "run": "orders.t_pay"}})
    manager.update_configuration(once)
    assert create_session("moved", configuration=once)[1] is False
