"""Deleting a session removes everything or nothing; a storage may refuse to delete.

Part of the contract suite: see ``__init__.py``.
"""

from __future__ import annotations

import pytest

from airflow_triggers.domain.configuration import Configuration, TaskConfig
from airflow_triggers.domain.events import EventKind
from airflow_triggers.domain.fires import Fire
from airflow_triggers.errors import CannotDelete, SessionNotFound
from airflow_triggers.storages.base import BaseStorageBackend
from airflow_triggers.testing.contract.suite import StorageSuite

CONFIGURATION = Configuration({"t_a": TaskConfig(name="t_a", run="module:function", after=("x",))})


class DeletingContract(StorageSuite):
    """Deleting a session; skipped for a storage without deletion."""

    @pytest.fixture
    def full_storage(self, storage: BaseStorageBackend) -> BaseStorageBackend:
        """A session with something in every part of the storage."""
        with storage.acquire_lock(create=True):
            storage.set_configuration(CONFIGURATION)
            storage.set_metadata({"n": 1})
            storage.create_instance("t_a")
            fire = Fire(trigger_name="x", kwargs={}, fired_at=storage.now(), idempotency_key="k")
            storage.record_fire(fire)
            storage.record_event(EventKind.CONFIGURE, instance=None, by=None, details={})
            storage.add_hook("_post_fire", {"trigger_name": "x", "tasks_scheduled": []})
        return storage

    def test_a_deleted_session_is_gone_whole_and_its_uid_is_free(
        self, full_storage: BaseStorageBackend
    ) -> None:
        with full_storage.acquire_lock():
            delete(full_storage)
        for storage in (full_storage, self.storage_of(full_storage.uid)):
            assert not storage.exists
            assert (storage.tasks, storage.instances, storage.metadata) == ({}, {}, {})
            assert (storage.fires(), storage.events(), storage.hooks()) == ([], [], [])
        with pytest.raises(SessionNotFound), full_storage.acquire_lock():
            pass
        with full_storage.acquire_lock(create=True, manager="another"):
            assert full_storage.find_fire("k") is None
            full_storage.set_configuration(CONFIGURATION)
            assert full_storage.create_instance("t_a").number == 0
        assert self.storage_of(full_storage.uid).manager_name == "another"

    def test_a_deletion_is_undone_with_the_lock_and_with_the_savepoint(
        self, full_storage: BaseStorageBackend
    ) -> None:
        with pytest.raises(ZeroDivisionError), full_storage.acquire_lock():
            delete_and_fail(full_storage)
        with full_storage.acquire_lock(), pytest.raises(ZeroDivisionError), full_storage.savepoint():
            delete_and_fail(full_storage)
        storage = self.storage_of(full_storage.uid)
        assert [instance.name for instance in storage] == ["t_a#0"]
        assert [fire.idempotency_key for fire in storage.fires()] == ["k"]

    def test_only_the_locks_holder_deletes(self, full_storage: BaseStorageBackend) -> None:
        with pytest.raises((RuntimeError, CannotDelete)):
            full_storage.delete()
        assert full_storage.exists


def delete(storage: BaseStorageBackend) -> None:
    """Delete the session, or skip the test."""
    try:
        storage.delete()
    except CannotDelete as error:
        pytest.skip(str(error))


def delete_and_fail(storage: BaseStorageBackend) -> None:
    """Delete the session, and raise."""
    delete(storage)
    raise ZeroDivisionError
