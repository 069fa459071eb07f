"""The lock: everything done under it is kept or undone as a whole.

Part of the contract suite: see ``__init__.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from threading import Barrier, Event
from typing import Any

import pytest
from sqlalchemy import text

from airflow_triggers.domain.configuration import Configuration, TaskConfig
from airflow_triggers.domain.fires import Fire
from airflow_triggers.domain.instances import TaskInstance
from airflow_triggers.errors import LockTimeout, SessionNotFound
from airflow_triggers.storages.base import BaseStorageBackend
from airflow_triggers.testing.contract.actors import TracedManager, configure, statuses
from airflow_triggers.testing.contract.suite import StorageSuite

DEADLINE = 60

TASK = TaskConfig(name="t_a", run="a_dag", after=("x",))

WRITES: dict[str, Callable[[BaseStorageBackend], Any]] = {
    "set_configuration": lambda storage: storage.set_configuration(Configuration({"t_a": TASK})),
    "set_metadata": lambda storage: storage.set_metadata({"n": 1}),
    "add": lambda storage: storage.add(TaskInstance(task=TASK, number=0)),
    "put": lambda storage: storage.put(TaskInstance(task=TASK, number=0), TaskInstance(task=TASK, number=0)),
    "record_fire": lambda storage: storage.record_fire(
        Fire(trigger_name="x", kwargs={}, fired_at=datetime.now(UTC))
    ),
    "record_event": lambda storage: storage.record_event("note", instance=None, by=None, details={}),
    "add_hook": lambda storage: storage.add_hook("_post_fire", {"trigger_name": "x", "scheduled": []}),
    "save": lambda storage: storage.save(),
    "create_instance": lambda storage: storage.create_instance("t_a"),
    "clone_instance": lambda storage: storage.clone_instance(TaskInstance(task=TASK, number=0)),
    "after_release": lambda storage: storage.after_release(lambda: None),
}
"""Every act that writes, or belongs to writing."""


class LockingContract(StorageSuite):
    """The lock: everything done under it is kept or undone as a whole."""

    def test_a_savepoint_undoes_what_was_written_in_it_and_nothing_else(self, manager: TracedManager) -> None:
        configure(manager, t_a={"after": ["x"]}, t_b={"after": ["y"]})
        with manager.storage.acquire_lock():
            manager.fire("x")
            with suppress(KeyError), manager.storage.savepoint():
                manager.fire("y")
                raise KeyError("y")
            manager.storage.set_metadata({"kept": True})
        assert statuses(manager) == {"t_a#0": "scheduled"}
        assert [fire.trigger_name for fire in manager.storage.fires()] == ["x"]
        assert manager.storage.metadata == {"kept": True}
        assert manager.trace == [("fire", "x", ["t_a#0"])]

    def test_a_savepoint_needs_the_lock(self, manager: TracedManager) -> None:
        with pytest.raises(RuntimeError, match="needs its lock"), manager.storage.savepoint():
            pass

    def test_what_follows_a_kept_write_cannot_make_it_look_undone(
        self, manager: TracedManager, caplog: pytest.LogCaptureFixture
    ) -> None:
        configure(manager, t_a={"after": ["x"]})
        calls: list[str] = []

        def divide_by_zero() -> None:
            raise ZeroDivisionError

        with manager.storage.acquire_lock():
            manager.storage.after_release(divide_by_zero)
            manager.storage.after_release(lambda: calls.append("second"))
            manager.fire("x")
        assert calls == ["second"]
        assert "what was to follow a kept write failed" in caplog.text
        assert statuses(manager) == {"t_a#0": "scheduled"}

    # -- holding it ------------------------------------------------------------------------------------------

    def test_the_lock_gives_the_storage(self, storage: BaseStorageBackend) -> None:
        with storage.acquire_lock(create=True) as writable:
            assert writable is storage
            with storage.acquire_lock() as nested_storage:
                assert nested_storage is storage
            writable.set_metadata({"n": 1})
        with storage.acquire_lock(wait=False) as writable:
            assert writable is storage
        assert self.storage_of(storage.uid).metadata == {"n": 1}

    @pytest.mark.parametrize("write", WRITES)
    def test_writing_needs_the_lock(self, storage: BaseStorageBackend, write: str) -> None:
        with storage.acquire_lock(create=True):
            storage.set_configuration(Configuration({"t_a": TASK}))
        with pytest.raises(RuntimeError, match=r"'survey-1' needs its lock: with storage.acquire_lock\(\)"):
            WRITES[write](storage)
        assert (storage.instances, storage.metadata, storage.fires()) == ({}, {}, [])

    def test_only_a_storage_in_airflows_database_gives_the_transaction_of_its_lock(
        self, storage: BaseStorageBackend
    ) -> None:
        with pytest.raises(RuntimeError):
            _ = storage.airflow_transaction
        with storage.acquire_lock(create=True):
            if storage.in_airflow_database:
                row = {"id": storage.session_key}
                query = text("SELECT uid FROM triggers_session WHERE id = :id")
                assert storage.airflow_transaction.scalar(query, row) == storage.uid
            else:
                with pytest.raises(RuntimeError, match="not in Airflow's database"):
                    _ = storage.airflow_transaction
                with pytest.raises(RuntimeError, match="not in Airflow's database"):
                    _ = storage.session_key

    def test_there_is_no_lock_of_a_session_that_is_not_to_be_made(self, storage: BaseStorageBackend) -> None:
        with pytest.raises(SessionNotFound, match="survey-1"), storage.acquire_lock():
            pass
        assert not storage.exists

    def test_a_session_remembers_the_manager_that_it_was_made_with(self, storage: BaseStorageBackend) -> None:
        with storage.acquire_lock(create=True, manager="finalizing"):
            assert storage.exists
            assert storage.manager_name == "finalizing"
        with storage.acquire_lock(create=True, manager="another"):
            pass
        other_storage = self.storage_of("survey-1")
        assert (other_storage.exists, other_storage.manager_name) == (True, "finalizing")

    def test_what_is_written_is_seen_inside_at_once_and_elsewhere_once_the_outermost_lock_ends(
        self, storage: BaseStorageBackend
    ) -> None:
        elsewhere = self.storage_of(storage.uid)
        with storage.acquire_lock(create=True):
            with storage.acquire_lock():
                storage.set_metadata({"n": 1})
            storage.save()
            assert storage.metadata == {"n": 1}
            assert not elsewhere.exists
            with storage.acquire_lock(create=True, manager="another"):
                storage.set_metadata({"n": 2})
        assert elsewhere.metadata == {"n": 2}

    def test_an_exception_that_is_caught_inside_undoes_nothing(self, storage: BaseStorageBackend) -> None:
        with storage.acquire_lock(create=True):
            with suppress(LookupError), storage.acquire_lock():
                storage.set_metadata({"n": 1})
                raise LookupError
            assert storage.metadata == {"n": 1}
        assert storage.metadata == {"n": 1}

    def test_an_exception_that_leaves_undoes_all_and_the_lock_is_free_again(
        self, storage: BaseStorageBackend
    ) -> None:
        calls: list[str] = []
        with storage.acquire_lock(create=True):
            storage.set_metadata({"n": 1})
        with suppress(LookupError), storage.acquire_lock():
            storage.set_metadata({"n": 2})
            storage.set_configuration(Configuration({"t_a": TASK}))
            storage.create_instance("t_a")
            storage.after_release(lambda: calls.append("undone"))
            raise LookupError
        assert (storage.metadata, storage.tasks, storage.instances) == ({"n": 1}, {}, {})
        with storage.acquire_lock():
            storage.after_release(lambda: calls.append("kept"))
        assert calls == ["kept"]

    def test_what_follows_is_called_in_order_with_everything_kept_and_the_lock_free(
        self, storage: BaseStorageBackend
    ) -> None:
        calls: list[Any] = []

        def write_again() -> None:
            with storage.acquire_lock():
                calls.append(dict(self.storage_of(storage.uid).metadata))
                storage.set_metadata({"n": 2})

        with storage.acquire_lock(create=True):
            storage.after_release(write_again)
            with storage.acquire_lock():
                storage.after_release(lambda: calls.append(storage.metadata))
            storage.set_metadata({"n": 1})
            assert calls == []
        assert calls == [{"n": 1}, {"n": 2}]

    def test_savepoints_nest(self, storage: BaseStorageBackend) -> None:
        with storage.acquire_lock(create=True):
            with storage.savepoint():
                storage.set_metadata({"n": 1})
                with suppress(LookupError), storage.savepoint():
                    storage.set_metadata({"n": 2})
                    with storage.savepoint():
                        storage.set_configuration(Configuration({"t_a": TASK}))
                    raise LookupError
                assert (storage.metadata, storage.tasks) == ({"n": 1}, {})
            assert storage.metadata == {"n": 1}
        assert (storage.metadata, storage.tasks) == ({"n": 1}, {})

    # -- two at a time ---------------------------------------------------------------------------------------

    def test_the_lock_is_the_threads_that_took_it(self, storage: BaseStorageBackend) -> None:
        with storage.acquire_lock(create=True), ThreadPoolExecutor(1) as other_thread:
            writing = other_thread.submit(storage.set_metadata, {"n": 1})
            with pytest.raises(RuntimeError, match="needs its lock"):
                writing.result(DEADLINE)

    @pytest.mark.parametrize("is_shared", [True, False], ids=["one-object", "an-object-each"])
    def test_one_writes_at_a_time_and_no_write_is_lost(
        self, storage: BaseStorageBackend, is_shared: bool
    ) -> None:
        writers, times = 4, 5
        with storage.acquire_lock(create=True):
            storage.set_metadata({"n": 0})
        together = Barrier(writers)

        def count() -> None:
            writer_storage = storage if is_shared else self.storage_of(storage.uid)
            together.wait(DEADLINE)
            for _ in range(times):
                with writer_storage.acquire_lock():
                    writer_storage.set_metadata({"n": writer_storage.metadata["n"] + 1})

        with ThreadPoolExecutor(writers) as pool:
            for future in [pool.submit(count) for _ in range(writers)]:
                future.result(DEADLINE)
        assert storage.metadata == {"n": writers * times}


class ImpatientLockContract(StorageSuite):
    """For storages with an immediate answer to whether another holds the lock (SQLite has none)."""

    def test_who_does_not_want_to_wait_is_told_that_another_holds_the_lock(
        self, storage: BaseStorageBackend
    ) -> None:
        with storage.acquire_lock(create=True):
            storage.set_metadata({"n": 1})
        lock_taken, may_release = Event(), Event()

        def hold() -> None:
            with self.storage_of(storage.uid).acquire_lock():
                lock_taken.set()
                assert may_release.wait(DEADLINE)

        with ThreadPoolExecutor(1) as other_thread:
            holding = other_thread.submit(hold)
            try:
                assert lock_taken.wait(DEADLINE)
                with pytest.raises(LockTimeout, match="survey-1"), storage.acquire_lock(wait=False):
                    pass
            finally:
                may_release.set()
            holding.result(DEADLINE)
        with storage.acquire_lock(wait=False):
            storage.set_metadata({"n": 2})
        assert storage.metadata == {"n": 2}
