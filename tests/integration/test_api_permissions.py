"""Who may do what over REST, DAG by DAG: over real tables and DAG runs, with users whose rights the test chooses."""

from __future__ import annotations

import pytest
from airflow.api_fastapi.app import purge_cached_app

from airflow_triggers.domain.states import Event
from airflow_triggers.sessions.describing import describe_session, list_sessions
from airflow_triggers.sessions.opening import create_session, fire_into, open_session
from tests.support.api import EVERYTHING, READING, Allowed, mounted_api
from tests.support.dags import deploy_configuration

SESSIONS = "api/v1/sessions"
READ_SURVEY = Allowed(methods={"GET"}, dag_ids={"survey.t_import", "survey.t_score"})
CREATE_RUNS = {"methods": {"POST"}, "entities": {"RUN"}}


@pytest.fixture
def api(sqlite_airflow_db, monkeypatch):
    deploy_configuration(
        "survey", t_import={"after": ["firstPage"]}, t_score={"after": ["t_import"], "unless": ["embedded"]}
    )
    deploy_configuration("orders", t_pay={"after": ["paid"]})
    yield mounted_api(monkeypatch)
    purge_cached_app()


@pytest.fixture
def failed_import(api):
    """A session of the survey whose import failed."""
    fire_into("survey-1", "firstPage", {"n": 1}, configuration="survey")
    manager = open_session("survey-1")
    manager.record_progress("t_import#0", Event.START)
    manager.record_progress("t_import#0", Event.FAIL)
    return f"{SESSIONS}/survey-1/instances/t_import%230"


def allowed(answer):
    """Whether it was done; what was not is refused, or answered as what does not exist."""
    assert answer.status_code in (200, 201, 403, 404, 409), answer.text
    return answer.status_code in (200, 201)


def statuses(uid="survey-1"):
    return {one.instance.name: one.instance.status.value for one in describe_session(uid).instances}


@pytest.mark.parametrize(
    "path", ["", "/survey-1", "/survey-1/fires", "/survey-1/instances/t_import%230", "?configuration=survey"]
)
def test_a_viewer_reads(api, failed_import, path):
    assert api.client("viewer").get(SESSIONS + path).status_code == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("", {"uid": "survey-2", "configuration": "survey"}),
        ("", {"uid": "survey-1", "configuration": "survey"}),
        ("/survey-1/fires", {"trigger": "firstPage"}),
        ("/survey-1/fires", {"trigger": "usedByNoTask"}),
        ("/survey-1/fires", {"trigger": "embedded"}),
        ("/survey-2/fires", {"trigger": "firstPage", "configuration": "survey"}),
        ("/survey-1/instances/t_import%230/replay", {}),
        ("/survey-1/instances/t_import%230/skip", {}),
        ("/survey-1/instances/t_import%230/skip", {"cascade": True}),
    ],
)
def test_a_viewer_changes_nothing(api, failed_import, path, body):
    answer = api.client("viewer").post(SESSIONS + path, json=body)
    assert (answer.status_code, answer.json()["reason"]) == (403, "Forbidden")
    assert "'viewer' may not" in answer.json()["detail"]
    assert [one.uid for one in list_sessions()] == ["survey-1"]
    assert len(describe_session("survey-1").fires) == 1
    assert statuses() == {"t_import#0": "failed"}


@pytest.mark.parametrize(
    "rights",
    [
        [],
        [Allowed(methods={"GET"}, dag_ids={"survey.t_import"})],
        [Allowed(methods={"GET"}, entities={"DAG", "TASK", "TASK_INSTANCE", "RUN"})],
        [Allowed(methods={"GET"}, entities={"XCOM"})],
        [Allowed(methods={"PUT"})],
    ],
)
def test_whoever_may_not_read_runs_and_xcoms_of_all_its_dags_reads_nothing_of_a_session(
    api, failed_import, rights
):
    api.let("reader", *rights)
    reader = api.client("reader")
    for path in ("", "/fires", "/instances/t_import%230"):
        answer = reader.get(f"{SESSIONS}/survey-1{path}")
        assert (answer.status_code, answer.json()["reason"]) == (404, "SessionNotFound")
        assert "t_" not in answer.json()["detail"]
    assert reader.get(SESSIONS).json() == {"sessions": [], "next": None, "total": 0}
    assert not allowed(reader.post(f"{failed_import}/replay", json={}))
    assert not allowed(reader.post(f"{failed_import}/skip", json={}))


