"""Every storage of the package passes the contract suite that users run over theirs."""

from __future__ import annotations

import pytest
from dogpile.cache import make_region
from sqlalchemy import select

from airflow_triggers.errors import StaleWrite
from airflow_triggers.storages import tables
from airflow_triggers.storages.cache import CacheStorageBackend
from airflow_triggers.storages.transaction import transaction
from airflow_triggers.testing.contract import ImpatientLockContract, StorageContract
from airflow_triggers.testing.contract.actors import configure
from airflow_triggers.testing.contract.suite import StorageSuite
from tests.conftest import REDIS_URL
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
    def test_who_held_the_lock_for_too_long_overwrites_nothing_of_who_got_it_then(self, storage):
        other, redis = self.storage_of(storage.uid), self.region.actual_backend.writer_client
        with storage.acquire_lock(create=True):
            storage.set_metadata({"n": 1})

        def hold_too_long():
            with storage.acquire_lock():
                storage.set_metadata({"n": 2})
                assert redis.delete(storage._mutex.mutex.name) == 1, "as if its time were over"
                with other.acquire_lock():
                    other.set_metadata({"n": 3})

        with pytest.raises(StaleWrite, match="'survey-1' was written by another"):
            hold_too_long()
        assert storage.metadata == {"n": 3}
        with storage.acquire_lock(wait=False):
            storage.set_metadata({"n": 4})
        assert other.metadata == {"n": 4}

    def test_caches_with_other_keys_have_other_locks(self, storage):
        elsewhere = make_region(key_mangler=lambda key: f"elsewhere-{key}")
        arguments = {"url": REDIS_URL, "distributed_lock": True, "thread_local_lock": False}
        elsewhere.configure("dogpile.cache.redis", arguments=arguments)
        names = {it._mutex.mutex.name for it in (storage, CacheStorageBackend(storage.uid, region=elsewhere))}
        elsewhere.actual_backend.reader_client.close()
        elsewhere.actual_backend.writer_client.close()
        assert len(names) == 2


def test_a_suite_says_what_it_needs():
    with pytest.raises(NotImplementedError, match="TestNothing does not say which storage is under test"):
        type("TestNothing", (StorageContract,), {})().storage_of("survey-1")
