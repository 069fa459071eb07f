"""Fires for later: kept with the session, fired once by a controller when their moment has come."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from airflow.api_fastapi.app import purge_cached_app
from airflow.utils.session import create_session as airflow_session
from sqlalchemy import select, update

from airflow_triggers.controller import delayed
from airflow_triggers.controller.loop import Controller
from airflow_triggers.domain.fires import SessionFireRequest
from airflow_triggers.errors import (
    CannotDelay,
    DatabaseFailed,
    DelayedFireCancelled,
    DelayedFireNotFound,
    IdempotencyConflict,
    InvalidCursor,
    InvalidTrigger,
    NothingParked,
    SessionNotFound,
)
from airflow_triggers.history.evidence import why
from airflow_triggers.history.pages import history_of
from airflow_triggers.history.sentences import sentence_of
from airflow_triggers.manager.manager import TriggerManager, trigger_managers
from airflow_triggers.sentences import moment
from airflow_triggers.sessions import delayed_fires
from airflow_triggers.sessions.batches import fire_all
from airflow_triggers.sessions.describing import describe_session, fires_of
from airflow_triggers.sessions.opening import create_session, fire_into, open_session
from airflow_triggers.storages import tables
from airflow_triggers.storages.cache import CacheStorageBackend
from tests.support.api import mounted_api
from tests.support.dags import play
from tests.support.surveys import statuses, view

LATER = datetime.now(UTC) + timedelta(days=1)


def let_fall_due(**more):
    with airflow_session() as session:
        session.execute(update(tables.delayed_fire).values(due=datetime.now(UTC), **more))


def waiting(uid="order-1"):
    return [(fire.trigger_name, dict(fire.kwargs)) for fire in describe_session(uid).delayed_fires]


def test_a_fire_for_later_does_nothing_until_then_and_counts_once(survey, controller):
    result = fire_into(
        "order-1", "firstPage", {"n": 1}, configuration="survey", fired_by="shop", fire_at=LATER
    )
    assert (result.fire_id, result.deferred, result.fire_at) == (None, True, LATER)
    assert [fire.delayed_id for fire in describe_session("order-1").delayed_fires] == [result.delayed_fire_id]
    assert controller.run_once() == 0
    assert (statuses(), fires_of("order-1"), waiting()) == ({}, [], [("firstPage", {"n": 1})])
    let_fall_due()
    assert controller.run_once() == 1
    for _ in range(2):
        assert Controller().run_once() == 0
    assert (statuses(), waiting()) == ({"t_import#0": "scheduled"}, [])
    (fire,) = fires_of("order-1")
    assert (fire.kwargs, fire.fired_by) == ({"n": 1}, "shop")


def test_those_that_are_due_are_fired_in_the_order_of_their_moments(survey, controller):
    create_session("order-1", configuration="survey")
    for minutes in (3, 1, 2):
        fire_into("order-1", f"after_{minutes}", fire_at=LATER + timedelta(minutes=minutes))
    assert [name for name, _ in waiting()] == ["after_1", "after_2", "after_3"]
    with airflow_session() as session:
        columns = tables.delayed_fire.c
        for row in session.execute(select(columns.id, columns.fire_at)).all():
            due = row.fire_at - timedelta(days=2)
            session.execute(update(tables.delayed_fire).where(columns.id == row.id).values(due=due))
    assert controller.run_once() == 3
    assert [fire.trigger_name for fire in reversed(fires_of("order-1"))] == ["after_1", "after_2", "after_3"]


def test_a_moment_that_has_passed_is_now(survey):
    past = datetime.now(UTC) - timedelta(seconds=1)
    result = fire_into("order-1", "firstPage", configuration="survey", fire_at=past)
    assert (result.deferred, result.scheduled) == (False, ("t_import#0",))


def test_an_idempotency_key_counts_once_whether_the_fire_waits_or_has_been(survey, controller):
    create_session("order-1", configuration="survey")
    fire_into("order-1", "firstPage", {"n": 1}, idempotency_key="k", fire_at=LATER)
    again = fire_into(
        "order-1", "firstPage", {"n": 1}, idempotency_key="k", fire_at=LATER + timedelta(minutes=1)
    )
    assert (again.repeated, again.deferred, again.fire_at) == (True, True, LATER)
    at_once = fire_into("order-1", "firstPage", {"n": 1}, idempotency_key="k")
    assert (at_once.repeated, at_once.deferred) == (True, True)
    with pytest.raises(IdempotencyConflict, match=r"'k' was used for the delayed fire \d+ of 'firstPage'"):
        fire_into("order-1", "firstPage", {"n": 2}, idempotency_key="k")
    with pytest.raises(IdempotencyConflict):
        fire_into("order-1", "firstPage", {"n": True}, idempotency_key="k")
    let_fall_due()
    controller.run_once()
    done = fire_into("order-1", "firstPage", {"n": 1}, idempotency_key="k", fire_at=LATER)
    assert (done.repeated, done.deferred, done.scheduled) == (True, False, ("t_import#0",))
    assert len(fires_of("order-1")) == 1


def test_a_task_fires_for_later_too(survey, controller):
    fire_into("order-1", "firstPage", configuration="survey")
    fires = [{"trigger_name": "reminder", "fire_at": LATER.isoformat()}]
    play(view("t_import#0"), "success", report={"fires": fires})
    controller.run_once()
    assert waiting() == [("reminder", {})]
    assert describe_session("order-1").delayed_fires[0].fire_at == LATER
    assert describe_session("order-1").delayed_fires[0].fired_by == "t_import#0"


class Refusing(TriggerManager):
    """Its fires fail until it is told otherwise."""

    name = "refusing_fires"
    refuses = True

    def fire(self, trigger_name, *args, **kwargs):
        if self.refuses and not kwargs.get("fire_at"):
            raise RuntimeError("closed on Mondays")
        return super().fire(trigger_name, *args, **kwargs)


def test_one_that_cannot_be_fired_keeps_its_error_and_waits_while_others_go_on(
    survey, controller, monkeypatch
):
    trigger_managers.register("refusing_fires", Refusing)
    create_session("bad", configuration="survey", manager="refusing_fires")
    create_session("order-1", configuration="survey")
    for uid in ("bad", "order-1"):
        fire_into(uid, "firstPage", fire_at=LATER)
    let_fall_due()
    controller.run_once()
    assert statuses() == {"t_import#0": "scheduled"}
    (fire,) = describe_session("bad").delayed_fires
    assert (fire.attempts, fire.error, fire.fire_at) == (1, "closed on Mondays", LATER)
    assert controller.run_once() == 0
    monkeypatch.setattr(Refusing, "refuses", False)
    let_fall_due()
    controller.run_once()
    assert statuses("bad") == {"t_import#0": "scheduled"}
    trigger_managers.unregister("refusing_fires")


@pytest.mark.parametrize("moment", ["tomorrow", datetime(2031, 1, 1), 7])
def test_a_moment_without_a_timezone_is_refused(survey, moment):
    create_session("order-1", configuration="survey")
    with pytest.raises(InvalidTrigger, match="'fire_at' is a datetime with a timezone"):
        fire_into("order-1", "firstPage", fire_at=moment)
    assert waiting() == []


def test_a_storage_that_no_controller_looks_into_refuses():
    with pytest.raises(CannotDelay, match="'cache' keeps no fires for later"):
        TriggerManager(CacheStorageBackend("delayed-1")).fire("x", fire_at=LATER)
    assert not CacheStorageBackend("delayed-1").exists


# -- cancelled ------------------------------------------------------------------------------------------------


def delay(trigger="firstPage", uid="order-1", **more):
    return fire_into(uid, trigger, configuration="survey", fire_at=LATER, **more).delayed_fire_id


def stories(uid="order-1", limit=3):
    return [sentence_of(entry) for entry in history_of(uid, limit=limit).entries]


def test_a_cancelled_fire_never_comes_and_the_history_says_who(survey, controller):
    delayed_id = delay(fired_by="shop")
    cancelled = open_session("order-1").cancel_delayed_fire(delayed_id, by="ann")
    assert (cancelled.delayed_id, cancelled.cancelled_by, cancelled.parked) == (delayed_id, "ann", False)
    assert waiting() == []
    let_fall_due()
    assert controller.run_once() == 0
    assert fires_of("order-1") == []
    entry = history_of("order-1").entries[0]
    assert (entry.by, entry.details["delayed_fire_id"]) == ("ann", delayed_id)
    due = f"due at {moment(LATER)} (delayed fire {delayed_id})"
    assert stories(limit=1) == [f"firstPage, {due}, was cancelled."]


def test_what_was_cancelled_or_fired_cannot_be_cancelled(survey, controller):
    first, second = delay(), delay("other")
    manager = open_session("order-1")
    manager.cancel_delayed_fire(first, by="ann")
    for act in (manager.cancel_delayed_fire, manager.retry_delayed_fire):
        with pytest.raises(
            DelayedFireCancelled, match=rf"delayed fire {first} .* was cancelled at .* by ann"
        ):
            act(first)
    let_fall_due()
    controller.run_once()
    for unknown in (second, 0, -1, 2**70):
        for act in (manager.cancel_delayed_fire, manager.retry_delayed_fire):
            with pytest.raises(
                DelayedFireNotFound, match=f"has no delayed fire {unknown}: it has been fired"
            ):
                act(unknown)
    with pytest.raises(SessionNotFound):
        delayed_fires.cancel("nobody", first)
    create_session("order-2", configuration="survey")
    third = delay("third")
    with pytest.raises(DelayedFireNotFound):
        delayed_fires.cancel("order-2", third)


def test_the_key_of_a_cancelled_fire_stays_used_and_the_answer_says_so(survey, controller):
    delayed_id = delay(idempotency_key="k")
    open_session("order-1").cancel_delayed_fire(delayed_id)
    for fire_at in (LATER, None):
        again = fire_into("order-1", "firstPage", idempotency_key="k", fire_at=fire_at)
        assert (again.cancelled, again.repeated, again.deferred) == (True, True, False)
        assert (again.fire_id, again.delayed_fire_id) == (None, delayed_id)
    (batched,) = fire_all(
        [
            SessionFireRequest(
                session_uid="order-1", trigger_name="firstPage", idempotency_key="k", fire_at=LATER
            )
        ]
    )
    assert batched.cancelled
    with pytest.raises(IdempotencyConflict):
        fire_into("order-1", "firstPage", {"n": 2}, idempotency_key="k")
    assert controller.run_once() == 0
    assert (waiting(), fires_of("order-1")) == ([], [])


def test_a_task_that_runs_again_after_its_reminder_was_cancelled_finishes(survey, controller):
    fire_into("order-1", "firstPage", configuration="survey")
    report = {"fires": [{"trigger_name": "reminder", "fire_at": LATER.isoformat(), "idempotency_key": "r"}]}
    play(view("t_import#0"), "success", report=report)
    controller.run_once()
    (reminder,) = describe_session("order-1").delayed_fires
    open_session("order-1").cancel_delayed_fire(reminder.delayed_id)
    play(view("t_import#0"), "success", report=report, clear=True)
    controller.run_once()
    assert statuses()["t_import#0"] == "finished"
    assert waiting() == []


@pytest.mark.parametrize("number", range(10))
def test_who_cancels_and_who_fires_at_the_same_moment_agree(postgresql_survey, number):
    """Two threads, two connections: the session's lock lets one of them be first."""
    delayed_id, ready, outcomes = delay(), threading.Barrier(2), {}
    let_fall_due()

    def act(name, work):
        manager = open_session("order-1")
        ready.wait(30)
        try:
            outcomes[name] = work(manager)
        except DelayedFireNotFound as error:
            outcomes[name] = error

    works = {
        "cancel": lambda manager: manager.cancel_delayed_fire(delayed_id, by="ann"),
        "fire": lambda manager: manager.fire_delayed(delayed_id),
    }
    threads = [threading.Thread(target=act, args=item) for item in works.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    fired = outcomes["fire"] is not None
    assert isinstance(outcomes["cancel"], DelayedFireNotFound) is fired
    assert len(fires_of("order-1")) == fired
    assert Controller().run_once() == 0
    assert waiting() == []


# -- listed ---------------------------------------------------------------------------------------------------


def test_fires_to_come_are_listed_by_pages_the_next_first(survey):
    create_session("order-2", configuration="survey")
    for minutes in (3, 1, 2, 1):
        fire_into(
            "order-1", f"after_{minutes}", configuration="survey", fire_at=LATER + timedelta(minutes=minutes)
        )
    cancelled = delay("cancelled")
    open_session("order-1").cancel_delayed_fire(cancelled)
    pages, after = [], None
    while True:
        page = delayed_fires.list_delayed_fires(uid="order-1", limit=2, after=after)
        pages.append([listed.fire.trigger_name for listed in page.fires])
        if (after := page.next) is None:
            break
    assert pages == [["after_1", "after_1"], ["after_2", "after_3"]]
    delay("elsewhere", uid="order-2")
    listed = delayed_fires.list_delayed_fires().fires
    assert (listed[0].uid, listed[0].fire.trigger_name) == ("order-2", "elsewhere")
    assert len(listed) == 5
    for cursor in ("x", "1", "1.", "9" * 19 + ".1", "1.x", "1.1.1", "²."):
        with pytest.raises(InvalidCursor, match="'after' is"):
            delayed_fires.list_delayed_fires(after=cursor)
    with pytest.raises(SessionNotFound):
        delayed_fires.list_delayed_fires(uid="nobody")


# -- parked ---------------------------------------------------------------------------------------------------


@pytest.fixture
def refused(survey, controller, monkeypatch):
    """A fire that could not be fired as often as it is tried."""
    trigger_managers.register("refusing_fires", Refusing)
    monkeypatch.setattr(Refusing, "refuses", True)
    create_session("bad", configuration="survey", manager="refusing_fires")
    delayed_id = fire_into("bad", "firstPage", fire_at=LATER).delayed_fire_id
    let_fall_due(attempts=delayed.MAX_ATTEMPTS - 1)
    controller.run_once()
    yield delayed_id
    trigger_managers.unregister("refusing_fires")


def test_a_fire_that_can_never_be_fired_is_parked_where_people_see_it(refused, controller):
    (fire,) = describe_session("bad").delayed_fires
    assert (fire.parked, fire.attempts, fire.error) == (True, delayed.MAX_ATTEMPTS, "closed on Mondays")
    assert [item.uid for item in delayed_fires.list_delayed_fires(parked=True).fires] == ["bad"]
    assert controller.run_once() == 0
    assert "could not be fired too often, and is parked: closed on Mondays" in stories("bad", limit=1)[0]
    reasons = {reason.code: reason.text for reason in why("bad", "t_import").reasons}
    assert "is parked" in reasons["delayed_fire"]


def test_a_parked_fire_is_tried_again_when_somebody_asks(refused, controller, monkeypatch):
    monkeypatch.setattr(Refusing, "refuses", False)
    retried = open_session("bad").retry_delayed_fire(refused, by="ann")
    assert (retried.parked, retried.attempts, retried.error) == (False, 0, None)
    assert history_of("bad").entries[0].by == "ann"
    assert controller.run_once() == 1
    assert statuses("bad") == {"t_import#0": "scheduled"}


def test_a_parked_fire_is_cancelled_and_one_that_has_not_failed_is_not_retried(refused):
    open_session("bad").cancel_delayed_fire(refused)
    assert describe_session("bad").delayed_fires == ()
    with pytest.raises(NothingParked, match="has not failed: it comes at"):
        open_session("order-1" if delay("later") else "").retry_delayed_fire(
            describe_session("order-1").delayed_fires[0].delayed_id
        )


@pytest.mark.parametrize("trouble", ["database", "manager"])
def test_a_fault_of_the_system_parks_nothing(survey, controller, monkeypatch, trouble):
    trigger_managers.register("refusing_fires", Refusing)
    create_session("bad", configuration="survey", manager="refusing_fires")
    fire_into("bad", "firstPage", fire_at=LATER)
    with monkeypatch.context() as failing:
        if trouble == "manager":
            trigger_managers.unregister("refusing_fires")
        else:
            failing.setattr(Refusing, "fire", _fail_with(DatabaseFailed("away")))
        let_fall_due(attempts=delayed.MAX_ATTEMPTS + 5)
        controller.run_once()
    (fire,) = describe_session("bad").delayed_fires
    assert (fire.parked, fire.attempts) == (False, delayed.MAX_ATTEMPTS + 6)
    trigger_managers.register("refusing_fires", Refusing)
    monkeypatch.setattr(Refusing, "refuses", False)
    let_fall_due()
    controller.run_once()
    assert statuses("bad") == {"t_import#0": "scheduled"}
    trigger_managers.unregister("refusing_fires")


def _fail_with(error):
    def fail(*_, **__):
        raise error

    return fail


# -- over REST, and rights ------------------------------------------------------------------------------------


def test_rest_lists_cancels_and_retries_for_who_may_fire(survey, controller, monkeypatch):
    api = mounted_api(monkeypatch)
    admin, viewer = api.client("admin"), api.client("viewer")
    path = "api/v1/sessions/order-1/delayed-fires"
    fire = {
        "trigger": "firstPage",
        "configuration": "survey",
        "fire_at": LATER.isoformat(),
        "idempotency_key": "k",
    }
    answer = admin.post("api/v1/sessions/order-1/fires", json=fire).json()
    delayed_id = answer["delayed_fire_id"]
    assert (answer["fire_id"], answer["deferred"], answer["cancelled"]) == (None, True, False)
    listed = viewer.get(path, params={"limit": 1}).json()
    assert [(item["id"], item["trigger"], item["parked"]) for item in listed["delayed_fires"]] == [
        (delayed_id, "firstPage", False)
    ]
    assert listed["next"] is None
    for cursor, reason in (("no cursor", "InvalidQuery"), ("9" * 19 + ".1", "InvalidCursor")):
        wrong = viewer.get(path, params={"after": cursor})
        assert (wrong.status_code, wrong.json()["reason"]) == (422, reason)
    assert viewer.delete(f"{path}/{delayed_id}").status_code == 403
    assert viewer.post(f"{path}/{delayed_id}/retry").status_code == 403
    early = admin.post(f"{path}/{delayed_id}/retry")
    assert (early.status_code, early.json()["reason"]) == (404, "NothingParked")
    cancelled = admin.delete(f"{path}/{delayed_id}")
    assert (cancelled.status_code, cancelled.json()["cancelled_by"]) == (200, "admin")
    again = admin.delete(f"{path}/{delayed_id}")
    assert (again.status_code, again.json()["reason"]) == (409, "DelayedFireCancelled")
    unknown = admin.delete(f"{path}/{delayed_id + 1}")
    assert (unknown.status_code, unknown.json()["reason"]) == (404, "DelayedFireNotFound")
    assert admin.delete(f"{path}/{2**63}").status_code == 422
    assert admin.delete(f"api/v1/sessions/nobody/delayed-fires/{delayed_id}").status_code == 404
    repeated = admin.post("api/v1/sessions/order-1/fires", json=fire).json()
    assert (repeated["cancelled"], repeated["repeated"], repeated["deferred"]) == (True, True, False)
    batch = admin.post("api/v1/fires", json={"fires": [{**fire, "session_uid": "order-1"}]}).json()
    assert (batch["results"][0]["cancelled"], batch["results"][0]["fire_id"]) == (True, None)
    purge_cached_app()


def test_a_fire_for_later_comes_though_its_makers_right_was_taken_away(survey, controller, monkeypatch):
    """It was answered, so it is not lost; who may fire can cancel it."""
    api = mounted_api(monkeypatch)
    fire = {"trigger": "firstPage", "configuration": "survey", "fire_at": LATER.isoformat()}
    assert api.client("admin").post("api/v1/sessions/order-1/fires", json=fire).status_code == 200
    purge_cached_app()
    monkeypatch.setattr(
        "airflow_triggers.api.permissions.Permissions._has", lambda *_: False
    )  # whatever is asked of Airflow from now on is refused
    let_fall_due()
    assert controller.run_once() == 1
    (came,) = fires_of("order-1")
    assert (came.fired_by, came.scheduled) == ("admin", ("t_import#0",))
