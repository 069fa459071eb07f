"""Whoever locks a session and writes nothing leaves no trace: its version and its last change stay."""

from __future__ import annotations

from contextlib import suppress

import pytest
from airflow import settings
from airflow.models import Variable
from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError

from airflow_triggers.domain.fires import SessionFireRequest
from airflow_triggers.errors import DatabaseFailed
from airflow_triggers.sessions.batches import fire_all
from airflow_triggers.sessions.describing import describe_session, fires_of
from airflow_triggers.sessions.opening import create_session, fire_into, open_session
from airflow_triggers.storages import rows
from airflow_triggers.storages.kept_connection import kept_connection
from airflow_triggers.storages.prepared import PreparedStatement
from airflow_triggers.storages.sql import SqlStorageBackend
from tests.support.dags import deploy_configuration

BACKEND = PreparedStatement(select(func.pg_backend_pid().label("pid")))


@pytest.fixture
def order(airflow_db):
    deploy_configuration("orders", t_ship={"after": ["paid", "never"]})
    create_session("order-1", configuration="orders", metadata={"shop": 1})
    fire_into("order-1", "paid", idempotency_key="first")


def trace(uid="order-1"):
    return open_session(uid).storage.session_version, describe_session(uid).summary.last_modified


def batch(*keys, uid="order-1"):
    return fire_all(
        [SessionFireRequest(session_uid=uid, trigger_name="paid", idempotency_key=key) for key in keys]
    )


REPEATS = {
    "create": lambda: create_session("order-1", configuration="orders", metadata={"shop": 1}),
    "fire": lambda: fire_into("order-1", "paid", idempotency_key="first"),
    "fire that may create": lambda: fire_into(
        "order-1", "paid", configuration="orders", idempotency_key="first"
    ),
    "batch": lambda: batch("first", "first"),
    "preview": lambda: open_session("order-1").update_configuration({}, preview=True),
}


@pytest.mark.parametrize("repeat", REPEATS.values(), ids=REPEATS)
def test_a_repeat_leaves_no_trace(order, repeat):
    before = trace()
    for _ in range(2):
        repeat()
    rows._memory_of.cache_clear()  # the configuration is read under the lock then
    repeat()
    assert trace() == before


CHANGES = {
    "fire": lambda: fire_into("order-1", "unheard"),
    "batch with one new fire": lambda: batch("first", "second"),
    "metadata": lambda: open_session("order-1").update_instance_metadata("t_ship#0", {"seen": True}),
    "status": lambda: open_session("order-1").update_instance_status("t_ship#0", "finished"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_does(order, change):
    (version, last_modified) = trace()
    change()
    later_version, later = trace()
    assert later_version != version
    assert later > last_modified


def lock_and_lose(storage):
    """Hold the lock, and swallow the error of a look after the connection was lost."""
    with storage.acquire_lock():
        (pid,) = storage._work.open_transaction.send(BACKEND, {}).row
        with settings.engine.connect() as connection:
            connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        with suppress(DatabaseFailed, OperationalError):
            storage.is_key_used("key")


def test_a_lock_that_is_lost_unnoticed_is_an_error_and_its_connection_is_not_kept(postgresql_airflow_db):
    deploy_configuration("orders", t_ship={"after": ["paid", "never"]})
    create_session("order-1", configuration="orders")
    storage = open_session("order-1").storage
    kept_connection.open()
    try:
        with pytest.raises(DatabaseFailed, match="was lost"):
            lock_and_lose(storage)
        assert kept_connection._kept is None
        assert fire_into("order-1", "unheard").fire_id
    finally:
        if (driver := kept_connection.shut()) is not None:
            driver.close()


def test_a_session_made_by_its_lock_stays(order):
    with SqlStorageBackend("order-2").acquire_lock(create=True):
        pass
    assert describe_session("order-2").summary.uid == "order-2"


def test_what_is_written_in_airflows_transaction_stays(order):
    storage = open_session("order-1").storage
    before = trace()
    with storage.acquire_lock():
        storage.airflow_transaction.add(Variable("noted", "yes"))
    assert Variable.get("noted") == "yes"
    assert trace() != before


def test_callbacks_after_the_release_are_called_all_the_same(order):
    called = []
    storage = open_session("order-1").storage
    with storage.acquire_lock():
        storage.after_release(lambda: called.append("after"))
    assert called == ["after"]


def test_a_repeat_that_was_read_again_in_the_batch_counts_once(order):
    (first, again) = batch("new", "new")
    assert (first.repeated, again.repeated) == (False, True)
    assert [fire.idempotency_key for fire in fires_of("order-1", limit=5)] == ["new", "first"]
