"""Who may fire by an asset event: a person what the asset names, a task what its team may; nobody anything else."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from airflow.api_fastapi.app import purge_cached_app
from airflow.models.asset import AssetEvent, AssetModel, TaskOutletAssetReference
from airflow.models.dag import DagModel
from airflow.models.dagbundle import DagBundleModel
from airflow.models.log import Log
from airflow.models.team import Team
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG
from airflow.utils.session import create_session as airflow_session
from sqlalchemy import delete, select, update

from airflow_triggers import FireTriggerOperator, trigger_asset
from airflow_triggers.domain.asset_uris import ANY_TRIGGER
from airflow_triggers.errors import SessionNotFound
from airflow_triggers.gateway.asset_events import author_of, new_asset_events
from airflow_triggers.history.pages import history_of
from airflow_triggers.history.parked import failed_asset_events, retry_asset_events
from airflow_triggers.sessions.describing import fires_of
from airflow_triggers.sessions.opening import create_session
from tests.support.airflow_api import airflow_api, client_of
from tests.support.dags import deploy, deploy_configuration

FIRST_PAGE = trigger_asset("firstPage", configuration="survey")
ANYWHERE = trigger_asset("firstPage")
NAMED = {"trigger": "firstPage", "session_uid": "order-1", "configuration": "survey"}


@pytest.fixture
def declared(survey):
    """A DAG of somebody's whose tasks fire."""
    declare("etl")


@pytest.fixture
def app(monkeypatch):
    yield airflow_api(monkeypatch)
    purge_cached_app()


def declare(dag_id):
    with DAG(dag_id, schedule=None) as dag:
        EmptyOperator(task_id="load", outlets=[FIRST_PAGE, ANYWHERE])
        FireTriggerOperator(task_id="tell", trigger="firstPage", session_uid="order-1")
    deploy(dag)


def asset_id(uri):
    with airflow_session() as session:
        return session.scalar(select(AssetModel.id).where(AssetModel.uri == uri))


def create(client, uri, *, partition_key=None, **extra):
    """Have a user create an event, by Airflow's own API."""
    body = {"asset_id": asset_id(uri), "partition_key": partition_key, "extra": extra}
    answer = client.post("assets/events", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]


def happen(uri, *, dag_id, task_id="load", partition_key=None, **extra):
    """An event as the success of a task makes it."""
    source = {"source_dag_id": dag_id, "source_task_id": task_id, "source_run_id": "run-1"}
    with airflow_session() as session:
        event = AssetEvent(asset_id=asset_id(uri), extra=extra, partition_key=partition_key, **source)
        session.add(event)
        session.flush()
        return event.id


def fires(uid="order-1"):
    try:
        return [(fire.trigger_name, dict(fire.kwargs), fire.fired_by) for fire in reversed(fires_of(uid))]
    except SessionNotFound:
        return None


def parked():
    return {failed.event_id: failed for failed in failed_asset_events(parked=True)}


# -- by hand --------------------------------------------------------------------------------------------------


def test_an_event_by_hand_fires_what_its_asset_names_for_the_person_who_made_it(declared, controller, app):
    alice, bob = client_of(app, "alice"), client_of(app, "bob")
    create(alice, FIRST_PAGE.uri, partition_key="order-1", kwargs={"n": 1})
    create(bob, FIRST_PAGE.uri, partition_key="order-1", kwargs={"n": 2})
    create(bob, FIRST_PAGE.uri, session_uid="order-1", kwargs={"n": 3}, fire_at="2026-01-01T00:00:00Z")
    create(alice, FIRST_PAGE.uri, partition_key="order-2", trigger="firstPage", configuration="survey")
    assert controller.run_once() == 4
    assert fires() == [
        ("firstPage", {"n": 1}, "alice"),
        ("firstPage", {"n": 2}, "bob"),
        ("firstPage", {"n": 3}, "bob"),
    ]
    assert fires("order-2") == [("firstPage", {}, "alice")]


