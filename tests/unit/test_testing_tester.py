"""SessionTester: what a test does to a session."""

from __future__ import annotations

import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from airflow_triggers.errors import (
    InstanceNotFound,
    InvalidMetadata,
    InvalidTransition,
    RegistryError,
)
from airflow_triggers.manager.manager import trigger_managers
from airflow_triggers.runners import task_runners
from airflow_triggers.testing import SessionTester
from tests.support.tested import BrokenFireHooks, BrokenHooks, FinalizingManager

TASKS = "tests.support.tested"
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def made(**tasks):
    options = {"after": ["x"], "run": f"{TASKS}.echo"}
    return SessionTester({name: {**options, **directives} for name, directives in tasks.items()}, now=NOON)


# -- firing and running --------------------------------------------------------------------------------------------


def test_the_real_callables_run_and_what_they_cause_until_nothing_is_left():
    tester = made(t_a={"withParams": {"x": {"lang": "en"}}}, t_b={"after": ["t_a"]}, t_c={"after": ["y"]})
    assert tester.fire("x", {"n": 1}).scheduled == ("t_a#0",)
    assert tester.statuses == {"t_a#0": "scheduled"}
    assert tester.run() == ["t_a#0", "t_b#0"]
    assert tester["t_b#0"].metadata["result"] == {"t_a": {"x": {"n": 1, "lang": "en"}}}
    assert tester.run() == []


def test_one_instance_is_run_by_its_name_and_what_it_causes_waits():
    tester = made(t_a={}, t_b={}, t_c={"after": ["t_b"]})
    tester.fire("x")
    assert tester.run("t_b#0") == ["t_b#0"]
    assert tester.statuses == {"t_a#0": "scheduled", "t_b#0": "finished", "t_c#0": "scheduled"}


def test_all_due_instances_of_a_task_are_run_by_its_name():
    tester = made(t_page={"after": [], "andEvery": "page"}, t_a={"after": ["page"]})
    for number in range(3):
        tester.fire("page", {"number": number})
    assert tester.run("t_page") == ["t_page#0", "t_page#1", "t_page#2"]
    assert tester.run("t_page") == []


def test_instances_are_run_one_at_a_time():
    tester = made(t_a={}, t_b={"after": ["t_a"]})
    tester.fire("x")
    assert [tester.run_next().name, tester.run_next().status.value, tester.run_next()] == [
        "t_a#0",
        "finished",
        None,
    ]


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("t_a#1", InstanceNotFound, r"no instance 't_a#1'\. The instances of t_a are t_a#0\.$"),
        ("t_ab#0", InstanceNotFound, r"no instance 't_ab#0'\. Did you mean 't_a#0'\?$"),
        ("t_wait#0", InvalidTransition, r"Cannot run t_wait#0: it is unstarted, lacks y, and only scheduled"),
        ("t_a#0", InvalidTransition, r"Cannot run t_a#0: it is finished, result \{.*\}, and only scheduled"),
        ("t_none#0", InstanceNotFound, r"t_none has none: nothing that concerns it has fired \(y and z\)"),
    ],
)
def test_what_cannot_be_run_says_why(name, error, message):
    tester = made(t_a={}, t_wait={"after": ["x", "y"]}, t_none={"after": ["y", "z"]})
    tester.fire("x")
    tester.run("t_a#0")
    with pytest.raises(error, match=message):
        tester.run(name)


def test_a_cascade_without_end_is_an_error():
    tester = made(t_a={"after": [], "andEvery": "t_b"}, t_b={"after": [], "andEvery": "t_a"})
    tester.fire("t_a")
    with pytest.raises(
        AssertionError, match=r"20 instances were run, and there are more .*does a task cause itself"
    ):
        tester.run(limit=20)


def test_a_task_asks_its_own_manager_for_its_own_instance():
    tester = SessionTester({"t_look": {"after": ["x"], "run": f"{TASKS}.look"}}, manager=FinalizingManager)
    tester.fire("x")
    tester.run()
    tester.assert_finished("t_look#0", result={"status": "running", "manager": "FinalizingManager"})


