"""What a fire costs in statements: few, and as many in a large session as in a small one."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from airflow import settings
from sqlalchemy import event

from airflow_triggers.manager import TriggerManager
from airflow_triggers.storages.sql import SqlStorageBackend
from tests.support.runners import RecordingRunner, registered

MOST = 7


@contextmanager
def statements():
    """The statements that are sent to the database meanwhile."""
    sent = []

    def note(connection, cursor, statement, *_):
        sent.append(statement)

    event.listen(settings.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(settings.engine, "before_cursor_execute", note)


@pytest.fixture
def manager(airflow_db):
    registered(RecordingRunner())
    manager = TriggerManager(SqlStorageBackend("order-1"))
    directives = {"after": ["x", "y"], "andEvery": "page", "run": "dag", "using": "recording"}
    manager.update_configuration({"t_page": directives, "t_once": {**directives, "andEvery": None}})
    manager.fire("page")
    return manager


def cost(manager, trigger):
    with statements() as sent:
        manager.fire(trigger)
    return len(sent)


def test_a_fire_that_only_records_takes_few_statements(manager):
    assert cost(manager, "unheard") <= 2
    assert cost(manager, "page") <= MOST


def test_a_fire_costs_the_same_however_many_instances_wait(manager):
    with manager.storage.acquire_lock():
        for _ in range(20):
            manager.fire("page")
    small = cost(manager, "page")
    with manager.storage.acquire_lock():
        for _ in range(300):
            manager.fire("page")
    assert cost(manager, "page") == small
    assert len(manager.storage.instances_of_task("t_page")) == 323
