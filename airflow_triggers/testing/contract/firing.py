"""The effects of a fire, and of a change of the configuration.

Part of the contract suite: see ``__init__.py``.
"""

from __future__ import annotations

from typing import Any

import pytest

from airflow_triggers.domain.states import Event
from airflow_triggers.errors import ConfigurationError, IdempotencyConflict, InvalidTrigger
from airflow_triggers.runners import task_runners
from airflow_triggers.testing.contract.actors import (
    BreakingRunner,
    RecordingRunner,
    TracedManager,
    configure,
    statuses,
)
from airflow_triggers.testing.contract.suite import StorageSuite


class FiringContract(StorageSuite):
    """The effects of a fire, and of a change of the configuration."""

    def test_fire_says_what_it_did(self, manager: TracedManager, runner: RecordingRunner) -> None:
        configure(
            manager,
            t_a={"after": ["x"]},
            t_b={"after": ["x", "y"], "unless": ["u"]},
            t_c={"after": ["u"], "unless": ["x"]},
        )
        result = manager.fire("x", {"n": 1})
        assert result.touched == result.created == ("t_a#0", "t_b#0", "t_c#0")
        assert result.scheduled == ("t_a#0",)
        assert result.abandoned == ("t_c#0",)
        assert not result.repeated
        assert manager.fire("u").abandoned == ("t_b#0",)
        assert runner.names == ["t_a#0"]
        assert runner.started[0].kwargs == {"x": {"n": 1}}

    def test_a_trigger_that_no_task_uses_is_recorded(self, manager: TracedManager) -> None:
        configure(manager, t_a={"after": ["x"]})
        result = manager.fire("unheard", {"n": 1}, fired_by="somebody")
        assert result.touched == ()
        (fire,) = manager.storage.fires()
        assert (fire.trigger_name, fire.kwargs, fire.fired_by) == ("unheard", {"n": 1}, "somebody")
        assert manager.storage.latest_kwargs == {"unheard": {"n": 1}}

    def test_and_every_with_late_after_and_kwargs(
        self, manager: TracedManager, runner: RecordingRunner
    ) -> None:
        configure(
            manager,
            t_r={"after": ["subject"], "andEvery": "page", "withParams": {"page": {"lang": "en", "n": 0}}},
        )
        manager.fire("page", {"n": 1})
        manager.fire("page", {"n": 2})
        manager.fire("subject", {"id": 9})
        assert statuses(manager) == {"t_r#0": "scheduled", "t_r#1": "scheduled"}
        assert [start.kwargs["page"] for start in runner.started] == [
            {"lang": "en", "n": 1},
            {"lang": "en", "n": 2},
        ]
        assert manager.storage["t_r#1"].metadata["actualKwargs"]["subject"] == {"id": 9}
        manager.fire("page", {"n": 3})
        assert manager.storage["t_r#2"].kwargs == {"page": {"n": 3}, "subject": {"id": 9}}

    def test_an_update_adds_and_replaces_tasks_and_makes_no_instances(self, manager: TracedManager) -> None:
        configure(manager, t_a={"after": ["x"]})
        manager.fire("y")
        configure(manager, t_b={"after": ["y"]})
        assert set(manager.storage.tasks) == {"t_a", "t_b"}
        assert statuses(manager) == {}

    def test_a_replaced_task_changes_what_its_waiting_instances_wait_for(
        self, manager: TracedManager
    ) -> None:
        configure(manager, t_a={"after": ["x", "y"]})
        manager.fire("x")
        configure(manager, t_a={"after": ["x", "z"]})
        assert manager.storage["t_a#0"].missing == {"z"}
        manager.fire("y")
        assert statuses(manager) == {"t_a#0": "unstarted"}
        manager.fire("z")
        assert statuses(manager) == {"t_a#0": "scheduled"}

    def test_a_replaced_task_that_needs_less_is_settled_by_the_next_fire_that_concerns_it(
        self, manager: TracedManager
    ) -> None:
        configure(manager, t_a={"after": ["x", "y"]})
        manager.fire("x")
        configure(manager, t_a={"after": ["x"]})
        assert statuses(manager) == {"t_a#0": "unstarted"}
        manager.fire("x")
        assert statuses(manager) == {"t_a#0": "scheduled"}

    @pytest.mark.parametrize(
        ("before", "after", "fires"),
        [
            # In each case the instance has taken "e" before, and the new task gives "e" another role.
            (
                {"after": ["a", "b"], "andEvery": "e"},
                {"after": ["a"], "andEvery": "e", "unless": ["e"]},
                ["e"],
            ),
            (
                {"after": ["a"], "andEvery": "e"},
                {"after": ["a"], "andEvery": "e", "unless": ["e", "u"]},
                ["e"],
            ),
            ({"after": ["a", "e"]}, {"after": ["a"], "andEvery": "e", "unless": ["e", "u"]}, ["e"]),
            ({"after": ["a"], "unless": ["e", "u"]}, {"after": ["a"], "andEvery": "e"}, ["e"]),
            (
                {"after": ["a"], "unless": ["e", "u"]},
                {"after": ["a"], "andEvery": "e", "unless": ["e", "u"]},
                ["e"],
            ),
        ],
    )
    def test_a_fire_that_an_instance_of_a_replaced_task_takes_makes_no_other(
        self, manager: TracedManager, before: dict[str, Any], after: dict[str, Any], fires: list[str]
    ) -> None:
        configure(manager, t_a=before)
        for trigger in fires:
            manager.fire(trigger)
        configure(manager, t_a=after)
        result = manager.fire("e")
        assert (result.touched, result.created) == (("t_a#0",), ())
        assert list(manager.storage.instances) == ["t_a#0"]
        result = manager.fire("e")
        assert (result.touched, result.created) == (("t_a#1",), ("t_a#1",)), "nothing takes it any more"

    def test_an_invalid_configuration_changes_nothing(self, manager: TracedManager) -> None:
        configure(manager, t_a={"after": ["x"]})
        with pytest.raises(ConfigurationError, match="t_b"):
            manager.update_configuration({"t_b": {"run": "a_dag"}})
        assert set(manager.storage.tasks) == {"t_a"}

    def test_an_unknown_runner_is_refused_with_the_task_and_the_known_ones(
        self, manager: TracedManager
    ) -> None:
        with pytest.raises(ConfigurationError, match=r"t_a.*using.*recordng.*Did you mean 'recording'"):
            configure(manager, t_a={"after": ["x"], "using": "recordng"})
        assert not manager.storage.exists

    def test_what_cannot_be_started_fails_with_the_reason_and_the_fire_holds(
        self, manager: TracedManager
    ) -> None:
        configure(manager, t_a={"after": ["x"], "using": "refusing"}, t_b={"after": ["x"]})
        assert manager.fire("x").scheduled == ("t_a#0", "t_b#0")
        assert statuses(manager) == {"t_a#0": "failed", "t_b#0": "scheduled"}
        assert manager.storage["t_a#0"].metadata["exceptionType"] == "airflow_triggers.errors.RunnerError"
        assert "cannot be started here" in manager.storage["t_a#0"].metadata["exceptionInfo"]

    def test_whatever_a_runner_raises_fails_its_instance_alone_and_is_undone(
        self, manager: TracedManager, runner: RecordingRunner
    ) -> None:
        breaking = task_runners.get("breaking")
        assert isinstance(breaking, BreakingRunner)
        configure(manager, t_a={"after": ["x"], "using": "breaking"}, t_b={"after": ["x"]})

        assert manager.fire("x").scheduled == ("t_a#0", "t_b#0")

        assert statuses(manager) == {"t_a#0": "failed", "t_b#0": "scheduled"}
        metadata = manager.storage["t_a#0"].metadata
        assert metadata["exceptionType"] == "builtins.LookupError"
        assert metadata["exceptionMessage"] == "t_a#0 met a bug"
        assert manager.storage.metadata == {}
        assert breaking.started == []
        assert len(manager.storage.fires()) == 1

    def test_finishing_cascades_with_the_result(
        self, manager: TracedManager, runner: RecordingRunner
    ) -> None:
        configure(manager, t_a={"after": ["x"]}, t_b={"after": ["t_a"]})
        manager.fire("x")
        manager.record_progress(
            "t_a#0", Event.FINISH, metadata={"result": {"n": 1}}, cascade=True, cascade_kwargs={"n": 1}
        )
        assert statuses(manager) == {"t_a#0": "finished", "t_b#0": "scheduled"}
        assert manager.storage["t_b#0"].kwargs == {"t_a": {"n": 1}}
        assert manager.storage.fires()[0].fired_by == "t_a#0"

    def test_an_idempotency_key_counts_once(self, manager: TracedManager, runner: RecordingRunner) -> None:
        configure(manager, t_a={"andEvery": "x", "after": []})
        first = manager.fire("x", {"n": 1}, idempotency_key="k")
        again = manager.fire("x", {"n": 1}, idempotency_key="k")
        assert (again.fire_id, again.touched, again.repeated) == (first.fire_id, first.touched, True)
        assert runner.names == ["t_a#0"]
        with pytest.raises(IdempotencyConflict, match="'k' was used"):
            manager.fire("x", {"n": 2}, idempotency_key="k")

    @pytest.mark.parametrize("key", ["", "x" * 251, "a\nb", 7])
    def test_an_idempotency_key_of_another_form_is_refused(self, manager: TracedManager, key: Any) -> None:
        configure(manager, t_a={"after": ["x"]})
        with pytest.raises(InvalidTrigger, match="idempotency key"):
            manager.fire("x", idempotency_key=key)
        assert manager.storage.fires() == []

    @pytest.mark.parametrize("kwargs", [["not", "a", "mapping"], {"at": object()}])
    def test_bad_kwargs_change_nothing(self, manager: TracedManager, kwargs: Any) -> None:
        configure(manager, t_a={"after": ["x"]})
        with pytest.raises(InvalidTrigger):
            manager.fire("x", kwargs)
        assert statuses(manager) == {}

    def test_an_exception_under_the_lock_undoes_everything(
        self, manager: TracedManager, runner: RecordingRunner
    ) -> None:
        configure(manager, t_a={"after": ["x"]})

        def fire_and_fail() -> None:
            with manager.storage.acquire_lock():
                manager.fire("x")
                raise RuntimeError("the caller changed its mind")

        with pytest.raises(RuntimeError, match="changed its mind"):
            fire_and_fail()
        assert statuses(manager) == {}
        assert manager.trace == []

    def test_sessions_do_not_touch_each_other(self, manager: TracedManager) -> None:
        other_manager = TracedManager(self.storage_of("survey-2"))
        for traced_manager in (manager, other_manager):
            configure(traced_manager, t_a={"after": ["x"]})
        manager.fire("x", {"n": 1})
        assert statuses(other_manager) == {}
        assert other_manager.storage.latest_kwargs == {}

    def test_unicode_names_and_a_trigger_named_like_a_task(self, manager: TracedManager) -> None:
        configure(manager, t_größe={"after": ["späte Ankunft 😀"]}, t_next={"after": ["t_größe"]})
        manager.fire("t_größe", {"ü": "ß"})
        assert statuses(manager) == {"t_next#0": "scheduled"}
        manager.fire("späte Ankunft 😀")
        assert statuses(manager) == {"t_größe#0": "scheduled", "t_next#0": "scheduled"}
