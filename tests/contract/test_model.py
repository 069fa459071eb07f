"""Random configurations and random histories, on every storage, compared with the plain model after each step.

The tests draw the same ones each time; `make fuzz` draws others.
"""

from __future__ import annotations

import itertools
import os
from collections import Counter

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from airflow_triggers.domain.fires import FireRequest
from airflow_triggers.domain.report import RequestedReplay, TaskReport
from airflow_triggers.domain.states import Event
from airflow_triggers.errors import IdempotencyConflict, InvalidTransition
from airflow_triggers.testing.contract.actors import RecordingRunner, RefusingRunner, TracedManager
from airflow_triggers.testing.contract.actors import registered as registered_for
from tests.contract.storages import InMemory, InRedis, OnPostgresql, OnSqlite
from tests.support.agreement import (
    assert_agree,
    assert_same_history,
    assert_same_unresolved_logs,
    effect_of,
)
from tests.support.counting import assert_columns_agree
from tests.support.model import REFUSING, Model, Refused

TASKS = ("t_0", "t_1", "t_2", "t_3")
TRIGGERS = ("a", "b", "c", *TASKS)
STATUSES = ("unstarted", "scheduled", "running", "finished", "failed", "replayed", "skipped", "abandoned")
STEPS = 50
USUAL_STEPS = 35
"""Some examples end before they have :data:`STEPS`."""

FACTOR = float(os.environ.get("TRIGGERS_FUZZ_FACTOR", "1"))
STEPS_IN_CI = 20_000
"""So many steps at least, over all storages."""

VALUE_ERROR = "builtins.ValueError"

values = st.none() | st.integers(0, 3) | st.lists(st.integers(0, 3), max_size=2)
values |= st.dictionaries(st.sampled_from("xy"), values, max_size=2)
kwargs = st.dictionaries(st.sampled_from("xyz"), values, max_size=2)
keys = st.none() | st.none() | st.sampled_from(["k", "l"])
triggers = st.lists(st.sampled_from(TRIGGERS), max_size=3, unique=True)
keyed = st.dictionaries(st.sampled_from((*TRIGGERS, "other")), kwargs, max_size=2)
directives = st.fixed_dictionaries(
    {
        "after": triggers,
        "run": st.just("dag"),
        "using": st.sampled_from(["recording", "recording", "recording", REFUSING]),
    },
    optional={"andEvery": st.sampled_from(TRIGGERS), "unless": triggers, "withParams": keyed},
).filter(lambda one: one["after"] or "andEvery" in one)
fires = st.lists(st.tuples(st.sampled_from(TRIGGERS), kwargs, keys), max_size=2)
cooldowns = st.none() | st.just(30.0)


def with_other_roles(directives):
    """The task's directives with its triggers in other roles; a trigger may have several, or none any more."""
    every = directives.get("andEvery")
    concerned = sorted({*directives["after"], *directives.get("unless", ()), *([every] if every else [])})
    roles = st.lists(st.sampled_from(concerned), unique=True)
    changed = st.fixed_dictionaries(
        {"after": roles}, optional={"andEvery": st.sampled_from(concerned), "unless": roles}
    )
    kept = {key: value for key, value in directives.items() if key not in ("after", "andEvery", "unless")}
    return changed.filter(lambda task: task["after"] or "andEvery" in task).map(lambda task: kept | task)


def draws(*statuses):
    """A precondition: some instance has one of the statuses."""
    return precondition(lambda self: self.model.in_status(*statuses))


class KeptStarts(RecordingRunner):
    """Remembers only what was kept."""

    def run(self, start):
        start.storage.after_release(lambda: self.started.append(start))


