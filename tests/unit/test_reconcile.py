"""What fires of the past make of rules that changed: by example, and against the plain model."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from airflow_triggers.domain.configuration import TaskConfig
from airflow_triggers.domain.fires import Fire
from airflow_triggers.domain.instances import InstanceStatus, TaskInstance
from airflow_triggers.domain.reconcile import Diff, reconcile, retire
from airflow_triggers.domain.states import Event, new_instance, transition
from tests.support.model import Model
from tests.support.pasts import PastSession

NOW = datetime(2026, 5, 1, tzinfo=UTC)
TASKS = ("t_0", "t_1", "t_2")
TRIGGERS = ("a", "b", "c", *TASKS)

kwargs = st.dictionaries(st.sampled_from("xy"), st.integers(0, 3), max_size=2)
triggers = st.lists(st.sampled_from(TRIGGERS), max_size=3, unique=True)
directives = st.fixed_dictionaries(
    {"after": triggers, "run": st.just("dag")},
    optional={"andEvery": st.sampled_from(TRIGGERS), "unless": triggers},
).filter(lambda task: task["after"] or "andEvery" in task)
configurations = st.dictionaries(st.sampled_from(TASKS), directives, min_size=1)
histories = st.lists(st.tuples(st.sampled_from(TRIGGERS), kwargs), max_size=25)


def task(**directives):
    return TaskConfig.from_directives("t_0", {"after": [], "run": "dag", **directives})


def fires(*names):
    """One fire each, whose kwargs have its number."""
    return [
        Fire(fire_id=number, trigger_name=name, kwargs={"n": number}, fired_at=NOW)
        for number, name in enumerate(names, start=1)
    ]


def state(name, status, kwargs, unless_seen):
    """An instance in a form that can be compared and sorted."""
    by_trigger = {trigger: dict(sorted(values.items())) for trigger, values in sorted(kwargs.items())}
    return name, str(status), by_trigger, sorted(unless_seen)


def state_of(instance):
    return state(instance.name, instance.status, instance.kwargs, instance.unless_seen)


def model_of(tasks, history):
    model = Model()
    model.configure(tasks)
    for trigger, kwargs in history:
        model.fire(trigger, kwargs)
    return [state(one.name, one.status, one.kwargs, one.unless_seen) for one in model.instances]


def after(session: PastSession, diff: Diff):
    """The session's instances once the difference is applied."""
    changed = {change.before.name: change.after for change in diff.changes}
    instances = [changed.get(instance.name, instance) for instance in session.instances]
    return [*instances, *diff.create]


# -- properties -------------------------------------------------------------------------------------------------


@settings(max_examples=300, deadline=None, derandomize=True)
@given(tasks=configurations, history=histories)
def test_all_fires_make_of_an_empty_session_what_they_make_one_by_one(tasks, history):
    past = PastSession({})
    for trigger, kwargs in history:
        past.fire(trigger, kwargs)
    diff = reconcile(configured(tasks), past.fires, [], now=NOW)
    assert sorted(map(state_of, diff.create), key=repr) == sorted(model_of(tasks, history), key=repr)
    assert not diff.changes


def configured(tasks):
    return [TaskConfig.from_directives(name, task) for name, task in tasks.items()]


acts = st.lists(
    st.tuples(st.sampled_from(TRIGGERS), kwargs)
    | st.tuples(st.sampled_from(["finish", "fail", "replay", "clone", "make"]), st.integers(0, 9)),
    max_size=30,
)


def played(tasks, acts):
    """A session after these acts."""
    session = PastSession(tasks)
    for name, argument in acts:
        if name in TRIGGERS:
            session.fire(name, argument)
        else:
            session.act(name, argument)
    return session


@settings(max_examples=300, deadline=None, derandomize=True)
@given(tasks=configurations, acts=acts)
def test_rules_that_were_there_from_the_start_change_nothing(tasks, acts):
    session = played(tasks, acts)
    diff = reconcile(configured(tasks), session.fires, session.instances, now=NOW)
    assert diff.is_empty, diff
    assert {instance.name for instance in diff.keep} == {instance.name for instance in session.instances}


