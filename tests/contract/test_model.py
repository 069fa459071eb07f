"""Random configurations and random histories, on every storage, compared with the plain model after each step.

The tests draw the same ones each time; `make fuzz` draws others.
"""

from __future__ import annotations

import itertools
import os

import pytest
from dogpile.cache import make_region
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from airflow_triggers.manager import TriggerManager
from airflow_triggers.states import Event
from airflow_triggers.storages.cache import CacheStorageBackend
from airflow_triggers.storages.sql import SqlStorageBackend
from tests.support.model import Model
from tests.support.runners import RecordingRunner, registered

TASKS = ("t_0", "t_1", "t_2", "t_3")
TRIGGERS = ("a", "b", "c", *TASKS)
STEPS = 40
FACTOR = int(os.environ.get("TRIGGERS_FUZZ_FACTOR", "1"))

kwargs = st.dictionaries(st.sampled_from("xy"), st.integers(0, 3), max_size=2)
triggers = st.lists(st.sampled_from(TRIGGERS), max_size=3, unique=True)
directives = st.fixed_dictionaries(
    {"after": triggers, "run": st.just("dag"), "using": st.just("recording")},
    optional={"andEvery": st.sampled_from(TRIGGERS), "unless": triggers},
).filter(lambda one: one["after"] or "andEvery" in one)


class Sessions(RuleBasedStateMachine):
    """One session, once for real and once in the model."""

    storage_of = None
    numbers = itertools.count()

    def __init__(self):
        super().__init__()
        self.runner = registered(RecordingRunner())
        self.manager = TriggerManager(type(self).storage_of(f"session-{next(self.numbers)}"))
        self.model = Model()

    def in_status(self, *statuses):
        return sorted(one.name for one in self.model.instances if one.status in statuses)

    @rule(tasks=st.dictionaries(st.sampled_from(TASKS), directives, min_size=1, max_size=3))
    def configure(self, tasks):
        self.manager.update_configuration(tasks)
        self.model.configure(tasks)

    @rule(trigger=st.sampled_from(TRIGGERS), kwargs=kwargs)
    def fire(self, trigger, kwargs):
        before = len(self.model.scheduled)
        result = self.manager.fire(trigger, kwargs)
        self.model.fire(trigger, kwargs)
        assert sorted(result.scheduled) == sorted(self.model.scheduled[before:])

    @precondition(lambda self: self.in_status("scheduled"))
    @rule(choice=st.data(), result=kwargs, fails=st.booleans())
    def end(self, choice, result, fails):
        name = choice.draw(st.sampled_from(self.in_status("scheduled")))
        if fails:
            self.manager.record_progress(name, Event.FAIL)
            self.model.get(name).status = "failed"
        else:
            self.manager.record_progress(name, Event.FINISH, cascade=True, cascade_kwargs=result)
            self.model.finish(name, result)

    @precondition(lambda self: self.in_status("failed"))
    @rule(
        choice=st.data(),
        replacement=st.none() | st.dictionaries(st.sampled_from(TRIGGERS), kwargs, max_size=2),
    )
    def replay(self, choice, replacement):
        name = choice.draw(st.sampled_from(self.in_status("failed")))
        clone = self.manager.replay_failed_instance(name, replacement)
        self.model.replay(name, replacement)
        assert (clone.metadata["parent"], clone.depth) == (name, self.model.instances[-1].depth)

    @precondition(lambda self: self.in_status("failed"))
    @rule(choice=st.data(), cascade=st.booleans(), result=kwargs)
    def skip(self, choice, cascade, result):
        name = choice.draw(st.sampled_from(self.in_status("failed")))
        self.manager.skip_failed_instance(name, cascade, result)
        self.model.skip(name, cascade, result)

    @precondition(lambda self: self.model.instances)
    @rule(choice=st.data(), status=st.sampled_from(["unstarted", "scheduled", "failed", "finished"]))
    def set_status(self, choice, status):
        name = choice.draw(st.sampled_from(sorted(one.name for one in self.model.instances)))
        self.manager.update_instance_status(name, status)
        self.model.get(name).status = status

    @invariant()
    def both_say_the_same(self):
        storage = self.manager.storage
        assert {
            name: (one.status.value, one.kwargs, set(one.unless_seen), one.metadata.get("parent"))
            for name, one in storage.instances.items()
        } == {one.name: (one.status, one.kwargs, one.unless_seen, one.parent) for one in self.model.instances}
        assert storage.latest_kwargs == self.model.latest
        assert {task.name for task in storage.get_unresolved_tasks()} == self.model.unresolved_tasks
        assert sorted(self.runner.names) == sorted(self.model.scheduled)


def compare(storage_of, *, examples):
    machine = type("Machine", (Sessions,), {"storage_of": staticmethod(storage_of)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=FACTOR * examples,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=FACTOR == 1,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.timeout(7200 if FACTOR > 1 else 600)
def test_a_session_in_a_cache_behaves_like_the_model():
    region = make_region().configure("dogpile.cache.memory")
    compare(lambda uid: CacheStorageBackend(uid, region=region), examples=400)


@pytest.mark.timeout(7200 if FACTOR > 1 else 600)
def test_a_session_in_a_database_behaves_like_the_model(airflow_db):
    compare(SqlStorageBackend, examples=80)
