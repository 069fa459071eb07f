"""A worker, which parses a DAG file to run a task of one DAG, compiles that DAG only: the same one, and sooner."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.definitions.context import _AIRFLOW_PARSING_CONTEXT_DAG_ID as PARSED_FOR_DAG
from airflow.sdk.definitions.context import _AIRFLOW_PARSING_CONTEXT_TASK_ID as PARSED_FOR_TASK
from airflow.sdk.exceptions import AirflowFailException
from airflow.serialization.serialized_objects import DagSerialization

from airflow_triggers import configuration_dags, trigger_dags

TASKS_MODULE = "tests.support.trigger_tasks"
SURVEY = f"""
t_greet: {{after: [a], andEvery: b, unless: [u], run: {TASKS_MODULE}.greet, withParams: {{a: {{n: 1}}}}}}
t_next: {{after: [t_greet, t_heavy], run: survey.t_greet}}
t_heavy: {{after: [t_greet], run: wanted_heavy.work, airflow: {{retries: 2}}}}
t_bash: {{after: [c], run: {{operator: airflow.providers.standard.operators.bash.BashOperator, bash_command: "true"}}}}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "wanted_heavy.py").write_text("def work(context): ...\n")
    (tmp_path / "dag_file.py").write_text(
        "from airflow_triggers import trigger_dags\n\ntrigger_dags(__file__)\n"
    )
    (tmp_path / "survey.yaml").write_text(SURVEY)
    yield tmp_path
    sys.modules.pop("wanted_heavy", None)


@contextmanager
def parsing_for(dag_id):
    """As Airflow's task runner does, or, for no DAG in particular, its DAG processor."""
    with pytest.MonkeyPatch.context() as patched:
        for variable, value in ((PARSED_FOR_DAG, dag_id), (PARSED_FOR_TASK, "run")):
            if dag_id is not None:
                patched.setenv(variable, value)
        yield


def parsed(folder, dag_id=None):
    with parsing_for(dag_id):
        return DagBag(folder / "dag_file.py", bundle_name="test", bundle_path=folder)


def serialized(dag):
    return DagSerialization.to_dict(dag)


@pytest.mark.parametrize("dag_id", ["survey.t_greet", "survey.t_heavy", "survey.t_bash"])
def test_the_dag_that_is_run_is_compiled_alone_and_is_the_same(folder, dag_id):
    whole = parsed(folder)
    alone = parsed(folder, dag_id)
    assert set(whole.dags) == {"survey", "survey.t_greet", "survey.t_heavy", "survey.t_bash"}
    assert set(alone.dags) == {dag_id}
    assert serialized(alone.dags[dag_id]) == serialized(whole.dags[dag_id])
    assert alone.import_errors == {}


def test_the_modules_of_other_tasks_are_not_imported(folder):
    parsed(folder, "survey.t_greet")
    assert "wanted_heavy" not in sys.modules
    parsed(folder, "survey.t_heavy")
    assert "wanted_heavy" in sys.modules


def test_what_is_wrong_with_other_tasks_and_files_concerns_no_worker(folder):
    (folder / "wanted_heavy.py").write_text("raise RuntimeError\n")
    (folder / "broken.yaml").write_text("t_x: {after: a}\n")
    bag = parsed(folder, "survey.t_greet")
    assert (set(bag.dags), bag.import_errors) == ({"survey.t_greet"}, {})


def test_what_is_wrong_with_the_task_itself_is_an_import_error(folder):
    (folder / "wanted_heavy.py").write_text("raise RuntimeError\n")
    bag = parsed(folder, "survey.t_heavy")
    assert bag.dags == {}
    assert "task 't_heavy'" in bag.import_errors["survey.yaml"]


class Instance:
    """Airflow's task instance, as far as an operator uses it."""

    def __init__(self):
        self.xcoms = {}

    def xcom_push(self, key, value):
        self.xcoms[key] = value


def context_of(run):
    """Airflow's context of a run that was made while the configuration was whole."""
    task = {"after": ["a"], "run": run}
    identity = {
        "session_uid": "s-1",
        "instance_name": "t_greet#0",
        "task_name": "t_greet",
        "number": 0,
        "configuration": "survey",
        "run_id": "run-1",
        "task": task,
    }
    conf = {"triggers": identity, "trigger_kwargs": {"a": {"who": "Ann"}}}
    return {"dag_run": SimpleNamespace(run_id="run-1", dag_id="survey.t_greet", conf=conf), "ti": Instance()}


