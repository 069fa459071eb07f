"""Events of assets that stand for triggers: each fires once, whoever made it, in whatever order they commit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from airflow.assets.manager import asset_manager
from airflow.models.asset import AssetEvent, AssetModel
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG
from airflow.utils.session import create_session as airflow_session
from sqlalchemy import func, select, update

from airflow_triggers import FireTriggerOperator, trigger_asset
from airflow_triggers.asset_uris import ANY_TRIGGER, trigger_of, uri_of
from airflow_triggers.controller import assets
from airflow_triggers.controller.loop import Controller
from airflow_triggers.errors import InvalidSessionUid, InvalidTrigger, NothingParked
from airflow_triggers.history import history_of
from airflow_triggers.parked import failed_asset_events, retry_asset_events
from airflow_triggers.sessions import create_session, fire_into, fires_of
from airflow_triggers.storages import tables
from airflow_triggers.telling import told
from tests.support.dags import deploy
from tests.support.surveys import statuses

FIRST_PAGE = trigger_asset("firstPage", configuration="survey")
UNHEARD = trigger_asset("späte Ankunft/😀")


@pytest.fixture
def declared(survey):
    """A DAG of somebody's whose tasks fire."""
    with DAG("etl", schedule=None) as dag:
        EmptyOperator(task_id="load", outlets=[FIRST_PAGE, UNHEARD])
        FireTriggerOperator(task_id="tell", trigger="firstPage", session_uid="order-1")
    deploy(dag)


def happen(asset_uri, *, partition_key=None, **extra):
    """An event of the asset, as Airflow registers it; returns its id."""
    with airflow_session() as session:
        model = session.scalar(select(AssetModel).where(AssetModel.uri == asset_uri))
        event = asset_manager.register_asset_change(
            asset=model, extra=extra, partition_key=partition_key, session=session
        )
        session.flush()
        return event.id


def fired(uid="order-1"):
    return [(fire.trigger_name, dict(fire.kwargs)) for fire in reversed(fires_of(uid))]


def kept():
    with airflow_session() as session:
        return {row.event_id: row for row in session.execute(select(tables.asset_event))}


def test_an_event_fires_its_trigger_once_into_the_session_that_its_partition_names(declared, controller):
    happen(FIRST_PAGE.uri, partition_key="order-1", kwargs={"n": 1})
    assert controller.run_once() == 1
    for _ in range(2):
        assert Controller().run_once() == 0
    assert fired() == [("firstPage", {"n": 1})]
    assert statuses() == {"t_import#0": "scheduled"}
    happen(FIRST_PAGE.uri, partition_key="order-2")
    happen(FIRST_PAGE.uri, partition_key="order-1", kwargs={"n": 2})
    controller.run_once()
    assert fired() == [("firstPage", {"n": 1}), ("firstPage", {"n": 2})]
    assert fired("order-2") == [("firstPage", {})]


def test_an_event_may_name_trigger_session_and_key_itself(declared, controller):
    asked = {"trigger": "firstPage", "session_uid": "order-1", "configuration": "survey"}
    for _ in range(2):
        happen(ANY_TRIGGER, **asked, kwargs={"n": 1}, idempotency_key="once")
    controller.run_once()
    assert fired() == [("firstPage", {"n": 1})]
    assert fires_of("order-1")[0].idempotency_key == "once"


def test_any_name_of_a_trigger_can_be_an_asset(declared, controller):
    create_session("order-1", configuration="survey")
    happen(UNHEARD.uri, partition_key="order-1")
    controller.run_once()
    assert fired() == [("späte Ankunft/😀", {})]
    assert trigger_of(uri_of("a/b c", "x y")) == ("a/b c", "x y")
    assert trigger_of(UNHEARD.uri) == ("späte Ankunft/😀", None)


@pytest.mark.parametrize("down", [timedelta(0), timedelta(minutes=30), timedelta(days=9)])
def test_an_event_that_commits_after_later_ones_is_not_missed(declared, controller, down):
    """Also where no controller ran for days before it was seen to have committed."""
    late = happen(FIRST_PAGE.uri, partition_key="order-1", kwargs={"n": "late"})
    with airflow_session() as session:  # as long as its transaction has not committed, nobody sees it
        session.execute(update(AssetEvent).where(AssetEvent.id == late).values(asset_id=-1))
        hidden = session.scalar(select(AssetModel.id).where(AssetModel.uri == FIRST_PAGE.uri))
    happen(FIRST_PAGE.uri, partition_key="order-1", kwargs={"n": "early"})
    controller.run_once()
    with airflow_session() as session:
        session.execute(update(AssetEvent).where(AssetEvent.id == late).values(asset_id=hidden))
        session.execute(update(tables.asset_event).values(seen=datetime.now(UTC) - down))
    Controller().run_once()
    assert fired() == [("firstPage", {"n": "early"}), ("firstPage", {"n": "late"})]