def test_whoever_may_not_create_asset_events_in_airflow_fires_nothing(declared, controller, app):
    body = {"asset_id": asset_id(FIRST_PAGE.uri), "partition_key": "order-1", "extra": {}}
    for role in ("viewer", "user"):
        answer = client_of(app, "carol", role=role).post("assets/events", json=body)
        assert answer.status_code == 403
    assert controller.run_once() == 0


@pytest.mark.parametrize(
    ("uri", "extra", "reason"),
    [
        (
            ANY_TRIGGER,
            NAMED,
            "its asset 'x-triggers://any' names no trigger: such events fire only for tasks",
        ),
        (ANYWHERE.uri, {"session_uid": "order-1"}, "names no configuration: such events fire only for tasks"),
        (ANYWHERE.uri, NAMED, "names no configuration: such events fire only for tasks"),
        (
            FIRST_PAGE.uri,
            {**NAMED, "trigger": "secret"},
            "has the 'trigger' 'secret' in extra, and its asset",
        ),
        (
            FIRST_PAGE.uri,
            {**NAMED, "configuration": "other"},
            "has the 'configuration' 'other' in extra, and its",
        ),
        (
            FIRST_PAGE.uri,
            {"session_uid": "other-1"},
            "was created by hand for sessions of the configuration 'survey'",
        ),
        (
            FIRST_PAGE.uri,
            {"session_uid": "own-1"},
            "was created by hand for sessions of the configuration 'survey'",
        ),
    ],
)
def test_an_event_by_hand_fires_nothing_else(declared, controller, app, uri, extra, reason):
    deploy_configuration("other", t_other={"after": ["firstPage"]})
    create_session("other-1", configuration="other")
    create_session("own-1", configuration={"t_own": {"after": ["firstPage"], "run": "etl"}})
    before = [history_of(uid).entries for uid in ("other-1", "own-1")]
    refused = create(client_of(app, "mallory"), uri, **extra)
    assert controller.run_once() == 0
    assert (fires("order-1"), fires("other-1"), fires("own-1")) == (None, [], [])
    assert reason in parked()[refused].error
    assert parked()[refused].source == "mallory"
    assert [history_of(uid).entries for uid in ("other-1", "own-1")] == before


def test_an_invalid_event_by_hand_is_not_told_in_the_history_of_a_session_that_it_may_not_fire_into(
    declared, controller, app
):
    deploy_configuration("other", t_other={"after": ["firstPage"]})
    create_session("other-1", configuration="other")
    create_session("order-1", configuration="survey")
    before = [history_of(uid).entries for uid in ("other-1", "order-1")]
    too_long = "k" * 251
    by_hand = create(
        client_of(app, "mallory"), FIRST_PAGE.uri, session_uid="other-1", idempotency_key=too_long
    )
    of_a_task = happen(FIRST_PAGE.uri, dag_id="etl", partition_key="order-1", idempotency_key=too_long)
    assert controller.run_once() == 0
    assert all("An idempotency key is" in parked()[event_id].error for event_id in (by_hand, of_a_task))
    after = [history_of(uid).entries for uid in ("other-1", "order-1")]
    assert after[0] == before[0]
    assert [entry.details["event_id"] for entry in after[1][: len(after[1]) - len(before[1])]] == [of_a_task]


def test_an_invalid_event_by_hand_is_in_the_history_of_a_session_that_it_may_fire_into(
    declared, controller, app
):
    create_session("order-1", configuration="survey")
    invalid = create(
        client_of(app, "alice"), FIRST_PAGE.uri, partition_key="order-1", idempotency_key="k" * 251
    )
    assert controller.run_once() == 0
    entry = history_of("order-1").entries[0]
    assert (entry.details["event_id"], entry.by) == (invalid, "alice")
    assert "An idempotency key is" in entry.details["error"]


