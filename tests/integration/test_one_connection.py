"""A fire takes one connection from Airflow's pool: the look at the session and the transaction share it."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from airflow import settings
from sqlalchemy import event

from airflow_triggers.errors import Refused
from airflow_triggers.manager.manager import TriggerManager
from airflow_triggers.sessions.opening import create_session, fire_into
from airflow_triggers.sessions.records import record_of
from airflow_triggers.storages.sql import SqlStorageBackend
from airflow_triggers.storages.transaction import one_connection
from tests.support.dags import deploy_configuration


@pytest.fixture
def session(postgresql_airflow_db):
    deploy_configuration("orders", t_ship={"after": ["paid", "never"]})
    create_session("order-1", configuration="orders")
    fire_into("order-1", "paid")
    return record_of("order-1")


@contextmanager
def check_outs():
    """The connections taken from the pool inside."""
    taken = []

    def note(connection, *_):
        taken.append(connection)

    event.listen(settings.engine, "checkout", note)
    try:
        yield taken
    finally:
        event.remove(settings.engine, "checkout", note)


def test_a_fire_takes_one_connection(session):
    with check_outs() as taken:
        fire_into("order-1", "paid")
    assert len(taken) == 1
    assert settings.engine.pool.checkedout() == 0


def test_a_refused_fire_gives_its_connection_back(session):
    def refuse(_configuration, _makes_session):
        raise Refused("no")

    with check_outs() as taken, pytest.raises(Refused):
        fire_into("order-1", "paid", authorize=refuse)
    assert len(taken) == 1
    assert settings.engine.pool.checkedout() == 0


def test_a_check_of_rights_that_reads_has_no_second_connection(session):
    busiest = []

    def look(_configuration, _makes_session):
        assert SqlStorageBackend("order-1").instances
        busiest.append(settings.engine.pool.checkedout())

    fire_into("order-1", "paid", authorize=look)
    assert busiest == [0]


def test_hooks_run_without_a_connection(session, monkeypatch):
    held = []

    def hook(_manager, _trigger_name, _tasks_scheduled):
        assert record_of("order-1") is not None
        held.append(settings.engine.pool.checkedout())

    monkeypatch.setattr(TriggerManager, "_post_fire", hook)
    monkeypatch.setattr("airflow_triggers.manager.hooks.ManagerHooks.promise", promise_directly)
    fire_into("order-1", "paid")
    assert held == [0]


def promise_directly(hooks, _hook, arguments, **_):
    manager = hooks.manager
    manager.storage.call_hook_after_release(lambda: manager._post_fire(arguments["trigger_name"], []))


def test_a_look_leaves_the_connection_as_it_was(session):
    with one_connection():
        assert record_of("order-1") == session
        with check_outs() as taken:
            assert record_of("order-1") == session
        assert taken == []
    connection = settings.engine.raw_connection()
    try:
        assert connection.dbapi_connection.autocommit is False
    finally:
        connection.close()


def test_a_lost_connection_is_not_kept(session):
    with one_connection():
        record_of("order-1")
        with settings.engine.connect() as other:
            other.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        with pytest.raises(Exception, match="database failed"):
            record_of("order-1")
        assert record_of("order-1") == session
