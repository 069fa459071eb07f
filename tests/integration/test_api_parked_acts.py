"""``acts`` of fires to come, hooks, asset events and configurations: what one may do, and why not.

Each act is also tried: what ``acts`` says is what the act's own route does.
"""

from __future__ import annotations

from datetime import UTC, datetime

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
from tests.support.api import EVERYTHING, READING, Allowed, mounted_api
from tests.support.dags import deploy, deploy_configuration

LATER = datetime(2041, 5, 17, tzinfo=UTC)
RUN = {"methods": {"POST"}, "entities": {"RUN"}}

RIGHTS = {
    "everything": EVERYTHING,
    "reading": READING,
    "runs of the survey": (*READING, Allowed(**RUN, dag_ids={"survey.t_import", "survey.t_score"})),
    "runs of one DAG": (*READING, Allowed(**RUN, dag_ids={"survey.t_import"})),
    "runs of another DAG": (*READING, Allowed(**RUN, dag_ids={"other.t_other"})),
}


@pytest.fixture(params=RIGHTS)
def client(request, survey, monkeypatch):
    """A client of a user with some of the rights; ``order-1`` has fires to come and a parked hook."""
    deploy_configuration("other", t_other={"after": ["firstPage"]})
    fire_into("order-1", "firstPage", configuration="survey")
    for trigger in ("firstPage", "t_import", "usedByNoTask"):
        fire_into("order-1", trigger, fire_at=LATER)
    with transaction() as session:
        session.execute(
            update(tables.delayed_fire)
            .where(tables.delayed_fire.c.trigger_name != "t_import")
            .values(attempts=20, due=None, error="it failed")
        )
        values = {"hook": "_post_fire", "arguments": {"trigger_name": "x", "scheduled": []}, "attempts": 20}
        owner = select(tables.session.c.id).where(tables.session.c.uid == "order-1").scalar_subquery()
        session.execute(insert(tables.hook).values(session_id=owner, due=LATER, error="no", **values))
    api = mounted_api(monkeypatch)
    api.let("ann", *RIGHTS[request.param])
    yield api.client("ann")
    purge_cached_app()


def failed_asset_event(uid):
    """An asset event that names this session and could not be fired."""
    asset = trigger_asset("firstPage", configuration="survey")
    with DAG("etl", schedule=None) as etl:
        EmptyOperator(task_id="load", outlets=[asset])
    deploy(etl)
    with airflow_session() as session:
        asset_id = session.scalar(select(AssetModel.id).where(AssetModel.uri == asset.uri))
        event = AssetEvent(asset_id=asset_id, extra={}, partition_key=uid)
        session.add(event)
        session.flush()
        event_id = event.id
    with transaction() as session:
        values = {"seen": datetime.now(UTC), "attempts": 3, "due": None, "error": "it failed"}
        session.execute(insert(tables.asset_event).values(event_id=event_id, **values))


def items(client, path, key):
    answer = client.get(f"api/v1/{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()[key]


def assert_agree(act, answer, *, refused=(403,)):
    """The act says what its route answered, and has a reason if it is refused."""
    assert answer.status_code in (200, *refused), answer.text
    assert act["allowed"] is (answer.status_code == 200)
    assert (act["reason"] is None) is act["allowed"]


@pytest.mark.parametrize("list_path", ["delayed-fires", "sessions/order-1/delayed-fires", "sessions/order-1"])
@pytest.mark.parametrize("act", ["cancel", "retry"])
def test_acts_on_fires_to_come_are_those_that_one_may_do(client, list_path, act):
    fires = items(client, list_path, "delayed_fires")
    assert [fire["trigger"] for fire in fires] == ["firstPage", "t_import", "usedByNoTask"]
    for fire in fires:
        path = f"api/v1/sessions/order-1/delayed-fires/{fire['id']}"
        answer = client.delete(path) if act == "cancel" else client.post(f"{path}/retry")
        assert_agree(fire["acts"][act], answer, refused=(403, 404))


def test_a_fire_that_has_not_failed_says_so(client):
    retry = items(client, "delayed-fires", "delayed_fires")[1]["acts"]["retry"]
    assert retry == {"allowed": False, "reason": "Only a fire that failed can be tried again."}


@pytest.mark.parametrize("list_path", ["hooks?parked=true", "sessions/order-1/hooks", "sessions/order-1"])
def test_acts_on_hooks_are_those_that_one_may_do(client, list_path):
    (hook,) = items(client, list_path, "hooks")
    assert_agree(hook["acts"]["call"], client.post(f"api/v1/sessions/order-1/hooks/{hook['id']}/call"))


@pytest.mark.parametrize("uid", ["order-1", "no-such", None])
def test_acts_on_asset_events_are_those_that_one_may_do(client, uid):
    failed_asset_event(uid)
    (event,) = items(client, "asset-events", "asset_events")
    answer = client.post(f"api/v1/asset-events/{event['id']}/retry")
    assert_agree(event["acts"]["retry"], answer)
    if answer.status_code == 200:
        assert answer.json()["acts"] == event["acts"]


def test_a_configuration_says_who_may_migrate_its_sessions(client):
    migrate = items(client, "configurations/survey", "acts")["migrate"]
    assert_agree(migrate, client.post("api/v1/configurations/survey/migrate", json={"dry_run": True}))
