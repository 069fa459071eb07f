"""TriggerSessionSensor against the REST application: in the worker, and its part in the triggerer."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from airflow.api_fastapi.app import purge_cached_app
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException, TaskDeferred
from airflow.triggers.base import TriggerEvent

from airflow_triggers import TriggerSessionSensor
from airflow_triggers.domain.states import Event
from airflow_triggers.errors import InvalidSessionUid, InvalidTrigger
from airflow_triggers.sensors.waiting import SessionTrigger
from airflow_triggers.sessions.opening import fire_into, open_session
from airflow_triggers_client import errors
from tests.support.rest_connection import connect

IMPORT = "t_import#0"


@pytest.fixture
def api(survey, monkeypatch):
    connect(monkeypatch)
    yield
    purge_cached_app()


def begin(uid="order-1"):
    fire_into(uid, "firstPage", {"n": 1}, configuration="survey")


def end(event, name=IMPORT, *, result=None, **options):
    """Let an instance run and end so; a finished one cascades."""
    manager = open_session("order-1")
    manager.record_progress(name, Event.START)
    if event is Event.FINISH:
        options = {"metadata": {"result": result}, "cascade": True, "cascade_kwargs": result or {}}
    manager.record_progress(name, event, **options)


def sensor(**parameters):
    with DAG("wait", schedule=None):
        return TriggerSessionSensor(task_id="wait", **{"session_uid": "order-1", **parameters})


def executed(**parameters):
    """The sensor's result at once; or TaskDeferred."""
    return sensor(**parameters).execute({})


def deferred(**parameters):
    """The part in the triggerer of a sensor that has to wait."""
    with pytest.raises(TaskDeferred) as raised:
        executed(poke_interval=0.001, **parameters)
    return raised.value


def event_of(trigger, *, meanwhile=lambda: None):
    """The first event of the trigger; ``meanwhile`` is called while it waits."""

    async def first_event():
        events = trigger.run()
        waiting = asyncio.ensure_future(anext(events))
        await asyncio.wait([waiting], timeout=0.05)
        assert not waiting.done()
        await asyncio.to_thread(meanwhile)
        return await asyncio.wait_for(waiting, 60)

    return asyncio.run(first_event())


def resumed(deferral, event, **parameters):
    return getattr(sensor(**parameters), deferral.method_name)({}, event.payload)


def test_what_has_come_already_is_no_reason_to_wait(api):
    begin()
    end(Event.FINISH, result={"subject": 17})

    assert executed(instance=IMPORT) == {"instance": IMPORT, "status": "finished", "result": {"subject": 17}}
    first_page = executed(trigger="firstPage")
    assert (first_page["trigger"], first_page["kwargs"]) == ("firstPage", {"n": 1})
    end(Event.FINISH, "t_score#0")
    assert executed() == {"session": "order-1"}


@pytest.mark.parametrize(
    ("parameters", "result"),
    [
        ({"instance": IMPORT}, {"instance": IMPORT, "status": "finished", "result": {"n": 2}}),
        (
            {"instance": "t_score#0", "statuses": ["scheduled"]},
            {"instance": "t_score#0", "status": "scheduled"},
        ),
        ({"trigger": "t_import"}, {"trigger": "t_import", "kwargs": {"n": 2}}),
    ],
)
def test_the_triggerer_waits_until_it_comes(api, parameters, result):
    begin()
    deferral = deferred(**parameters)
    event = event_of(deferral.trigger, meanwhile=lambda: end(Event.FINISH, result={"n": 2}))

    value = resumed(deferral, event, **parameters)
    assert {key: value[key] for key in result} == result


def test_a_session_that_does_not_exist_yet_is_waited_for(api):
    deferral = deferred(trigger="firstPage")
    event = event_of(deferral.trigger, meanwhile=begin)
    assert resumed(deferral, event)["kwargs"] == {"n": 1}


def test_the_triggerers_part_survives_a_restart_of_the_triggerer(api):
    trigger = deferred(instance=IMPORT, statuses=["failed"], fail_early=True, conn_id="shop").trigger
    path, arguments = trigger.serialize()
    again = SessionTrigger(**arguments)

    assert path == "airflow_triggers.sensors.waiting.SessionTrigger"
    assert again.serialize() == (path, arguments)
    assert (again.conn_id, again.condition) == ("shop", trigger.condition)


def test_the_timeout_is_airflows(api):
    assert deferred(timeout=90).timeout.total_seconds() == 90


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"instance": IMPORT}, "t_import#0 is failed: LookupError: no such page."),
        ({}, "t_import#0 is failed: LookupError: no such page."),
        ({"trigger": "t_import"}, "t_import#0 is failed: LookupError: no such page."),
    ],
)
def test_a_failure_ends_the_waiting_when_asked(api, parameters, reason):
    begin()
    deferral = deferred(fail_early=True, **parameters)
    failure = {"exceptionType": "LookupError", "exceptionMessage": "no such page\nat all"}
    event = event_of(deferral.trigger, meanwhile=lambda: end(Event.FAIL, metadata=failure))

    with pytest.raises(AirflowFailException, match=reason):
        resumed(deferral, event, **parameters)
    with pytest.raises(AirflowFailException, match=reason):
        executed(fail_early=True, **parameters)
    assert deferred(**parameters)