def test_the_rights_that_a_session_takes_are_enough(api, failed_import):
    api.let("reader", READ_SURVEY)
    assert allowed(api.client("reader").get(f"{SESSIONS}/survey-1"))


def test_lists_are_full_pages_of_what_one_may_read_and_show_nothing_else(api):
    for number in range(5):
        create_session(f"s-{number}-a", configuration="orders")
        create_session(f"s-{number}-b", configuration="survey")
    api.let("reader", READ_SURVEY)
    reader, after, pages = api.client("reader"), None, []
    while after is not None or not pages:
        answer = reader.get(SESSIONS, params={"limit": 2, **({"after": after} if after else {})}).json()
        pages.append([one["uid"] for one in answer["sessions"]])
        after = answer["next"]
    assert pages == [["s-0-b", "s-1-b"], ["s-2-b", "s-3-b"], ["s-4-b"]]


def test_a_session_made_at_run_time_is_read_with_the_rights_on_the_dags_that_it_names(api):
    create_session("own", configuration={"t_a": {"after": ["a"], "run": "orders.t_pay"}})
    api.let("reader", READ_SURVEY)
    assert not allowed(api.client("reader").get(f"{SESSIONS}/own"))
    assert api.client("reader").get(SESSIONS).json()["sessions"] == []
    assert allowed(api.client("viewer").get(f"{SESSIONS}/own"))
    assert [one["uid"] for one in api.client("viewer").get(SESSIONS).json()["sessions"]] == ["own"]


def test_firing_takes_the_right_on_every_dag_whose_task_uses_the_trigger(api):
    create_session("survey-1", configuration="survey")
    api.let("shop", Allowed(**CREATE_RUNS, dag_ids={"survey.t_import"}))

    def fires(trigger):
        return allowed(api.client("shop").post(f"{SESSIONS}/survey-1/fires", json={"trigger": trigger}))

    assert fires("firstPage")
    assert not fires("t_import")
    assert not fires("embedded")
    assert fires("usedByNoTask")
    api.let("shop", Allowed(**CREATE_RUNS, dag_ids={"orders.t_pay"}))
    assert not fires("usedByNoTask")


def test_firing_is_writing_only(api):
    create_session("survey-1", configuration="survey")
    api.let("shop", Allowed(**CREATE_RUNS))
    assert allowed(api.client("shop").post(f"{SESSIONS}/survey-1/fires", json={"trigger": "firstPage"}))
    for path in ("", "/fires", "/history", "/instances/t_import%230", "/instances/t_import/why"):
        answer = api.client("shop").get(f"{SESSIONS}/survey-1{path}")
        assert (answer.status_code, answer.json()["reason"]) == (403, "Forbidden")
        assert answer.json()["detail"].startswith("User 'shop' may not read the runs of the DAGs")


def test_the_sessions_own_configuration_counts_and_not_the_one_that_a_fire_names(api):
    create_session("survey-1", configuration="survey")
    api.let("shop", Allowed(**CREATE_RUNS, dag_ids={"orders.t_pay"}))
    body = {"trigger": "firstPage", "configuration": "orders"}
    assert not allowed(api.client("shop").post(f"{SESSIONS}/survey-1/fires", json=body))
    assert describe_session("survey-1").fires == ()


def test_a_fire_that_creates_the_session_takes_the_right_on_all_its_dags(api):
    api.let("shop", Allowed(**CREATE_RUNS, dag_ids={"survey.t_import"}))
    body = {"trigger": "firstPage", "configuration": "survey"}
    assert not allowed(api.client("shop").post(f"{SESSIONS}/survey-1/fires", json=body))
    assert list_sessions() == []
    api.let("shop", Allowed(**CREATE_RUNS, dag_ids={"survey.t_import", "survey.t_score"}))
    assert allowed(api.client("shop").post(f"{SESSIONS}/survey-1/fires", json=body))


