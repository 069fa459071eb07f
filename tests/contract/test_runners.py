"""The runners of this process pass the contract suite: the threads over every storage, and the tester's queue."""

from __future__ import annotations

import pytest

from airflow_triggers.errors import ConfigurationError
from airflow_triggers.runners import ThreadingTaskRunner
from airflow_triggers.testing import SessionTester
from airflow_triggers.testing.contract import RunnerContract
from airflow_triggers.testing.contract.running import TASKS, ContractManager
from tests.contract.storages import InMemory, InRedis, OnPostgresql, OnSqlite


class ByThreads(RunnerContract):
    runner_name = "threading"

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


class TestThreadsOnSqlite(OnSqlite, ByThreads):
    pass


class TestThreadsOnPostgresql(OnPostgresql, ByThreads):
    pass


class TestThreadsInMemory(InMemory, ByThreads):
    pass


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
