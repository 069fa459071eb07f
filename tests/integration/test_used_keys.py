"""The idempotency keys of a batch are looked up at once; each fire still counts once per key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from airflow_triggers.domain.fires import SessionFireRequest
from airflow_triggers.errors import IdempotencyConflict
from airflow_triggers.sessions.batches import fire_all
from airflow_triggers.sessions.describing import describe_session
from airflow_triggers.sessions.opening import create_session, fire_into, open_session
from airflow_triggers.storages.transaction import is_sqlite
from tests.support.dags import deploy_configuration
from tests.support.statements import statements

LATER = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture
def session(airflow_db):
    deploy_configuration("orders", t_ship={"after": ["paid", "never"]})
    create_session("order-1", configuration="orders")


def batch(*keys, trigger="paid", fire_at=None):
    return fire_all(
        [
            SessionFireRequest(
                session_uid="order-1", trigger_name=trigger, idempotency_key=key, fire_at=fire_at
            )
            for key in keys
        ]
    )


class _Undone(Exception):
    """Undoes a savepoint."""


def fire_and_undo(manager, key):
    with manager.storage.savepoint():
        manager.fire("paid", idempotency_key=key)
        assert manager.storage.is_key_used(key)
        raise _Undone


def test_the_keys_of_a_session_take_one_statement(session):
    batch("warm-1", "warm-2")
    with statements() as few:
        batch("a-1", "a-2")
    with statements() as many:
        batch(*(f"b-{number}" for number in range(50)))
    more_fires = 48 if is_sqlite() else 0  # PostgreSQL gets the fires of a batch in one statement
    assert len(many) - len(few) == more_fires


def test_keys_used_before_and_in_the_batch_itself_count_once(session):
    fire_into("order-1", "paid", idempotency_key="a")
    outcomes = batch("a", "b", "b", "c", None)
    assert [outcome.repeated for outcome in outcomes] == [True, False, True, False, False]
    assert outcomes[1].fire_id == outcomes[2].fire_id
    assert len(describe_session("order-1").fires) == 4


def test_a_key_of_a_fire_for_later_is_used(session):
    fire_into("order-1", "paid", idempotency_key="a", fire_at=LATER)
    assert [outcome.repeated for outcome in batch("a", "b")] == [True, False]
    outcomes = batch("c", "c", "d", fire_at=LATER)
    assert [outcome.repeated for outcome in outcomes] == [False, True, False]
    assert batch("c")[0].repeated


def test_a_key_used_for_another_trigger_is_a_conflict(session):
    fire_into("order-1", "paid", idempotency_key="a")
    outcomes = batch("a", "b", trigger="other")
    assert isinstance(outcomes[0], IdempotencyConflict)
    assert outcomes[1].fire_id is not None


def test_a_key_whose_fire_was_undone_is_not_used(session):
    manager, storage = open_session("order-1"), open_session("order-1").storage
    with manager.storage.acquire_lock():
        manager.storage.look_up_keys(["a", "b"])
        with pytest.raises(_Undone):
            fire_and_undo(manager, "a")
        assert not manager.storage.is_key_used("a")
        assert not manager.fire("paid", idempotency_key="a").repeated
    with storage.acquire_lock():
        assert storage.is_key_used("a")
        assert not storage.is_key_used("b")


def test_what_was_looked_up_is_forgotten_with_the_lock(session):
    manager = open_session("order-1")
    with manager.storage.acquire_lock():
        manager.storage.look_up_keys(["a", "b"])
    fire_into("order-1", "paid", idempotency_key="a")
    assert manager.fire("paid", idempotency_key="a").repeated
