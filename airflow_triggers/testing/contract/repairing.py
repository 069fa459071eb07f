"""Replays, skips, and changes by hand.

Part of the contract suite: see ``__init__.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_triggers.domain.instances import InstanceStatus, TaskInstance
from airflow_triggers.errors import InstanceNotFound, InvalidMetadata, InvalidTransition
from airflow_triggers.runners import task_runners
from airflow_triggers.storages.base import BaseStorageBackend
from airflow_triggers.testing.contract.actors import (
    RecordingRunner,
    TracedManager,
    configure,
    fail,
    statuses,
)
from airflow_triggers.testing.contract.suite import StorageSuite


class RepairingContract(StorageSuite):
    """Replays, skips, and changes by hand."""

    def test_a_replay_clones_with_the_current_configuration(
        self, manager: TracedManager, runner: RecordingRunner
    ) -> None:
        configure(manager, t_a={"after": ["x"], "withParams": {"x": {"v": 1}}})
        manager.fire("x", {"n": 1})
        fail(manager, "t_a#0")
        configure(manager, t_a={"after": ["x"], "withParams": {"x": {"v": 2}}})
        clone = manager.replay_failed_instance("t_a#0", by="ann")
        assert (clone.name, clone.status, clone.depth) == ("t_a#1", InstanceStatus.SCHEDULED, 1)
        assert clone.metadata["parent"] == "t_a#0"
        assert manager.storage["t_a#0"].status is InstanceStatus.REPLAYED
        assert manager.storage["t_a#0"].metadata["exceptionInfo"] == "tb"
        assert runner.started[-1].kwargs == {"x": {"v": 2, "n": 1}}
        assert runner.replays == [("t_a#0", "t_a#1", "ann")]
        assert manager.trace[-1] == ("replay", "t_a#1", "replayed")
        fail(manager, "t_a#1")
        assert manager.replay_failed_instance(clone, {}).depth == 2
        assert runner.started[-1].instance.kwargs == {}

    @pytest.mark.parametrize("error", [LookupError("a bug"), SystemExit(3)], ids=["bug", "exit"])
    def test_a_runner_that_is_broken_prevents_no_repair(
        self,
        manager: TracedManager,
        runner: RecordingRunner,
        monkeypatch: pytest.MonkeyPatch,
        error: BaseException,
    ) -> None:
        """Only the runner's own writes are undone."""

        def write_and_raise(storage: BaseStorageBackend, *_: Any, **__: Any) -> None:
            storage.set_metadata({"half": "done"})
            raise error

        configure(manager, t_a={"after": ["x"]})
        manager.fire("x")
        for method in ("confirm_failed", "overruled", "replayed", "skip"):
            monkeypatch.setattr(runner, method, write_and_raise)
        fail(manager, "t_a#0")
        manager.replay_failed_instance("t_a#0")
        manager.update_instance_status("t_a#1", "failed")
        manager.skip_failed_instance("t_a#1")
        assert statuses(manager) == {"t_a#0": "replayed", "t_a#1": "skipped"}
        assert manager.storage.metadata == {}

    def test_a_clone_waits_for_what_it_lacks_and_a_later_fire_starts_it(
        self, manager: TracedManager, runner: RecordingRunner
    ) -> None:
        configure(manager, t_a={"after": ["x", "y"], "unless": ["u", "v"]})
        manager.fire("x", {"n": 1})
        manager.fire("u")
        with manager.storage.acquire_lock() as storage:
            clone = storage.clone_instance("t_a#0")
        assert (sorted(clone.missing), sorted(clone.lacks), clone.can_run) == (["y"], ["v", "y"], False)
        assert (statuses(manager), runner.names) == ({"t_a#0": "unstarted", "t_a#1": "unstarted"}, [])
        result = manager.fire("y", {"n": 2})
        assert result.touched == result.scheduled == ("t_a#0", "t_a#1")
        assert runner.started[1].kwargs == {"x": {"n": 1}, "y": {"n": 2}}

    def test_a_clone_is_abandoned_by_the_last_unless_trigger(self, manager: TracedManager) -> None:
        configure(manager, t_a={"after": ["x", "y"], "unless": ["u", "v"]})
        manager.fire("u")
        with manager.storage.acquire_lock() as storage:
            storage.clone_instance("t_a#0", kwargs={})
        assert manager.fire("v").abandoned == ("t_a#0", "t_a#1")

    def test_a_clone_that_lacks_nothing_is_settled_by_the_next_fire_that_concerns_its_task(
        self, manager: TracedManager, runner: RecordingRunner
    ) -> None:
        configure(manager, t_a={"after": ["x"], "unless": ["u"]}, t_b={"after": ["x"], "unless": ["u"]})
        manager.fire("x", {"n": 1})
        fail(manager, "t_a#0")
        with manager.storage.acquire_lock() as storage:
            clone = storage.clone_instance("t_a#0", metadata={"ticket": 7})
        assert (clone.status, clone.can_run) == (InstanceStatus.UNSTARTED, True)
        assert (runner.names, statuses(manager)["t_a#0"]) == (["t_a#0", "t_b#0"], "failed")
        manager.fire("unheard")
        assert statuses(manager)["t_a#1"] == "unstarted"
        result = manager.fire("x", {"n": 2})
        assert (result.created, result.scheduled) == ((), ("t_a#1",))
        assert (runner.names[-1], runner.started[-1].kwargs) == ("t_a#1", {"x": {"n": 1}})
        assert manager.storage["t_a#1"].metadata["ticket"] == 7

    def test_a_clone_that_holds_every_unless_trigger_is_abandoned_by_the_next_fire(
        self, manager: TracedManager, runner: RecordingRunner
    ) -> None:
        configure(manager, t_a={"after": ["x"], "unless": ["u"]})
        manager.fire("u")
        with manager.storage.acquire_lock() as storage:
            clone = storage.clone_instance("t_a#0", kwargs={"x": {}})
        assert (clone.can_abandon, clone.can_run) == (True, False)
        assert manager.fire("x").abandoned == ("t_a#1",)
        assert runner.names == []

    def test_a_clone_follows_a_status_set_by_hand(self, manager: TracedManager) -> None:
        configure(manager, t_a={"after": ["x", "y"]}, t_b={"after": ["t_a"]})
        manager.fire("x")
        with manager.storage.acquire_lock() as storage:
            for _ in range(2):
                storage.clone_instance("t_a#0")
        manager.update_instance_status("t_a#1", "skipped", cascade=True)
        assert statuses(manager)["t_b#0"] == "scheduled"
        assert manager.fire("y").touched == ("t_a#0", "t_a#2")
        assert statuses(manager)["t_a#1"] == "skipped"

    def test_a_clone_can_be_replayed_and_skipped_once_it_failed(
        self, manager: TracedManager, runner: RecordingRunner
    ) -> None:
        configure(manager, t_a={"after": ["x", "y"]})
        manager.fire("x")
        with manager.storage.acquire_lock() as storage:
            storage.clone_instance("t_a#0")
        with pytest.raises(InvalidTransition, match="t_a#1: it is unstarted, and only failed"):
            manager.replay_failed_instance("t_a#1")
        manager.fire("y")
        fail(manager, "t_a#1")
        replay = manager.replay_failed_instance("t_a#1")
        assert (replay.name, replay.status, replay.depth) == ("t_a#2", InstanceStatus.SCHEDULED, 2)
        assert runner.names[-1] == "t_a#2"

    def test_replacement_kwargs_replace_all_kwargs(
        self, manager: TracedManager, runner: RecordingRunner
    ) -> None:
        configure(manager, t_a={"after": ["x", "y"]})
        manager.fire("x", {"n": 1})
        manager.fire("y")
        fail(manager, "t_a#0")
        manager.replay_failed_instance("t_a#0", {"x": {"n": 2}})
        assert runner.started[-1].kwargs == {"x": {"n": 2}}

    def test_only_failed_instances_are_replayed_and_skipped(self, manager: TracedManager) -> None:
        configure(manager, t_a={"after": ["x"]})
        manager.fire("x")
        acts: list[Callable[[str], TaskInstance]] = [
            manager.replay_failed_instance,
            manager.skip_failed_instance,
        ]
        for act in acts:
            with pytest.raises(InvalidTransition, match="t_a#0: it is scheduled, and only failed"):
                act("t_a#0")
        with pytest.raises(InstanceNotFound, match="t_a#9"):
            manager.replay_failed_instance("t_a#9")

    def test_a_skip_with_cascade_fires_the_task_with_the_result(
        self, manager: TracedManager, runner: RecordingRunner
    ) -> None:
        configure(manager, t_a={"after": ["x"]}, t_b={"after": ["t_a"]})
        manager.fire("x")
        fail(manager, "t_a#0")
        manager.trace.clear()
        skipped_instance = manager.skip_failed_instance(
            manager.storage["t_a#0"], cascade=True, result={"n": 5}, by="ann"
        )
        assert skipped_instance.status is InstanceStatus.SKIPPED
        assert (skipped_instance.metadata["cascade"], skipped_instance.metadata["result"]) == (True, {"n": 5})
        assert manager.storage["t_b#0"].kwargs == {"t_a": {"n": 5}}
        assert runner.skips == [("t_a#0", "ann", {"n": 5})]
        assert manager.trace == [("fire", "t_a", ["t_b#0"]), ("skip", "t_a#0", True)]

    def test_a_skip_without_cascade_fires_nothing(self, manager: TracedManager) -> None:
        configure(manager, t_a={"after": ["x"]}, t_b={"after": ["t_a"]})
        manager.fire("x")
        fail(manager, "t_a#0")
        manager.skip_failed_instance("t_a#0")
        assert statuses(manager) == {"t_a#0": "skipped"}
        assert [task.name for task in manager.storage.get_unresolved_tasks()] == ["t_b"]
        assert manager.storage.get_unresolved_instances() == []

    def test_a_status_is_changed_by_hand_and_waits_follow(self, manager: TracedManager) -> None:
        configure(manager, t_a={"after": ["x", "y"]}, t_b={"after": ["t_a"]})
        manager.fire("x")
        manager.update_instance_status(
            "t_a#0", "finished", {"note": "by hand"}, cascade=True, cascade_kwargs={"k": 1}
        )
        assert statuses(manager) == {"t_a#0": "finished", "t_b#0": "scheduled"}
        assert manager.storage["t_a#0"].metadata["note"] == "by hand"
        manager.fire("y")
        assert statuses(manager)["t_a#0"] == "finished"
        manager.update_instance_status("t_a#0", InstanceStatus.UNSTARTED)
        manager.fire("y")
        assert statuses(manager)["t_a#0"] == "scheduled"

    def test_what_logged_an_error_is_unresolved_until_it_is_marked_or_waived(
        self, manager: TracedManager
    ) -> None:
        configure(manager, t_a={"after": [], "andEvery": "x"})
        levels = {"t_a#0": 30, "t_a#1": 40, "t_a#2": 50, "t_a#3": 40}
        for name, level in levels.items():
            manager.fire("x")
            manager.update_instance_metadata(name, {"logLevel": level})

        def unresolved_names() -> list[str]:
            return [instance.name for instance in manager.storage.get_instances_with_unresolved_logs()]

        assert unresolved_names() == ["t_a#1", "t_a#2", "t_a#3"]
        fail(manager, "t_a#1")
        assert "t_a#1" in unresolved_names()
        manager.skip_failed_instance("t_a#1")
        manager.mark_instance_logs_resolved("t_a#2")
        fail(manager, "t_a#3")
        manager.replay_failed_instance("t_a#3")
        assert unresolved_names() == []
        assert all(instance.logs_resolved for instance in manager.storage)

    def test_metadata_is_merged_and_logs_are_marked(self, manager: TracedManager) -> None:
        configure(manager, t_a={"after": ["x"]})
        manager.fire("x")
        before = manager.storage["t_a#0"]
        manager.update_instance_metadata("t_a#0", {"ticket": 7, "logLevel": 40})
        assert [instance.name for instance in manager.storage.get_instances_with_unresolved_logs()] == [
            "t_a#0"
        ]
        manager.mark_instance_logs_resolved("t_a#0")
        after = manager.storage["t_a#0"]
        assert (after.status, after.metadata["ticket"], after.logs_resolved) == (before.status, 7, True)
        assert before.last_modified
        assert after.last_modified
        assert after.last_modified > before.last_modified
        assert manager.storage.get_instances_with_unresolved_logs() == []

    @pytest.mark.parametrize("metadata", [{"x": float("inf")}, {"x": object()}, ["x"]])
    def test_metadata_that_json_cannot_hold_is_refused(self, manager: TracedManager, metadata: Any) -> None:
        configure(manager, t_a={"after": ["x"]})
        manager.fire("x")
        with pytest.raises(InvalidMetadata, match="Metadata must be"):
            manager.update_instance_metadata("t_a#0", metadata)
        with pytest.raises(InvalidMetadata, match="Metadata must be"):
            manager.update_instance_status("t_a#0", "finished", metadata)
        assert statuses(manager) == {"t_a#0": "scheduled"}

    def test_the_name_of_whoever_acts_is_kept_as_far_as_it_fits(
        self, manager: TracedManager, runner: RecordingRunner
    ) -> None:
        configure(manager, t_a={"after": ["x"]})
        user = "a\0" + "b" * 400
        manager.fire("x", fired_by=user)
        fail(manager, "t_a#0")
        manager.replay_failed_instance("t_a#0", by=user)
        fail(manager, "t_a#1")
        manager.skip_failed_instance("t_a#1", by=user)
        manager.update_instance_status("t_a#0", "failed", by=user)
        manager.update_configuration({"t_b": {"after": ["x"], "run": "a_dag"}}, by=user)
        stored_user = "a\N{REPLACEMENT CHARACTER}" + "b" * 248
        assert [fire.fired_by for fire in manager.storage.fires()] == [stored_user]
        assert {start.by for start in runner.started} == {stored_user}
        assert runner.skips[0][1] == runner.replays[0][2] == stored_user

    @pytest.mark.parametrize(
        ("metadata", "problem"),
        [
            ({"depth": 0}, "'depth' is kept by the framework"),
            ({"parent": "t_a#0"}, "'parent' is kept by the framework"),
            ({"timestamps": {}}, "'timestamps' is kept by the framework"),
            ({"logLevel": "ERROR"}, "'logLevel' takes an integer; found 'ERROR'"),
            ({"logsResolved": 1}, "'logsResolved' takes true or false; found 1"),
        ],
    )
    def test_what_the_framework_reads_of_the_metadata_cannot_be_broken_by_hand(
        self, manager: TracedManager, metadata: Any, problem: str
    ) -> None:
        configure(manager, t_a={"after": ["x"]})
        manager.fire("x")
        before = manager.storage["t_a#0"]
        with pytest.raises(InvalidMetadata, match=problem):
            manager.update_instance_metadata("t_a#0", metadata)
        with pytest.raises(InvalidMetadata, match=problem):
            manager.update_instance_status("t_a#0", "failed", metadata)
        assert manager.storage["t_a#0"] == before

    def test_an_instance_whose_runner_is_gone_can_still_be_repaired(
        self, manager: TracedManager, caplog: pytest.LogCaptureFixture
    ) -> None:
        task_runners.register("leaving", RecordingRunner)
        configure(manager, t_a={"after": [], "andEvery": "x", "using": "leaving"})
        for _ in range(3):
            manager.fire("x")
        for number in range(3):
            fail(manager, f"t_a#{number}")
        task_runners.unregister("leaving")

        manager.skip_failed_instance("t_a#0")
        manager.update_instance_status("t_a#1", "finished")
        assert manager.replay_failed_instance("t_a#2").status.value == "failed"

        assert [instance.status.value for instance in manager.storage] == [
            "skipped",
            "finished",
            "replayed",
            "failed",
        ]
        assert "the runner of t_a was not told" in caplog.text

    def test_a_runner_may_refuse_a_repair_and_then_nothing_was_changed(
        self, manager: TracedManager, runner: RecordingRunner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        configure(manager, t_a={"after": ["x"]})
        manager.fire("x")
        fail(manager, "t_a#0")

        def at_work(storage: BaseStorageBackend, instance: TaskInstance, event: str) -> None:
            raise InvalidTransition(event, instance.name, "running elsewhere", ("failed",))

        monkeypatch.setattr(runner, "confirm_failed", at_work)
        acts: list[Callable[[str], TaskInstance]] = [
            manager.replay_failed_instance,
            manager.skip_failed_instance,
        ]
        for act in acts:
            with pytest.raises(InvalidTransition, match="t_a#0: it is running elsewhere"):
                act("t_a#0")
        assert statuses(manager) == {"t_a#0": "failed"}
        assert runner.skips == runner.replays == []

    def test_a_runner_hears_of_a_status_set_by_hand_and_of_a_second_start(
        self, manager: TracedManager, runner: RecordingRunner
    ) -> None:
        configure(manager, t_a={"after": ["x"]})
        manager.fire("x")
        manager.update_instance_status("t_a#0", "unstarted", by="ann")
        manager.fire("x")
        assert runner.overrulings == [("t_a#0", "unstarted", "ann")]
        assert [(start.instance.name, start.again) for start in runner.started] == [
            ("t_a#0", False),
            ("t_a#0", True),
        ]
