"""What a run did and cannot be recorded fails its instance in the end, so that people can replay or skip it.

Whatever raises, at whichever step; in Airflow's database and in a session that is kept elsewhere. Not so where the
system is what fails: then the run is looked at again until it is back.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from airflow.utils.session import create_session as airflow_session
from sqlalchemy import select, update
from sqlalchemy.exc import DataError

from airflow_triggers import gateway
from airflow_triggers.controller import apply, loop
from airflow_triggers.controller.loop import Controller
from airflow_triggers.controller.unrecorded import MAX_ATTEMPTS
from airflow_triggers.domain.states import Event
from airflow_triggers.errors import (
    CannotDelay,
    DatabaseFailed,
    IdempotencyConflict,
    InvalidTransition,
    InvalidTrigger,
    LockTimeout,
    RegistryError,
    RunnerError,
    SchemaOutdated,
    StaleWrite,
    StorageError,
)
from airflow_triggers.history.evidence import why
from airflow_triggers.history.pages import history_of
from airflow_triggers.history.sentences import sentence_of
from airflow_triggers.manager.manager import TriggerManager, trigger_managers
from airflow_triggers.runners import bindings, promises
from airflow_triggers.sessions.describing import fires_of
from airflow_triggers.sessions.opening import create_session, fire_into, open_session
from airflow_triggers.storages import cache, tables
from airflow_triggers.storages.cache import CacheStorageBackend
from airflow_triggers.storages.sql import SqlStorageBackend
from tests.conftest import REDIS_URL
from tests.support.dags import play
from tests.support.surveys import statuses, view


class Unspeakable(Exception):
    """Cannot even be shown."""

    def __str__(self):
        raise ValueError("no words")


OWN_FAULTS = [
    OverflowError("date value out of range"),
    ValueError("a \0 and a lone \ud800"),
    RecursionError("too deep"),
    MemoryError(),
    OSError("the other system is away"),
    SystemExit(3),
    AssertionError(),
    Unspeakable(),
    InvalidTransition("finish", "t_import#0", "abandoned", ("running",)),
    IdempotencyConflict("used"),
    InvalidTrigger("unfit"),
    StaleWrite("another value"),
    CannotDelay("no fires for later"),
    RegistryError("not installed"),
    RunnerError("no"),
    DataError("INSERT", {}, Exception("integer out of range")),
]
SYSTEM_FAULTS = [DatabaseFailed("away"), LockTimeout("busy"), SchemaOutdated("old"), StorageError("gone")]


class Raising(TriggerManager):
    """Raises what it is told to when progress is recorded, or when it fires."""

    name = "raising"
    error: BaseException | None = None
    of_failures_too = False
    on_fire = False

    def record_progress(self, task_instance, event, **more):
        if self.error is not None and not self.on_fire and (self.of_failures_too or event is not Event.FAIL):
            raise self.error
        return super().record_progress(task_instance, event, **more)

    def fire(self, *args, **more):
        if self.error is not None and self.on_fire:
            raise self.error
        return super().fire(*args, **more)


@pytest.fixture
def raising(survey, monkeypatch):
    for name, value in (("error", None), ("of_failures_too", False), ("on_fire", False)):
        monkeypatch.setattr(Raising, name, value)
    trigger_managers.register("raising", Raising)
    yield Raising
    trigger_managers.unregister("raising")


@pytest.fixture(params=["sql", "cache"])
def kept_in(request, raising, monkeypatch):
    """The storage that keeps the sessions of the test."""
    if request.param == "cache":
        region = request.getfixturevalue("redis_region")
        monkeypatch.setattr(cache, "default_region", lambda: region)
        monkeypatch.setenv("AIRFLOW__TRIGGERS__CACHE_URL", REDIS_URL)
    return request.param


def begin(uid, storage):
    create_session(uid, configuration="survey", manager="raising", storage=storage)
    fire_into(uid, "firstPage", {"n": 1})


def passes(count=1):
    """So many passes, after each of which the pause of what failed is over."""
    for _ in range(count):
        Controller().run_once()
        with airflow_session() as session:
            paused = update(tables.run).where(tables.run.c.retry_at.is_not(None))
            session.execute(paused.values(retry_at=datetime.now(UTC)))


def tries():
    """The first try, the last but one, and the last: all that is between is alike."""
    passes()
    with airflow_session() as session:
        pending = update(tables.run).where(tables.run.c.failures == 1)
        session.execute(pending.values(failures=MAX_ATTEMPTS - 2))
    passes()
    yield
    passes()


def failures():
    with airflow_session() as session:
        return list(session.scalars(select(tables.run.c.failures).order_by(tables.run.c.run_id)))


def assert_movable(uid, *, name="t_import#0"):
    """The instance failed with a reason that says what to do; and a replay and a skip of the replay work."""
    instance = view(name, uid).instance
    assert instance.status == "failed", instance.status
    manager = TriggerManager(open_session(uid).storage)  # a manager that raises is repaired first
    clone = manager.replay_failed_instance(name)
    manager.update_instance_status(clone, "failed")
    assert manager.skip_failed_instance(clone).status == "skipped"
    return instance


# -- the instance's own faults --------------------------------------------------------------------------------


def reached(uid, status):
    """Bring the import to a status, and have Airflow do something with its run that is still to be recorded."""
    if status == "scheduled":
        play(view("t_import#0", uid), "success", result={"n": 1})
        return
    play(view("t_import#0", uid), {"finished": "success"}.get(status, status.replace("skipped", "failed")))
    passes()
    if status == "skipped":
        open_session(uid).skip_failed_instance("t_import#0")
    assert statuses(uid)["t_import#0"] == status
    play(view("t_import#0", uid), "success", result={"n": 2}, clear=status != "running")


@pytest.mark.parametrize("of_failures_too", [False, True], ids=["progress", "failures-too"])
@pytest.mark.parametrize("status", ["scheduled", "running", "failed", "finished", "skipped"])
def test_whatever_a_manager_raises_the_instance_can_be_moved_in_the_end(
    kept_in, raising, monkeypatch, status, of_failures_too
):
    monkeypatch.setattr(raising, "of_failures_too", of_failures_too)
    for number, error in enumerate(OWN_FAULTS if status == "running" else OWN_FAULTS[:1]):
        uid = f"order-{number}"
        begin(uid, kept_in)
        reached(uid, status)
        monkeypatch.setattr(raising, "error", error)
        for _ in tries():
            assert statuses(uid)["t_import#0"] == status
        monkeypatch.setattr(raising, "error", None)
        instance = assert_movable(uid)
        assert instance.metadata["exceptionType"] == "airflow_triggers.errors.ProgressNotRecorded"
        assert f"in {MAX_ATTEMPTS} tries" in instance.metadata["exceptionMessage"]
        assert type(error).__name__ in instance.metadata["exceptionMessage"]


STEPS = {
    "look": (gateway, "see_run"),
    "decide": (loop, "decide"),
    "observe": (loop, "observe_run"),
    "result": (gateway, "read_xcoms"),
    "tasks": (gateway, "task_states"),
    "cause": (apply, "cause_of"),
    "apply": (loop, "apply"),
    "note": (bindings, "note_applied"),
    "with_seen": (bindings, "with_seen"),
}


# What was seen of a run is kept in its row (note), or with a session that is kept elsewhere (with_seen).
@pytest.mark.parametrize(
    ("kept_in", "step"),
    [
        *(("sql", step) for step in STEPS if step != "with_seen"),
        *(("cache", step) for step in STEPS if step != "note"),
    ],
    indirect=["kept_in"],
)
def test_whichever_step_raises_the_instance_can_be_moved_in_the_end(kept_in, monkeypatch, step):
    def broken(*_, **__):
        raise OverflowError("too large")

    begin("order-1", kept_in)
    play(view("t_import#0"), "success")
    module, name = STEPS[step]
    with monkeypatch.context() as breaking:
        if module is bindings:
            # Only the loop's: failing the instance notes by the same functions.
            breaking.setattr(loop, "bindings", SimpleNamespace(**{**vars(bindings), name: broken}))
        else:
            breaking.setattr(module, name, broken)
        list(tries())
    assert_movable("order-1")


def test_what_a_fire_of_the_cascade_raises_fails_the_instance_that_ended(kept_in, raising, monkeypatch):
    begin("order-1", kept_in)
    play(view("t_import#0"), "success")
    monkeypatch.setattr(raising, "on_fire", True)
    monkeypatch.setattr(raising, "error", TypeError("no cascade today"))
    list(tries())
    monkeypatch.setattr(raising, "error", None)
    assert len(fires_of("order-1")) == 1, "nothing of the end is kept that cannot be kept whole"
    assert_movable("order-1")


@pytest.mark.parametrize(
    ("kept_in", "storage_class"),
    [("sql", SqlStorageBackend), ("cache", CacheStorageBackend)],
    indirect=["kept_in"],
)
def test_what_the_store_refuses_fails_the_instance_that_left_it(kept_in, monkeypatch, storage_class):
    """A cache takes the session whole, when all was applied: the other runs of the session still count."""
    put = storage_class.put

    def refusing(self, before, after):
        refused = after.name == "t_import#0" and after.status == "finished"
        put(self, before, _with_result(after, object()) if refused else after)

    begin("order-1", kept_in)
    again = {"after": [], "andEvery": "page", "run": "module:t_pages"}
    manager = open_session("order-1")
    with monkeypatch.context() as unchecked:
        unchecked.setattr(TriggerManager, "_validate_runners", lambda *_: None)
        manager.update_configuration({"t_pages": {**again, "run": "survey.t_score"}})
    fire_into("order-1", "page")
    play(view("t_import#0"), "success")
    play(view("t_pages#0"), "success")
    with monkeypatch.context() as breaking:
        breaking.setattr(storage_class, "put", refusing)
        passes(MAX_ATTEMPTS)
    assert statuses("order-1")["t_pages#0"] == "finished"
    assert "TypeError" in assert_movable("order-1").metadata["exceptionMessage"]


def _with_result(instance, result):
    return replace(instance, metadata={**instance.metadata, "result": result})


def test_a_cooldown_that_no_calendar_holds_fails_the_instance_of_the_task_that_reported_it(kept_in):
    begin("order-1", kept_in)
    play(view("t_import#0"), "failed", report={"retry": {"cooldown": 1e12, "retries": 1}})
    passes(MAX_ATTEMPTS)
    assert_movable("order-1")


# -- what people see, and what the run may still do ---------------------------------------------------------------


@pytest.fixture
def failed(kept_in, raising, monkeypatch):
    """The import of ``order-1``, whose success could not be recorded; what the manager raises is repaired."""
    begin("order-1", kept_in)
    play(view("t_import#0"), "success", result={"n": 1})
    monkeypatch.setattr(raising, "error", OverflowError("too large"))
    passes(MAX_ATTEMPTS)
    monkeypatch.setattr(raising, "error", None)


def test_the_history_and_why_say_it(failed):
    stories = [sentence_of(entry) for entry in history_of("order-1").entries]
    run = "(triggers__order-1~t_import~0 of survey.t_import)"
    cause = f"what its DAG run did could not be recorded in {MAX_ATTEMPTS} tries"
    assert stories[0].startswith(f"t_import#0 became failed, from scheduled: {cause} {run}.")
    assert "could not be applied: too large" in stories[1]
    said = why("order-1", "t_import#0").reasons
    assert [reason.code for reason in said] == ["failed", "repair"]
    assert cause in said[0].text


def test_a_run_whose_instance_was_failed_is_past_until_it_is_cleared(failed):
    passes(3)
    assert statuses() == {"t_import#0": "failed"}
    assert failures() == [0]
    play(view("t_import#0"), "success", result={"n": 2}, clear=True)
    passes()
    assert statuses() == {"t_import#0": "finished", "t_score#0": "scheduled"}
    assert view("t_score#0").instance.kwargs == {"t_import": {"n": 2}}


def test_a_run_that_goes_on_after_its_instance_was_failed_does_not_undo_it(kept_in, raising, monkeypatch):
    begin("order-1", kept_in)
    play(view("t_import#0"), "running")
    monkeypatch.setattr(raising, "error", OverflowError("too large"))
    passes(MAX_ATTEMPTS)
    monkeypatch.setattr(raising, "error", None)
    assert statuses() == {"t_import#0": "failed"}
    play(view("t_import#0"), "success", result={"n": 1})
    passes(3)
    assert statuses() == {"t_import#0": "failed"}
    play(view("t_import#0"), "running", clear=True)
    passes()
    assert statuses() == {"t_import#0": "running"}
    play(view("t_import#0"), "success", result={"n": 2})
    passes()
    assert statuses() == {"t_import#0": "finished", "t_score#0": "scheduled"}


# With a session in the database, the run is created with the fire.
@pytest.mark.parametrize("kept_in", ["cache"], indirect=True)
def test_a_promised_run_that_can_never_be_created_fails_its_instance(kept_in, monkeypatch):
    def broken(*_):
        raise KeyError("conf")

    with monkeypatch.context() as breaking:
        breaking.setattr(promises, "_from_json", broken)
        begin("order-1", kept_in)
        assert statuses() == {"t_import#0": "scheduled"}
        with airflow_session() as session:
            session.execute(update(tables.run).values(retry_at=datetime.now(UTC)))
        passes(MAX_ATTEMPTS)
    with airflow_session() as session:
        assert session.scalars(select(tables.run.c.promised)).all() == []
    assert_movable("order-1")


# -- the system's -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", SYSTEM_FAULTS, ids=lambda error: type(error).__name__)
def test_a_fault_of_the_system_fails_nothing_and_what_happened_counts_once_it_is_over(
    kept_in, raising, monkeypatch, error
):
    begin("order-1", kept_in)
    play(view("t_import#0"), "success", result={"n": 1})
    monkeypatch.setattr(raising, "error", error)
    passes(MAX_ATTEMPTS + 2)
    assert statuses() == {"t_import#0": "scheduled"}
    monkeypatch.setattr(raising, "error", None)
    passes()
    assert statuses() == {"t_import#0": "finished", "t_score#0": "scheduled"}
    assert failures() == [0, 0]


def test_a_manager_that_is_not_installed_is_waited_for(kept_in, raising):
    begin("order-1", kept_in)
    play(view("t_import#0"), "success", result={"n": 1})
    trigger_managers.unregister("raising")
    passes(MAX_ATTEMPTS + 2)
    assert statuses() == {"t_import#0": "scheduled"}
    trigger_managers.register("raising", raising)
    passes()
    assert statuses() == {"t_import#0": "finished", "t_score#0": "scheduled"}


def test_a_binding_that_is_gone_when_its_session_is_locked_is_no_failure(kept_in):
    begin("order-1", kept_in)
    manager = open_session("order-1")
    with manager.storage.acquire_lock():
        assert Controller()._handle_runs(manager, [("survey.t_import", "no-such-run")]) == {}
