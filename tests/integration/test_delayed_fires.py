"""Fires for later: kept with the session, fired once by a controller when their moment has come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from airflow.utils.session import create_session as airflow_session
from sqlalchemy import select, update

from airflow_triggers.controller.loop import Controller
from airflow_triggers.errors import CannotDelay, IdempotencyConflict, InvalidTrigger
from airflow_triggers.manager import TriggerManager, trigger_managers
from airflow_triggers.sessions import create_session, describe_session, fire_into, fires_of
from airflow_triggers.storages import tables
from airflow_triggers.storages.cache import CacheStorageBackend
from tests.support.dags import play
from tests.support.surveys import statuses, view

LATER = datetime.now(UTC) + timedelta(hours=1)


def let_fall_due(**more):
    with airflow_session() as session:
        session.execute(update(tables.delayed_fire).values(due=datetime.now(UTC), **more))


def waiting(uid="order-1"):
    return [(fire.trigger_name, dict(fire.kwargs)) for fire in describe_session(uid).delayed_fires]


def test_a_fire_for_later_does_nothing_until_then_and_counts_once(survey, controller):
    result = fire_into(
        "order-1", "firstPage", {"n": 1}, configuration="survey", fired_by="shop", fire_at=LATER
    )
    assert (result.fire_id, result.deferred, result.fire_at) == (0, True, LATER)
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
            due = row.fire_at - timedelta(hours=2)
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
    with pytest.raises(IdempotencyConflict, match="'k' was used for a delayed fire of 'firstPage'"):
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