def test_an_old_failure_is_not_missed_in_a_session_with_many_instances(api):
    """A session shows its newest instances only."""
    begin()
    end(Event.FAIL)
    manager = open_session("order-1")
    rules = {"t_page": {"after": ["page", "never"], "andEvery": "page", "run": "survey.t_score"}}
    manager.update_configuration(rules)
    for _ in range(105):
        manager.fire("page")
    with pytest.raises(AirflowFailException, match="t_import#0 is failed"):
        executed(fail_early=True)


def test_a_session_with_a_fire_to_come_is_not_resolved(api):
    begin()
    end(Event.FINISH)
    end(Event.FINISH, "t_score#0")
    later = fire_into("order-1", "reminder", fire_at=datetime(2931, 1, 1, tzinfo=UTC))
    assert deferred()
    open_session("order-1").cancel_delayed_fire(later.delayed_fire_id)
    assert executed() == {"session": "order-1"}


def test_a_failure_is_not_what_was_waited_for_if_it_is_one_of_the_statuses(api):
    begin()
    end(Event.FAIL)
    assert executed(instance=IMPORT, statuses="failed", fail_early=True)["status"] == "failed"
    every_status = ["finished", "failed", "replayed", "skipped", "abandoned"]
    assert executed(instance=IMPORT, statuses=every_status, fail_early=True)["status"] == "failed"


def test_in_the_worker_it_waits_with_airflows_own_means(api):
    begin()
    with pytest.raises(AirflowSkipException, match="timed out"):
        executed(deferrable=False, timeout=0, poke_interval=0, soft_fail=True)
    end(Event.FAIL)
    with pytest.raises(AirflowSkipException, match="soft_fail"):
        executed(deferrable=False, soft_fail=True, fail_early=True)
    assert executed(deferrable=False, instance=IMPORT, statuses=["failed"])["status"] == "failed"


@pytest.mark.parametrize("deferrable", [True, False])
@pytest.mark.parametrize("option", ["soft_fail", "never_fail"])
def test_a_failure_that_is_there_at_the_first_look_skips_the_task_when_asked(api, deferrable, option):
    begin()
    end(Event.FAIL)
    with pytest.raises(AirflowSkipException, match=option):
        executed(deferrable=deferrable, fail_early=True, **{option: True})


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_refusal_at_the_first_look_counts_as_in_airflows_sensors(survey, monkeypatch, deferrable):
    connect(monkeypatch, away=[401])
    with pytest.raises(AirflowSkipException, match="never_fail"):
        executed(deferrable=deferrable, never_fail=True)
    connect(monkeypatch, away=[401])
    with pytest.raises(errors.NotAuthenticated):
        executed(deferrable=deferrable, soft_fail=True)


def test_a_refusal_at_the_first_look_is_silent_when_asked(survey, monkeypatch):
    connect(monkeypatch, away=[401])
    assert deferred(silent_fail=True)


def test_a_deployment_that_is_away_is_waited_for(survey, monkeypatch):
    connect(monkeypatch, away=[503, 502, 500])
    begin()
    deferral = deferred(trigger="t_import")
    assert event_of(deferral.trigger, meanwhile=lambda: end(Event.FINISH)).payload["has_come"]


def test_a_refusal_of_the_deployment_fails_the_task_and_is_not_hidden_by_soft_fail(survey, monkeypatch):
    connect(monkeypatch, away=[401])
    with pytest.raises(errors.NotAuthenticated):
        executed()
    trigger = SessionTrigger(conn_id="shop", session_uid="order-1", poke_interval=0.001)
    connect(monkeypatch, away=[403])
    event = asyncio.run(anext(trigger.run()))

    assert event == TriggerEvent({"error": "Away."})
    with pytest.raises(RuntimeError, match="Away"):
        sensor(soft_fail=True).resume_execution("execute_complete", {"event": event.payload}, {})


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"instance": "t_a#0", "trigger": "x"}, InvalidTrigger, "it has both 'instance' .* and 'trigger'"),
        ({"instance": "t_a#0", "statuses": ["done"]}, InvalidTrigger, r"'statuses' is \['done'\].*unstarted"),
        ({"instance": "t_a#0", "statuses": []}, InvalidTrigger, r"'statuses' is \[\]"),
        ({"statuses": ["failed"]}, InvalidTrigger, r"'statuses' \(\['failed'\]\) without 'instance'"),
        ({"statuses": "finished", "trigger": "x"}, InvalidTrigger, "'statuses' .* without 'instance'"),
        ({"statuses": []}, InvalidTrigger, "'statuses' .* without 'instance'"),
        ({"instance": "t_a"}, InvalidTrigger, "'instance' is 't_a'; expected is the name of a task instance"),
        ({"session_uid": "a/b"}, InvalidSessionUid, "a/b"),
        ({"session_uid": ""}, InvalidSessionUid, "waits for nothing: 'session_uid' is ''"),
        ({"trigger": " blank "}, InvalidTrigger, "blank"),
    ],
)
def test_a_parameter_that_is_wrong_says_which_and_what_is_expected(parameters, error, message):
    with pytest.raises(error, match=message):
        executed(**parameters)


def test_a_template_that_finds_nothing_says_which(api):
    waiting = sensor(session_uid="order-{{ nothing }}", trigger="{{ name }}")
    with pytest.raises(
        InvalidSessionUid, match=r"waits for nothing: 'session_uid' is 'order-\{\{ nothing \}\}'"
    ):
        waiting.render_template_fields({"nothing": None, "name": "x"})
    waiting = sensor(trigger="{{ name }}")
    waiting.render_template_fields({"name": "t_import"})
    assert waiting.trigger == "t_import"
