"""What tasks in workers report beside their result, applied by the controller: fires, retries, skips, log levels."""

from __future__ import annotations

from datetime import timedelta

import pytest
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session as airflow_session
from sqlalchemy import literal_column, update

from airflow_triggers.controller.loop import Controller
from airflow_triggers.sessions.describing import fires_of
from airflow_triggers.sessions.opening import fire_into, open_session
from airflow_triggers.storages import tables
from tests.support.dags import play, run_of
from tests.support.surveys import statuses, view


@pytest.fixture
def imported(survey):
    """The survey's import is under way."""
    fire_into("order-1", "firstPage", {"n": 1}, configuration="survey")
    return view("t_import#0")


def exception(message="no such age"):
    return {"exceptionType": "builtins.ValueError", "exceptionMessage": message, "exceptionInfo": "tb"}


def test_what_a_task_fired_is_fired_once_before_its_cascade(imported, controller):
    fires = [{"trigger_name": "one", "trigger_kwargs": {"n": 1}}, {"trigger_name": "two"}]
    play(imported, "success", result={"id": 7}, report={"fires": fires, "log_level": 30})
    for _ in range(3):
        controller.run_once()
    fired = [(fire.trigger_name, fire.kwargs, fire.fired_by) for fire in fires_of("order-1")]
    assert fired == [
        ("t_import", {"id": 7}, "t_import#0"),
        ("two", {}, "t_import#0"),
        ("one", {"n": 1}, "t_import#0"),
        ("firstPage", {"n": 1}, None),
    ]
    assert view("t_import#0").instance.log_level_name == "WARNING"


def test_what_a_task_of_a_failed_run_fired_is_not_fired(imported, controller):
    play(imported, "failed", report={"fires": [{"trigger_name": "one"}], "log_level": 40})
    controller.run_once()
    assert len(fires_of("order-1")) == 1
    assert view("t_import#0").instance.log_level_name == "ERROR"


def test_a_task_that_asked_to_be_run_again_is_replayed_after_its_cooldown(imported, controller):
    retry = {"replacement_kwargs": {"firstPage": {"n": 2}}, "cooldown": 3600, "retries": 1}
    play(imported, "failed", report={"exception": exception(), "metadata": {"seen": 1}, "retry": retry})
    controller.run_once()
    controller.run_once()
    assert statuses() == {"t_import#0": "replayed", "t_import#1": "scheduled"}
    failed, clone = view("t_import#0"), view("t_import#1")
    assert failed.instance.metadata["exceptionMessage"] == "no such age"
    assert failed.instance.metadata["seen"] == 1
    assert clone.instance.kwargs == {"firstPage": {"n": 2}}
    assert (clone.instance.metadata["cooldown"], clone.instance.metadata["retries"]) == (3600, 1)
    with airflow_session() as session:
        run = run_of(session, clone)
        assert run.run_after - run.queued_at > timedelta(minutes=59)
        assert run.conf["triggers"]["metadata"] == {"parent": "t_import#0", "depth": 1, "retries": 1}
        assert run_of(session, failed).state == "failed"


def test_a_task_that_skipped_itself_with_a_reason_keeps_it(imported, controller):
    play(imported, "success", task_state="skipped", report={"metadata": {"why": "embedded"}})
    controller.run_once()
    assert statuses() == {"t_import#0": "skipped"}
    assert view("t_import#0").instance.metadata["why"] == "embedded"


@pytest.mark.parametrize("state", ["success", "failed"])
def test_a_report_that_cannot_be_used_fails_the_instance_with_the_reason(imported, controller, state):
    play(imported, state, report={"fires": [{"trigger_name": ""}]})
    controller.run_once()
    assert statuses() == {"t_import#0": "failed"}
    metadata = view("t_import#0").instance.metadata
    assert metadata["exceptionType"] == "airflow_triggers.errors.InvalidReport"
    assert "A trigger's name has 1-200" in metadata["exceptionMessage"]
    assert len(fires_of("order-1")) == 1


def pushed_as(text, *, key, run_id):
    """Have the XCom of that key be this JSON text, as a worker can write it."""
    with airflow_session() as session:
        changed = update(XComModel).where(XComModel.key == key, XComModel.run_id == run_id)
        assert session.execute(changed.values(value=literal_column(f"'{text}'"))).rowcount == 1


DEEP = 850
"""Levels that Python can parse, and that it cannot walk through."""


@pytest.mark.parametrize(
    ("key", "text", "problem"),
    [
        (
            "return_value",
            "[" * DEEP + "]" * DEEP,
            "What a task returned cannot be read: it is nested more than 120",
        ),
        (
            "return_value",
            "[" * 3000 + "]" * 3000,
            "What a task returned cannot be read: it is nested more than 120",
        ),
        ("return_value", '{"a": ' + "9" * 5000 + "}", "What a task returned cannot be read: "),
        ("triggers_report", "9" * 5000, "What a task reported cannot be read: "),
        (
            "triggers_report",
            '{"exception": ' + "[" * 900 + "]" * 900 + "}",
            "What a task reported cannot be read: ",
        ),
        (
            "triggers_report",
            '{"retry": {"retries": 18446744073709551616}}',
            "The retries are 18446744073709551616, ",
        ),
        (
            "triggers_report",
            '{"retry": {"retries": -1}}',
            "The retries are -1, expected a whole number from 0 to ",
        ),
        ("triggers_report", '{"log_level": 18446744073709551616}', "integers outside -2^63 to 2^64-1"),
    ],
    ids=range(8),
)
def test_an_xcom_that_cannot_be_used_fails_the_instance_at_once(imported, controller, key, text, problem):
    play(imported, "success", result={"n": 1}, report={"log_level": 20})
    pushed_as(text, key=key, run_id=imported.run_id)
    controller.run_once()
    assert statuses() == {"t_import#0": "failed"}
    metadata = view("t_import#0").instance.metadata
    assert metadata["exceptionType"] == "airflow_triggers.errors.InvalidReport"
    assert problem in metadata["exceptionMessage"]


@pytest.mark.parametrize("seen_state", ["promised", "", "nonsense"])
def test_a_row_that_says_anything_of_its_run_holds_up_nothing(imported, controller, seen_state):
    play(imported, "success")
    with airflow_session() as session:
        session.execute(update(tables.run).values(seen_state=seen_state))
    controller.run_once()
    assert statuses() == {"t_import#0": "finished", "t_score#0": "scheduled"}


def test_a_fire_whose_key_was_used_for_another_fails_the_instance_and_can_be_replayed(imported, controller):
    fire_into("order-1", "other", idempotency_key="k")
    fires = [{"trigger_name": "one"}, {"trigger_name": "two", "idempotency_key": "k"}]
    play(imported, "success", report={"fires": fires})
    controller.run_once()
    assert statuses() == {"t_import#0": "failed"}
    assert "The idempotency key 'k' was used" in view("t_import#0").instance.metadata["exceptionMessage"]
    assert [fire.trigger_name for fire in fires_of("order-1")] == ["other", "firstPage"]
    assert open_session("order-1").replay_failed_instance("t_import#0").name == "t_import#1"


def test_a_run_cleared_and_finished_again_fires_again(imported):
    fires = [{"trigger_name": "one"}, {"trigger_name": "once", "idempotency_key": "t_import#0/once"}]
    for clear in (False, True):
        play(imported, "success", report={"fires": fires}, clear=clear)
        Controller().run_once()  # a new one: its first pass looks at settled runs, too
    names = [fire.trigger_name for fire in reversed(fires_of("order-1"))]
    assert names == ["firstPage", "one", "once", "t_import", "one", "t_import"]
