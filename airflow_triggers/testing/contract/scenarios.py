"""Named scenarios of typical mistakes: each is a sequence of fires and repairs, with the required outcome.

Part of the contract suite: see ``__init__.py``.
"""

from __future__ import annotations

from typing import Any

import pytest

from airflow_triggers.domain.states import Event
from airflow_triggers.testing.contract.actors import (
    RecordingRunner,
    TracedManager,
    configure,
    fail,
    finish,
    statuses,
)
from airflow_triggers.testing.contract.suite import StorageSuite


class ScenariosContract(StorageSuite):
    """Typical mistakes of users."""

    # -- how often something runs ----------------------------------------------------------------------------

    def test_a_one_shot_task_fired_twice_runs_once_with_what_came_first(
        self, manager: TracedManager, runner: RecordingRunner
    ) -> None:
        configure(manager, t_a={"after": ["x"]}, t_b={"after": ["x", "y"]})
        manager.fire("x", {"n": 1})
        again = manager.fire("x", {"n": 2})
        assert (again.touched, again.created, again.scheduled) == ((), (), ())
        finish(manager, "t_a#0")
        manager.fire("x", {"n": 3})
        manager.fire("y")
        assert [(start.instance.name, start.kwargs) for start in runner.started] == [
            ("t_a#0", {"x": {"n": 1}}),
            ("t_b#0", {"x": {"n": 1}, "y": {}}),
        ]
        assert manager.storage.latest_kwargs["x"] == {"n": 3}

    def test_and_every_waits_for_a_late_after_and_each_instance_has_its_own_page(
        self, manager: TracedManager, runner: RecordingRunner
    ) -> None:
        configure(manager, t_r={"after": ["subject"], "andEvery": "page"})
        manager.fire("page", {"n": 1})
        manager.fire("page", {"n": 2})
        assert runner.started == []
        assert manager.fire("subject", {"id": 9}).created == ()
        assert [start.kwargs["page"]["n"] for start in runner.started] == [1, 2]

    def test_an_after_that_came_first_makes_the_instance_that_the_first_page_completes(
        self, manager: TracedManager, runner: RecordingRunner
    ) -> None:
        configure(manager, t_r={"after": ["subject"], "andEvery": "page"})
        assert manager.fire("subject", {"id": 9}).created == ("t_r#0",)
        assert manager.fire("page", {"n": 1}).created == ()
        assert manager.fire("page", {"n": 2}).created == ("t_r#1",)
        assert [start.kwargs for start in runner.started] == [
            {"subject": {"id": 9}, "page": {"n": number}} for number in (1, 2)
        ]

    def test_a_redundant_trigger_makes_nothing_run_twice(
        self, manager: TracedManager, runner: RecordingRunner
    ) -> None:
        """A task waits for t_a, and also for the trigger of t_a."""
        configure(manager, t_a={"after": ["x"]}, t_b={"after": ["x", "t_a"]})
        manager.fire("x", {"n": 1})
        assert manager.storage["t_b#0"].missing == {"t_a"}
        finish(manager, "t_a#0", {"id": 2})
        manager.fire("x", {"n": 3})
        assert runner.names == ["t_a#0", "t_b#0"]
        assert runner.started[1].kwargs == {"x": {"n": 1}, "t_a": {"id": 2}}

    def test_a_redundant_trigger_that_repeats_makes_one_instance_for_each_time(
        self, manager: TracedManager, runner: RecordingRunner
    ) -> None:
        configure(
            manager,
            t_a={"after": [], "andEvery": "x"},
            t_b={"after": ["x"], "andEvery": "t_a"},
        )
        for number in (1, 2):
            manager.fire("x", {"n": number})
        for number in (1, 2):
            finish(manager, f"t_a#{number - 1}", {"id": number})
        assert statuses(manager) == {
            **{f"t_a#{number}": "finished" for number in (0, 1)},
            **{f"t_b#{number}": "scheduled" for number in (0, 1)},
        }
        assert [manager.storage[f"t_b#{number}"].kwargs for number in (0, 1)] == [
            {"x": {"n": 1}, "t_a": {"id": 1}},
            {"x": {"n": 2}, "t_a": {"id": 2}},
        ]

    def test_a_trigger_named_like_a_task_counts_as_the_tasks_end_and_the_task_runs_all_the_same(
        self, manager: TracedManager, runner: RecordingRunner
    ) -> None:
        configure(manager, t_a={"after": ["x"]}, t_b={"after": ["t_a"]})
        manager.fire("t_a", {"by": "hand"})
        assert statuses(manager) == {"t_b#0": "scheduled"}
        manager.fire("x")
        finish(manager, "t_a#0", {"by": "itself"})
        assert statuses(manager) == {"t_a#0": "finished", "t_b#0": "scheduled"}
        assert runner.started[0].kwargs == {"t_a": {"by": "hand"}}
        assert manager.storage.latest_kwargs["t_a"] == {"by": "itself"}

    def test_a_task_that_waits_for_its_own_end_runs_again_each_time_that_it_ends(
        self, manager: TracedManager
    ) -> None:
        configure(manager, t_a={"after": [], "andEvery": "t_a"})
        manager.fire("t_a", {"n": 0})
        for number in range(3):
            finish(manager, f"t_a#{number}", {"n": number + 1})
        assert statuses(manager) == {
            **{f"t_a#{number}": "finished" for number in range(3)},
            "t_a#3": "scheduled",
        }

    # -- what it is given ------------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("kwargs", "merged_kwargs"),
        [
            ({}, {"tags": ["a"], "who": {"name": "nobody", "lang": {"ui": "en"}}}),
            ({"tags": []}, {"tags": [], "who": {"name": "nobody", "lang": {"ui": "en"}}}),
            ({"tags": ["b", "c"]}, {"tags": ["b", "c"], "who": {"name": "nobody", "lang": {"ui": "en"}}}),
            ({"tags": None}, {"tags": None, "who": {"name": "nobody", "lang": {"ui": "en"}}}),
            ({"who": None}, {"tags": ["a"], "who": None}),
            ({"who": 7}, {"tags": ["a"], "who": 7}),
            ({"who": {}}, {"tags": ["a"], "who": {"name": "nobody", "lang": {"ui": "en"}}}),
            (
                {"who": {"lang": {"mail": "de"}, "age": {"years": 41}}},
                {
                    "tags": ["a"],
                    "who": {
                        "name": "nobody",
                        "lang": {"ui": "en", "mail": "de"},
                        "age": {"years": 41},
                    },
                },
            ),
            ({"who": {"lang": "fr"}}, {"tags": ["a"], "who": {"name": "nobody", "lang": "fr"}}),
            ({"tags": {"a": 1}, "who": 1}, {"tags": {"a": 1}, "who": 1}),
        ],
    )
    def test_params_lie_under_the_fired_kwargs_and_whatever_was_fired_wins(
        self, manager: TracedManager, runner: RecordingRunner, kwargs: Any, merged_kwargs: Any
    ) -> None:
        params = {
            "x": {"tags": ["a"], "who": {"name": "nobody", "lang": {"ui": "en"}}},
            "unfired": {"n": 1},
        }
        configure(manager, t_a={"after": ["x"], "withParams": params})
        manager.fire("x", kwargs)
        (start,) = runner.started
        assert start.kwargs == {"x": merged_kwargs, "unfired": {"n": 1}}
        instance = manager.storage["t_a#0"]
        assert (instance.kwargs, instance.metadata["actualKwargs"]) == ({"x": kwargs}, start.kwargs)

    @pytest.mark.parametrize("kwargs", [None, {}])
    def test_a_trigger_without_kwargs_has_fired_all_the_same(
        self, manager: TracedManager, runner: RecordingRunner, kwargs: Any
    ) -> None:
        configure(
            manager,
            t_a={"after": ["x", "y"]},
            t_b={"after": ["x"], "andEvery": "z", "withParams": {"x": {"n": 1}}},
        )
        manager.fire("x", kwargs)
        manager.fire("x", {"n": 2})
        manager.fire("y", kwargs)
        assert runner.started[0].kwargs == {"x": {}, "y": {}}
        manager.fire("x", kwargs)
        manager.fire("z", kwargs)
        manager.fire("z", kwargs)
        assert [start.kwargs for start in runner.started[1:]] == [{"x": {"n": 1}, "z": {}}] * 2
        assert manager.storage["t_b#1"].kwargs == {"x": {}, "z": {}}
        assert manager.storage.latest_kwargs == {"y": {}, "x": {}, "z": {}}

    def test_a_task_that_returned_nothing_cascades_with_empty_kwargs(
        self, manager: TracedManager, runner: RecordingRunner
    ) -> None:
        configure(manager, t_a={"after": ["x"]}, t_b={"after": ["t_a"]})
        manager.fire("x")
        finish(manager, "t_a#0", None)
        assert runner.started[-1].kwargs == {"t_a": {}}

    def test_names_may_be_of_any_alphabet(self, manager: TracedManager, runner: RecordingRunner) -> None:
        configure(
            manager,
            t_größe={"after": ["アンケート完了"], "unless": ["ΣΦΑΛΜΑ"]},
            t_π={"after": ["t_größe"], "andEvery": "😀 🎉"},
            t_e={"after": ["t_größe"]},
        )
        manager.fire("😀 🎉", {"名前": "żółw"})
        manager.fire("アンケート完了", {"": " "})
        finish(manager, "t_größe#0", {"ß": "\u2028"})
        assert set(statuses(manager)) == {"t_größe#0", "t_π#0", "t_e#0"}
        assert {start.instance.name: start.kwargs for start in runner.started} == {
            "t_größe#0": {"アンケート完了": {"": " "}},
            "t_π#0": {"😀 🎉": {"名前": "żółw"}, "t_größe": {"ß": "\u2028"}},
            "t_e#0": {"t_größe": {"ß": "\u2028"}},
        }
        assert self.storage_of("survey-1")["t_π#0"].kwargs["😀 🎉"] == {"名前": "żółw"}

    # -- unless ----------------------------------------------------------------------------------------------

    def test_unless_fired_before_abandons_what_would_have_run(
        self, manager: TracedManager, runner: RecordingRunner
    ) -> None:
        configure(manager, t_a={"after": ["x"], "unless": ["u"]})
        assert manager.fire("u").abandoned == ("t_a#0",)
        assert manager.fire("x").touched == ()
        assert (statuses(manager), runner.started) == ({"t_a#0": "abandoned"}, [])

    def test_unless_fired_in_between_abandons_what_waits(
        self, manager: TracedManager, runner: RecordingRunner
    ) -> None:
        configure(manager, t_a={"after": ["x", "y"], "unless": ["u", "v"]})
        manager.fire("x")
        assert manager.fire("u").abandoned == ()
        assert manager.fire("v").abandoned == ("t_a#0",)
        manager.fire("y")
        assert (statuses(manager), runner.started) == ({"t_a#0": "abandoned"}, [])
        assert manager.storage.get_unresolved_instances() == []
        assert manager.storage.get_unresolved_tasks() == []

    def test_unless_fired_afterwards_recalls_nothing(self, manager: TracedManager) -> None:
        configure(manager, t_a={"after": [], "andEvery": "x", "unless": ["u"]})
        for _ in range(4):
            manager.fire("x")
        manager.record_progress("t_a#1", Event.START)
        fail(manager, "t_a#2")
        finish(manager, "t_a#3")
        before = statuses(manager)
        assert manager.fire("u").touched == ()
        assert statuses(manager) == before
        assert manager.replay_failed_instance("t_a#2").status.value == "scheduled"
        assert manager.fire("x").abandoned == ("t_a#5",)

    def test_what_completes_after_and_unless_at_once_is_abandoned(
        self, manager: TracedManager, runner: RecordingRunner
    ) -> None:
        configure(manager, t_a={"after": ["x"], "unless": ["x"]})
        result = manager.fire("x")
        assert (result.abandoned, result.scheduled, runner.started) == (("t_a#0",), (), [])

    def test_an_unless_that_an_instance_took_before_does_not_touch_it_again(
        self, manager: TracedManager
    ) -> None:
        configure(manager, t_a={"after": ["x"], "unless": ["u"]})
        manager.fire("u")
        manager.update_instance_status("t_a#0", "unstarted")
        again = manager.fire("u")
        assert (again.touched, again.abandoned) == ((), ("t_a#0",))

    # -- repairs ---------------------------------------------------------------------------------------------

    def test_a_replay_runs_at_once_though_its_task_needs_more_by_now(
        self, manager: TracedManager, runner: RecordingRunner
    ) -> None:
        configure(manager, t_a={"after": ["x"], "unless": ["u"], "withParams": {"x": {"v": 1}}})
        manager.fire("x", {"n": 1})
        fail(manager, "t_a#0")
        manager.fire("u")
        configure(manager, t_a={"after": ["y", "z"], "run": "another_dag", "withParams": {"y": {"v": 2}}})
        clone = manager.replay_failed_instance("t_a#0")
        assert clone.status.value == "scheduled"
        start = runner.started[-1]
        assert (start.instance.task.run, start.kwargs) == ("another_dag", {"x": {"n": 1}, "y": {"v": 2}})
        assert manager.fire("y").touched == ()

    def test_a_replay_of_a_replay_counts_on_and_names_the_one_before(
        self, manager: TracedManager, runner: RecordingRunner
    ) -> None:
        configure(manager, t_a={"after": ["x"]}, t_b={"after": ["t_a"]})
        manager.fire("x", {"n": 1})
        for number in range(3):
            fail(manager, f"t_a#{number}")
            manager.replay_failed_instance(f"t_a#{number}")
        instances = manager.storage.instances_of_task("t_a")
        assert [instance.status.value for instance in instances] == [
            "replayed",
            "replayed",
            "replayed",
            "scheduled",
        ]
        assert [instance.metadata.get("parent") for instance in instances] == [
            None,
            "t_a#0",
            "t_a#1",
            "t_a#2",
        ]
        assert [instance.depth for instance in instances] == [0, 1, 2, 3]
        assert {start.kwargs["x"]["n"] for start in runner.started} == {1}
        assert [fire.trigger_name for fire in manager.storage.fires()] == ["x"], "a replay fires nothing"
        finish(manager, "t_a#3", {"id": 4})
        assert manager.storage["t_b#0"].kwargs == {"t_a": {"id": 4}}

    def test_empty_replacement_kwargs_are_none_at_all_and_no_replacement_keeps_them(
        self, manager: TracedManager, runner: RecordingRunner
    ) -> None:
        configure(manager, t_a={"after": ["x", "y"], "withParams": {"x": {"lang": "en"}, "p": {"q": 1}}})
        manager.fire("x", {"n": 1})
        manager.fire("y", {"m": 2})
        kwargs_pairs = []
        for number, replacement in enumerate([None, {}, {"y": {"m": 3}}]):
            fail(manager, f"t_a#{number}")
            manager.replay_failed_instance(f"t_a#{number}", replacement)
            kwargs_pairs.append((runner.started[-1].instance.kwargs, runner.started[-1].kwargs))
        assert kwargs_pairs == [
            ({"x": {"n": 1}, "y": {"m": 2}}, {"x": {"lang": "en", "n": 1}, "y": {"m": 2}, "p": {"q": 1}}),
            ({}, {"x": {"lang": "en"}, "p": {"q": 1}}),
            ({"y": {"m": 3}}, {"x": {"lang": "en"}, "y": {"m": 3}, "p": {"q": 1}}),
        ]
        assert manager.storage["t_a#2"].kwargs == {}

    def test_a_skip_with_cascade_makes_an_instance_of_what_runs_every_time(
        self, manager: TracedManager, runner: RecordingRunner
    ) -> None:
        configure(
            manager,
            t_page={"after": [], "andEvery": "page"},
            t_each={"after": ["subject"], "andEvery": "t_page"},
        )
        manager.fire("subject", {"id": 9})
        for number in range(3):
            manager.fire("page", {"n": number})
        finish(manager, "t_page#0", {"rows": 0})
        fail(manager, "t_page#1")
        manager.skip_failed_instance("t_page#1", cascade=True, result={"rows": 1})
        fail(manager, "t_page#2")
        manager.skip_failed_instance("t_page#2", cascade=True)
        assert [start.kwargs for start in runner.started if start.instance.task.name == "t_each"] == [
            {"subject": {"id": 9}, "t_page": {"rows": 0}},
            {"subject": {"id": 9}, "t_page": {"rows": 1}},
            {"subject": {"id": 9}, "t_page": {}},
        ]
        assert manager.trace[-2:] == [("fire", "t_page", ["t_each#2"]), ("skip", "t_page#2", True)]
