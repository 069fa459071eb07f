"""Lists over all sessions: hooks that raised, fires to come, asset events. Each shows only what one may read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from airflow.api_fastapi.app import purge_cached_app
from airflow.models.asset import AssetEvent, AssetModel
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG
from airflow.utils.session import create_session as airflow_session
from sqlalchemy import insert, select, update

from airflow_triggers.operators.assets import trigger_asset
from airflow_triggers.sessions.opening import fire_into
from airflow_triggers.storages import tables
from airflow_triggers.storages.transaction import transaction
from tests.support.api import Allowed, mounted_api
from tests.support.dags import deploy, deploy_configuration

NOON = datetime(2041, 5, 17, 12, tzinfo=UTC)


@pytest.fixture
def api(survey, monkeypatch):
    deploy_configuration("other", t_other={"after": ["firstPage"]})
    for hours, (uid, configuration) in enumerate((("on-survey", "survey"), ("on-other", "other"))):
        fire_into(uid, "firstPage", {"n": uid}, configuration=configuration)
        fire_into(uid, "reminder", {"n": uid}, fire_at=NOON + timedelta(hours=hours))
    api = mounted_api(monkeypatch)
    survey_dags = {"survey.t_import", "survey.t_score"}
    api.let("ann", Allowed(dag_ids=survey_dags))
    api.let("reader", Allowed(methods={"GET"}))
    yield api
    purge_cached_app()


def items(client, path, key, uid="session_uid"):
    answer = client.get(f"api/v1/{path}")
    assert answer.status_code == 200, answer.text
    return [item[uid] for item in answer.json()[key]], answer.json()["next"]


def add_hooks():
    """A parked hook of each session, and one more that is called again."""
    with transaction() as session:
        for attempts in (20, 1):
            for uid in ("on-survey", "on-other"):
                owner = select(tables.session.c.id).where(tables.session.c.uid == uid).scalar_subquery()
                values = {"hook": "_post_fire", "arguments": {"trigger_name": "x", "scheduled": []}}
                session.execute(
                    insert(tables.hook).values(
                        session_id=owner, due=datetime.now(UTC), attempts=attempts, error="no", **values
                    )
                )


def test_hooks_that_raised_are_listed_over_all_sessions_that_one_may_read(api):
    add_hooks()
    admin, ann = api.client("admin"), api.client("ann")
    assert items(admin, "hooks", "hooks") == (["on-other", "on-survey"] * 2, None)
    assert items(admin, "hooks?parked=true", "hooks") == (["on-other", "on-survey"], None)
    assert items(ann, "hooks?parked=true", "hooks") == (["on-survey"], None)
    uids, after = items(admin, "hooks?limit=3", "hooks")
    assert uids + items(admin, f"hooks?limit=3&after={after}", "hooks")[0] == ["on-other", "on-survey"] * 2
    (hook,) = ann.get("api/v1/hooks?parked=true").json()["hooks"]
    call = ann.post(f"api/v1/sessions/{hook['session_uid']}/hooks/{hook['id']}/call")
    assert call.json()["ended"] is True
    assert items(ann, "hooks?parked=true", "hooks") == ([], None)


@pytest.mark.parametrize(
    ("query", "uids"),
    [
        ("", ["on-survey", "on-other"]),
        ("configuration=other", ["on-other"]),
        ("session=on-s", ["on-survey"]),
        ("trigger=reminder", ["on-survey", "on-other"]),
        ("trigger=unknown", []),
        ("until=2041-05-17T12:30:00Z", ["on-survey"]),
        ("parked=true", []),
    ],
)
def test_fires_to_come_are_listed_by_moment_and_filtered(api, query, uids):
    assert items(api.client("admin"), f"delayed-fires?{query}", "delayed_fires") == (uids, None)


def test_fires_to_come_of_sessions_that_one_may_not_read_are_not_listed(api):
    assert items(api.client("ann"), "delayed-fires", "delayed_fires") == (["on-survey"], None)
    assert items(api.client("ann"), "delayed-fires?limit=1", "delayed_fires")[1] is None
    uids, after = items(api.client("admin"), "delayed-fires?limit=1", "delayed_fires")
    assert (uids, items(api.client("admin"), f"delayed-fires?after={after}", "delayed_fires")[0]) == (
        ["on-survey"],
        ["on-other"],
    )
    with transaction() as session:
        session.execute(update(tables.delayed_fire).values(due=None, attempts=20))
    assert items(api.client("ann"), "delayed-fires?parked=true", "delayed_fires") == (["on-survey"], None)


@pytest.fixture
def asset_events(api):
    """Failed events that name a session of ``survey``, one of ``other``, none, and one that does not exist."""
    asset = trigger_asset("firstPage", configuration="survey")
    with DAG("etl", schedule=None) as etl:
        EmptyOperator(task_id="load", outlets=[asset])
    deploy(etl)
    names = {"survey": "on-survey", "other": "on-other", "none": None, "nowhere": "no-such"}
    with airflow_session() as session:
        asset_id = session.scalar(select(AssetModel.id).where(AssetModel.uri == asset.uri))
        events = {
            name: AssetEvent(asset_id=asset_id, extra={}, partition_key=uid) for name, uid in names.items()
        }
        session.add_all(events.values())
        session.flush()
        ids = {name: event.id for name, event in events.items()}
    with transaction() as session:
        for event_id in ids.values():
            values = {"seen": datetime.now(UTC), "attempts": 3, "due": None, "error": "it failed"}
            session.execute(insert(tables.asset_event).values(event_id=event_id, **values))
    return ids


def test_asset_events_are_shown_by_the_session_that_they_name(api, asset_events):
    every_id = sorted(asset_events.values(), reverse=True)
    assert items(api.client("admin"), "asset-events?parked=true", "asset_events", "id") == (every_id, None)
    assert items(api.client("reader"), "asset-events", "asset_events", "id") == (every_id, None)
    shown = items(api.client("ann"), "asset-events?parked=true", "asset_events", "id")
    assert shown == ([asset_events["survey"]], None)
    assert items(api.client("ann"), "asset-events?limit=1", "asset_events", "id") == shown
    ids, after = items(api.client("admin"), "asset-events?limit=3", "asset_events", "id")
    rest = items(api.client("admin"), f"asset-events?limit=3&after={after}", "asset_events", "id")
    assert (ids + rest[0], rest[1]) == (every_id, None)


def test_an_asset_event_is_tried_again_by_who_may_run_all_dags_of_its_session(api, asset_events):
    def retry(user, name):
        return api.client(user).post(f"api/v1/asset-events/{asset_events[name]}/retry")

    assert retry("ann", "survey").json()["parked"] is False
    refusals = [
        retry("ann", "other"),
        retry("ann", "nowhere"),
        api.client("ann").post("api/v1/asset-events/9999/retry"),
    ]
    assert [answer.status_code for answer in refusals] == [404] * 3
    assert {answer.json()["reason"] for answer in refusals} == {"NothingParked"}
    assert retry("reader", "survey").status_code == 403
    assert retry("admin", "none").status_code == 200