@pytest.mark.parametrize("uid", ["gone-1", "a/b"])
def test_an_invalid_event_by_hand_for_no_session_is_parked_with_its_own_error(declared, controller, app, uid):
    invalid = create(client_of(app, "alice"), FIRST_PAGE.uri, session_uid=uid, idempotency_key="k" * 251)
    assert controller.run_once() == 0
    assert ("An idempotency key is" if uid == "gone-1" else "session UID") in parked()[invalid].error


@pytest.mark.parametrize("mark", [False, None, "yes"])
def test_a_person_cannot_strip_the_mark_nor_pass_for_a_task(declared, controller, app, mark):
    marks = {"from_rest_api": mark, "from_trigger": True, "payload": NAMED}
    refused = create(client_of(app, "mallory"), ANY_TRIGGER, **NAMED, **marks)
    assert controller.run_once() == 0
    assert "was created by hand" in parked()[refused].error
    source = {"source_task_id": "load", "source_dag_id": "etl", "source_run_id": "run-1"}
    body = {"asset_id": asset_id(ANY_TRIGGER), "extra": NAMED}
    assert client_of(app, "mallory").post("assets/events", json={**body, **source}).status_code == 422
    refused = create(client_of(app, "mallory"), ANY_TRIGGER, **NAMED, **source)
    assert controller.run_once() == 0
    assert "was created by hand" in parked()[refused].error
    assert fires() is None


def test_an_event_that_no_task_made_counts_as_made_by_hand(declared, controller):
    """Whatever its extra says: a watcher's, or one that some code of the deployment puts there."""
    with airflow_session() as session:
        session.add(AssetEvent(asset_id=asset_id(ANY_TRIGGER), extra={**NAMED, "from_trigger": True}))
    assert controller.run_once() == 0
    assert fires() is None
    (refused,) = parked().values()
    assert ("was created by hand" in refused.error, refused.source) == (True, None)


def test_events_by_hand_can_be_refused_altogether(declared, controller, app, monkeypatch):
    monkeypatch.setenv("AIRFLOW__TRIGGERS__ASSET_EVENTS_BY_HAND", "False")
    refused = create(client_of(app, "alice"), FIRST_PAGE.uri, partition_key="order-1")
    happen(FIRST_PAGE.uri, dag_id="etl", partition_key="order-2")
    assert controller.run_once() == 1
    assert (fires("order-1"), len(fires("order-2"))) == (None, 1)
    assert "[triggers] asset_events_by_hand is off" in parked()[refused].error
    monkeypatch.delenv("AIRFLOW__TRIGGERS__ASSET_EVENTS_BY_HAND")
    retry_asset_events([refused])
    assert controller.run_once() == 1
    assert fires("order-1") == [("firstPage", {}, "alice")]


def test_of_requests_alike_the_one_that_asked_for_the_same_made_the_event(declared, app):
    for name, number in [("alice", 1), ("bob", 2), ("carol", 1), ("dave", 3)]:
        create(client_of(app, name), FIRST_PAGE.uri, partition_key="order-1", n=number)
    with airflow_session() as session:
        # As if all of them had been at work at once: every request was logged before the first event was there.
        session.execute(update(AssetEvent).values(timestamp=datetime.now(UTC)))
    with airflow_session() as session:
        authors = [author_of(session, event) for event in new_asset_events(session, after=0)]
    assert authors == ["carol", "bob", "carol", "dave"]


def test_an_event_whose_request_the_audit_log_does_not_have_is_fired_for_itself(declared, controller, app):
    event = create(client_of(app, "alice"), FIRST_PAGE.uri, partition_key="order-1")
    create(client_of(app, "bob"), FIRST_PAGE.uri, partition_key="order-2")
    hours_ago = datetime.now(UTC) - timedelta(hours=2)
    with airflow_session() as session:
        session.execute(update(Log).where(Log.owner == "alice").values(dttm=hours_ago))
        session.add(Log("create_asset_event", owner="eve", extra=json.dumps([event])))
        session.add(Log("create_asset_event", owner="eve", extra="no JSON"))
        session.add(Log("create_asset_event", owner="eve", extra=None))
    assert controller.run_once() == 2
    assert fires() == [("firstPage", {}, f"asset event {event}")]
    assert fires("order-2") == [("firstPage", {}, "bob")]


