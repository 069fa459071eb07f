"""The contract of runners that run instances in the application's own process.

Part of the contract suite: see ``__init__.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import pytest
from dogpile.cache import make_region

from airflow_triggers.domain.instances import TaskInstance
from airflow_triggers.manager.manager import TriggerManager
from airflow_triggers.storages.base import BaseStorageBackend
from airflow_triggers.storages.cache import CacheStorageBackend
from airflow_triggers.testing.contract.actors import statuses

CHAIN = {"a": "x", "b": "t_a", "c": "t_b"}
"""Task → the trigger for which it waits."""

TASKS = "airflow_triggers.testing.contract.trigger_tasks"


class ContractManager(TriggerManager):
    """Runs everything by the runner under test, and remembers the order of its hooks.

    :ivar fired: the triggers whose hook has ended.
    :ivar on_fire: called by the hook with the trigger's name.
    """

    name = "contract"

    def __init__(self, storage: BaseStorageBackend) -> None:
        super().__init__(storage)
        self.fired: list[str] = []
        self.on_fire: Callable[[str], object] = lambda trigger_name: None

    def _post_fire(self, trigger_name: str, tasks_scheduled: Sequence[TaskInstance]) -> None:
        self.on_fire(trigger_name)
        self.fired.append(trigger_name)


class RunnerContract:
    """The contract of runners that run instances in the application's own process.

    :attr:`runner_name` is the registered name of the runner under test; :meth:`settle` waits for it.
    """

    runner_name: ClassVar[str]

    def settle(self, manager: TriggerManager) -> None:
        """Return when no instance of the session runs or cools down. Override it.

        :raises Exception: an error outside of the callables.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say how to wait for its runner.")

    def storage_of(self, uid: str) -> BaseStorageBackend:
        """The storage of the session ``uid``: one in this process's memory, unless overridden."""
        return CacheStorageBackend(uid, region=make_region().configure("dogpile.cache.memory"))

    def manager_of(self, uid: str) -> ContractManager:
        """The manager of the session ``uid``; the runner under test runs all its instances."""
        manager = ContractManager(self.storage_of(uid))
        manager.default_task_runner_name = self.runner_name
        return manager

    @pytest.fixture
    def manager(self) -> ContractManager:
        """The manager of one session."""
        return self.manager_of("survey-1")

    def run_all(self, manager: TriggerManager, *fires: str, **tasks: Any) -> None:
        """Configure tasks (a string is the name of a function of ``trigger_tasks.py``), fire, and wait."""
        for name, task in tasks.items():
            directives = {"after": ["x"], "run": f"{TASKS}.{task}"} if isinstance(task, str) else task
            manager.update_configuration({name: directives})
        for trigger in fires:
            manager.fire(trigger)
        self.settle(manager)

    def test_a_callable_runs_and_what_waits_for_it_follows(self, manager: TriggerManager) -> None:
        echo = {
            "after": ["t_greet"],
            "run": f"{TASKS}:echo",
            "withParams": {"t_greet": {"lang": "en"}},
        }
        self.run_all(manager, "x", t_greet="greet", t_echo=echo)
        assert statuses(manager) == {"t_greet#0": "finished", "t_echo#0": "finished"}
        result = manager.storage["t_echo#0"].metadata["result"]
        assert result == {"t_greet": {"greeting": "hello survey-1", "lang": "en"}}
        moments = manager.storage["t_greet#0"].metadata["timestamps"]
        assert {"created", "unstarted", "scheduled", "running", "finished", "lastModified"} == set(moments)

    def test_hooks_come_in_the_order_of_what_they_follow(self, manager: ContractManager) -> None:
        chain = {f"t_{name}": {"after": [after], "run": f"{TASKS}.nothing"} for name, after in CHAIN.items()}
        self.run_all(manager, "x", **chain)
        assert manager.fired == ["x", "t_a", "t_b", "t_c"]

    def test_what_a_callable_raises_belongs_to_its_instance_and_can_be_replayed(
        self, manager: TriggerManager
    ) -> None:
        self.run_all(manager, "x", t_fail="fail")
        metadata = manager.storage["t_fail#0"].metadata
        assert metadata["exceptionType"] == "builtins.ValueError"
        assert "trigger_tasks.py" in metadata["exceptionInfo"]
        self.run_all(manager, t_fail="nothing")
        manager.replay_failed_instance("t_fail#0", cooldown=0.01)
        self.settle(manager)
        assert statuses(manager) == {"t_fail#0": "replayed", "t_fail#1": "finished"}

    def test_what_a_callable_raised_can_be_waived(self, manager: TriggerManager) -> None:
        after = {"after": ["t_fail"], "run": f"{TASKS}.echo"}
        self.run_all(manager, "x", t_fail="fail", t_next=after)
        manager.skip_failed_instance("t_fail#0", cascade=True, result={"n": 1})
        self.settle(manager)
        assert statuses(manager) == {"t_fail#0": "skipped", "t_next#0": "finished"}
        assert manager.storage["t_next#0"].metadata["result"] == {"t_fail": {"n": 1}}

    def test_a_result_that_is_no_mapping_fails_the_instance(self, manager: TriggerManager) -> None:
        self.run_all(manager, "x", t_list="a_list", t_next={"after": ["t_list"], "run": f"{TASKS}.nothing"})
        assert statuses(manager) == {"t_list#0": "failed"}
        assert (
            manager.storage["t_list#0"].metadata["exceptionType"] == "airflow_triggers.errors.InvalidResult"
        )

    def test_a_task_may_skip_itself(self, manager: TriggerManager) -> None:
        self.run_all(manager, "x", t_skip="skip", t_next={"after": ["t_skip"], "run": f"{TASKS}.nothing"})
        assert statuses(manager) == {"t_skip#0": "skipped"}

    def test_a_task_may_skip_itself_with_a_reason(self, manager: TriggerManager) -> None:
        after = {"after": ["t_skip"], "run": f"{TASKS}.nothing"}
        self.run_all(manager, "x", t_skip="skip_with_reason", t_next=after)
        assert statuses(manager) == {"t_skip#0": "skipped"}
        assert manager.storage["t_skip#0"].metadata["why"] == "embedded"
        assert [fire.trigger_name for fire in manager.storage.fires()] == ["x"]

    def test_a_callable_that_exits_fails_like_any_other(self, manager: TriggerManager) -> None:
        self.run_all(manager, "x", t_exit="leave")
        metadata = manager.storage["t_exit#0"].metadata
        assert (metadata["exceptionType"], metadata["exceptionMessage"]) == ("builtins.SystemExit", "3")
        assert statuses(manager) == {"t_exit#0": "failed"}

    def test_nothing_starts_before_the_lock_is_released(self, manager: TriggerManager) -> None:
        self.run_all(manager, t_greet="greet")

        def fire_and_fail() -> None:
            with manager.storage.acquire_lock():
                manager.fire("x")
                raise RuntimeError("the caller changed its mind")

        with pytest.raises(RuntimeError, match="changed its mind"):
            fire_and_fail()
        self.settle(manager)
        assert statuses(manager) == {}

    def test_a_long_cascade_is_run_to_its_end(self, manager: TriggerManager) -> None:
        chain: dict[str, Any] = {
            f"t_{number}": {"after": [f"t_{number - 1}"], "run": f"{TASKS}.echo"} for number in range(1, 6)
        }
        chain["t_0"] = {"after": [], "andEvery": "x", "run": f"{TASKS}.echo"}
        self.run_all(manager, *["x"] * 10, **chain)
        assert set(statuses(manager).values()) == {"finished"}
        assert len(statuses(manager)) == 10 + 5

    def test_a_task_is_run_again_until_it_may_no_more(self, manager: TriggerManager) -> None:
        self.run_all(manager, "x", t_again="again")
        assert statuses(manager) == {
            "t_again#0": "replayed",
            "t_again#1": "replayed",
            "t_again#2": "replayed",
            "t_again#3": "failed",
        }
        first, last = manager.storage["t_again#0"], manager.storage["t_again#3"]
        assert (first.metadata["exceptionType"], first.metadata["seen"]) == ("builtins.ValueError", 0)
        assert last.metadata["exceptionType"] == "airflow_triggers.errors.MaxRetriesExceeded"
        assert (last.depth, last.metadata["retries"], last.metadata["cooldown"]) == (3, 3, 0.01)
        assert last.kwargs == {"x": {"n": 3}}
        manager.replay_failed_instance("t_again#3", {"x": {"n": 100}})
        self.settle(manager)
        assert statuses(manager)["t_again#4"] == "finished", "a replay by hand begins the count anew"

    def test_a_task_fires_when_it_has_succeeded_and_before_its_cascade(self, manager: TriggerManager) -> None:
        self.run_all(manager, "x", t_fires="fires")
        fires = [(fire.trigger_name, dict(fire.kwargs), fire.fired_by) for fire in manager.storage.fires()]
        assert fires == [
            ("t_fires", {"seen": 1}, "t_fires#0"),
            ("second", {}, "t_fires#0"),
            ("first", {"n": 1}, "t_fires#0"),
            ("x", {}, None),
        ]
        instance = manager.storage["t_fires#0"]
        assert instance.log_level_name == "ERROR"
        assert manager.storage.get_instances_with_unresolved_logs() == [instance]

    def test_an_exception_that_leaves_a_loggers_context_is_logged_and_kept_as_the_log_level(
        self, manager: TriggerManager, caplog: pytest.LogCaptureFixture
    ) -> None:
        self.run_all(manager, "x", t_logs="logs_and_fails")
        failed_instance = manager.storage["t_logs#0"]
        assert (failed_instance.status.value, failed_instance.log_level_name) == ("failed", "ERROR")
        assert failed_instance.metadata["exceptionContext"] == {"age": "thirty-six"}
        assert manager.storage.get_instances_with_unresolved_logs() == [failed_instance]
        records = [record for record in caplog.records if record.name == "airflow_triggers.task.t_logs"]
        values = {"respondent": 17, "age": "thirty-six"}
        assert [(record.levelname, vars(record)["context"]) for record in records] == [("ERROR", values)]
        manager.replay_failed_instance("t_logs#0")
        assert manager.storage["t_logs#0"].logs_resolved
        self.settle(manager)

    def test_a_clone_that_a_task_makes_waits_for_a_fire(self, manager: TriggerManager) -> None:
        self.run_all(manager, "x", t_clones="clones")
        assert manager.storage["t_clones#0"].metadata["result"] == {
            "clone": "t_clones#1",
            "status": "unstarted",
        }
        assert statuses(manager) == {"t_clones#0": "finished", "t_clones#1": "unstarted"}
        self.run_all(manager, "x", t_clones="nothing")
        assert statuses(manager) == {"t_clones#0": "finished", "t_clones#1": "finished"}

    def test_what_a_failed_task_fired_is_not_fired(self, manager: TriggerManager) -> None:
        self.run_all(manager, "x", t_fires="fires_and_fails")
        assert statuses(manager) == {"t_fires#0": "failed"}
        assert [fire.trigger_name for fire in manager.storage.fires()] == ["x"]

    def test_a_fire_whose_key_was_used_for_another_fails_its_task_and_nothing_of_it_is_fired(
        self, manager: TriggerManager
    ) -> None:
        self.run_all(manager, t_fires="fires")
        manager.fire("other", idempotency_key="second")
        self.run_all(manager, "x", t_fires="fires")
        assert statuses(manager) == {"t_fires#0": "failed"}
        failed_instance = manager.storage["t_fires#0"]
        assert str(failed_instance.metadata["exceptionType"]).endswith("IdempotencyConflict")
        assert failed_instance.log_level_name == "ERROR", "what it logged is kept all the same"
        assert [fire.trigger_name for fire in manager.storage.fires()] == ["x", "other"]

    def test_a_task_in_this_process_has_the_manager_itself(self, manager: TriggerManager) -> None:
        self.run_all(manager, "x", t_looks="looks")
        assert manager.storage["t_looks#0"].metadata["result"] == {
            "manager": manager.name,
            "status": "running",
            "tasks": ["t_looks"],
            "scheduled": [],
        }
