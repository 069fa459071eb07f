"""Events of assets that stand for triggers: each fires once, whoever made it, in whatever order they commit."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from airflow.models.asset import AssetEvent, AssetModel
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG
from airflow.utils.session import create_session as airflow_session
from sqlalchemy import func, select, text, update

from airflow_triggers import FireTriggerOperator, trigger_asset
from airflow_triggers.controller import assets, loop
from airflow_triggers.controller.asset_fires import fire_of
from airflow_triggers.controller.loop import Controller
from airflow_triggers.domain.asset_uris import ANY_TRIGGER, trigger_of, uri_of
from airflow_triggers.errors import InvalidSessionUid, InvalidTrigger, NothingParked, SessionNotFound
from airflow_triggers.gateway.asset_events import new_asset_events
from airflow_triggers.history.pages import history_of
from airflow_triggers.history.parked import failed_asset_events, retry_asset_events
from airflow_triggers.history.sentences import sentence_of
from airflow_triggers.sessions.describing import describe_session, fires_of
from airflow_triggers.sessions.opening import create_session, fire_into
from airflow_triggers.storages import tables
from tests.support.clocks import Clocks
from tests.support.dags import deploy, deploy_configuration
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
    """An event of the asset, as the success of a task of the DAG ``etl`` makes it; returns its id."""
    with airflow_session() as session:
        asset_id = session.scalar(select(AssetModel.id).where(AssetModel.uri == asset_uri))
        event = AssetEvent(
            asset_id=asset_id,
            extra=extra,
            partition_key=partition_key,
            source_dag_id="etl",
            source_task_id="load",
            source_run_id="run-1",
            source_map_index=-1,
        )
        session.add(event)
        session.flush()
        return event.id


def fired(uid="order-1"):
    return [(fire.trigger_name, dict(fire.kwargs)) for fire in reversed(fires_of(uid))]


def event_rows():
    with airflow_session() as session:
        return new_asset_events(session, after=0)


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


def deep(levels):
    """A mapping that is nested so deep."""
    nested = {}
    for _ in range(levels - 1):
        nested = {"x": nested}
    return nested


SOMEWHERE = {"session_uid": "order-1", "configuration": "survey"}


@pytest.mark.parametrize(
    ("uri", "event", "problem"),
    [
        (FIRST_PAGE.uri, {"partition_key": None}, "names no session"),
        (UNHEARD.uri, {"partition_key": "nobody's"}, 'There is no session "nobody\'s"'),
        (FIRST_PAGE.uri, {"partition_key": "a/b"}, "A session UID has"),
        (ANY_TRIGGER, {"session_uid": "order-1"}, "names no trigger"),
        (ANY_TRIGGER, {"trigger": " x ", **SOMEWHERE}, "A trigger's name has"),
        (
            FIRST_PAGE.uri,
            {"partition_key": "order-1", "kwarg": {"n": 1}},
            "the unknown key 'kwarg' in extra (did you",
        ),
        (
            FIRST_PAGE.uri,
            {"partition_key": "order-1", "x": 1},
            "the unknown key 'x' in extra; the keys are trigger, ",
        ),
        (FIRST_PAGE.uri, {"partition_key": "order-1", "manager": "default"}, "the unknown key 'manager'"),
        (
            FIRST_PAGE.uri,
            {"partition_key": "order-1", "kwargs": ["x"]},
            "the 'kwargs' ['x'] in extra, expected a map",
        ),
        (FIRST_PAGE.uri, {"partition_key": "order-1", "kwargs": None}, "the 'kwargs' None in extra"),
        (FIRST_PAGE.uri, {"partition_key": "order-1", "kwargs": "{}"}, "the 'kwargs' '{}' in extra"),
        (
            FIRST_PAGE.uri,
            {"partition_key": "order-1", "kwargs": 9 * "long" * 99},
            "longlong'… in extra, expected a",
        ),
        (
            FIRST_PAGE.uri,
            {"partition_key": "order-1", "idempotency_key": 4711},
            "the 'idempotency_key' 4711 in extra",
        ),
        (
            FIRST_PAGE.uri,
            {"partition_key": "order-1", "idempotency_key": ""},
            "the 'idempotency_key' '' in extra, exp",
        ),
        (
            FIRST_PAGE.uri,
            {"partition_key": "order-1", "idempotency_key": "k" * 251},
            "An idempotency key is a string",
        ),
        (
            FIRST_PAGE.uri,
            {"partition_key": "order-1", "session_uid": None},
            "the 'session_uid' None in extra",
        ),
        (
            FIRST_PAGE.uri,
            {"session_uid": 17},
            "the 'session_uid' 17 in extra, expected a string that is not empty",
        ),
        (ANY_TRIGGER, {"trigger": 5, **SOMEWHERE}, "the 'trigger' 5 in extra"),
        (ANY_TRIGGER, {"trigger": None, **SOMEWHERE}, "the 'trigger' None in extra"),
        (ANY_TRIGGER, {"trigger": "x", **SOMEWHERE, "configuration": 5}, "the 'configuration' 5 in extra"),
        (ANY_TRIGGER, {"trigger": "x", **SOMEWHERE, "configuration": ""}, "the 'configuration' '' in extra"),
        (
            FIRST_PAGE.uri,
            {"trigger": "x", "session_uid": "o"},
            "and its asset stands for 'firstPage'; leave it out",
        ),
        (
            FIRST_PAGE.uri,
            {"configuration": "x", "session_uid": "o"},
            "the 'configuration' 'x' in extra, and its asset",
        ),
        (
            FIRST_PAGE.uri,
            {"session_uid": "o", "fire_at": 20000000001},
            "'fire_at' is a string, a moment in ISO",
        ),
        (
            FIRST_PAGE.uri,
            {"session_uid": "o", "fire_at": "20000000001"},
            "found '20000000001'",
        ),
        (
            FIRST_PAGE.uri,
            {"session_uid": "o", "fire_at": "2031-05-17T08:00:00"},
            "found '2031-05-17T08:00:00'",
        ),
        (
            FIRST_PAGE.uri,
            {"session_uid": "o", "fire_at": "9999-12-31T23:59:59-12:00"},
            "'fire_at' lies between",
        ),
        (FIRST_PAGE.uri, {"session_uid": "o", "fire_at": "tomorrow"}, "found 'tomorrow'"),
        (FIRST_PAGE.uri, {"session_uid": "o", "fire_at": ""}, "'fire_at' is a string"),
        (FIRST_PAGE.uri, {"session_uid": "o", "kwargs": {"x": 2**64}}, "integers outside"),
        (FIRST_PAGE.uri, {"session_uid": "o", "kwargs": deep(101)}, "more than 100 levels"),
        (FIRST_PAGE.uri, {"session_uid": "."}, "No URL can name a session '.'"),
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
    with pytest.raises(SessionNotFound):  # what is refused makes no session
        fires_of("o")


def test_an_event_that_python_cannot_read_stops_no_other(declared, controller):
    bad = happen(FIRST_PAGE.uri, partition_key="order-1")
    happen(FIRST_PAGE.uri, partition_key="order-9")
    depth = 2_000
    nested = '{"kwargs": ' + '{"x": ' * depth + "1" + "}" * depth + "}"
    with airflow_session() as session:
        session.execute(
            text("update asset_event set extra = :extra where id = :id"), {"extra": nested, "id": bad}
        )
    assert controller.run_once() == 1
    assert fired("order-9") == [("firstPage", {})]
    assert "expected a mapping" in kept()[bad].error
    assert [failed.event_id for failed in failed_asset_events(parked=True)] == [bad]


@pytest.mark.parametrize("seen", ["0001-01-01 00:00:00+00:00", "10000-01-01 00:00:00+00:00", "infinity"])
def test_a_moment_that_cannot_be_read_stops_no_event(declared, controller, airflow_db, seen):
    happen(FIRST_PAGE.uri, partition_key="order-1")
    controller.run_once()
    moment = "CAST(:seen AS timestamptz)" if airflow_db.dialect == "postgresql" else ":seen"
    with airflow_session() as session:
        session.execute(text(f"update triggers_asset_event set seen = {moment}"), {"seen": seen})
    happen(FIRST_PAGE.uri, partition_key="order-9")
    assert Controller().run_once() == 1
    assert Controller().run_once() == 0
    assert fired("order-9") == [("firstPage", {})]


def test_what_may_be_null_over_rest_may_be_null_in_an_event(declared, controller):
    nulls = {"configuration": None, "idempotency_key": None, "fire_at": None}
    event = happen(FIRST_PAGE.uri, partition_key="order-1", **nulls)
    assert controller.run_once() == 1
    assert fires_of("order-1")[0].idempotency_key == f"asset-event-{event}"


def test_an_event_may_name_what_its_asset_names(declared, controller):
    happen(FIRST_PAGE.uri, partition_key="order-1", trigger="firstPage", configuration="survey")
    assert controller.run_once() == 1


def test_marks_of_airflow_in_the_extra_of_a_task_mean_nothing(declared, controller):
    """A task that hands on the extra of an event that started it, or that forges a mark."""
    marks = {"from_rest_api": True, "from_trigger": True, "payload": {"x": 1}}
    happen(ANY_TRIGGER, trigger="firstPage", session_uid="order-1", configuration="survey", **marks)
    assert controller.run_once() == 1
    assert fires_of("order-1")[0].fired_by == "task load of etl, run run-1"


def test_an_event_for_later_waits(declared, controller):
    later = "2131-05-17T08:00:00+02:00"
    happen(FIRST_PAGE.uri, partition_key="order-1", fire_at=later, idempotency_key="k")
    happen(FIRST_PAGE.uri, partition_key="order-1", fire_at="2021-05-17T08:00:00Z", kwargs={"n": 1})
    assert controller.run_once() == 2
    assert fired() == [("firstPage", {"n": 1})]
    (delayed,) = describe_session("order-1").delayed_fires
    assert (delayed.fire_at, delayed.idempotency_key) == (datetime.fromisoformat(later), "k")


def test_kwargs_arrive_as_the_event_has_them(declared, controller):
    """Of AssetEvent.extra, both databases keep the text as it was written."""
    kwargs = {"z": 1e16, "a": -0.0, "m": 2**63 - 1, "n": [1.0, 1, True, None], "é": {"y": 1, "x": 2}}
    happen(FIRST_PAGE.uri, partition_key="order-1", kwargs=kwargs)
    with airflow_session() as session:
        (extra,) = session.scalars(select(AssetEvent.extra))
    assert json.dumps(extra["kwargs"]) == json.dumps(kwargs)
    assert json.dumps(fire_of(event_rows()[0]).kwargs) == json.dumps(kwargs)


def test_an_event_whose_configuration_is_not_deployed_yet_is_tried_again(declared, controller):
    asked = {"trigger": "x", "session_uid": "order-1"}
    event = happen(ANY_TRIGGER, **asked, configuration="later")
    controller.run_once()
    assert "no deployed configuration 'later'" in kept()[event].error
    assert kept()[event].due is not None
    assert controller.run_once() == 0
    deploy_configuration("later", t_x={"after": ["x"]})
    with airflow_session() as session:
        session.execute(update(tables.asset_event).values(due=datetime.now(UTC)))
    assert controller.run_once() == 1
    assert (kept()[event].error, kept()[event].due) == (None, None)


def test_an_event_does_not_fire_into_a_session_of_another_configuration(declared, controller):
    deploy_configuration("other", t_other={"after": ["firstPage"]})
    create_session("order-1", configuration="other")
    entries = history_of("order-1").entries
    events = [
        happen(FIRST_PAGE.uri, partition_key="order-1"),
        happen(ANY_TRIGGER, trigger="firstPage", session_uid="order-1", configuration="survey"),
    ]
    assert controller.run_once() == 0
    assert fired() == []
    for event in events:
        assert (
            "exists with the configuration 'other', not with the configuration 'survey'"
            in kept()[event].error
        )
        assert kept()[event].due is None
    assert history_of("order-1").entries == entries


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


def test_events_of_other_assets_are_looked_at_once(declared, controller, monkeypatch):
    """Also where no trigger's event has been handled for long, if ever; one that commits late is still seen."""
    late = happen(FIRST_PAGE.uri, partition_key="order-1", kwargs={"n": "late"})
    other = happen(FIRST_PAGE.uri)
    with airflow_session() as session:
        hidden = session.scalar(select(AssetModel.id).where(AssetModel.uri == FIRST_PAGE.uri))
        session.execute(update(AssetEvent).values(asset_id=-1))
    clocks = Clocks(monkeypatch)
    minute = loop.SWEEP_INTERVAL.total_seconds()
    assert (controller.run_once(), controller._events_after) == (0, 0)
    clocks.pass_by(seconds=assets.RECENT.total_seconds() + minute)
    assert (controller.run_once(), controller._events_after) == (0, other)
    with airflow_session() as session:
        session.execute(update(AssetEvent).where(AssetEvent.id == late).values(asset_id=hidden))
    assert controller.run_once() == 0
    clocks.pass_by(seconds=minute)
    assert controller.run_once() == 1
    assert fired() == [("firstPage", {"n": "late"})]


def test_many_events_are_fired_over_several_passes(declared, controller):
    with airflow_session() as session:
        asset_id = session.scalar(select(AssetModel.id).where(AssetModel.uri == FIRST_PAGE.uri))
        now = datetime.now(UTC) - timedelta(minutes=1)
        session.add_all(
            AssetEvent(
                asset_id=asset_id,
                partition_key=f"order-{n % 3}",
                extra={},
                timestamp=now,
                source_task_id="load",
                source_dag_id="etl",
            )
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
    assert sentence_of(entry).startswith(
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
