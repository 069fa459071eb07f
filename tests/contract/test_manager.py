"""Every method of TriggerManager over every storage: SEMANTICS, "the manager's other methods"."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from airflow_triggers.errors import (
    ConfigurationError,
    IdempotencyConflict,
    InstanceNotFound,
    InvalidMetadata,
    InvalidTransition,
    InvalidTrigger,
)
from airflow_triggers.manager import TriggerManager
from airflow_triggers.states import Event
from airflow_triggers.storages import tables
from airflow_triggers.storages.cache import CacheStorageBackend
from airflow_triggers.storages.transaction import transaction
from airflow_triggers.types import InstanceStatus
from tests.support.runners import RecordingRunner, RefusingRunner, registered


class Traced(TriggerManager):
    """Keeps a trace of its hooks, and raises in the one it is told to."""

    name = "traced"
    default_task_runner_name = "recording"

    def __init__(self, storage):
        super().__init__(storage)
        self.trace, self.raises = [], set()

    def _note(self, *entry):
        self.trace.append(entry)
        if entry[0] in self.raises:
            raise RuntimeError(f"{entry[0]} is broken")

    def _post_fire(self, trigger_name, tasks_scheduled):
        self._note("fire", trigger_name, [instance.name for instance in tasks_scheduled])

    def _post_replay(self, task_instance):
        self._note("replay", task_instance.name, self.storage[task_instance.metadata["parent"]].status.value)

    def _post_skip(self, task_instance, cascade):
        self._note("skip", task_instance.name, cascade)


@pytest.fixture
def runner():
    registered(RefusingRunner())
    return registered(RecordingRunner())


@pytest.fixture
def manager(storage_of, runner):
    return Traced(storage_of("survey-1"))


def configure(manager, **tasks):
    manager.update_configuration({name: {"run": "a_dag", **directives} for name, directives in tasks.items()})


def statuses(manager):
    return {name: one.status.value for name, one in manager.storage.instances.items()}


def fail(manager, name):
    manager.record_progress(
        name, Event.FAIL, metadata={"exceptionType": "builtins.ValueError", "exceptionInfo": "tb"}
    )


def test_fire_says_what_it_did(manager, runner):
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


def test_a_trigger_that_no_task_uses_is_recorded(manager):
    configure(manager, t_a={"after": ["x"]})
    result = manager.fire("unheard", {"n": 1}, fired_by="somebody")
    assert result.touched == ()
    (fire,) = manager.storage.fires()
    assert (fire.trigger_name, fire.kwargs, fire.fired_by) == ("unheard", {"n": 1}, "somebody")
    assert manager.storage.latest_kwargs == {"unheard": {"n": 1}}


def test_and_every_with_late_after_and_kwargs(manager, runner):
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


def test_an_update_adds_and_replaces_tasks_and_makes_no_instances(manager):
    configure(manager, t_a={"after": ["x"]})
    manager.fire("y")
    configure(manager, t_b={"after": ["y"]})
    assert set(manager.storage.tasks) == {"t_a", "t_b"}
    assert statuses(manager) == {}


def test_a_replaced_task_changes_what_its_waiting_instances_wait_for(manager):
    configure(manager, t_a={"after": ["x", "y"]})
    manager.fire("x")
    configure(manager, t_a={"after": ["x", "z"]})
    assert manager.storage["t_a#0"].missing == {"z"}
    manager.fire("y")
    assert statuses(manager) == {"t_a#0": "unstarted"}
    manager.fire("z")
    assert statuses(manager) == {"t_a#0": "scheduled"}


def test_a_replaced_task_that_needs_less_is_settled_by_the_next_fire_that_concerns_it(manager):
    configure(manager, t_a={"after": ["x", "y"]})
    manager.fire("x")
    configure(manager, t_a={"after": ["x"]})
    assert statuses(manager) == {"t_a#0": "unstarted"}
    manager.fire("x")
    assert statuses(manager) == {"t_a#0": "scheduled"}


def test_an_invalid_configuration_changes_nothing(manager):
    configure(manager, t_a={"after": ["x"]})
    with pytest.raises(ConfigurationError, match="t_b"):
        manager.update_configuration({"t_b": {"run": "a_dag"}})
    assert set(manager.storage.tasks) == {"t_a"}


def test_an_unknown_runner_is_refused_with_the_task_and_the_known_ones(manager):
    with pytest.raises(ConfigurationError, match=r"t_a.*using.*recordng.*Did you mean 'recording'"):
        configure(manager, t_a={"after": ["x"], "using": "recordng"})
    assert not manager.storage.exists


def test_what_cannot_be_started_fails_with_the_reason_and_the_fire_holds(manager):
    configure(manager, t_a={"after": ["x"], "using": "refusing"}, t_b={"after": ["x"]})
    assert manager.fire("x").scheduled == ("t_a#0", "t_b#0")
    assert statuses(manager) == {"t_a#0": "failed", "t_b#0": "scheduled"}
    assert manager.storage["t_a#0"].metadata["exceptionType"] == "airflow_triggers.errors.RunnerError"
    assert "cannot be started here" in manager.storage["t_a#0"].metadata["exceptionInfo"]


def test_finishing_cascades_with_the_result(manager, runner):
    configure(manager, t_a={"after": ["x"]}, t_b={"after": ["t_a"]})
    manager.fire("x")
    manager.record_progress(
        "t_a#0", Event.FINISH, metadata={"result": {"n": 1}}, cascade=True, cascade_kwargs={"n": 1}
    )
    assert statuses(manager) == {"t_a#0": "finished", "t_b#0": "scheduled"}
    assert manager.storage["t_b#0"].kwargs == {"t_a": {"n": 1}}
    assert manager.storage.fires()[0].fired_by == "t_a#0"


def test_a_replay_clones_with_the_current_configuration(manager, runner):
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


def test_replacement_kwargs_replace_all_kwargs(manager, runner):
    configure(manager, t_a={"after": ["x", "y"]})
    manager.fire("x", {"n": 1})
    manager.fire("y")
    fail(manager, "t_a#0")
    manager.replay_failed_instance("t_a#0", {"x": {"n": 2}})
    assert runner.started[-1].kwargs == {"x": {"n": 2}}


def test_only_failed_instances_are_replayed_and_skipped(manager):
    configure(manager, t_a={"after": ["x"]})
    manager.fire("x")
    for act in (manager.replay_failed_instance, manager.skip_failed_instance):
        with pytest.raises(InvalidTransition, match="t_a#0: it is scheduled, and only failed"):
            act("t_a#0")
    with pytest.raises(InstanceNotFound, match="t_a#9"):
        manager.replay_failed_instance("t_a#9")


def test_a_skip_with_cascade_fires_the_task_with_the_result(manager, runner):
    configure(manager, t_a={"after": ["x"]}, t_b={"after": ["t_a"]})
    manager.fire("x")
    fail(manager, "t_a#0")
    manager.trace.clear()
    skipped = manager.skip_failed_instance(manager.storage["t_a#0"], cascade=True, result={"n": 5}, by="ann")
    assert skipped.status is InstanceStatus.SKIPPED
    assert (skipped.metadata["cascade"], skipped.metadata["result"]) == (True, {"n": 5})
    assert manager.storage["t_b#0"].kwargs == {"t_a": {"n": 5}}
    assert runner.skipped == [("t_a#0", "ann", {"n": 5})]
    assert manager.trace == [("fire", "t_a", ["t_b#0"]), ("skip", "t_a#0", True)]


def test_a_skip_without_cascade_fires_nothing(manager):
    configure(manager, t_a={"after": ["x"]}, t_b={"after": ["t_a"]})
    manager.fire("x")
    fail(manager, "t_a#0")
    manager.skip_failed_instance("t_a#0")
    assert statuses(manager) == {"t_a#0": "skipped"}
    assert [task.name for task in manager.storage.get_unresolved_tasks()] == ["t_b"]
    assert manager.storage.get_unresolved_instances() == []


def test_a_status_is_changed_by_hand_and_waits_follow(manager):
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


def test_metadata_is_merged_and_logs_are_marked(manager):
    configure(manager, t_a={"after": ["x"]})
    manager.fire("x")
    before = manager.storage["t_a#0"]
    manager.update_instance_metadata("t_a#0", {"ticket": 7, "logLevel": 40})
    assert [one.name for one in manager.storage.get_instances_with_unresolved_logs()] == ["t_a#0"]
    manager.mark_instance_logs_resolved("t_a#0")
    after = manager.storage["t_a#0"]
    assert (after.status, after.metadata["ticket"], after.logs_resolved) == (before.status, 7, True)
    assert after.last_modified > before.last_modified
    assert manager.storage.get_instances_with_unresolved_logs() == []


@pytest.mark.parametrize("metadata", [{"x": float("inf")}, {"x": object()}, ["x"]])
def test_metadata_that_json_cannot_hold_is_refused(manager, metadata):
    configure(manager, t_a={"after": ["x"]})
    manager.fire("x")
    with pytest.raises(InvalidMetadata, match="Metadata must be"):
        manager.update_instance_metadata("t_a#0", metadata)
    with pytest.raises(InvalidMetadata, match="Metadata must be"):
        manager.update_instance_status("t_a#0", "finished", metadata)
    assert statuses(manager) == {"t_a#0": "scheduled"}


def test_an_idempotency_key_counts_once(manager, runner):
    configure(manager, t_a={"andEvery": "x", "after": []})
    first = manager.fire("x", {"n": 1}, idempotency_key="k")
    again = manager.fire("x", {"n": 1}, idempotency_key="k")
    assert (again.fire_id, again.touched, again.repeated) == (first.fire_id, first.touched, True)
    assert runner.names == ["t_a#0"]
    with pytest.raises(IdempotencyConflict, match="'k' was used"):
        manager.fire("x", {"n": 2}, idempotency_key="k")


@pytest.mark.parametrize("key", ["", "x" * 251, "a\nb", 7])
def test_an_idempotency_key_of_another_form_is_refused(manager, key):
    configure(manager, t_a={"after": ["x"]})
    with pytest.raises(InvalidTrigger, match="idempotency key"):
        manager.fire("x", idempotency_key=key)
    assert manager.storage.fires() == []


def test_bad_kwargs_change_nothing(manager):
    configure(manager, t_a={"after": ["x"]})
    with pytest.raises(InvalidTrigger):
        manager.fire("x", ["not", "a", "mapping"])
    assert statuses(manager) == {}


def test_a_hook_that_raises_undoes_nothing_and_is_kept_for_later(manager):
    configure(manager, t_a={"after": ["x"]})
    manager.raises = {"fire"}
    assert manager.fire("x").scheduled == ("t_a#0",)
    assert statuses(manager) == {"t_a#0": "scheduled"}
    assert promised_hooks(manager.storage) == [("_post_fire", 1)]


def test_a_hook_that_ended_is_forgotten(manager):
    configure(manager, t_a={"after": ["x"]})
    manager.fire("x")
    assert manager.trace == [("fire", "x", ["t_a#0"])]
    assert promised_hooks(manager.storage) == []


def test_a_hook_may_fire(manager):
    configure(manager, t_a={"after": ["x"]}, t_b={"after": ["y"]})
    manager._post_fire = lambda trigger, scheduled: manager.fire("y") if trigger == "x" else None
    manager.fire("x")
    assert statuses(manager) == {"t_a#0": "scheduled", "t_b#0": "scheduled"}


def test_an_exception_under_the_lock_undoes_everything(manager, runner):
    configure(manager, t_a={"after": ["x"]})

    def fire_and_fail():
        with manager.storage.acquire_lock():
            manager.fire("x")
            raise RuntimeError("the caller changed its mind")

    with pytest.raises(RuntimeError, match="changed its mind"):
        fire_and_fail()
    assert statuses(manager) == {}
    assert manager.trace == []


def test_sessions_do_not_touch_each_other(manager, storage_of):
    other = Traced(storage_of("survey-2"))
    for one in (manager, other):
        configure(one, t_a={"after": ["x"]})
    manager.fire("x", {"n": 1})
    assert statuses(other) == {}
    assert other.storage.latest_kwargs == {}


def test_unicode_names_and_a_trigger_named_like_a_task(manager):
    configure(manager, t_größe={"after": ["späte Ankunft 😀"]}, t_next={"after": ["t_größe"]})
    manager.fire("t_größe", {"ü": "ß"})
    assert statuses(manager) == {"t_next#0": "scheduled"}
    manager.fire("späte Ankunft 😀")
    assert statuses(manager) == {"t_größe#0": "scheduled", "t_next#0": "scheduled"}


def promised_hooks(storage):
    """The hooks that are still to be called, and whether they were tried."""
    if isinstance(storage, CacheStorageBackend):
        return [(hook, 1) for _, hook, _ in storage.pending_hooks()]
    with transaction() as session:
        return [(row.hook, row.attempts) for row in session.execute(select(tables.hook))]