def test_a_request_that_airflow_refused_and_logged_stops_no_event_of_others(declared, controller, app):
    refused = {"asset_id": asset_id(FIRST_PAGE.uri), "partition_key": "order-1", "extra": [1]}
    assert client_of(app, "eve").post("assets/events", json=refused).status_code == 422
    with airflow_session() as session:
        session.add(Log("create_asset_event", owner="eve", extra=json.dumps(refused)))
        session.add(Log("create_asset_event", owner="eve", extra="[" * 5000))
    create(client_of(app, "alice"), FIRST_PAGE.uri, partition_key="order-1", kwargs={"n": 1})
    refused_event = create(client_of(app, "alice"), ANYWHERE.uri, partition_key="order-1", x=1)
    assert controller.run_once() == 1
    assert fires() == [("firstPage", {"n": 1}, "alice")]
    assert parked()[refused_event].source == "alice"


# -- several teams --------------------------------------------------------------------------------------------


@pytest.fixture
def teams(declared, monkeypatch):
    """Configurations ``survey`` of the team red and ``common`` of none; DAGs of red, of blue and of no team."""
    monkeypatch.setenv("AIRFLOW__CORE__MULTI_TEAM", "True")
    deploy_configuration("common", t_common={"after": ["firstPage"]})
    for dag_id in ("red_etl", "blue_etl"):
        declare(dag_id)
    with airflow_session() as session:
        for name in ("red", "blue"):
            bundle = DagBundleModel(name=f"{name}-bundle")
            bundle.teams = [Team(name=name)]
            session.add(bundle)
    for dag_id, team in [("red_etl", "red"), ("blue_etl", "blue"), ("survey", "red")]:
        give(dag_id, team)


def give(dag_id, team):
    """Have the DAG be in the bundle of the team."""
    with airflow_session() as session:
        session.execute(
            update(DagModel).where(DagModel.dag_id == dag_id).values(bundle_name=f"{team}-bundle")
        )


def allow(dag_id, task_id, *, teams=None, teamless=True):
    """What ``access_control`` of the task's outlets comes to."""
    values = {"allow_consumer_teams": teams, "allow_global_consumers": teamless}
    with airflow_session() as session:
        outlets = TaskOutletAssetReference.dag_id == dag_id, TaskOutletAssetReference.task_id == task_id
        session.execute(update(TaskOutletAssetReference).where(*outlets).values(**values))


@pytest.mark.parametrize(
    ("dag_id", "configuration", "fires_it"),
    [
        ("red_etl", "survey", True),
        ("blue_etl", "survey", False),
        ("etl", "survey", True),
        ("red_etl", "common", True),
        ("blue_etl", "common", True),
        ("etl", "common", True),
    ],
)
@pytest.mark.parametrize("exists", [False, True])
def test_a_task_fires_for_its_own_team_and_for_none(
    teams, controller, dag_id, configuration, fires_it, exists
):
    if exists:
        create_session("order-1", configuration=configuration)
    named = {**NAMED, "configuration": None if exists else configuration}
    event = happen(ANY_TRIGGER, dag_id=dag_id, task_id="tell", **named)
    assert controller.run_once() == fires_it
    assert bool(fires()) == fires_it
    if not fires_it:
        assert fires() == ([] if exists else None)
        assert parked()[event].error == (
            f"The asset event {event} does not count for the DAG 'survey': it belongs to the team 'red', and the task "
            "to the team 'blue'."
        )


@pytest.mark.parametrize(("dag_id", "is_written"), [("red_etl", True), ("blue_etl", False)])
def test_an_invalid_event_is_in_the_history_only_of_a_session_that_its_team_may_fire_into(
    teams, controller, dag_id, is_written
):
    create_session("order-1", configuration="survey")
    before = history_of("order-1").entries
    invalid = happen(ANYWHERE.uri, dag_id=dag_id, partition_key="order-1", idempotency_key="k" * 251)
    assert controller.run_once() == 0
    assert "An idempotency key is" in parked()[invalid].error
    after = history_of("order-1").entries
    new_entries = after[: len(after) - len(before)]
    assert [entry.details["event_id"] for entry in new_entries] == ([invalid] if is_written else [])