def test_a_task_may_skip_itself():
    tester = made(t_a={"run": f"{TASKS}.leave_out"}, t_b={"after": ["t_a"]})
    tester.fire("x")
    assert tester.run() == ["t_a#0"]
    assert tester.assert_skipped("t_a#0").metadata["why"] == "embedded"
    tester.assert_no_instance("t_b")


# -- time ----------------------------------------------------------------------------------------------------------


def test_the_time_stands_still_until_the_test_moves_it_and_every_timestamp_follows():
    tester = made(t_a={})
    tester.fire("x")
    assert tester.now == NOON
    assert tester.advance(hours=1, seconds=5) == NOON + timedelta(hours=1, seconds=5)
    tester.run()
    moments = tester["t_a#0"].metadata["timestamps"]
    assert (moments["created"], moments["finished"]) == (
        "2026-01-31T12:00:00+00:00",
        "2026-01-31T13:00:05+00:00",
    )


def test_what_cools_down_is_run_once_the_time_has_come():
    tester = made(t_a={"run": f"{TASKS}.again"})
    tester.fire("x")
    assert tester.run() == ["t_a#0"]
    with pytest.raises(
        InvalidTransition, match=r"may run after advance\(seconds=60\), and only due instances"
    ):
        tester.run("t_a#1")
    tester.advance(seconds=59)
    assert tester.run() == []
    tester.advance(seconds=1)
    assert tester.run("t_a#1") == ["t_a#1"]
    tester.advance(minutes=1)
    assert tester.run() == ["t_a#2"]
    tester.assert_finished("t_a#2", result={"tries": 3})


def test_a_replay_with_a_cooldown_waits_too():
    tester = made(t_a={})
    tester.stub("t_a", raises=ValueError)
    tester.fire("x")
    tester.run()
    assert tester.replay("t_a#0", cooldown=30).name == "t_a#1"
    assert tester.run() == []
    tester.advance(seconds=30)
    assert tester.run() == ["t_a#1"]


def test_the_time_does_not_run_backwards_and_has_a_zone():
    with pytest.raises(ValueError, match="does not run backwards; found -1 seconds"):
        made(t_a={}).advance(seconds=-1)
    with pytest.raises(ValueError, match="has no time zone"):
        SessionTester(now=datetime(2026, 1, 31))


# -- fires for later -----------------------------------------------------------------------------------------------


def test_a_fire_for_later_takes_effect_when_the_time_has_come():
    tester = made(t_a={}, t_b={"after": ["x", "reminder"]})
    result = tester.fire("reminder", {"n": 1}, fire_at=NOON + timedelta(days=2))
    assert (result.deferred, result.fire_id) == (True, None)
    tester.fire("x")
    tester.advance(days=1)
    tester.assert_unstarted("t_b#0", missing={"reminder"})
    tester.advance(days=3)
    assert tester.assert_scheduled("t_b#0").kwargs["reminder"] == {"n": 1}
    (fire,) = tester.assert_fired("reminder", times=1)
    assert fire.fired_at == NOON + timedelta(days=2)
    assert tester.now == NOON + timedelta(days=4)


def test_a_task_may_fire_for_later():
    tester = made(t_a={}, t_b={"after": ["reminder"]})
    tester.stub(
        "t_a", call=lambda context: context.fire("reminder", {"n": 1}, fire_at=NOON + timedelta(hours=1))
    )
    tester.fire("x")
    tester.run()
    tester.assert_fired("reminder", times=0)
    tester.advance(hours=1)
    tester.assert_fired("reminder", times=1)
    assert tester.run() == ["t_b#0"]


def test_fires_for_later_come_in_the_order_of_their_moments_in_all_sessions_of_the_test():
    tester = made(t_a={"andEvery": "page", "after": []})
    other = tester.session("other")
    for session, hours in ((tester, 3), (other, 2), (tester, 1)):
        session.fire("page", {"hours": hours}, fire_at=NOON + timedelta(hours=hours))
    tester.advance(hours=2)
    assert [fire.kwargs["hours"] for fire in tester.assert_fired("page")] == [1]
    assert [fire.kwargs["hours"] for fire in other.assert_fired("page")] == [2]
    other.advance(hours=1)
    assert [fire.kwargs["hours"] for fire in tester.assert_fired("page")] == [1, 3]


