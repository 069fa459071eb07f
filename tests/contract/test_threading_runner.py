"""ThreadingTaskRunner over every storage: work, cascades, failures, and that no exception vanishes."""

from __future__ import annotations

import pytest

from airflow_triggers.errors import ConfigurationError
from airflow_triggers.manager import TriggerManager
from airflow_triggers.runners import ThreadingTaskRunner, task_runners

MODULE = "tests.support.trigger_tasks"


class Threaded(TriggerManager):
    """Runs everything in threads unless a task says otherwise."""

    name = "threaded"
    default_task_runner_name = "threading"


@pytest.fixture
def manager(storage_of):
    task_runners.register("threading", ThreadingTaskRunner)
    yield Threaded(storage_of("survey-1"))
    ThreadingTaskRunner.join_all(timeout=30)


def statuses(manager):
    return {name: one.status.value for name, one in manager.storage.instances.items()}


def test_a_callable_runs_and_what_waits_for_it_follows(manager):
    manager.update_configuration(
        {
            "t_greet": {"after": ["x"], "run": f"{MODULE}.greet"},
            "t_echo": {
                "after": ["t_greet"],
                "run": f"{MODULE}:echo",
                "withParams": {"t_greet": {"lang": "en"}},
            },
        }
    )
    manager.fire("x")
    ThreadingTaskRunner.join_all(timeout=30)
    assert statuses(manager) == {"t_greet#0": "finished", "t_echo#0": "finished"}
    result = manager.storage["t_echo#0"].metadata["result"]
    assert result == {"t_greet": {"greeting": "hello survey-1", "lang": "en"}}
    assert "running" in manager.storage["t_greet#0"].metadata["timestamps"]


def test_what_a_callable_raises_belongs_to_its_instance_and_can_be_replayed(manager):
    manager.update_configuration({"t_fail": {"after": ["x"], "run": f"{MODULE}.fail"}})
    manager.fire("x")
    ThreadingTaskRunner.join_all(timeout=30)
    metadata = manager.storage["t_fail#0"].metadata
    assert metadata["exceptionType"] == "builtins.ValueError"
    assert "trigger_tasks.py" in metadata["exceptionInfo"]
    manager.update_configuration({"t_fail": {"after": ["x"], "run": f"{MODULE}.nothing"}})
    manager.replay_failed_instance("t_fail#0", cooldown=0.01)
    ThreadingTaskRunner.join_all(timeout=30)
    assert statuses(manager) == {"t_fail#0": "replayed", "t_fail#1": "finished"}


def test_a_task_may_skip_itself(manager):
    manager.update_configuration(
        {
            "t_skip": {"after": ["x"], "run": f"{MODULE}.skip"},
            "t_next": {"after": ["t_skip"], "run": f"{MODULE}.nothing"},
        }
    )
    manager.fire("x")
    ThreadingTaskRunner.join_all(timeout=30)
    assert statuses(manager) == {"t_skip#0": "skipped"}


def test_nothing_starts_before_the_lock_is_released(manager):
    manager.update_configuration({"t_greet": {"after": ["x"], "run": f"{MODULE}.greet"}})

    def fire_and_fail():
        with manager.storage.acquire_lock():
            manager.fire("x")
            raise RuntimeError("the caller changed its mind")

    with pytest.raises(RuntimeError, match="changed its mind"):
        fire_and_fail()
    ThreadingTaskRunner.join_all(timeout=30)
    assert statuses(manager) == {}


@pytest.mark.parametrize("run", ["some_dag", f"{MODULE}.gret", {"operator": "x.Operator"}])
def test_what_is_no_callable_is_refused_when_it_is_configured(manager, run):
    with pytest.raises(ConfigurationError, match="task 't_x': 'run' is"):
        manager.update_configuration({"t_x": {"after": ["x"], "run": run}})
    assert not manager.storage.exists


def test_an_exception_outside_of_the_callable_does_not_vanish(manager, monkeypatch):
    manager.update_configuration({"t_greet": {"after": ["x"], "run": f"{MODULE}.greet"}})

    def broken(*_, **__):
        raise OSError("the store is gone")

    monkeypatch.setattr(manager, "record_progress", broken)
    manager.fire("x")
    with pytest.raises(BaseExceptionGroup, match="could not be run to their end") as caught:
        ThreadingTaskRunner.join_all(timeout=30)
    assert caught.group_contains(OSError, match="the store is gone")
    ThreadingTaskRunner.join_all()


def test_a_cascade_that_starts_while_somebody_joins_is_joined_too(manager):
    chain = {
        f"t_{number}": {"after": [f"t_{number - 1}" if number else "x"], "run": f"{MODULE}.echo"}
        for number in range(6)
    }
    manager.update_configuration(chain)
    for number in range(10):
        manager.update_configuration(
            {"t_0": {"after": [f"x{number}"], "andEvery": f"x{number}", "run": f"{MODULE}.echo"}}
        )
        manager.fire(f"x{number}")
        ThreadingTaskRunner.join_all(timeout=30)
    assert set(statuses(manager).values()) == {"finished"}
    assert len(statuses(manager)) == 10 + 5