@pytest.mark.parametrize("text", ["t_greet: [", "t_greet: {after: 5}\n", "- t_greet\n"])
def test_a_file_that_breaks_under_a_queued_run_does_not_keep_the_worker_from_the_callable(folder, text):
    (folder / "survey.yaml").write_text(text)
    assert set(parsed(folder).dags) == set(), "the servers get no DAG of it"
    bag = parsed(folder, "survey.t_greet")
    assert set(bag.dags) == {"survey.t_greet"}
    assert "survey.yaml" in bag.import_errors
    (operator,) = bag.dags["survey.t_greet"].tasks
    assert operator.task_id == whole_task_id(folder)
    assert operator.execute(context_of(f"{TASKS_MODULE}:greet")) == {"greeting": "hello s-1"}


def whole_task_id(folder):
    (folder / "survey.yaml").write_text(SURVEY)
    (operator,) = parsed(folder).dags["survey.t_greet"].tasks
    return operator.task_id


def test_an_operator_of_a_broken_file_fails_at_once_and_says_what_to_do(folder):
    (folder / "survey.yaml").write_text("t_greet: [")
    (operator,) = parsed(folder, "survey.t_greet").dags["survey.t_greet"].tasks
    context = context_of({"operator": "airflow.providers.standard.operators.bash.BashOperator"})
    with pytest.raises(
        AirflowFailException, match=r"'survey' cannot be read.*'t_greet'.*Mend its file, then replay"
    ):
        operator.execute(context)
    (report,) = context["ti"].xcoms.values()
    assert report["exception"]["exceptionType"] == "airflow_triggers.errors.DagUnavailable"


def test_a_task_that_runs_a_dag_now_is_not_said_to_be_removed(folder):
    context = context_of({"operator": "airflow.providers.standard.operators.bash.BashOperator"})
    for text, absence in (
        (
            "t_greet: {after: [a], run: some_dag}\n",
            "'t_greet' of the configuration 'survey' runs another DAG now",
        ),
        ("t_other: {after: [a], run: some_dag}\n", "'t_greet' was removed from the configuration 'survey'"),
    ):
        (folder / "survey.yaml").write_text(text)
        (operator,) = parsed(folder, "survey.t_greet").dags["survey.t_greet"].tasks
        with pytest.raises(AirflowFailException, match=absence):
            operator.execute(context)


def test_the_configurations_own_dag_is_the_same(folder):
    whole, alone = parsed(folder), parsed(folder, "survey")
    assert serialized(alone.dags["survey"]) == serialized(whole.dags["survey"])


def test_names_with_dots_lead_to_the_right_configuration(folder):
    (folder / "survey.v2.yaml").write_text(f"t_x: {{after: [a], run: {TASKS_MODULE}.greet}}\n")
    assert set(parsed(folder, "survey.v2.t_x").dags) == {"survey.v2.t_x"}


def test_a_task_of_another_dag_in_the_file_needs_no_configuration(folder):
    with (folder / "dag_file.py").open("a") as file:
        file.write("\nfrom airflow.sdk import DAG\n\nwith DAG('other'):\n    pass\n")
    bag = parsed(folder, "other")
    assert (set(bag.dags), "wanted_heavy" in sys.modules) == ({"other"}, False)


def test_a_dag_file_may_ask_for_any_of_its_dags_all_the_same(folder):
    with (folder / "dag_file.py").open("a") as file:
        file.write("\nDAGS = trigger_dags(__file__)\nDAGS['survey.t_heavy'].tags.add('watched')\n")
    bag = parsed(folder, "survey.t_greet")
    assert bag.import_errors == {}
    assert bag.dags["survey.t_heavy"].tags == {"triggers:survey", "watched"}


def test_a_dag_that_is_not_there_is_missing_wherever_it_is_asked_for(folder):
    for wanted in (None, "survey.t_greet"):
        with parsing_for(wanted):
            dags = trigger_dags(folder)
        kept = dags.get("survey.t_greet")
        for _ in range(2):
            with pytest.raises(KeyError, match=r"survey\.t_nobody"):
                dags["survey.t_nobody"]
        assert dags["survey.t_greet"] is kept


def test_a_configuration_in_python_is_compiled_likewise():
    tasks = {
        "t_x": {"after": ["a"], "run": f"{TASKS_MODULE}.greet"},
        "t_y": {"after": ["b"], "run": "no_such_module:f"},
    }
    with parsing_for("python.t_x"):
        dags = configuration_dags("python", tasks)
    assert list(dags) == ["python.t_x"]
    with pytest.raises(KeyError):
        dags["python.t_y"]