def test_a_fire_for_later_is_cancelled_and_its_key_stays_used():
    tester = made(t_a={})
    moment = NOON + timedelta(hours=1)
    result = tester.fire("x", idempotency_key="k", fire_at=moment)
    assert tester.fire("x", idempotency_key="k", fire_at=moment).repeated
    assert [fire.trigger_name for fire in tester.storage.delayed_fires()] == ["x"]
    tester.manager.cancel_delayed_fire(result.delayed_fire_id)
    tester.advance(hours=2)
    tester.assert_fired("x", times=0)
    assert tester.fire("x", idempotency_key="k", fire_at=moment).cancelled
    assert tester.storage.delayed_fires() == []


def test_a_fire_for_later_that_raises_fails_the_test_where_the_time_moves():
    tester = made(t_a={})
    other = tester.session("other", {"t_a": {"after": ["x"], "run": "dag"}}, manager=BrokenFireHooks)
    other.fire("x", fire_at=NOON + timedelta(hours=1))
    with pytest.raises(AssertionError, match=r"(?s)no room for x.*The story of session 'other'"):
        tester.advance(hours=2)


def test_a_fire_undone_with_its_lock_does_not_come():
    tester = made(t_a={})
    with suppress(KeyError), tester.storage.acquire_lock():
        tester.fire("x", fire_at=NOON + timedelta(hours=1))
        raise KeyError
    tester.advance(hours=2)
    tester.assert_fired("x", times=0)


# -- repairing -----------------------------------------------------------------------------------------------------


def test_a_replay_has_the_replacement_kwargs_and_takes_over():
    tester = made(t_page={"run": f"{TASKS}.count_page", "after": ["page"]}, t_b={"after": ["t_page"]})
    tester.fire("page", {"number": "three"})
    tester.run()
    tester.assert_failed("t_page#0", "airflow_triggers.errors.InvalidTriggerKwargs", match="page.number")
    tester.replay("t_page#0", {"page": {"number": "3"}})
    tester.assert_replayed("t_page#0", by="t_page#1")
    assert tester.run() == ["t_page#1", "t_b#0"]
    tester.assert_finished("t_page#1", result={"number": 3})


def test_a_skip_may_cascade():
    tester = made(t_a={}, t_b={"after": ["t_a"]})
    tester.stub("t_a", raises=ValueError)
    tester.fire("x")
    tester.run()
    tester.skip("t_a#0", cascade=True, result={"n": 5})
    tester.run()
    tester.assert_skipped("t_a#0", result={"n": 5}, cascade=True)
    tester.assert_finished("t_b#0", result={"t_a": {"n": 5}})


def test_a_repair_of_an_unknown_instance_says_what_was_meant():
    tester = made(t_import={})
    tester.fire("x")
    for act in (tester.replay, tester.skip):
        with pytest.raises(InstanceNotFound, match=r"Did you mean 't_import#0'\?"):
            act("t_imprt#0")


def test_a_status_set_by_hand_takes_the_instance_out_of_the_queue():
    tester = made(t_a={}, t_b={})
    tester.fire("x")
    tester.manager.update_instance_status("t_a#0", "running")
    tester.manager.update_instance_status("t_b#0", "scheduled")
    assert tester.run() == ["t_b#0"]
    tester.assert_running("t_a#0")


def test_what_was_undone_is_not_queued():
    tester = made(t_a={})

    def fire_and_fail():
        with tester.storage.acquire_lock():
            tester.fire("x")
            raise LookupError

    with pytest.raises(LookupError):
        fire_and_fail()
    assert tester.run() == []


# -- managers ------------------------------------------------------------------------------------------------------

FINALIZED = {
    "t_a": {"after": ["x"], "run": f"{TASKS}.echo"},
    "t_end": {"after": ["sessionFinalized"], "run": f"{TASKS}.echo"},
}


