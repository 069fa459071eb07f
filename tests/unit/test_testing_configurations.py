"""What a tester takes for a configuration, and how it finds what a task runs."""

from __future__ import annotations

import sys

import pytest

from airflow_triggers.errors import ConfigurationError, UnknownConfiguration
from airflow_triggers.testing import SessionTester

TASKS = "tests.support.tested"


def made(**tasks):
    options = {"after": ["x"], "run": f"{TASKS}.echo"}
    return SessionTester({name: {**options, **directives} for name, directives in tasks.items()})


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "orders.yaml").write_text("t_a: {after: [x], run: order_tasks_of_a_test.pack}\n")
    (tmp_path / "more.yml").write_text("t_b: {after: [t_a], run: order_tasks_of_a_test.send}\n")
    (tmp_path / "broken.yaml").write_text("t_a: {after: x, run: some_dag}\n")
    (tmp_path / "order_tasks_of_a_test.py").write_text(
        "def pack(context):\n    from order_tasks_of_a_test import send\n    return send(context)\n"
        "def send(context):\n    return {'configuration': context.configuration}\n"
    )
    yield tmp_path
    sys.modules.pop("order_tasks_of_a_test", None)


@pytest.mark.parametrize("source", ["orders", "orders.yaml", "{folder}/orders.yaml", "{folder}/orders"])
def test_a_configuration_is_named_by_its_name_or_its_path(folder, source):
    tester = SessionTester(source.format(folder=folder), folders=[folder])
    tester.fire("x")
    tester.run()
    tester.assert_finished("t_a#0", result={"configuration": "orders"})


def test_a_configuration_is_named_by_a_path_object(folder):
    assert set(SessionTester(folder / "more.yml").storage.tasks) == {"t_b"}


def test_a_configuration_is_found_in_the_working_directory_and_its_dags(folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert set(SessionTester("orders").storage.tasks) == {"t_a"}
    (folder / "dags").mkdir()
    (folder / "dags/orders.yaml").write_text("t_dags: {after: [x], run: some_dag}\n")
    assert set(SessionTester("orders").storage.tasks) == {"t_dags"}


@pytest.mark.parametrize("source", ["ordres", "ordres.yaml"])
def test_an_unknown_configuration_says_where_it_was_looked_for_and_what_was_meant(folder, source):
    with pytest.raises(UnknownConfiguration) as caught:
        SessionTester(source, folders=[folder])
    assert f"There is no configuration {source!r}" in str(caught.value)
    assert f"in {folder}. Did you mean 'orders'?" in str(caught.value)


def test_a_configuration_that_is_wrong_is_refused_as_in_earnest(folder):
    with pytest.raises(ConfigurationError, match=r"broken.yaml: task 't_a': 'after' is 'x'.*Write \[x\]"):
        SessionTester("broken", folders=[folder])


def test_two_deployed_configurations_in_one_session_keep_their_callables(folder):
    tester = SessionTester("orders", folders=[folder]).configure("more")
    tester.fire("x")
    assert tester.run() == ["t_a#0", "t_b#0"]
    tester.assert_finished("t_b#0", result={"configuration": "orders"})


def test_tasks_are_added_and_replaced_by_name():
    tester = made(t_a={}).configure(t_b={"after": ["t_a"], "run": f"{TASKS}.echo"})
    tester.fire("x")
    assert tester.run() == ["t_a#0", "t_b#0"]


@pytest.mark.parametrize("using", ["airflow", "threading", "a-runner-installed-elsewhere"])
def test_whatever_runner_a_task_names_the_tester_runs_it(using):
    tester = made(t_a={"using": using})
    tester.fire("x")
    assert tester.run() == ["t_a#0"]
    tester.assert_finished("t_a#0")


def test_a_runner_that_is_surely_misspelt_is_refused():
    with pytest.raises(
        ConfigurationError, match=r"task 't_a': 'using' is 'thredding'.*Did you mean 'threading'"
    ):
        made(t_a={"using": "thredding"})
