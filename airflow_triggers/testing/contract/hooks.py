"""Hooks of a manager: called after their act is committed, and stored until they end.

Part of the contract suite: see ``__init__.py``.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from airflow_triggers.domain.states import Event
from airflow_triggers.manager.manager import TriggerManager, trigger_managers
from airflow_triggers.storages.base import BaseStorageBackend
from airflow_triggers.testing.contract.actors import (
    RecordingRunner,
    TracedManager,
    configure,
    fail,
    statuses,
)
from airflow_triggers.testing.contract.suite import StorageSuite


@contextmanager
def disabled_logging() -> Iterator[None]:
    """Disable all logging inside."""
    before = logging.root.manager.disable
    logging.disable()
    try:
        yield
    finally:
        logging.disable(before)


class HooksContract(StorageSuite):
    """Hooks of a manager: called after their act is committed, and stored until they end."""

    def test_a_hook_that_raises_undoes_nothing_and_is_kept_for_later(self, manager: TracedManager) -> None:
        configure(manager, t_a={"after": ["x"]})
        manager.raises = {"fire"}
        assert manager.fire("x").scheduled == ("t_a#0",)
        assert statuses(manager) == {"t_a#0": "scheduled"}
        assert self.promised_hooks(manager.storage) == ["_post_fire"]

    def test_a_hook_that_ended_is_forgotten(self, manager: TracedManager) -> None:
        configure(manager, t_a={"after": ["x"]})
        manager.fire("x")
        assert manager.trace == [("fire", "x", ["t_a#0"])]
        assert self.promised_hooks(manager.storage) == []

    def test_a_hook_may_fire(self, manager: TracedManager, monkeypatch: pytest.MonkeyPatch) -> None:
        configure(manager, t_a={"after": ["x"]}, t_b={"after": ["y"]})

        def fires(trigger: str, instances: Any) -> None:
            if trigger == "x":
                manager.fire("y")

        monkeypatch.setattr(manager, "_post_fire", fires)
        manager.fire("x")
        assert statuses(manager) == {"t_a#0": "scheduled", "t_b#0": "scheduled"}

    def test_hooks_come_after_everything_is_kept_with_the_lock_free_and_after_those_of_the_cascade(
        self, manager: TracedManager, runner: RecordingRunner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        configure(manager, t_a={"after": ["x"]}, t_b={"after": ["t_a"]})
        elsewhere, entries = self.storage_of(manager.storage.uid), list[Any]()

        def note(hook: str, name: str, *_: Any) -> None:
            with elsewhere.acquire_lock():
                status_by_name = {instance.name: instance.status.value for instance in elsewhere}
            entries.append((hook, name, status_by_name, list(runner.names)))

        monkeypatch.setattr(manager, "_note", note)
        manager.fire("x")
        fail(manager, "t_a#0")
        manager.replay_failed_instance("t_a#0")
        fail(manager, "t_a#1")
        manager.skip_failed_instance("t_a#1", cascade=True)
        manager.record_progress("t_b#0", Event.FINISH, cascade=True)

        after_replay, after_skip = {"t_a#0": "replayed"}, {"t_a#0": "replayed", "t_a#1": "skipped"}
        start_names = ["t_a#0", "t_a#1", "t_b#0"]
        assert entries == [
            ("fire", "x", {"t_a#0": "scheduled"}, start_names[:1]),
            ("replay", "t_a#1", {**after_replay, "t_a#1": "scheduled"}, start_names[:2]),
            ("fire", "t_a", {**after_skip, "t_b#0": "scheduled"}, start_names),
            ("skip", "t_a#1", {**after_skip, "t_b#0": "scheduled"}, start_names),
            ("fire", "t_b", {**after_skip, "t_b#0": "finished"}, start_names),
        ]

    def test_hooks_and_default_runner_are_those_of_the_manager_that_the_session_remembers(
        self, storage: BaseStorageBackend, runner: RecordingRunner, caplog: pytest.LogCaptureFixture
    ) -> None:
        """For every actor: an application may use its own class always, and need not know the session's manager."""
        managers = [TracedManager(storage)]
        configure(managers[0], t_a={"after": ["x"]})

        def make(storage: BaseStorageBackend) -> TracedManager:
            managers.append(TracedManager(storage))
            return managers[-1]

        other_manager = TriggerManager(self.storage_of(storage.uid))
        trigger_managers.register(TracedManager.name, make)
        try:
            other_manager.fire("x")
        finally:
            trigger_managers.unregister(TracedManager.name)
        assert runner.names == ["t_a#0"]
        assert [entry for manager in managers for entry in manager.trace] == [("fire", "x", ["t_a#0"])]
        other_manager.fire("y")
        assert "remembers the manager 'traced', and 'default' acts on it alone" in caplog.text

    def test_hooks_of_what_is_done_under_one_lock_follow_in_order_when_it_ends(
        self, manager: TracedManager
    ) -> None:
        configure(manager, t_a={"after": ["x"]}, t_b={"after": ["y"]})
        with manager.storage.acquire_lock():
            manager.fire("y")
            manager.fire("x")
            fail(manager, "t_a#0")
            manager.skip_failed_instance("t_a#0", cascade=True)
            assert manager.trace == []
        assert manager.trace == [
            ("fire", "y", ["t_b#0"]),
            ("fire", "x", ["t_a#0"]),
            ("fire", "t_a", []),
            ("skip", "t_a#0", True),
        ]

    def test_what_a_hook_fires_has_its_own_hook_at_once_and_ends_before_it(
        self, manager: TracedManager, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        configure(manager, t_a={"after": ["x"]}, t_b={"after": ["y"]})
        trace: list[str] = []

        def fires(trigger: str, instances: Any) -> None:
            trace.append(f"{trigger} begins")
            if trigger == "x":
                manager.fire("y")
            trace.append(f"{trigger} ends")

        monkeypatch.setattr(manager, "_post_fire", fires)
        manager.fire("x")
        assert trace == ["x begins", "y begins", "y ends", "x ends"]
        assert self.promised_hooks(manager.storage) == []

    def test_a_hook_that_ends_the_process_is_one_that_raised(
        self, manager: TracedManager, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        configure(manager, t_a={"after": ["x"]})
        monkeypatch.setattr(manager, "_post_fire", lambda *_: sys.exit(3))
        assert manager.fire("x").scheduled == ("t_a#0",)
        assert self.promised_hooks(manager.storage) == ["_post_fire"]

    def test_a_hook_that_raises_keeps_no_other_from_being_called(self, manager: TracedManager) -> None:
        configure(manager, t_a={"after": ["x"]})
        manager.fire("x")
        fail(manager, "t_a#0")
        manager.raises = {"fire"}
        manager.trace.clear()
        manager.skip_failed_instance("t_a#0", cascade=True)
        assert manager.trace == [("fire", "t_a", []), ("skip", "t_a#0", True)]
        assert self.promised_hooks(manager.storage) == ["_post_fire"]

    @pytest.mark.parametrize("method", ["hook_done", "hook_failed"])
    def test_a_fire_is_kept_though_its_hook_cannot_be_crossed_off(
        self, manager: TracedManager, monkeypatch: pytest.MonkeyPatch, method: str
    ) -> None:
        configure(manager, t_a={"after": ["x"]})

        def unavailable(*_: Any) -> None:
            raise ConnectionError("the database went away")

        monkeypatch.setattr(type(manager.storage), method, unavailable)
        manager.raises = {"fire"} if method == "hook_failed" else set()
        assert manager.fire("x").scheduled == ("t_a#0",)
        assert statuses(manager) == {"t_a#0": "scheduled"}
        monkeypatch.undo()
        assert self.promised_hooks(manager.storage) == ["_post_fire"]

    def test_a_hook_may_raise_what_no_database_holds(
        self, manager: TracedManager, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        configure(manager, t_a={"after": ["x"]})

        def raise_unstorable(*_: Any) -> None:
            raise ValueError("a \0 and a lone \ud800")

        monkeypatch.setattr(manager, "_post_fire", raise_unstorable)
        # pytest-xdist cannot send such text in a log to its main process either.
        with disabled_logging():
            assert manager.fire("x").scheduled == ("t_a#0",)
        assert self.promised_hooks(manager.storage) == ["_post_fire"]

    # -- what the storage keeps of them ----------------------------------------------------------------------

    def test_a_hook_is_promised_with_what_is_written_and_forgotten_when_it_is_done(
        self, storage: BaseStorageBackend
    ) -> None:
        with storage.acquire_lock(create=True):
            first = storage.add_hook("_post_fire", {"trigger_name": "x", "scheduled": ["t_a#0"]})
            second = storage.add_hook("_post_skip", {"instance": "t_a#0", "cascade": False})
        assert self.promised_hooks(self.storage_of(storage.uid)) == ["_post_fire", "_post_skip"]
        storage.hook_done(first)
        assert self.promised_hooks(storage) == ["_post_skip"]
        storage.hook_failed(second, "Traceback …")
        storage.hook_failed(second, "Traceback …")
        assert self.promised_hooks(storage) == ["_post_skip"]
        (hook,) = self.storage_of(storage.uid).hooks()
        assert (hook.token, hook.attempts, hook.error) == (second, 2, "Traceback …")
        assert hook.arguments == {"instance": "t_a#0", "cascade": False}
        (event,) = storage.events()
        assert (event.instance, event.details) == ("t_a#0", {"hook": "_post_skip", "error": "Traceback …"})
        storage.hook_done(second)
        assert self.promised_hooks(storage) == []

    def test_a_hook_that_was_done_may_be_reported_again(self, storage: BaseStorageBackend) -> None:
        with storage.acquire_lock(create=True):
            token = storage.add_hook("_post_fire", {"trigger_name": "x", "scheduled": []})
        storage.hook_done(token)
        storage.hook_done(token)
        storage.hook_failed(token, "too late")
        assert self.promised_hooks(storage) == []

    def test_a_hook_of_what_was_undone_is_not_promised(self, storage: BaseStorageBackend) -> None:
        with suppress(LookupError), storage.acquire_lock(create=True):
            storage.add_hook("_post_fire", {"trigger_name": "x", "scheduled": []})
            raise LookupError
        assert not storage.exists
        with storage.acquire_lock(create=True):
            with suppress(LookupError), storage.savepoint():
                storage.add_hook("_post_fire", {"trigger_name": "x", "scheduled": []})
                raise LookupError
            storage.add_hook("_post_replay", {"instance": "t_a#1"})
        assert self.promised_hooks(storage) == ["_post_replay"]
