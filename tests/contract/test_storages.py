"""Every storage of the package passes the contract suite that users run over theirs."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from airflow_triggers.storages import tables
from airflow_triggers.storages.transaction import transaction
from airflow_triggers.testing.contract import ImpatientLockContract, StorageContract
from airflow_triggers.testing.contract.actors import configure
from airflow_triggers.testing.contract.suite import StorageSuite
from tests.contract.storages import InMemory, InRedis, OnPostgresql, OnSqlite


class CountsAttempts(StorageSuite):
    """In the database it is also kept how often a hook was tried, for the controller's patience."""

    def test_it_is_counted_how_often_a_hook_was_tried(self, manager):
        configure(manager, t_a={"after": ["x"]})
        manager.raises = {"fire"}
        manager.fire("x")
        with transaction() as session:
            found = session.execute(select(tables.hook.c.hook, tables.hook.c.attempts)).all()
        assert found == [("_post_fire", 1)]


class TestSqlite(OnSqlite, StorageContract, CountsAttempts):
    """One writer at a time in all sessions: who does not want to wait is not told at once."""


class TestPostgresql(OnPostgresql, StorageContract, ImpatientLockContract, CountsAttempts):
    pass


class TestMemory(InMemory, StorageContract, ImpatientLockContract):
    pass


class TestRedis(InRedis, StorageContract, ImpatientLockContract):
    pass


def test_a_suite_says_what_it_needs():
    with pytest.raises(NotImplementedError, match="TestNothing does not say which storage is under test"):
        type("TestNothing", (StorageContract,), {})().storage_of("survey-1")