class Sessions(RuleBasedStateMachine):
    """One session, once for real and once in the model."""

    storage_of = None
    counted = None
    numbers = itertools.count()

    def __init__(self):
        super().__init__()
        self.runner = KeptStarts()
        self.registered = registered_for(self.runner, RefusingRunner())
        self.registered.__enter__()
        self.manager = TracedManager(type(self).storage_of(f"session-{next(self.numbers)}"))
        self.model = Model()

    def teardown(self):
        self.registered.__exit__(None, None, None)
        if self.manager.storage.exists:
            assert_same_history(self.manager.storage, self.model)
            assert_same_unresolved_logs(self.manager.storage, self.model)
            if self.manager.storage.in_airflow_database:
                assert_columns_agree()

    def drawn(self, choice, *statuses):
        return choice.draw(st.sampled_from(self.model.in_status(*(statuses or STATUSES))))

    @initialize(tasks=st.dictionaries(st.sampled_from(TASKS), directives, min_size=2, max_size=4))
    def begin_with(self, tasks):
        self.configure(tasks)

    @rule(tasks=st.dictionaries(st.sampled_from(TASKS), directives, min_size=1, max_size=2))
    def update(self, tasks):
        self.configure(tasks)

    @precondition(lambda self: self.model.in_status("unstarted"))
    @rule(choice=st.data())
    def change_the_roles_of_triggers(self, choice):
        task = self.model.get(self.drawn(choice, "unstarted")).task
        self.configure({task: choice.draw(with_other_roles(self.model.tasks[task]))})

    def configure(self, tasks):
        self.manager.update_configuration(tasks)
        self.model.configure(tasks)

    @rule(trigger=st.sampled_from(TRIGGERS), kwargs=kwargs, key=keys)
    def fire(self, trigger, kwargs, key):
        try:
            expected, repeated = self.model.fire(trigger, kwargs, key)
        except Refused:
            with pytest.raises(IdempotencyConflict):
                self.manager.fire(trigger, kwargs, idempotency_key=key)
            return
        result = self.manager.fire(trigger, kwargs, idempotency_key=key)
        assert (effect_of(result), result.repeated) == (effect_of(expected), repeated)

    @rule(trigger=st.sampled_from(("a", "b", "c")), kwargs=kwargs)
    def fire_of_an_application(self, trigger, kwargs):
        self.fire(trigger, kwargs, None)

    # -- what comes of instances -----------------------------------------------------------------------------

    @draws("scheduled")
    @rule(choice=st.data())
    def start(self, choice):
        name = self.drawn(choice, "scheduled")
        self.manager.record_progress(name, Event.START)
        self.model.begin(name)

    @draws("scheduled", "running")
    @rule(choice=st.data(), result=kwargs, fires=st.just([]) | fires)
    def finish(self, choice, result, fires):
        name = self.drawn(choice, "scheduled", "running")
        asked = tuple(
            FireRequest(trigger_name=trigger, trigger_kwargs=kwargs, idempotency_key=key)
            for trigger, kwargs, key in fires
        )
        self.manager.record_progress(
            name,
            Event.FINISH,
            metadata={"result": result},
            cascade=True,
            cascade_kwargs=result,
            report=TaskReport(fires=asked, metadata={"rows": len(fires)}, log_level=30),
        )
        self.model.finish(name, result, fires, rows=len(fires), logLevel=30)

    @draws("scheduled", "running")
    @rule(choice=st.data(), unheard=fires)
    def fail(self, choice, unheard):
        name = self.drawn(choice, "scheduled", "running")
        report = TaskReport(
            exception={"exceptionType": VALUE_ERROR},
            fires=tuple(FireRequest(trigger_name=trigger) for trigger, _, _ in unheard),
            log_level=40,
        )
        self.manager.record_progress(name, Event.FAIL, report=report)
        self.model.fail(name, VALUE_ERROR, logLevel=40)

    @draws("scheduled", "running")
    @rule(choice=st.data())
    def skips_itself(self, choice):
        name = self.drawn(choice, "scheduled", "running")
        self.manager.record_progress(name, Event.WAIVE, report=TaskReport(metadata={"why": "no need"}))
        self.model.waive(name, why="no need")

    @draws("scheduled", "running")
    @rule(choice=st.data(), replacement=st.none() | keyed, cooldown=cooldowns)
    def asks_to_be_run_again(self, choice, replacement, cooldown):
        name = self.drawn(choice, "scheduled", "running")
        retries = self.model.get(name).metadata.get("retries", 0) + 1
        retry = RequestedReplay(replacement_kwargs=replacement, cooldown=cooldown, retries=retries)
        exception = {"exceptionType": VALUE_ERROR}
        self.manager.record_progress(name, Event.FAIL, report=TaskReport(exception=exception, retry=retry))
        self.model.fail(name, VALUE_ERROR)
        waits = {"cooldown": cooldown} if cooldown else {}
        self.model.replay(name, replacement, retries=retries, **waits)

    # -- repairs ---------------------------------------------------------------------------------------------

    @precondition(lambda self: self.model.instances)
    @rule(choice=st.data(), replacement=st.none() | keyed, cooldown=cooldowns)
    def replay(self, choice, replacement, cooldown):
        name = self.drawn(choice, *(["failed"] if self.model.in_status("failed") else STATUSES))
        try:
            expected = self.model.replay(name, replacement, **({"cooldown": cooldown} if cooldown else {}))
        except Refused:
            with pytest.raises(InvalidTransition, match=f"replay {name}"):
                self.manager.replay_failed_instance(name, replacement)
            return
        clone = self.manager.replay_failed_instance(name, replacement, cooldown=cooldown)
        assert (clone.name, clone.depth) == (expected.name, expected.depth)

    @precondition(lambda self: self.model.instances)
    @rule(choice=st.data(), replacement=st.none() | keyed, by_name=st.booleans())
    def clone(self, choice, replacement, by_name):
        name = self.drawn(choice, *(["unstarted"] if self.model.in_status("unstarted") else STATUSES))
        with self.manager.storage.acquire_lock() as storage:
            original = name if by_name else storage[name]
            clone = storage.clone_instance(original, kwargs=replacement, metadata={"ticket": 8})
        assert clone.name == self.model.clone(name, replacement, ticket=8).name

    @precondition(lambda self: self.model.instances)
    @rule(choice=st.data(), cascade=st.booleans(), result=st.none() | kwargs)
    def skip(self, choice, cascade, result):
        name = self.drawn(choice, *(["failed"] if self.model.in_status("failed") else STATUSES))
        try:
            self.model.skip(name, cascade, result)
        except Refused:
            with pytest.raises(InvalidTransition, match=f"skip {name}"):
                self.manager.skip_failed_instance(name, cascade, result)
            return
        self.manager.skip_failed_instance(name, cascade, result)

    @precondition(lambda self: self.model.instances)
    @rule(
        choice=st.data(),
        status=st.sampled_from(("unstarted", "scheduled", "failed", *STATUSES)),
        cascade=st.booleans(),
        kwargs=st.none() | kwargs,
    )
    def set_status(self, choice, status, cascade, kwargs):
        name = self.drawn(choice)
        self.manager.update_instance_status(name, status, {"ticket": 7}, cascade, kwargs)
        self.model.set_status(name, status, cascade, kwargs, ticket=7)

    @precondition(lambda self: self.model.instances)
    @rule(choice=st.data(), kwargs=kwargs)
    def set_metadata(self, choice, kwargs):
        name = self.drawn(choice)
        self.manager.update_instance_metadata(name, kwargs)
        self.manager.mark_instance_logs_resolved(name)
        self.model.set_metadata(name, **kwargs, logsResolved=True)

    @invariant()
    def both_say_the_same(self):
        self.counted["steps"] += 1
        with self.manager.storage.consistent_read():
            assert_agree(self.manager.storage, self.model)
        started = [(start.instance.name, start.kwargs) for start in self.runner.started]
        assert sorted(started, key=repr) == sorted(self.model.started, key=repr)
        trace = [  # in which order one fire starts several tasks is left open
            (kind, name, sorted(it) if kind == "fire" else it) for kind, name, it in self.manager.trace
        ]
        assert trace == self.model.hooks


SHARES = {"memory": 10_000, "sqlite": 3_500, "postgresql": 3_500, "redis": 3_000}
"""So many steps are compared on each storage, at least; an example has up to :data:`STEPS` of them."""


def compare(storage_of, share):
    """Compare at least the share's steps."""
    counted = Counter()
    machine = type("Machine", (Sessions,), {"storage_of": staticmethod(storage_of), "counted": counted})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=int(FACTOR * share / USUAL_STEPS) + 5,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=FACTOR <= 1,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert counted["steps"] >= FACTOR * share


class Compared:
    """A storage, named by :attr:`kept_in`, against the model."""

    @pytest.mark.timeout(7200 if FACTOR > 1 else 600)
    def test_random_sessions_behave_like_the_model(self):
        compare(self.storage_of, SHARES[self.kept_in])


class TestMemory(InMemory, Compared):
    kept_in = "memory"


class TestSqlite(OnSqlite, Compared):
    kept_in = "sqlite"


class TestPostgresql(OnPostgresql, Compared):
    kept_in = "postgresql"


class TestRedis(InRedis, Compared):
    kept_in = "redis"


def test_enough_steps_are_compared():
    assert sum(SHARES.values()) >= STEPS_IN_CI