def test_a_custom_manager_is_given_by_its_class():
    tester = SessionTester(FINALIZED, manager=FinalizingManager)
    tester.fire("x")
    tester.assert_fired("sessionFinalized", times=0)
    assert tester.run() == ["t_a#0", "t_end#0"]
    tester.assert_fired("sessionFinalized", times=1)
    assert type(tester.manager) is FinalizingManager
    assert tester.storage.manager_name == "finalizing"


def test_a_custom_manager_is_given_by_its_name():
    trigger_managers.register("finalizing", FinalizingManager)
    try:
        assert type(SessionTester(FINALIZED, manager="finalizing").manager) is FinalizingManager
        with pytest.raises(RegistryError, match=r"'finalising'.*Did you mean 'finalizing'"):
            SessionTester(manager="finalising")
    finally:
        trigger_managers.unregister("finalizing")


def test_a_hook_that_raises_fails_the_test_with_its_traceback():
    tester = SessionTester({"t_a": {"after": ["x"], "run": "a_dag"}}, manager=BrokenHooks)
    tester.stub("t_a", raises=ValueError)
    tester.fire("x")
    tester.run()
    with pytest.raises(AssertionError) as caught:
        tester.replay("t_a#0")
    told = str(caught.value)
    assert told.startswith("The hook _post_replay of the manager 'broken-hooks' raised:\nTraceback")
    assert "LookupError: no room for t_a#1\n" in told
    tester.fire("x")


# -- sessions ------------------------------------------------------------------------------------------------------


def test_sessions_of_a_test_share_time_and_stubs_and_nothing_else():
    one = SessionTester(FINALIZED, manager=FinalizingManager, metadata={"survey": 7}, now=NOON)
    other = one.session("other")
    one.stub("t_a", result={"n": 1})
    one.fire("x")
    one.advance(seconds=9)
    assert (other.uid, other.now, other.statuses, other.storage.metadata) == ("other", one.now, {}, {})
    other.fire("x", {"n": 2})
    assert one.run() == ["t_a#0", "t_end#0"]
    assert other.statuses == {"t_a#0": "scheduled"}
    other.run("t_a")
    other.assert_finished("t_a#0", result={"n": 1})
    assert type(other.manager) is FinalizingManager
    assert one.storage.metadata == {"survey": 7}
    assert one.session("other") is other
    assert other.session("session") is one
    with pytest.raises(ValueError, match="'other' was made before"):
        one.session("other", metadata={"survey": 8})


def test_another_session_may_have_another_configuration():
    one = made(t_a={})
    other = one.session("other", {"t_b": {"after": ["x"], "run": f"{TASKS}.echo"}}, metadata={"n": 1})
    assert (set(one.storage.tasks), set(other.storage.tasks)) == ({"t_a"}, {"t_b"})
    assert other.storage.metadata == {"n": 1}


def test_two_testers_never_share_a_session():
    first = made(t_a={})
    first.fire("x")
    second = made(t_a={})
    assert (first.uid, first.statuses) == ("session", {"t_a#0": "scheduled"})
    assert (second.uid, second.statuses) == ("session", {})


def test_the_metadata_of_a_session_is_checked():
    with pytest.raises(InvalidMetadata, match="Metadata must be"):
        SessionTester(metadata={"at": NOON})


def test_a_tester_leaves_no_trace_in_the_registries_and_the_path():
    before = (task_runners.names(), trigger_managers.names(), list(sys.path))
    tester = SessionTester("dags/questionnaire.yaml", manager=FinalizingManager)
    tester.fire("firstPageReceived", {"age": "x", "educ": 1, "income": 1})
    tester.fire("questionnaireComplete")
    tester.run()
    assert tester.statuses["t_importSubject#0"] == "failed"
    assert (task_runners.names(), trigger_managers.names(), sys.path) == before
    assert "_runner" not in vars(FinalizingManager)


def test_a_manager_gets_the_runners_of_the_test_and_keeps_its_own_methods():
    tester = SessionTester({"t_import": {"after": ["received"], "run": "some_dag", "using": "nightly"}})

    assert [
        name for name in vars(tester.manager) if callable(getattr(type(tester.manager), name, None))
    ] == []
    assert tester.manager.runners.get("nightly").name == "testing"
