"""The health of controllers: what is still to be done and for how long, what is parked; by REST and by statements."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from airflow.api_fastapi.app import purge_cached_app
from airflow.models.asset import AssetEvent, AssetModel
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session as airflow_session
from sqlalchemy import insert, select, update

from airflow_triggers.controller import backlog
from airflow_triggers.controller.health import read_health
from airflow_triggers.domain.hooks import MAX_HOOK_ATTEMPTS
from airflow_triggers.gateway.jobs import ControllerJob
from airflow_triggers.sessions.opening import fire_into
from airflow_triggers.storages import tables
from airflow_triggers.storages.transaction import glance, transaction
from tests.support.api import mounted_api
from tests.support.dags import play, run_of
from tests.support.statements import statements, statements_of
from tests.support.surveys import view

HOUR = timedelta(hours=1)


PARKED_INDEXES = {
    "ix_triggers_delayed_fire_parked": "parked_delayed_fires",
    "ix_triggers_asset_event_failed": "parked_asset_events",
    "ix_triggers_hook_parked": "parked_hooks",
}


def ago(seconds):
    return datetime.now(UTC) - timedelta(seconds=seconds)


def oldest_change():
    """When the oldest change happened that is not applied yet."""
    return read_health().backlog.oldest_change


def counts():
    state = read_health().backlog
    return (
        state.overdue_fires,
        state.parked_hooks,
        state.parked_asset_events,
        state.parked_delayed_fires,
    )


def shift(seconds, *columns, of=DagRun):
    """Have Airflow say that the runs came into their state so long ago; the moment."""
    moment = ago(seconds)
    with airflow_session() as session:
        session.execute(update(of).values(dict.fromkeys(columns, moment)))
    return moment


@pytest.fixture
def fired(survey, controller):
    """A session whose first run is queued, and was seen so."""
    fire_into("order-1", "firstPage", configuration="survey")
    assert controller.run_once() == 0
    return view("t_import#0")


# -- the lag ----------------------------------------------------------------------------------------------------


def test_a_run_that_is_as_it_was_seen_is_no_change(fired):
    shift(600, "queued_at", "run_after")
    assert oldest_change() is None
    assert read_health().lag == timedelta(0)


def test_a_run_that_moved_waits_since_it_moved_until_it_is_applied(fired, controller):
    play(fired, "running")
    shift(300, "queued_at")
    moved_at = shift(50, "start_date")
    assert oldest_change() == moved_at
    controller.run_once()
    assert oldest_change() is None
    play(fired, "failed")
    moved_at = shift(70, "end_date")
    assert oldest_change() == moved_at
    controller.run_once()
    assert oldest_change() is None


def test_a_task_that_told_early_waits_since_its_own_end(fired, controller):
    play(fired, "running", task_state="success", result={})
    shift(500, "start_date")
    moved_at = shift(40, "end_date", of=TaskInstance)
    assert oldest_change() == moved_at
    controller.run_once()
    assert view("t_import#0").instance.status == "finished"


def test_a_cleared_run_waits_since_it_was_queued_again(fired, controller):
    play(fired, "failed")
    controller.run_once()
    play(fired, "queued", clear=True)
    moved_at = shift(60, "queued_at")
    assert oldest_change() == moved_at


def test_a_change_that_failed_counts_from_its_next_try(fired):
    play(fired, "running")
    moved_at = shift(500, "start_date")
    with transaction() as session:
        session.execute(update(tables.run).values(retry_at=datetime.now(UTC) + HOUR))
    assert oldest_change() is None
    with transaction() as session:
        session.execute(update(tables.run).values(retry_at=ago(1)))
    assert oldest_change() == moved_at


def test_a_deleted_run_takes_no_health_away(fired):
    with airflow_session() as session:
        session.delete(run_of(session, fired))
    assert oldest_change() is None


def test_the_oldest_of_many_kinds_counts(fired, controller):
    play(fired, "running")
    shift(20, "start_date")
    due = ago(90)
    insert_delayed_fire(due=due)
    insert_hook(due=ago(60))
    assert oldest_change() == due
    assert counts() == (1, 0, 0, 0)


def test_an_asset_event_waits_until_it_is_fired(survey, controller):
    with airflow_session() as session:
        asset = AssetModel(name="x", uri="x-triggers://survey/firstPage", group="asset")
        other = AssetModel(name="y", uri="s3://bucket/y", group="asset")
        session.add_all([asset, other])
        session.flush()
        made = {"extra": {}, "source_map_index": -1}
        session.execute(insert(AssetEvent).values(asset_id=other.id, timestamp=ago(900), **made))
        made_at = ago(80)
        event = {"asset_id": asset.id, "timestamp": made_at, "partition_key": "order-1"}
        session.execute(insert(AssetEvent).values(**event, **made))
    assert oldest_change() == made_at
    controller.run_once()
    assert oldest_change() is None


def test_handled_asset_events_that_were_forgotten_are_no_change(survey, controller):
    test_an_asset_event_waits_until_it_is_fired(survey, controller)
    with transaction() as session:
        (asset_id,) = session.execute(
            AssetModel.__table__.select().with_only_columns(AssetModel.id).where(AssetModel.name == "x")
        ).one()
        # An event before the first one that is remembered: it was handled and forgotten.
        session.execute(
            insert(AssetEvent).values(
                id=-1, asset_id=asset_id, timestamp=ago(9000), extra={}, source_map_index=-1
            )
        )
    assert oldest_change() is None


# -- what waits -------------------------------------------------------------------------------------------------


def session_id():
    with glance() as connection:
        return connection.execute(tables.session.select().with_only_columns(tables.session.c.id)).scalar()


def insert_delayed_fire(*, due, cancelled_at=None):
    row = {"trigger_name": "firstPage", "kwargs": {}, "fire_at": ago(100), "attempts": 0}
    with transaction() as session:
        session.execute(
            insert(tables.delayed_fire).values(
                session_id=session_id(), due=due, cancelled_at=cancelled_at, **row
            )
        )


def insert_hook(*, due, attempts=0):
    row = {"hook": "_post_fire", "arguments": {}, "attempts": attempts, "due": due}
    with transaction() as session:
        session.execute(insert(tables.hook).values(session_id=session_id(), **row))


def test_what_is_parked_is_counted_and_is_no_lag(fired):
    insert_delayed_fire(due=None)
    insert_delayed_fire(due=None, cancelled_at=ago(1))
    insert_delayed_fire(due=datetime.now(UTC) + HOUR)
    insert_hook(due=ago(900), attempts=MAX_HOOK_ATTEMPTS)
    insert_hook(due=datetime.now(UTC) + HOUR, attempts=1)
    with transaction() as session:
        handled = {"event_id": 1, "seen": ago(1), "attempts": 1}
        parked = {**handled, "event_id": 2, "error": "refused"}
        failed = {**parked, "event_id": 3, "due": datetime.now(UTC) + HOUR}
        for row in (handled, parked, failed):
            session.execute(insert(tables.asset_event).values(**row))
    assert counts() == (0, 1, 1, 1)
    assert oldest_change() is None


def test_no_more_is_counted_than_has_to_be(fired, monkeypatch):
    row = {"hook": "_post_fire", "arguments": {}, "attempts": MAX_HOOK_ATTEMPTS, "due": ago(1)}
    with transaction() as session:
        rows = [{"session_id": session_id(), **row}] * (backlog.MAX_COUNT + 5)
        session.execute(insert(tables.hook), rows)
    assert read_health().backlog.parked_hooks == backlog.MAX_COUNT


@pytest.mark.parametrize("index", sorted(PARKED_INDEXES))
def test_what_is_parked_is_counted_by_an_index_of_its_own_however_much_waits(fired, index):
    soon, key = ago(-600), session_id()
    fire = {
        "session_id": key,
        "trigger_name": "page",
        "kwargs": {},
        "fire_at": soon,
        "due": soon,
        "attempts": 0,
    }
    hook = {"session_id": key, "hook": "_post_fire", "arguments": {}, "attempts": 0, "due": soon}
    with airflow_session() as session:
        session.execute(insert(tables.delayed_fire), [fire] * 2000)
        session.execute(insert(tables.hook), [hook] * 2000)
        settled = [{"event_id": number, "seen": soon, "attempts": 1} for number in range(2000)]
        session.execute(insert(tables.asset_event), settled)
    with airflow_session() as session:
        connection = session.connection()
        connection.exec_driver_sql("ANALYZE")
        query = select(backlog._COUNTS[PARKED_INDEXES[index]]).compile(
            connection, compile_kwargs={"literal_binds": True}
        )
        explain = "EXPLAIN" if connection.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
        plan = [str(row) for row in connection.exec_driver_sql(f"{explain} {query}")]
    assert index in "\n".join(plan)


def test_reading_the_health_costs_the_same_few_statements_always(fired, controller):
    ControllerJob().beat()
    few = statements_of(read_health)
    for number in range(10):
        fire_into(f"order-{number}", "firstPage", configuration="survey")
        play(view("t_import#0", f"order-{number}"), "running")
        insert_delayed_fire(due=ago(5))
    with statements() as sent:
        read_health()
    assert len(sent) == few <= 2
    assert all(statement.startswith("SELECT") for statement in sent)


# -- REST -------------------------------------------------------------------------------------------------------


@pytest.fixture
def api(airflow_db, monkeypatch):
    yield mounted_api(monkeypatch)
    purge_cached_app()


def test_the_health_over_rest_is_for_everybody_with_a_token_and_tells_nothing_of_sessions(fired, api):
    ControllerJob().beat()
    play(fired, "failed")
    moved_at = shift(100, "end_date")
    insert_hook(due=ago(1), attempts=MAX_HOOK_ATTEMPTS)
    api.let("nobody")
    answer = api.client("nobody").get("api/v1/health")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["status"], body["reason"], body["controllers"]["alive"]) == ("healthy", None, 1)
    assert datetime.fromisoformat(body["oldest_change"]) == moved_at
    assert body["lag"] >= 100
    assert body["parked"] == {"hooks": 1, "asset_events": 0, "delayed_fires": 0}
    assert body["overdue"] == {"delayed_fires": 0}
    assert "order-1" not in json.dumps(body)
    assert api.client().get("api/v1/health").status_code == 401


def test_the_health_over_rest_says_why_it_is_unhealthy(fired, api, monkeypatch):
    client = api.client("viewer")
    body = client.get("api/v1/health").json()
    assert body["status"] == "unhealthy"
    assert "No triggers controller has run" in body["reason"]
    assert body["controllers"] == {"alive": 0, "last_pass": None}
    monkeypatch.setenv("AIRFLOW__TRIGGERS__CONTROLLER_LAG_THRESHOLD", "30")
    ControllerJob().beat()
    play(fired, "failed")
    shift(100, "end_date")
    body = client.get("api/v1/health").json()
    assert (body["status"], body["controllers"]["alive"]) == ("unhealthy", 1)
    assert "expected at most 30 s" in body["reason"]
