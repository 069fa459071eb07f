"""What a task does in a test: its own work, or what its stub says."""

from __future__ import annotations

import pytest

from airflow_triggers.errors import RunnerError, TaskNotFound
from airflow_triggers.testing import SessionTester

TASKS = "tests.support.tested"


def made(**tasks):
    options = {"after": ["x"], "run": f"{TASKS}.echo"}
    return SessionTester({name: {**options, **directives} for name, directives in tasks.items()})


@pytest.mark.parametrize(
    ("run", "shown"),
    [
        ("some_dag", "the DAG 'some_dag'"),
        ({"operator": "x.BashOperator", "bash_command": "true"}, "the operator 'x.BashOperator'"),
    ],
)
def test_what_is_no_callable_needs_a_stub_and_waits_for_it(run, shown):
    tester = made(t_a={"run": run}, t_b={"after": ["t_a"]})
    tester.fire("x")
    with pytest.raises(RunnerError) as caught:
        tester.run()
    assert str(caught.value).startswith(
        f"task 't_a': 'run' is {shown}, and only a callable can run without Airflow."
    )
    assert "tester.stub('t_a', result={…})" in str(caught.value)
    assert tester.statuses == {"t_a#0": "scheduled"}
    tester.stub("t_a", result={"n": 1})
    assert tester.run() == ["t_a#0", "t_b#0"]


def test_a_callable_that_is_misspelt_says_what_was_meant():
    tester = made(t_a={"run": f"{TASKS}.eco"})
    tester.fire("x")
    with pytest.raises(RunnerError, match=r"task 't_a': .*has no 'eco'\. Did you mean 'echo'\?"):
        tester.run()
    assert tester.statuses == {"t_a#0": "scheduled"}


def test_a_stub_stands_for_the_callable_until_it_is_taken_away():
    tester = made(t_a={"after": [], "andEvery": "x"})
    stub = tester.stub("t_a", result={"stubbed": True})
    tester.fire("x", {"n": 1})
    tester.run()
    tester.assert_finished("t_a#0", result={"stubbed": True})
    assert [context.trigger_kwargs for context in stub.contexts] == [{"x": {"n": 1}}]
    tester.unstub("t_a")
    tester.fire("x", {"n": 2})
    tester.run()
    tester.assert_finished("t_a#1", result={"x": {"n": 2}})
    assert len(stub.contexts) == 1


def test_a_stub_may_return_nothing():
    tester = made(t_a={"run": "some_dag"}, t_b={"after": ["t_a"]})
    tester.stub("t_a")
    tester.fire("x")
    tester.run()
    tester.assert_finished("t_a#0", result=None)
    tester.assert_finished("t_b#0", result={"t_a": {}})


@pytest.mark.parametrize("raised", [ValueError("no such age"), ValueError])
def test_a_stub_may_raise(raised):
    tester = made(t_a={"after": [], "andEvery": "x"})
    tester.stub("t_a", raises=raised)
    tester.fire("x")
    tester.fire("x")
    tester.run()
    for name in ("t_a#0", "t_a#1"):
        instance = tester.assert_failed(name, ValueError)
        assert instance.metadata["exceptionInfo"].count("in stub\n") == 1


def test_a_stub_may_call_a_function_that_does_what_tasks_do():
    tester = made(t_a={"run": "some_dag"}, t_b={"after": ["extra"]})

    def work(context):
        context.fire("extra", {"n": context.trigger_kwargs["x"]["n"] + 1})
        with context.get_logger_context() as logger:
            logger.error("oh")
        tester.assert_running(context.instance_name)

    tester.stub("t_a", call=work)
    tester.fire("x", {"n": 1})
    tester.run()
    tester.assert_finished("t_b#0", result={"extra": {"n": 2}})
    assert tester["t_a#0"].log_level_name == "ERROR"


def test_a_stub_keeps_what_was_declared_of_the_function_that_it_calls():
    def again(context):
        raise context.retry(ValueError("not yet"))

    again.__triggers_max_retries__ = 1
    tester = made(t_a={})
    tester.stub("t_a", call=again)
    tester.fire("x")
    assert tester.run() == ["t_a#0", "t_a#1"]
    tester.assert_failed("t_a#1", "airflow_triggers.errors.MaxRetriesExceeded")


def test_a_dag_may_return_anything_and_a_callable_only_a_mapping():
    tester = made(t_dag={"run": "some_dag"}, t_next={"after": ["t_dag"]}, t_a={})
    tester.stub("t_dag", result="imported")
    tester.stub("t_a", result="imported")
    tester.fire("x")
    tester.run()
    tester.assert_finished("t_dag#0", result="imported")
    tester.assert_finished("t_next#0", result={"t_dag": {"return_value": "imported"}})
    tester.assert_failed("t_a#0", "airflow_triggers.errors.InvalidResult", match="expected a mapping or None")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"result": {}, "raises": ValueError}, "has result and raises, expected one of them"),
        ({"raises": "ValueError"}, "raises 'ValueError', expected an exception or a class of them"),
        ({"call": "print"}, "calls 'print', expected a function of the context"),
    ],
)
def test_a_stub_of_another_form_is_refused(given, message):
    with pytest.raises(TypeError, match=f"The stub of 't_a' {message}"):
        made(t_a={}).stub("t_a", **given)


def test_only_tasks_of_the_session_are_stubbed():
    with pytest.raises(TaskNotFound, match=r"no trigger task 't_imprt'\. Did you mean 't_import'\?"):
        made(t_import={}).stub("t_imprt")
    with pytest.raises(TaskNotFound, match="has no configuration yet"):
        SessionTester().stub("t_import")


@pytest.mark.parametrize("ends", [KeyboardInterrupt, pytest.fail.Exception])
def test_what_is_to_end_the_test_is_not_taken_for_the_tasks_failure(ends):
    tester = made(t_a={})
    tester.stub("t_a", raises=ends("that is for the test"))
    tester.fire("x")
    with pytest.raises(ends, match="that is for the test"):
        tester.run()
    tester.assert_failed("t_a#0", match="that is for the test")


def test_a_task_that_exits_has_failed():
    tester = made(t_a={})
    tester.stub("t_a", raises=SystemExit(3))
    tester.fire("x")
    assert tester.run() == ["t_a#0"]
    tester.assert_failed("t_a#0", SystemExit)