@settings(max_examples=300, deadline=None, derandomize=True)
@given(earlier=configurations, later=configurations, acts=acts)
def test_what_has_run_stays_and_a_second_time_changes_nothing(earlier, later, acts):
    session = played(earlier, acts)
    tasks = configured(later)
    instances = session.under(tasks)
    diff = reconcile(tasks, session.fires, instances, now=NOW)
    for change in diff.changes:
        assert change.before.status is InstanceStatus.UNSTARTED
        assert not change.before.was_scheduled
        assert "parent" not in change.before.metadata
    session.instances = instances
    result = after(session, diff)
    names = [instance.name for instance in result]
    assert len(names) == len(set(names))
    again = reconcile(tasks, session.fires, result, now=NOW)
    assert again.is_empty, again


only_fires = st.lists(st.tuples(st.sampled_from(TRIGGERS), kwargs), max_size=25)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(earlier=configurations, later=configurations, history=only_fires)
def test_a_session_in_which_nothing_has_run_becomes_what_the_new_rules_would_have_made(
    earlier, later, history
):
    session = played(earlier, history)
    assume(all(instance.status is InstanceStatus.UNSTARTED for instance in session.instances))
    tasks = configured(later)
    session.instances = session.under(tasks)
    result = after(session, reconcile(tasks, session.fires, session.instances, now=NOW))
    expected = [contents(of_instance) for of_instance in model_of(later, history)]
    surplus = [instance for instance in result if is_surplus(instance, session)]
    kept = [contents(state_of(instance)) for instance in result if instance not in surplus]
    # An instance that holds nothing takes the next fires as one that they make does.
    blank = [of_instance for of_instance in kept if of_instance[1:] == ("unstarted", {}, [])]
    filled = [of_instance for of_instance in kept if of_instance not in blank]
    assert sorted(filled, key=repr) == sorted(expected, key=repr)
    assert len(blank) == len({task for task, *_ in blank})


@settings(max_examples=300, deadline=None, derandomize=True)
@given(earlier=configurations, later=configurations, history=only_fires)
def test_tasks_that_were_removed_and_come_back_get_what_the_rules_would_have_made(earlier, later, history):
    session = played(earlier, history)
    assume(all(instance.status is InstanceStatus.UNSTARTED for instance in session.instances))
    session.instances = after(session, retire(session.instances, now=NOW))
    removed = {instance.name for instance in session.instances}
    tasks = configured(later)
    session.instances = session.under(tasks)
    diff = reconcile(tasks, session.fires, session.instances, now=NOW)
    assert not diff.changes
    made = [contents(state_of(instance)) for instance in diff.create]
    blank = [of_instance for of_instance in made if of_instance[1:] == ("unstarted", {}, [])]
    expected = [contents(of_instance) for of_instance in model_of(later, history)]
    assert sorted([one for one in made if one not in blank], key=repr) == sorted(expected, key=repr)
    # A fire makes no first instance for a task that had one, so a blank one waits.
    had_one = {name.partition("#")[0] for name in removed}
    assert {name for name, *_ in blank} == (had_one & later.keys()) - {name for name, *_ in expected}
    assert not removed & {instance.name for instance in diff.create}
    session.instances = after(session, diff)
    assert reconcile(tasks, session.fires, session.instances, now=NOW).is_empty


def contents(of_instance):
    name, status, kwargs, unless_seen = of_instance
    return name.partition("#")[0], status, kwargs, unless_seen


def is_surplus(instance, session):
    """Whether it was abandoned since the rules make none such."""
    return instance.status is InstanceStatus.ABANDONED and not (
        instance.task.unless and instance.unless_seen.issuperset(instance.task.unless)
    )


# -- by example -------------------------------------------------------------------------------------------------


def test_a_new_task_gets_its_instance_and_starts():
    diff = reconcile([task(after=["a", "b"])], fires("a", "b", "a"), [], now=NOW)
    (instance,) = diff.create
    assert state_of(instance) == ("t_0#0", "scheduled", {"a": {"n": 1}, "b": {"n": 2}}, [])
    assert diff.starting == (instance,)
    assert instance.metadata["appliedFires"] == {"a": 1, "b": 2}
    assert instance.metadata["actualKwargs"] == {"a": {"n": 1}, "b": {"n": 2}}
    assert instance.metadata["timestamps"]["created"] == NOW.isoformat()


