"""Configurations become DAGs: their names, pages and operators, what crosses to the servers, and what Airflow shows."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import PartitionedAtRuntime
from airflow.serialization.serialized_objects import DagSerialization

from airflow_triggers.configuration import manifest
from airflow_triggers.configuration.compile import compile_configuration, trigger_dags
from airflow_triggers.configuration.parse import parse_configuration
from airflow_triggers.domain.configuration import Configuration
from airflow_triggers.domain.names import FORM, dag_id_of
from airflow_triggers.errors import ConfigurationError

TASKS_MODULE = "tests.support.trigger_tasks"


def compiled(**tasks):
    return compile_configuration(parse_configuration(tasks, name="survey"))


def carried(dag):
    """The configuration as a server reads it from the serialized DAG."""
    tasks = DagSerialization.to_dict(dag)["dag"]["tasks"]
    (document,) = [task["__var"]["doc_json"] for task in tasks if "doc_json" in task["__var"]]
    return Configuration.from_dict(json.loads(document))


def test_each_trigger_task_is_a_dag_and_the_manifest_carries_all():
    dags = compiled(
        t_call={
            "after": ["x"],
            "run": f"{TASKS_MODULE}.greet",
            "airflow": {"retries": 3, "retry_delay": 7, "tags": ["mine"]},
        },
        t_bash={
            "after": ["t_call"],
            "run": {
                "operator": "airflow.providers.standard.operators.bash.BashOperator",
                "bash_command": "true",
            },
            "airflow": {"max_active_runs": 2, "dagrun_timeout": 60, "pool": "slow"},
        },
        t_dag={"after": ["t_bash"], "run": "etl", "airflow": {"result_task_id": "load"}},
    )
    assert set(dags) == {"survey", "survey.t_call", "survey.t_bash"}
    call, bash = dags["survey.t_call"], dags["survey.t_bash"]
    assert call.tags == {"triggers:survey", "mine"}
    assert isinstance(call.timetable, PartitionedAtRuntime)
    assert call.doc_md.startswith(f"After **x** has fired, run `{TASKS_MODULE}:greet` once.")
    assert (call.get_task("run").retries, call.get_task("run").retry_delay) == (3, timedelta(seconds=7))
    assert (bash.max_active_runs, bash.dagrun_timeout) == (2, timedelta(seconds=60))
    assert (bash.get_task("run").pool, bash.get_task("run").bash_command) == ("slow", "true")
    assert dags["survey"].tags == {"triggers", "triggers:survey"}
    assert set(call.params) == set(bash.params) == FORM
    assert set(dags["survey"].params) == {"note"}
    assert "- **t_dag**: After **t_bash** has fired, run the DAG `etl` once." in dags["survey"].doc_md
    read = carried(dags["survey"])
    assert {task.name: dag_id_of(read, task) for task in read} == {
        "t_call": "survey.t_call",
        "t_bash": "survey.t_bash",
        "t_dag": "etl",
    }


def test_three_hundred_tasks_cross_to_the_servers_whole():
    tasks = {
        f"t_{number}": {
            "after": [f"trigger_{number}", "start"],
            "run": f"{TASKS_MODULE}:greet",
            "note": "x" * 50,
        }
        for number in range(300)
    }
    dags = compiled(**tasks)
    assert len(dags) == 301
    read = carried(dags["survey"])
    assert len(json.dumps(read.to_dict())) > 4096
    assert read == parse_configuration(tasks, name="survey")


def test_the_manifest_has_the_file_as_written_unless_it_is_very_long(tmp_path, monkeypatch):
    file = tmp_path / "survey.yaml"
    text = f"# Asks once.\nt_x:\n  after: [a]\n  run: {TASKS_MODULE}:greet\n"
    file.write_text(text)
    assert trigger_dags(tmp_path)["survey"].get_task("configuration").doc_yaml == text
    monkeypatch.setattr(manifest, "MAX_SHOWN_SOURCE", len(text) - 1)
    assert trigger_dags(tmp_path)["survey"].get_task("configuration").doc_yaml is None


def test_the_manifest_has_the_doubts_about_the_ids_of_dags():
    document = json.loads(
        compiled(t_x={"after": ["a"], "run": "no_such.thing"})["survey"].get_task("configuration").doc_json
    )
    assert document["doubts"]["t_x"].startswith("There is no module 'no_such'")


@pytest.mark.parametrize(
    ("run", "problem"),
    [
        (f"{TASKS_MODULE}.gret", "has no 'gret'. Did you mean 'greet'?"),
        (f"{TASKS_MODULE}:WORD", "found str, expected a callable"),
        ("no_such_module:f", "its module cannot be imported"),
        ({"operator": "no.such.Operator"}, "which cannot be imported"),
        ({"operator": "collections.OrderedDict"}, "expected a class derived from BaseOperator"),
        (
            {"operator": "airflow.providers.standard.operators.bash.BashOperator", "bash_comand": "true"},
            "cannot make the operator 'airflow.providers.standard.operators.bash.BashOperator': ",
        ),
    ],
)
def test_a_run_that_cannot_be_had_is_told_with_its_task(run, problem):
    with pytest.raises(ConfigurationError) as caught:
        compiled(t_x={"after": ["a"], "run": run})
    (told,) = caught.value.problems
    assert told.startswith("task 't_x': 'run'")
    assert problem in told


def test_airflow_options_do_not_apply_to_somebody_elses_dag():
    with pytest.raises(ConfigurationError, match="'run' is the DAG 'etl', which has its own options"):
        compiled(t_x={"after": ["a"], "run": "etl", "airflow": {"retries": 1}})


def test_a_name_that_is_no_dag_id_is_told():
    with pytest.raises(ConfigurationError, match=r"Airflow refuses the DAG 'survey.t x'"):
        compiled(**{"t x": {"after": ["a"], "run": f"{TASKS_MODULE}:greet"}})


def test_a_broken_configuration_is_an_import_error_and_the_others_load(tmp_path):
    (tmp_path / "dag_file.py").write_text(
        "from airflow_triggers import trigger_dags\n\ntrigger_dags(__file__)\n"
    )
    (tmp_path / "good.yaml").write_text(f"t_x: {{after: [a], run: {TASKS_MODULE}.greet}}\n")
    (tmp_path / "bad.yaml").write_text("t_x: {after: a, run: etl}\n")
    (tmp_path / "worse.yaml").write_text("t_y: {after: [a], runs: etl}\n")
    bag = DagBag(tmp_path, bundle_name="test", bundle_path=tmp_path)
    assert set(bag.dags) == {"good", "good.t_x"}
    assert {dag.fileloc for dag in bag.dags.values()} == {str(tmp_path / "dag_file.py")}
    assert bag.import_errors == {
        "bad.yaml": "ConfigurationError: bad.yaml: line 1: task 't_x': 'after' is 'a', expected a list of trigger "
        "names (it may be left out when 'andEvery' is given). Write [a].",
        "worse.yaml": "ConfigurationError: worse.yaml: line 1: task 't_y': there is no directive 'runs'. Did you "
        "mean 'run'?",
    }


def test_a_configuration_in_python_is_compiled_likewise(tmp_path):
    (tmp_path / "dag_file.py").write_text(
        "from airflow_triggers import configuration_dags\n\n"
        f"configuration_dags('orders', {{'t_x': {{'after': ['a'], 'run': '{TASKS_MODULE}:greet'}}}})\n"
    )
    bag = DagBag(tmp_path, bundle_name="test", bundle_path=tmp_path)
    assert set(bag.dags) == {"orders", "orders.t_x"}
    assert bag.import_errors == {}


def test_the_form_of_a_run_by_hand_begins_with_the_tasks_triggers_and_their_static_kwargs():
    static = {"x": {"lang": "en"}, "more": {"n": 1}}
    rule = {"after": ["x", "y"], "andEvery": "z", "withParams": static}
    dags = compiled(t_call={**rule, "run": f"{TASKS_MODULE}.greet"})
    params = dags["survey.t_call"].params
    assert params["trigger_kwargs"] == {"x": {"lang": "en"}, "y": {}, "z": {}, "more": {"n": 1}}
    assert params["session_uid"] is None


@pytest.mark.filterwarnings("ignore:The airflow.security.permissions module is deprecated")
@pytest.mark.parametrize(
    ("rights", "problem"),
    [
        ({"Op": ["can_read"]}, None),
        ({"Op": {"DAGs": ["can_edit"], "DAG Runs": ["can_create"]}}, None),
        (
            {"Op": ["can_fly"]},
            "'access_control' gives 'Op' 'can_fly' on 'DAGs', expected some of: can_delete, ",
        ),
        (
            {"Op": {"Pools": ["can_read"]}},
            "'access_control' names the resource 'Pools' for 'Op', expected one of",
        ),
    ],
)
def test_rights_that_fabs_auth_manager_does_not_know_are_refused_where_it_is_used(
    monkeypatch, rights, problem
):
    tasks = {"t_x": {"after": ["a"], "run": f"{TASKS_MODULE}.greet", "airflow": {"access_control": rights}}}
    compiled(**tasks)
    manager = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
    monkeypatch.setenv("AIRFLOW__CORE__AUTH_MANAGER", manager)
    if problem is None:
        compiled(**tasks)
        return
    with pytest.raises(ConfigurationError) as caught:
        compiled(**tasks)
    assert problem in str(caught.value)
