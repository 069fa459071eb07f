"""The rules of SEMANTICS, "fire" and "status of an instance", as tables over pure functions."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import pytest

from airflow_triggers.domain import states
from airflow_triggers.domain.configuration import TaskConfig
from airflow_triggers.domain.instances import InstanceStatus, TaskInstance
from airflow_triggers.domain.states import Event, FireView
from airflow_triggers.errors import InvalidTransition

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
S = InstanceStatus


def task(**directives):
    return TaskConfig(**{"name": "t_x", "run": "some_dag", **directives})


class Session:
    """A session in memory that only fires: what a storage does, without any."""

    def __init__(self, *tasks):
        self.tasks, self.instances, self.latest = tasks, {}, {}

    def fire(self, trigger, kwargs=None):
        concerned = tuple(task for task in self.tasks if trigger in task.triggers)
        waiting = tuple(
            one
            for one in self.instances.values()
            if one.task in concerned and states.waits_of(one) & {trigger, states.RIPE}
        )
        counts = {
            task.name: sum(one.task.name == task.name for one in self.instances.values())
            for task in concerned
        }
        view = FireView(tasks=concerned, waiting=waiting, counts=counts, latest=dict(self.latest))
        plan = states.plan_fire(view, trigger, kwargs or {}, now=NOW)
        self.instances |= {one.name: one for one in plan.results}
        self.latest[trigger] = kwargs or {}
        return plan

    def statuses(self):
        return {name: one.status.value for name, one in self.instances.items()}


def test_an_instance_is_scheduled_when_all_of_after_fired_in_any_order():
    session = Session(task(after=("a", "b")))
    session.fire("b", {"x": 1})
    assert session.statuses() == {"t_x#0": "unstarted"}
    plan = session.fire("a", {"y": 2})
    assert session.statuses() == {"t_x#0": "scheduled"}
    assert session.instances["t_x#0"].kwargs == {"b": {"x": 1}, "a": {"y": 2}}
    assert plan.touched == ("t_x#0",)
    assert plan.created == ()


def test_a_one_shot_task_makes_one_instance_however_often_its_trigger_fires():
    session = Session(task(after=("a",)))
    session.fire("a")
    plan = session.fire("a")
    assert session.statuses() == {"t_x#0": "scheduled"}
    assert plan == states.FirePlan()


def test_and_every_makes_a_new_instance_on_each_fire():
    session = Session(task(after=("a",), and_every="page"))
    session.fire("a", {"who": 1})
    session.fire("page", {"n": 1})
    session.fire("page", {"n": 2})
    assert session.statuses() == {"t_x#0": "scheduled", "t_x#1": "scheduled"}
    assert session.instances["t_x#1"].kwargs == {"a": {"who": 1}, "page": {"n": 2}}


def test_and_every_instances_wait_for_a_late_after():
    session = Session(task(after=("a",), and_every="page"))
    session.fire("page", {"n": 1})
    session.fire("page", {"n": 2})
    assert session.statuses() == {"t_x#0": "unstarted", "t_x#1": "unstarted"}
    plan = session.fire("a")
    assert session.statuses() == {"t_x#0": "scheduled", "t_x#1": "scheduled"}
    assert plan.touched == ("t_x#0", "t_x#1")


def test_one_fire_makes_at_most_one_instance_of_a_task():
    session = Session(task(after=("page",), and_every="page"))
    assert len(session.fire("page").created) == 1
    assert len(session.fire("page").created) == 1
    assert set(session.instances) == {"t_x#0", "t_x#1"}


def test_an_instance_keeps_the_kwargs_that_it_took_first():
    session = Session(task(after=("a", "b")))
    session.fire("a", {"n": 1})
    session.fire("a", {"n": 2})
    assert session.instances["t_x#0"].kwargs == {"a": {"n": 1}}


def test_a_new_instance_starts_with_the_latest_kwargs_of_the_other_triggers():
    session = Session(task(after=("a",), and_every="page"))
    session.fire("a", {"n": 1})
    session.fire("page")
    session.fire("a", {"n": 2})
    session.fire("page")
    assert session.instances["t_x#0"].kwargs["a"] == {"n": 1}
    assert session.instances["t_x#1"].kwargs["a"] == {"n": 2}


@pytest.mark.parametrize(
    ("fires", "status"),
    [
        (["u", "a"], S.ABANDONED),
        (["a", "u"], S.SCHEDULED),
        (["u"], S.ABANDONED),
        (["u", "v"], S.ABANDONED),
    ],
)
def test_unless_abandons_only_what_was_not_scheduled(fires, status):
    session = Session(task(after=("a",), unless=("u",)))
    for trigger in fires:
        if trigger != "v":
            session.fire(trigger)
    assert session.instances["t_x#0"].status is status


def test_all_of_unless_must_have_fired():
    session = Session(task(after=("a", "b"), unless=("u", "v")))
    session.fire("u")
    session.fire("a")
    assert session.statuses() == {"t_x#0": "unstarted"}
    session.fire("v")
    assert session.statuses() == {"t_x#0": "abandoned"}
    session.fire("b")
    assert session.statuses() == {"t_x#0": "abandoned"}


def test_unless_fired_before_counts_for_later_instances_of_and_every():
    session = Session(task(and_every="page", unless=("u",)))
    session.fire("page")
    session.fire("u")
    session.fire("page")
    assert session.statuses() == {"t_x#0": "scheduled", "t_x#1": "abandoned"}


def test_a_trigger_that_no_task_uses_changes_nothing():
    assert Session(task(after=("a",))).fire("other") == states.FirePlan()


def test_an_instance_that_became_ripe_without_a_fire_is_settled_by_the_next_one():
    ripe = TaskInstance(task=task(after=("a",)), number=0, kwargs={"a": {}, "b": {}})
    assert states.waits_of(ripe) == {states.RIPE}
    view = FireView(tasks=(ripe.task,), waiting=(ripe,), counts={"t_x": 1})
    plan = states.plan_fire(view, "a", {"late": True}, now=NOW)
    assert plan.touched == ()
    assert [(one.name, one.status) for one in plan.results] == [("t_x#0", S.SCHEDULED)]


def test_a_scheduled_instance_waits_for_nothing():
    session = Session(task(after=("a",), unless=("u",)))
    session.fire("a")
    assert states.waits_of(session.instances["t_x#0"]) == frozenset()


ALLOWED = {
    Event.SCHEDULE: {S.UNSTARTED: S.SCHEDULED},
    Event.ABANDON: {S.UNSTARTED: S.ABANDONED},
    Event.START: {S.SCHEDULED: S.RUNNING},
    Event.REPLAY: {S.FAILED: S.REPLAYED},
    Event.SKIP: {S.FAILED: S.SKIPPED},
    Event.REOPEN: dict.fromkeys((S.RUNNING, S.FAILED, S.FINISHED, S.SKIPPED), S.SCHEDULED),
    **{
        event: dict.fromkeys((S.SCHEDULED, S.RUNNING, S.FAILED, S.FINISHED, S.SKIPPED), target)
        for event, target in ((Event.FINISH, S.FINISHED), (Event.FAIL, S.FAILED), (Event.WAIVE, S.SKIPPED))
    },
}


@pytest.mark.parametrize("event", list(Event))
@pytest.mark.parametrize("status", list(InstanceStatus))
def test_the_table_of_transitions(event, status):
    instance = TaskInstance(task=task(after=("a",)), number=3, status=status)
    target = ALLOWED[event].get(status)
    if target is None:
        with pytest.raises(InvalidTransition, match=rf"Cannot {event.value} t_x#3: it is {status.value}"):
            states.transition(instance, event, now=NOW)
    else:
        after = states.transition(instance, event, now=NOW, metadata={"why": "test"})
        assert after.status is target
        assert after.metadata["why"] == "test"
        assert after.metadata["timestamps"][target.value] == NOW.isoformat()


@pytest.mark.parametrize(
    ("under", "fired", "merged"),
    [
        ({"a": {"x": 1}}, {"a": {"y": 2}}, {"a": {"x": 1, "y": 2}}),
        ({"a": {"x": 1}}, {"a": {"x": 2}}, {"a": {"x": 2}}),
        ({"a": {"x": [1, 2]}}, {"a": {"x": [3]}}, {"a": {"x": [3]}}),
        ({"a": {"x": {"d": 1}}}, {"a": {"x": None}}, {"a": {"x": None}}),
        ({"a": {"x": 1}}, {"a": {"x": {"d": 1}}}, {"a": {"x": {"d": 1}}}),
        (
            {"a": {"x": {"d": {"e": 1, "f": 2}}}},
            {"a": {"x": {"d": {"e": 9}}}},
            {"a": {"x": {"d": {"e": 9, "f": 2}}}},
        ),
        ({"settings": {"k": 1}}, {"a": {}}, {"settings": {"k": 1}, "a": {}}),
        ({}, {}, {}),
    ],
)
def test_with_params_merge_under_the_fired_kwargs(under, fired, merged):
    before = {key: dict(value) for key, value in under.items()}
    assert states.merge_under(under, fired) == merged
    assert under == before


def test_a_clone_takes_the_next_number_and_names_its_parent():
    failed = TaskInstance(
        task=task(after=("a",)), number=0, status=S.FAILED, kwargs={"a": {"n": 1}}, metadata={"depth": 1}
    )
    clone = states.clone_of(failed, 4, now=NOW)
    assert (clone.name, clone.status, clone.kwargs) == ("t_x#4", S.UNSTARTED, {"a": {"n": 1}})
    assert (clone.metadata["parent"], clone.depth) == ("t_x#0", 2)
    assert states.clone_of(failed, 4, now=NOW, kwargs={}).kwargs == {}


@pytest.mark.parametrize("status", list(S))
def test_a_clone_is_unstarted_and_holds_what_the_original_took_whatever_its_status_is(status):
    metadata = {"result": {"n": 1}, "exceptionType": "builtins.ValueError", "ticket": 7}
    original = TaskInstance(
        task=task(after=("a", "b"), unless=("u", "v")),
        number=0,
        status=status,
        kwargs={"a": {"n": 1}},
        unless_seen=frozenset({"u"}),
        metadata=metadata,
    )
    clone = states.clone_of(original, 1, now=NOW, metadata={"reason": "test"})
    assert (clone.status, clone.kwargs, clone.unless_seen) == (S.UNSTARTED, {"a": {"n": 1}}, {"u"})
    moments = dict.fromkeys(("created", "unstarted", "lastModified"), NOW.isoformat())
    assert clone.metadata == {"parent": "t_x#0", "depth": 1, "reason": "test", "timestamps": moments}
    assert states.waits_of(clone) == {"b", "v"}


@pytest.mark.parametrize(
    ("roles", "held", "unless_seen", "created"),
    [
        # the instance waits for "b"; "e" is the task's andEvery
        ({"unless": ("e",)}, {"e": {}}, (), False),
        ({"unless": ("e", "u")}, {"e": {}}, (), False),
        ({"unless": ("u",)}, {}, (), False),
        ({"unless": ("e",)}, {}, ("e",), False),
        ({"unless": ("e", "u")}, {"e": {}}, ("e",), True),
        ({"unless": ("u",)}, {"e": {}}, ("e",), True),
        ({}, {"e": {}}, ("e",), True),
    ],
)
def test_and_every_makes_an_instance_only_if_none_takes_it_in_any_role(roles, held, unless_seen, created):
    waiting = TaskInstance(
        task=task(after=("b",), and_every="e", **roles),
        number=0,
        kwargs=held,
        unless_seen=frozenset(unless_seen),
    )
    view = FireView(tasks=(waiting.task,), waiting=(waiting,), counts={"t_x": 1})
    plan = states.plan_fire(view, "e", {}, now=NOW)
    assert [fresh.name for fresh in plan.created] == (["t_x#1"] if created else [])
    assert ("t_x#0" in plan.touched) is not created


@pytest.mark.parametrize("status", list(S))
@pytest.mark.parametrize("unless_seen", [frozenset(), frozenset({"u"})])
@pytest.mark.parametrize("kwargs", [{}, {"a": {}}])
def test_what_an_instance_may_be_done_to(status, unless_seen, kwargs):
    instance = TaskInstance(
        task=task(after=("a",), unless=("u",)),
        number=0,
        status=status,
        kwargs=kwargs,
        unless_seen=unless_seen,
    )
    unstarted = status is S.UNSTARTED
    assert instance.can_schedule is unstarted
    assert instance.can_abandon is (unstarted and bool(unless_seen))
    assert instance.can_run is (unstarted and bool(kwargs) and not unless_seen)
    assert instance.can_replay is instance.can_skip is (status is S.FAILED)


@pytest.mark.parametrize("status", list(S))
@pytest.mark.parametrize("level", [None, logging.WARNING, logging.ERROR - 1, logging.ERROR, logging.CRITICAL])
@pytest.mark.parametrize("marked", [None, False, True])
def test_logs_are_resolved_when_marked_or_harmless_or_of_no_matter(status, level, marked):
    metadata = {
        key: value for key, value in {"logLevel": level, "logsResolved": marked}.items() if value is not None
    }
    instance = TaskInstance(task=task(after=("a",)), number=0, status=status, metadata=metadata)
    past = status in {S.ABANDONED, S.REPLAYED, S.SKIPPED}
    harmless = level is None or level < logging.ERROR
    assert instance.logs_relevant is not past
    assert instance.logs_resolved is (past or harmless or marked is True)


@pytest.mark.parametrize(
    ("event", "kept"),
    [(Event.REOPEN, {"note"}), (Event.FINISH, {"note", "result"}), (Event.FAIL, {"note", "exceptionType"})],
)
def test_an_event_drops_what_an_earlier_outcome_left_in_the_metadata(event, kept):
    before = {"note": "mine", "result": {"n": 1}, "exceptionType": "builtins.ValueError"}
    failed = TaskInstance(task=task(after=("a",)), number=0, status=S.FAILED, metadata=before)
    assert states.transition(failed, event, now=NOW).metadata.keys() - {"timestamps"} == kept