def test_the_asset_of_another_teams_configuration_is_not_fired_either(teams, controller):
    event = happen(FIRST_PAGE.uri, dag_id="blue_etl", partition_key="order-1")
    assert controller.run_once() == 0
    assert "and the task to the team 'blue'" in parked()[event].error


def test_a_session_without_a_deployed_configuration_belongs_to_the_teams_of_its_dags(teams, controller):
    create_session("own-1", configuration={"t_own": {"after": ["firstPage"], "run": "red_etl"}})
    create_session("own-2", configuration={"t_own": {"after": ["firstPage"], "run": "etl"}})
    refused = happen(ANYWHERE.uri, dag_id="blue_etl", partition_key="own-1")
    for uid in ("own-1", "own-2"):
        happen(ANYWHERE.uri, dag_id="red_etl", partition_key=uid)
    happen(ANYWHERE.uri, dag_id="blue_etl", partition_key="own-2")
    assert controller.run_once() == 3
    assert [len(fires(uid)) for uid in ("own-1", "own-2")] == [1, 2]
    assert "does not count for the DAG 'red_etl'" in parked()[refused].error


@pytest.mark.parametrize(
    ("dag_id", "configuration", "allowed", "reason"),
    [
        ("etl", "survey", {"teams": ["blue"]}, "the task's outlet does not allow its team 'red'"),
        ("etl", "survey", {"teams": ["blue", "red"], "teamless": False}, None),
        ("red_etl", "survey", {"teams": [], "teamless": False}, None),
        ("red_etl", "common", {"teams": []}, None),
        ("red_etl", "common", {"teams": ["red"], "teamless": False}, "the task's outlet allows only teams"),
    ],
)
def test_a_tasks_outlet_may_keep_its_events_from_others(
    teams, controller, dag_id, configuration, allowed, reason
):
    allow(dag_id, "tell", **allowed)
    event = happen(ANY_TRIGGER, dag_id=dag_id, task_id="tell", **{**NAMED, "configuration": configuration})
    assert controller.run_once() == (reason is None)
    assert (event in parked()) == (reason is not None)
    assert reason is None or reason in parked()[event].error


def test_a_person_fires_for_no_team(teams, controller, app):
    """Of a person Airflow's event says no team; who may fire for a team fires over REST."""
    refused = create(client_of(app, "alice"), FIRST_PAGE.uri, partition_key="order-1")
    assert controller.run_once() == 0
    assert "it belongs to the team 'red', and a person created the event" in parked()[refused].error
    with airflow_session() as session:
        session.execute(update(DagModel).where(DagModel.dag_id == "survey").values(bundle_name="test-bundle"))
    retry_asset_events([refused])
    assert controller.run_once() == 1
    assert fires() == [("firstPage", {}, "alice")]


@pytest.mark.parametrize(("gone", "named"), [("blue_etl", "blue_etl"), ("survey", "that DAG")])
def test_whose_a_dag_was_that_is_gone_nobody_knows(teams, controller, gone, named):
    create_session("order-1", configuration="survey")
    event = happen(ANYWHERE.uri, dag_id="blue_etl", partition_key="order-1")
    with airflow_session() as session:
        session.execute(delete(TaskOutletAssetReference).where(TaskOutletAssetReference.dag_id == gone))
        session.execute(delete(DagModel).where(DagModel.dag_id == gone))
    assert controller.run_once() == 0
    assert f"Airflow does not know {named if gone == 'survey' else 'the DAG'}" in parked()[event].error


def test_without_teams_any_task_fires(declared, controller):
    happen(ANY_TRIGGER, dag_id="gone", task_id="tell", **NAMED)
    assert controller.run_once() == 1
