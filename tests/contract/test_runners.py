"""The runners of this process pass the contract suite: the threads over every storage, and the tester's queue."""

from __future__ import annotations

import pytest

from airflow_triggers.errors import ConfigurationError
from airflow_triggers.runners import ThreadingTaskRunner
from airflow_triggers.testing import SessionTester
from airflow_triggers.testing.contract import RunnerContract
from airflow_triggers.testing.contract.running import TASKS, ContractManager
from tests.contract.storages import InMemory, InRedis, OnPostgresql, OnSqlite


def chain(*, first="x", prefix="t_"):
    """Three tasks, each after the end of the one before."""
    names = [f"{prefix}{letter}" for letter in "abc"]
    return {
        name: {"after": [after], "run": f"{TASKS}.nothing"}
        for name, after in zip(names, [first, *names], strict=False)
    }


class ByThreads(RunnerContract):
    runner_name = "threading"
    rounds = 20

    def settle(self, manager):
        ThreadingTaskRunner.join_all(timeout=30)

    @pytest.fixture
    def manager(self):
        yield self.manager_of("survey-1")
        ThreadingTaskRunner.join_all(timeout=30)

    @pytest.mark.parametrize("run", ["some_dag", f"{TASKS}.gret", {"operator": "x.Operator"}])
    def test_what_is_no_callable_is_refused_when_it_is_configured(self, manager, run):
        with pytest.raises(ConfigurationError, match="task 't_x': 'run' is"):
            manager.update_configuration({"t_x": {"after": ["x"], "run": run}})
        assert not manager.storage.exists

    def test_an_exception_outside_of_the_callable_does_not_vanish(self, manager, monkeypatch):
        manager.update_configuration({"t_greet": {"after": ["x"], "run": f"{TASKS}.greet"}})

        def broken(*_, **__):
            raise OSError("the store is gone")

        monkeypatch.setattr(manager, "record_progress", broken)
        manager.fire("x")
        with pytest.raises(BaseExceptionGroup, match="could not be run to their end") as caught:
            ThreadingTaskRunner.join_all(timeout=30)
        assert caught.group_contains(OSError, match="the store is gone")
        ThreadingTaskRunner.join_all()
        monkeypatch.undo()
        instance = manager.storage["t_greet#0"]
        assert (instance.status.value, instance.metadata["exceptionType"]) == ("failed", "builtins.OSError")
        manager.replay_failed_instance(instance)
        ThreadingTaskRunner.join_all(timeout=30)
        assert manager.storage["t_greet#1"].status.value == "finished"

    def test_a_cascade_that_starts_while_somebody_joins_is_joined_too(self, manager):
        chain = {
            f"t_{number}": {"after": [f"t_{number - 1}" if number else "x"], "run": f"{TASKS}.echo"}
            for number in range(6)
        }
        manager.update_configuration(chain)
        for number in range(10):
            manager.update_configuration(
                {"t_0": {"after": [f"x{number}"], "andEvery": f"x{number}", "run": f"{TASKS}.echo"}}
            )
            manager.fire(f"x{number}")
            ThreadingTaskRunner.join_all(timeout=30)
        assert {one.status.value for one in manager.storage} == {"finished"}
        assert len(manager.storage.instances) == 10 + 5

    def test_hooks_come_in_order_though_the_first_outlasts_the_whole_cascade(self, manager):
        manager.update_configuration(chain())

        def outlast(trigger_name):
            if trigger_name == "x":
                ThreadingTaskRunner.join_all(timeout=30)
                assert manager.storage["t_c#0"].status.value == "finished"

        manager.on_fire = outlast
        manager.fire("x")
        assert manager.fired == ["x", "t_a", "t_b", "t_c"]

    def test_every_hook_may_join_wherever_it_is_called(self, manager):
        manager.update_configuration(chain() | chain(first="y", prefix="t_y"))
        manager.on_fire = lambda _: ThreadingTaskRunner.join_all(timeout=30)
        manager.fire("x")
        manager.fire("y")
        ThreadingTaskRunner.join_all(timeout=30)
        assert {one.status.value for one in manager.storage} == {"finished"}
        for triggers in (["x", "t_a", "t_b", "t_c"], ["y", "t_ya", "t_yb", "t_yc"]):
            assert [name for name in manager.fired if name in triggers] == triggers

    def test_what_a_hook_fires_comes_after_the_hooks_of_what_was_kept_before(self, manager):
        manager.update_configuration(chain())
        begun = []

        def fire_another(trigger_name):
            begun.append(trigger_name)
            if trigger_name == "x":
                ThreadingTaskRunner.join_all(timeout=30)
                manager.fire("y")

        manager.on_fire = fire_another
        manager.fire("x")
        ThreadingTaskRunner.join_all(timeout=30)
        assert begun == ["x", "t_a", "t_b", "t_c", "y"]

    def test_hooks_come_in_order_every_time(self):
        for number in range(self.rounds):
            manager = self.manager_of(f"survey-{number}")
            manager.update_configuration(chain())
            manager.fire("x")
            ThreadingTaskRunner.join_all(timeout=30)
            assert manager.fired == ["x", "t_a", "t_b", "t_c"]


class TestThreadsOnSqlite(OnSqlite, ByThreads):
    pass


class TestThreadsOnPostgresql(OnPostgresql, ByThreads):
    pass


class TestThreadsInMemory(InMemory, ByThreads):
    rounds = 300


class TestThreadsInRedis(InRedis, ByThreads):
    pass


class TestTester(RunnerContract):
    """What a test runs behaves as it does in earnest."""

    def manager_of(self, uid):
        self.tester = SessionTester(manager=ContractManager, uid=uid)
        return self.tester.manager

    def settle(self, manager):
        while "scheduled" in self.tester.statuses.values():
            self.tester.advance(seconds=1)
            self.tester.run()


def test_a_suite_says_what_it_needs():
    with pytest.raises(NotImplementedError, match="TestNothing does not say how to wait for its runner"):
        type("TestNothing", (RunnerContract,), {})().settle(None)