def test_a_waiting_instance_takes_the_fire_that_came_before_its_rule():
    before = PastSession({"t_0": {"after": ["a", "c"], "run": "dag"}})
    for name in ("b", "a"):
        before.fire(name, {})
    waiting = replace(before.instances[0], task=task(after=["a", "b"]))
    diff = reconcile([waiting.task], before.fires, [waiting], now=NOW)
    ((change,), ()) = diff.schedule, diff.create
    assert change.before is waiting
    assert change.after.kwargs == {"a": {}, "b": {}}


def test_what_has_run_counts_as_the_only_instance_of_a_task_without_and_every():
    session = PastSession({"t_0": {"after": ["a"], "run": "dag"}})
    session.fire("a", {})
    session.act("finish", 0)
    ran = replace(session.instances[0], task=task(after=["b"]))
    session.fire("b", {})
    diff = reconcile([ran.task], session.fires, [ran], now=NOW)
    assert diff == Diff(keep=(ran,))


def test_each_fire_of_and_every_has_one_instance_whenever_it_was_made():
    session = PastSession({})
    for _ in range(3):
        session.fire("page", {})
    session.configure({"t_0": {"after": [], "andEvery": "page", "run": "dag"}})
    session.fire("page", {"n": 4})
    diff = reconcile(session.tasks, session.fires, session.instances, now=NOW)
    assert [instance.metadata["appliedFires"] for instance in diff.create] == [{"page": n} for n in (1, 2, 3)]
    assert [instance.name for instance in diff.create] == ["t_0#1", "t_0#2", "t_0#3"]
    assert diff.keep == tuple(session.instances)


def test_waiting_instances_that_the_rules_no_longer_make_are_abandoned():
    session = PastSession({"t_0": {"after": ["x"], "andEvery": "page", "run": "dag"}})
    for _ in range(3):
        session.fire("page", {})
    session.instances = session.under([task(after=["page", "y"])])
    diff = reconcile([task(after=["page", "y"])], session.fires, session.instances, now=NOW)
    assert [change.after.name for change in diff.abandon] == ["t_0#1", "t_0#2"]
    assert [instance.name for instance in diff.keep] == ["t_0#0"]


def test_the_only_waiting_instance_stays_where_none_of_the_new_triggers_has_fired():
    session = PastSession({"t_0": {"after": ["a", "x"], "run": "dag"}})
    session.fire("a", {})
    session.instances = session.under([task(after=["b"])])
    diff = reconcile([task(after=["b"])], session.fires, session.instances, now=NOW)
    (change,) = diff.change
    assert (change.after.kwargs, change.after.status) == ({}, InstanceStatus.UNSTARTED)


def test_an_instance_that_was_abandoned_is_not_revived():
    session = PastSession({"t_0": {"after": ["a"], "unless": ["u"], "run": "dag"}})
    session.fire("u", {})
    session.fire("a", {})
    session.instances = session.under([task(after=["a"])])
    assert reconcile([task(after=["a"])], session.fires, session.instances, now=NOW).is_empty


def test_an_earlier_unless_counts_from_the_start():
    diff = reconcile([task(after=["a"], unless=["u"])], fires("u", "a"), [], now=NOW)
    assert [instance.status for instance in diff.create] == [InstanceStatus.ABANDONED]
    diff = reconcile([task(after=["a"], unless=["u"])], fires("a", "u"), [], now=NOW)
    assert [instance.status for instance in diff.create] == [InstanceStatus.SCHEDULED]


def test_instances_of_a_removed_task_that_wait_are_abandoned_and_the_others_stay():
    removed = task(after=["a"])
    waiting = new_instance(removed, 0, now=NOW)
    scheduled = transition(new_instance(removed, 1, now=NOW), Event.SCHEDULE, now=NOW)
    diff = retire([waiting, scheduled], now=NOW)
    assert [change.after.status for change in diff.abandon] == [InstanceStatus.ABANDONED]
    assert diff.keep == (scheduled,)


@pytest.mark.parametrize("count", [4_000])
def test_thousands_of_fires_and_waiting_instances_are_one_look_each(count, monkeypatch):
    past = fires(*["page"] * count, "go")
    looks = 0
    original = TaskInstance.lacks.fget

    def counting(instance):
        nonlocal looks
        looks += 1
        return original(instance)

    monkeypatch.setattr(TaskInstance, "lacks", property(counting))
    made = reconcile([task(after=["go"], andEvery="page")], past, [], now=NOW).create
    assert len(made) == count
    assert looks < 10 * count
