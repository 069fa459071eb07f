"""A fire that names another configuration, or another manager, than the session has: refused, by every way in."""

from __future__ import annotations

import pytest
from airflow.api_fastapi.app import purge_cached_app
from airflow.cli.cli_parser import get_parser
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

from airflow_triggers import SqlStorageBackend, TriggerManager, trigger_asset
from airflow_triggers.controller.loop import Controller
from airflow_triggers.domain.fires import SessionFireRequest
from airflow_triggers.errors import SessionExists, UnknownConfiguration
from airflow_triggers.history.parked import failed_asset_events
from airflow_triggers.manager.manager import trigger_managers
from airflow_triggers.sessions.batches import fire_all
from airflow_triggers.sessions.describing import describe_session, list_sessions
from airflow_triggers.sessions.opening import create_session, fire_into, open_session
from tests.integration.test_asset_events import happen
from tests.support.api import mounted_api
from tests.support.dags import deploy, deploy_configuration

MISMATCH = "exists with the configuration 'survey', not with the configuration 'orders'"
OTHER_MANAGER = "exists with the manager 'default', not with 'noting'"


class Noting(TriggerManager):
    """A manager of somebody's own."""

    name = "noting"


@pytest.fixture
def noting():
    trigger_managers.register(Noting.name, Noting)
    yield
    trigger_managers.unregister(Noting.name)


@pytest.fixture
def survey(airflow_db):
    deploy_configuration("survey", t_import={"after": ["page"]})
    deploy_configuration("orders", t_pay={"after": ["page"]})
    create_session("s-1", configuration="survey")


@pytest.fixture
def api(survey, monkeypatch):
    yield mounted_api(monkeypatch).client("admin")
    purge_cached_app()


def fires(uid="s-1"):
    return [fire.trigger_name for fire in describe_session(uid).fires]


def test_in_python(survey):
    with pytest.raises(SessionExists, match=MISMATCH):
        fire_into("s-1", "page", configuration="orders")
    assert fires() == []
    assert fire_into("s-1", "page", configuration="survey").scheduled == ("t_import#0",)


@pytest.mark.parametrize("configuration", ["orders", "neverDeployed"])
def test_over_rest(api, configuration):
    body = {"trigger": "page", "kwargs": {"secret": 1}, "configuration": configuration}
    answer = api.post("api/v1/sessions/s-1/fires", json=body)
    assert (answer.status_code, answer.json()["reason"]) == (409, "SessionExists")
    assert f"not with the configuration '{configuration}'" in answer.json()["detail"]
    assert fires() == []
    assert api.post("api/v1/sessions/s-1/fires", json={**body, "configuration": "survey"}).status_code == 200


def test_in_a_batch_where_the_other_fires_are_made(api):
    own = [{"session_uid": "s-1", "trigger": "page", "kwargs": {"n": n}} for n in range(3)]
    own[1] |= {"configuration": "orders"}
    own[2] |= {"configuration": "survey"}
    answer = api.post("api/v1/fires", json={"fires": own})
    assert [one["status"] for one in answer.json()["results"]] == [200, 409, 200]
    assert answer.json()["results"][1]["reason"] == "SessionExists"
    assert [dict(fire.kwargs) for fire in describe_session("s-1").fires] == [{"n": 2}, {"n": 0}]


def test_in_a_batch_that_makes_the_session_first(survey):
    names = ("orders", "survey", None)
    batch = [SessionFireRequest(session_uid="s-2", trigger_name="page", configuration=name) for name in names]
    outcomes = fire_all(batch)
    assert [type(outcome).__name__ for outcome in outcomes] == ["FireResult", "SessionExists", "FireResult"]


def test_on_the_command_line(survey, capsys):
    arguments = ["triggers", "fire", "s-1", "page", "--configuration", "orders"]
    args = get_parser().parse_args(arguments)
    with pytest.raises(SystemExit) as ended:
        args.func(args)
    assert ended.value.code == 1
    assert MISMATCH in capsys.readouterr().err
    assert fires() == []


def test_by_an_asset_event_which_is_parked_at_once(survey):
    asset = trigger_asset("page", configuration="orders")
    with DAG("etl", schedule=None) as dag:
        EmptyOperator(task_id="load", outlets=[asset])
    deploy(dag)
    happen(asset.uri, partition_key="s-1")
    Controller().run_once()
    (failed,) = failed_asset_events(parked=True)
    assert MISMATCH in failed.error
    assert fires() == []


def test_a_repeat_of_an_accepted_fire_is_answered_as_before(survey):
    first = fire_into("s-1", "page", configuration="survey", idempotency_key="once")
    again = fire_into("s-1", "page", configuration="orders", manager="noting", idempotency_key="once")
    assert (again.repeated, again.fire_id) == (True, first.fire_id)
    batch = SessionFireRequest(
        session_uid="s-1", trigger_name="page", configuration="orders", idempotency_key="once"
    )
    assert fire_all([batch])[0].repeated
    with pytest.raises(SessionExists):
        fire_into("s-1", "page", configuration="orders", idempotency_key="another")


def test_a_session_keeps_the_version_of_a_configuration_that_it_was_made_with(survey):
    deploy_configuration("survey", t_import={"after": ["page"]}, t_more={"after": ["page"]})
    assert fire_into("s-1", "page", configuration="survey").created == ("t_import#0",)


def test_a_manager_counts_where_it_is_named(api, noting):
    fire = "api/v1/sessions/s-1/fires"
    answer = api.post(fire, json={"trigger": "page", "configuration": "survey", "manager": "noting"})
    assert (answer.status_code, answer.json()["reason"]) == (409, "SessionExists")
    assert OTHER_MANAGER in answer.json()["detail"]
    assert fires() == []
    fire_into("s-2", "page", configuration="survey", manager="noting")
    for manager, status in ((None, 200), ("noting", 200), ("default", 409)):
        body = {"trigger": "page", "manager": manager, "session_uid": "s-2"}
        single = api.post("api/v1/sessions/s-2/fires", json={"trigger": "page", "manager": manager})
        batched = api.post("api/v1/fires", json={"fires": [body]}).json()["results"][0]
        assert (single.status_code, batched["status"]) == (status, status), manager


def test_a_session_made_at_run_time_has_no_deployed_configuration(survey):
    create_session("own", configuration={"t_a": {"after": ["page"], "run": "orders.t_pay"}})
    with pytest.raises(SessionExists, match="exists with a configuration of its own, not with"):
        fire_into("own", "page", configuration="orders")


@pytest.mark.parametrize("batched", [True, False])
def test_a_session_without_a_configuration_gets_the_one_that_a_fire_names(survey, batched):
    TriggerManager(SqlStorageBackend("bare")).fire("early")
    if batched:
        named = SessionFireRequest(session_uid="bare", trigger_name="page", configuration="survey")
        plain = SessionFireRequest(session_uid="bare", trigger_name="page")
        outcomes = fire_all([plain, named, plain])
        assert [outcome.created for outcome in outcomes] == [(), ("t_import#0",), ()]
    else:
        with pytest.raises(UnknownConfiguration):
            fire_into("bare", "page", configuration="neverDeployed")
        assert fire_into("bare", "page", configuration="survey").created == ("t_import#0",)
    assert open_session("bare").storage.configuration.name == "survey"
    assert {summary.uid: summary.configuration for summary in list_sessions()}["bare"] == "survey"
