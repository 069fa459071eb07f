"""What happens in a worker: the context, the result, and what is reported when it fails."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import (
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSkipException,
    AirflowTaskTimeout,
)

from airflow_triggers.domain.failures import describe_exception, with_context
from airflow_triggers.errors import InvalidResult, NotATriggerRun
from airflow_triggers.task import TaskContext, TriggerTaskOperator
from tests.support import trigger_tasks

CONF = {
    "trigger_kwargs": {"x": {"n": 1}},
    "triggers": {
        "session_uid": "order-1",
        "run_id": "r",
        "instance_name": "t_x#2",
        "task_name": "t_x",
        "number": 2,
        "configuration": "survey",
    },
}


class Pushed:
    """A task instance that remembers what was pushed."""

    def __init__(self):
        self.values = {}

    def xcom_push(self, key, value):
        self.values[key] = value


def run(function, conf=CONF):
    pushed = Pushed()
    context = {"dag_run": SimpleNamespace(conf=conf, run_id="r", dag_id="survey.t_x"), "ti": pushed}
    operator = TriggerTaskOperator(task_id="run", callable=f"tests.support.trigger_tasks:{function}")
    try:
        return operator.execute(context), pushed.values
    except (ValueError, TypeError, AttributeError, NotATriggerRun) as error:
        return error, pushed.values


def test_the_context_says_whose_run_it_is():
    context = TaskContext.from_airflow({"dag_run": SimpleNamespace(conf=CONF, run_id="r", dag_id="d")})
    assert context.trigger_kwargs == {"x": {"n": 1}}
    assert (context.session_uid, context.instance_name, context.number) == ("order-1", "t_x#2", 2)
    assert not context.by_hand


def test_a_mapping_or_nothing_is_the_result():
    assert run("greet") == ({"greeting": "hello order-1"}, {})
    assert run("nothing") == (None, {})


@pytest.mark.parametrize(
    ("function", "reason"),
    [("a_list", r"returned list '\[1, 2\]', expected a mapping or None"), ("not_json", "JSON cannot hold")],
)
def test_another_result_fails_with_the_reason(function, reason):
    error, pushed = run(function)
    assert isinstance(error, InvalidResult)
    with pytest.raises(InvalidResult, match=reason):
        raise error
    assert pushed["triggers_report"]["exception"]["exceptionType"] == "airflow_triggers.errors.InvalidResult"


def test_an_exception_is_reported_with_its_traceback():
    error, pushed = run("fail")
    assert isinstance(error, ValueError)
    reported = pushed["triggers_report"]["exception"]
    assert reported["exceptionType"] == "builtins.ValueError"
    assert reported["exceptionMessage"] == "no�such thing"
    assert "trigger_tasks.py" in reported["exceptionInfo"]


def test_a_run_without_a_session_says_what_to_do():
    for conf in (None, {}, {"triggers": "x"}):
        error, _ = run("greet", conf=conf)
        assert isinstance(error, NotATriggerRun)
        assert "fire its triggers into a session" in str(error)
        assert "give 'session_uid' and 'trigger_kwargs'" in str(error)


@pytest.mark.parametrize(
    ("conf", "run"),
    [
        ({"session_uid": "order-9", "trigger_kwargs": {"x": {"n": 1}}}, {}),
        ({"trigger_kwargs": {"x": {"n": 1}}}, {"partition_key": "order-9"}),
        ({**CONF, "session_uid": "order-9"}, {"run_id": "another"}),
    ],
    ids=["asked for", "by partition key", "with another run's conf"],
)
def test_a_run_made_by_hand_is_for_a_session_and_no_instance_of_it(conf, run):
    dag_run = SimpleNamespace(**{"conf": conf, "run_id": "r", "dag_id": "survey.t_x", **run})
    context = TaskContext.from_airflow({"dag_run": dag_run})
    assert context.by_hand
    assert (context.session_uid, context.configuration, context.task_name) == ("order-9", "survey", "t_x")
    assert (context.instance_name, context.number) == ("t_x#-1", -1)
    assert context.task_instance.name == context.instance_name
    assert context.trigger_kwargs == {"x": {"n": 1}}


def test_a_missing_callable_is_reported_too():
    error, pushed = run("no_such_function")
    assert isinstance(error, AttributeError)
    assert pushed["triggers_report"]["exception"]["exceptionType"] == "builtins.AttributeError"


def test_values_attached_to_an_exception_are_part_of_its_description():
    error = with_context(with_context(ValueError("x"), {"age": "many"}), {"row": {1, 2}})
    assert describe_exception(error)["exceptionContext"] == {"age": "many", "row": "{1, 2}"}


def test_a_long_traceback_keeps_its_end():
    described = describe_exception(ValueError("y" * 200_000 + "the end"))
    assert described["exceptionInfo"].rstrip().endswith("the end")
    assert len(described["exceptionInfo"]) < 70_000


@pytest.mark.parametrize(
    "leaving", [SystemExit(3), AirflowTaskTimeout("too long"), AirflowFailException("no retry")]
)
def test_what_ends_a_task_is_reported_and_passed_on_as_it_is(monkeypatch, leaving):
    pushed, caught = run_raising(monkeypatch, leaving)
    assert caught is leaving
    assert (
        pushed["triggers_report"]["exception"]["exceptionType"].rpartition(".")[2] == type(leaving).__name__
    )


@pytest.mark.parametrize(
    "other", [AirflowSkipException("not today"), AirflowRescheduleException(datetime.now(UTC))]
)
def test_what_is_no_failure_is_passed_on_without_a_report(monkeypatch, other):
    pushed, caught = run_raising(monkeypatch, other)
    assert caught is other
    assert pushed == {}


def test_a_conf_that_only_resembles_a_sessions_is_none():
    error, _ = run("greet", conf={"triggers": {"session_uid": "order-1"}})
    assert isinstance(error, NotATriggerRun)


def test_what_a_later_version_adds_to_the_conf_is_no_matter():
    conf = {**CONF, "triggers": {**CONF["triggers"], "attempt": 7}}
    assert run("greet", conf=conf) == ({"greeting": "hello order-1"}, {})


def run_raising(monkeypatch, error):
    def raising(context):
        raise error

    monkeypatch.setattr(trigger_tasks, "greet", raising)
    pushed = Pushed()
    context = {"dag_run": SimpleNamespace(conf=CONF, run_id="r", dag_id="survey.t_x"), "ti": pushed}
    with pytest.raises(type(error)) as caught:
        TriggerTaskOperator(task_id="run", callable="tests.support.trigger_tasks:greet").execute(context)
    return pushed.values, caught.value
