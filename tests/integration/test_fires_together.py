"""On PostgreSQL, the fires of a batch are inserted together. Nobody can tell them from fires inserted one by one.

Neighbours: ``test_api_batches.py`` and ``test_batch_order.py`` have what else a batch does.
"""

from __future__ import annotations

from contextlib import suppress
from typing import ClassVar

import pytest
from sqlalchemy import select

from airflow_triggers.domain.fires import FireResult, SessionFireRequest
from airflow_triggers.manager.manager import TriggerManager, trigger_managers
from airflow_triggers.sessions import batches
from airflow_triggers.sessions.batches import fire_all
from airflow_triggers.sessions.describing import fires_of
from airflow_triggers.sessions.opening import create_session, fire_into
from airflow_triggers.storages import tables
from airflow_triggers.storages.rows import fire_ids_in
from airflow_triggers.storages.transaction import is_sqlite, transaction
from tests.support.dags import deploy_configuration
from tests.support.runners import RecordingRunner, registered
from tests.support.statements import statements

SESSIONS = ("order-1", "order-2", "order-3")


def deployed():
    registered(RecordingRunner())
    deploy_configuration(
        "orders",
        t_ship={"after": ["paid", "packed"], "andEvery": "item", "using": "recording"},
        t_thank={"after": ["paid", "never"]},
    )
    for uid in SESSIONS:
        create_session(uid, configuration="orders")


@pytest.fixture
def orders(airflow_db):
    deployed()


def request(trigger, uid="order-1", **more):
    return SessionFireRequest(session_uid=uid, trigger_name=trigger, **more)


def rounds(count, **more):
    """Fires into all sessions in turn, which no instance waits for."""
    return [
        request("unheard", uid, trigger_kwargs={"n": number}, **more)
        for number in range(count)
        for uid in SESSIONS
    ]


def insertions(sent):
    return [statement for statement in sent if statement.startswith("INSERT INTO triggers_fire")]


def test_fires_that_only_record_are_one_insertion(orders):
    fire_all(rounds(1))
    with statements() as sent:
        outcomes = fire_all(rounds(20))
    assert len(insertions(sent)) == (60 if is_sqlite() else 1)
    for uid in SESSIONS:
        ids = [
            outcome.fire_id
            for outcome, one in zip(outcomes, rounds(20), strict=True)
            if one.session_uid == uid
        ]
        fires = fires_of(uid, limit=20)[::-1]
        assert [fire.fire_id for fire in fires] == ids == sorted(set(ids))
        assert [fire.kwargs for fire in fires] == [{"n": number} for number in range(20)]


def test_fires_with_keys_are_one_insertion_too(orders):
    fires = [request("unheard", uid, idempotency_key=f"key-{uid}-{n}") for uid in SESSIONS for n in range(4)]
    with statements() as sent:
        outcomes = fire_all(fires)
    assert len(insertions(sent)) == (12 if is_sqlite() else 1)
    again = fire_all(fires)
    assert [outcome.fire_id for outcome in again] == [outcome.fire_id for outcome in outcomes]
    assert all(outcome.repeated for outcome in again)


def test_a_fire_alone_afterwards_has_a_higher_id(orders):
    outcomes = fire_all(rounds(3))
    later = fire_into("order-1", "unheard")
    assert later.fire_id > max(outcome.fire_id for outcome in outcomes)


def test_a_batch_does_what_its_fires_do_alone(orders):
    """Instances made, touched and started between fires that only record."""
    story = ["unheard", "item", "paid", "unheard", "item", "packed", "unheard", "item", "paid", "unheard"]
    kwargs = [{"place": place} for place in range(len(story))]
    fire_all([request(trigger, trigger_kwargs=given) for trigger, given in zip(story, kwargs, strict=True)])
    for trigger, given in zip(story, kwargs, strict=True):
        fire_into("order-2", trigger, given)

    def told(uid):
        fires = fires_of(uid, limit=50)[::-1]
        places = {fire.fire_id: place for place, fire in enumerate(fires)}
        with transaction() as session:
            instance, owner = tables.instance.c, tables.session.c
            rows = session.execute(
                select(
                    instance.task_name, instance.number, instance.status, instance.kwargs, instance.fire_ids
                )
                .join(tables.session, owner.id == instance.session_id)
                .where(owner.uid == uid)
                .order_by(instance.task_name, instance.number)
            ).all()
        return [
            (fire.trigger_name, fire.kwargs, fire.touched, fire.created, fire.scheduled, fire.in_vain)
            for fire in fires
        ], [(*row[:4], [places[fire_id] for fire_id in fire_ids_in(row.fire_ids)]) for row in rows]

    assert told("order-1") == told("order-2")


class Curious(TriggerManager):
    """Reads its session between the fires of a batch, and undoes some."""

    name = "curious"
    seen: ClassVar[list[list[int]]] = []

    def _fire_locked(self, *args, **kwargs):
        result = super()._fire_locked(*args, **kwargs)
        self.seen.append([fire.kwargs["n"] for fire in self.storage.fires()])
        return result


@pytest.fixture
def curious():
    trigger_managers.register(Curious.name, Curious)
    Curious.seen.clear()
    yield Curious
    trigger_managers.unregister(Curious.name)


def test_who_reads_under_the_lock_meets_all_fires(orders, curious):
    create_session("order-4", configuration="orders", manager="curious")
    fire_all([request("unheard", "order-4", trigger_kwargs={"n": number}) for number in range(4)])
    assert curious.seen == [[0], [1, 0], [2, 1, 0], [3, 2, 1, 0]]


def test_what_a_savepoint_undoes_is_not_inserted(orders, monkeypatch):
    outcome = batches._Batch._outcome

    def undone(batch, one, manager):
        if one.trigger_name != "undone":
            return outcome(batch, one, manager)
        with suppress(LookupError), manager.storage.savepoint():
            outcome(batch, one, manager)
            raise LookupError

    monkeypatch.setattr(batches._Batch, "_outcome", undone)
    fire_all([request(trigger) for trigger in ("first", "undone", "second", "undone", "third")])
    assert [fire.trigger_name for fire in fires_of("order-1", limit=9)] == ["third", "second", "first"]


@pytest.fixture
def refusing(postgresql_airflow_db):
    """A database that refuses the fires of one trigger."""
    deployed()
    constraint = "CONSTRAINT no_refused"
    with transaction() as session:
        session.connection().exec_driver_sql(
            f"ALTER TABLE triggers_fire ADD {constraint} CHECK (trigger_name <> 'refused')"
        )
    yield
    with transaction() as session:
        session.connection().exec_driver_sql(f"ALTER TABLE triggers_fire DROP {constraint}")


def test_a_fire_that_cannot_be_inserted_fails_alone(refusing):
    fires = [request(trigger, uid) for uid in SESSIONS for trigger in ("unheard", "refused", "item")]
    outcomes = fire_all(fires)
    assert [isinstance(outcome, FireResult) for outcome in outcomes] == [True, False, True] * 3
    for uid in SESSIONS:
        assert [fire.trigger_name for fire in fires_of(uid, limit=9)] == ["item", "unheard"]