def test_creating_takes_the_rights_to_create_all_its_runs_and_to_read_them(api):
    body = {"uid": "survey-1", "configuration": "survey"}
    api.let("shop", READ_SURVEY, Allowed(**CREATE_RUNS, dag_ids={"survey.t_import"}))
    assert not allowed(api.client("shop").post(SESSIONS, json=body))
    api.let("shop", Allowed(**CREATE_RUNS))
    assert not allowed(api.client("shop").post(SESSIONS, json=body))
    assert list_sessions() == []
    api.let("shop", READ_SURVEY, Allowed(**CREATE_RUNS))
    assert allowed(api.client("shop").post(SESSIONS, json=body))


def test_replaying_takes_the_right_to_create_a_run_of_the_instances_dag(api, failed_import):
    api.let("shop", *READING, Allowed(**CREATE_RUNS, dag_ids={"survey.t_score"}))
    assert not allowed(api.client("shop").post(f"{failed_import}/replay", json={}))
    assert statuses() == {"t_import#0": "failed"}
    api.let("shop", *READING, Allowed(**CREATE_RUNS, dag_ids={"survey.t_import"}))
    assert allowed(api.client("shop").post(f"{failed_import}/replay", json={}))


def test_skipping_takes_the_right_to_edit_its_task_instances_and_a_cascade_that_to_create_its_runs(
    api, failed_import
):
    edit = Allowed(methods={"PUT"}, entities={"TASK_INSTANCE"}, dag_ids={"survey.t_import"})
    run = Allowed(**CREATE_RUNS, dag_ids={"survey.t_import"})
    run_of_what_follows = Allowed(**CREATE_RUNS, dag_ids={"survey.t_score"})
    api.let("shop", *READING, Allowed(methods={"POST", "DELETE"}))
    assert not allowed(api.client("shop").post(f"{failed_import}/skip", json={}))
    for rights in ([edit], [run], [edit, run_of_what_follows]):
        api.let("shop", *READING, *rights)
        assert not allowed(api.client("shop").post(f"{failed_import}/skip", json={"cascade": True}))
    assert statuses() == {"t_import#0": "failed"}
    api.let("shop", *READING, edit, run)
    assert allowed(api.client("shop").post(f"{failed_import}/skip", json={"cascade": True}))
    assert statuses() == {"t_import#0": "skipped", "t_score#0": "scheduled"}


def test_refusals_tell_nothing_that_one_may_not_read(api):
    body = {
        "trigger": "firstPage",
        "kwargs": {"secret": "12345"},
        "idempotency_key": "k",
        "configuration": "survey",
    }
    api.client("admin").post(f"{SESSIONS}/survey-1/fires", json=body)
    api.let("shop", Allowed(**CREATE_RUNS), Allowed(methods={"GET"}, dag_ids={"orders.t_pay"}))
    shop = api.client("shop")
    told = [
        shop.post(f"{SESSIONS}/survey-1/fires", json={**body, "kwargs": {}}),
        shop.post(SESSIONS, json={"uid": "survey-1", "configuration": "orders"}),
        shop.post(SESSIONS, json={"uid": "survey-2", "configuration": "surveys"}),
    ]
    assert [answer.json()["reason"] for answer in told] == [
        "IdempotencyConflict",
        "SessionExists",
        "UnknownConfiguration",
    ]
    for answer in told:
        assert "12345" not in answer.text
    for answer in told[:2]:
        assert "'survey'" not in answer.text
    # It may fire into sessions of this one, so it may know of it.
    assert "Did you mean 'survey'?" in told[2].text


def test_in_a_deployment_with_teams_each_dag_is_asked_about_with_its_team(api, monkeypatch):
    create_session("survey-1", configuration="survey")
    monkeypatch.setenv("AIRFLOW__CORE__MULTI_TEAM", "True")
    api.let("reader", Allowed(methods={"GET"}, dag_ids={"survey.t_import"}))
    assert not allowed(api.client("reader").get(f"{SESSIONS}/survey-1"))
    api.let("reader", READ_SURVEY)
    assert allowed(api.client("reader").get(f"{SESSIONS}/survey-1"))
    api.let("reader", *EVERYTHING)
    assert allowed(api.client("reader").post(f"{SESSIONS}/survey-1/fires", json={"trigger": "firstPage"}))
