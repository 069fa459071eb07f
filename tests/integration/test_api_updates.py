"""A session's rules are updated over REST: previewed, applied, refused."""

from __future__ import annotations

import pytest
from airflow.api_fastapi.app import purge_cached_app

from airflow_triggers.manager.manager import TriggerManager
from airflow_triggers.sessions.opening import create_session, fire_into, open_session
from airflow_triggers.storages.sql import SqlStorageBackend
from tests.support.api import Allowed, mounted_api
from tests.support.dags import dag, deploy
from tests.support.runners import RecordingRunner, registered
from tests.support.surveys import statuses

PATH = "api/v1/sessions/order-1/configuration"
RULES = {"t_late": {"after": ["firstPage"], "run": "late"}}


@pytest.fixture
def api(survey, monkeypatch):
    deploy(dag("late"), dag("secret_dag"))
    fire_into("order-1", "firstPage", configuration="survey")
    api = mounted_api(monkeypatch)
    api.let("ann", Allowed(dag_ids={"survey.t_import", "survey.t_score", "late"}))
    yield api
    purge_cached_app()


def put(client, *, status=200, headers=None, **body):
    answer = client.put(PATH, json=body, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_an_update_is_previewed_and_then_does_that(api):
    client = api.client("ann")
    preview = put(client, tasks=RULES, history="apply", preview=True)
    assert (preview["preview"], preview["created"], preview["scheduled"]) == (
        True,
        ["t_late#0"],
        ["t_late#0"],
    )
    assert statuses() == {"t_import#0": "scheduled"}
    done = put(client, tasks=RULES, history="apply")
    assert done == {**preview, "preview": False}
    assert statuses() == {"t_import#0": "scheduled", "t_late#0": "scheduled"}
    assert sorted(open_session("order-1").storage.configuration.tasks) == done["tasks"]


def test_an_update_is_refused_if_the_session_is_not_as_it_was_read(api):
    client = api.client("ann")
    tag = client.get("api/v1/sessions/order-1").headers["ETag"]
    fire_into("order-1", "other")
    answer = put(client, tasks=RULES, headers={"If-Match": tag}, status=412)
    assert answer["reason"] == "PreconditionFailed"
    assert "t_late" not in open_session("order-1").storage.configuration.tasks
    fresh_tag = client.get("api/v1/sessions/order-1").headers["ETag"]
    put(client, tasks=RULES, headers={"If-Match": fresh_tag})


@pytest.mark.parametrize(
    ("tasks", "problem"),
    [
        ({}, "tasks"),
        ({"t_x": {"run": "late"}}, "after"),
        ({"t_x": {"after": ["firstPage"], "run": "late", "unles": ["x"]}}, "unles"),
        ({"t_import": {"after": ["firstPage"], "run": "other:function"}}, "'survey' with it first"),
    ],
    ids=str,
)
def test_rules_that_are_not_accepted_change_nothing(api, tasks, problem):
    before = open_session("order-1").storage.configuration
    answer = api.client("admin").put(PATH, json={"tasks": tasks})
    assert answer.status_code == 422, answer.text
    assert problem in answer.text
    assert open_session("order-1").storage.configuration == before


def test_dags_that_one_may_not_run_are_refused_whether_they_exist_or_not(api):
    client = api.client("ann")
    answers = [
        put(client, tasks={"t_x": {"after": ["a"], "run": dag_id}}, status=403)
        for dag_id in ("secret_dag", "no_such_dag")
    ]
    assert answers[0] == answers[1]


def test_a_hint_names_no_dag_that_one_may_not_see(api):
    api.let("ben", Allowed(entities={"RUN", "XCOM"}))
    rules = {"t_x": {"after": ["a"], "run": "secret_dak"}}
    assert "secret_dag" in put(api.client("admin"), tasks=rules, status=422)["detail"]
    assert "secret_dag" not in put(api.client("ben"), tasks=rules, status=422)["detail"]


def test_work_in_a_process_of_the_server_is_not_changed_from_outside(api):
    registered(RecordingRunner())
    rules = {"t_x": {"after": ["a"], "run": "os:getpid", "using": "recording"}}
    answer = put(api.client("admin"), tasks=rules, status=422)
    assert "expected 'airflow'" in answer["detail"]


def test_the_manager_of_a_session_elsewhere_is_asked_too(sqlite_airflow_db, monkeypatch):
    registered(RecordingRunner())
    create_session("order-1", configuration={"t_x": {"after": ["a"], "run": "m:f", "using": "recording"}})
    api = mounted_api(monkeypatch)
    same_work = {"t_x": {"after": ["a", "b"], "run": "m:f", "using": "recording"}}
    assert put(api.client("admin"), tasks=same_work)["tasks"] == ["t_x"]
    assert TriggerManager(SqlStorageBackend("order-1")).storage.configuration["t_x"].after == ("a", "b")
    purge_cached_app()