@pytest.mark.parametrize(
    ("uri", "event", "problem"),
    [
        (FIRST_PAGE.uri, {"partition_key": None}, "names no session"),
        (UNHEARD.uri, {"partition_key": "nobody's"}, 'There is no session "nobody\'s"'),
        (FIRST_PAGE.uri, {"partition_key": "a/b"}, "A session UID has"),
        (FIRST_PAGE.uri, {"partition_key": "order-1", "kwargs": ["x"]}, "has the 'kwargs'"),
        (ANY_TRIGGER, {"session_uid": "order-1"}, "names no trigger"),
        (
            ANY_TRIGGER,
            {"session_uid": "order-1", "trigger": " x ", "configuration": "survey"},
            "A trigger's name has",
        ),
    ],
)
def test_an_event_that_cannot_be_fired_is_told_once_and_stops_no_other(
    declared, controller, caplog, uri, event, problem
):
    bad = happen(uri, **event)
    happen(FIRST_PAGE.uri, partition_key="order-9")
    assert controller.run_once() == 1
    assert controller.run_once() == 0
    assert fired("order-9") == [("firstPage", {})]
    assert problem in kept()[bad].error
    assert kept()[bad].due is None
    assert caplog.text.count(f"asset event {bad} of") == 1


def test_an_event_whose_configuration_is_not_deployed_yet_is_tried_again(declared, controller):
    asked = {"trigger": "x", "session_uid": "order-1"}
    event = happen(ANY_TRIGGER, **asked, configuration="later")
    controller.run_once()
    assert "no deployed configuration 'later'" in kept()[event].error
    assert kept()[event].due is not None
    assert controller.run_once() == 0
    create_session("order-1", configuration="survey")
    with airflow_session() as session:
        session.execute(update(tables.asset_event).values(due=datetime.now(UTC)))
    assert controller.run_once() == 1
    assert (kept()[event].error, kept()[event].due) == (None, None)


def test_what_was_handled_is_forgotten_in_time_and_not_fired_again(declared, controller):
    for number in range(3):
        happen(FIRST_PAGE.uri, partition_key="order-1", kwargs={"n": number})
    controller.run_once()
    last = max(kept())
    with airflow_session() as session:
        older = update(tables.asset_event).where(tables.asset_event.c.event_id < last)
        session.execute(older.values(seen=datetime.now(UTC) - 2 * assets.LATE))
    assert Controller().run_once() == 0
    assert len(kept()) == 2
    assert Controller().run_once() == 0
    assert len(fired()) == 3


def test_many_events_are_fired_over_several_passes(declared, controller):
    with airflow_session() as session:
        asset_id = session.scalar(select(AssetModel.id).where(AssetModel.uri == FIRST_PAGE.uri))
        now = datetime.now(UTC) - timedelta(minutes=1)
        session.add_all(
            AssetEvent(asset_id=asset_id, partition_key=f"order-{n % 3}", extra={}, timestamp=now)
            for n in range(600)
        )
    assert [controller.run_once() for _ in range(3)] == [500, 100, 0]
    with airflow_session() as session:
        assert session.scalar(select(func.count()).select_from(tables.fire)) == 600


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"trigger": ""}, InvalidTrigger),
        ({"session_uid": "a/b"}, InvalidSessionUid),
        ({"trigger_kwargs": {"x": {1}}}, InvalidTrigger),
    ],
)
def test_the_operator_refuses_in_its_task_what_cannot_be_fired(given, error):
    operator = FireTriggerOperator(task_id="tell", **{"trigger": "x", "session_uid": "order-1", **given})
    with pytest.raises(error):
        operator.execute({})


def test_a_mapped_operator_declares_its_outlet_and_fires_once_each():
    with DAG("mapped", schedule=None):
        mapped = FireTriggerOperator.partial(task_id="each", trigger="x", session_uid="order-1").expand(
            trigger_kwargs=[{"n": 1}]
        )
    assert [asset.uri for asset in mapped.outlets] == [ANY_TRIGGER]
    assert [asset.uri for asset in mapped.unmap({"trigger_kwargs": {"n": 1}}).outlets] == [ANY_TRIGGER]


def test_an_event_that_is_given_up_stands_in_the_history_of_its_session_and_can_be_tried_again(
    declared, controller
):
    create_session("order-1", configuration="survey")
    fire_into("order-1", "x", {"n": 1}, idempotency_key="k")
    asked = {"trigger": "x", "session_uid": "order-1", "idempotency_key": "k", "kwargs": {"n": 2}}
    refused = happen(ANY_TRIGGER, **asked)
    stray = happen(UNHEARD.uri, partition_key="order-2")
    controller.run_once()
    entry = history_of("order-1", limit=1).entries[0]
    assert told(entry).startswith(
        f"The asset event {refused} did not fire x: The idempotency key 'k' was used"
    )
    assert [(it.event_id, it.due) for it in failed_asset_events(parked=True)] == [
        (stray, None),
        (refused, None),
    ]
    assert failed_asset_events(limit=1)[0].event.partition_key == "order-2"
    create_session("order-2", configuration="survey")
    with pytest.raises(NothingParked, match="No such asset event has failed: 999"):
        retry_asset_events([stray, 999])
    assert controller.run_once() == 0
    retry_asset_events([stray])
    assert controller.run_once() == 1
    assert fired("order-2") == [(trigger_of(UNHEARD.uri)[0], {})]
    assert [it.event_id for it in failed_asset_events()] == [refused]
