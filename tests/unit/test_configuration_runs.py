"""What a ``run`` is taken for where DAG files are parsed, and that one mistake never costs the other configurations."""

from __future__ import annotations

import json
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.exceptions import AirflowClusterPolicyViolation
from airflow.policies import hookimpl
from airflow.settings import get_policy_plugin_manager

from airflow_triggers.configuration import parse_configuration
from airflow_triggers.configuration.callables import callable_path
from airflow_triggers.configuration.compile import compile_configuration
from airflow_triggers.configuration.dag_file import BrokenConfiguration
from airflow_triggers.domain.configuration import Configuration, TaskConfig
from airflow_triggers.domain.names import RunKind, dag_id_of, run_kind
from airflow_triggers.errors import ConfigurationError
from tests.support.environment import ROOT

EXAMPLE_DAGS = ROOT / "dags"
TASKS_MODULE = "tests.support.trigger_tasks"
BASH = "airflow.providers.standard.operators.bash.BashOperator"
DAG_FILE = "from airflow_triggers import trigger_dags\n\ntrigger_dags(__file__)\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A DAGs folder, on the path like Airflow's; modules that tests import from it are forgotten afterwards.

    Those that other tests imported from the repository's DAGs folder are forgotten meanwhile.
    """
    for name in [name for name in sys.modules if _imported_from(EXAMPLE_DAGS, name)]:
        monkeypatch.delitem(sys.modules, name)
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "dag_file.py").write_text(DAG_FILE)
    yield tmp_path
    for name in set(sys.modules) - before:
        if _imported_from(tmp_path, name):
            del sys.modules[name]


def _imported_from(folder: Path, name: str) -> bool:
    return str(folder) in str(getattr(sys.modules[name], "__file__", ""))


def parsed(folder, **files):
    """The DAGs and the import errors of the folder, with files by ``name_suffix``."""
    for name, text in files.items():
        stem, _, suffix = name.rpartition("_")
        (folder / f"{stem}.{suffix}").write_text(text)
    bag = DagBag(folder, bundle_name="test", bundle_path=folder)
    return bag.dags, bag.import_errors


def refused(run, **directives):
    with pytest.raises(ConfigurationError) as caught:
        compile_configuration(
            parse_configuration({"t_x": {"after": ["a"], "run": run, **directives}}, name="survey")
        )
    (problem,) = caught.value.problems
    return problem


@pytest.mark.parametrize(
    ("run", "path"),
    [
        (f"{TASKS_MODULE}:greet", f"{TASKS_MODULE}:greet"),
        (f"{TASKS_MODULE}.greet", f"{TASKS_MODULE}:greet"),
        ("etl", None),
        ("json", None),
        ("team.etl", None),
        ("json.decoder.no.such", None),
        ("team.etl-daily", None),
        ("1.2", None),
        ("a..b", None),
        (f"{TASKS_MODULE}.nothing_like_any_function_of_it", None),
    ],
)
def test_a_run_is_a_callable_with_a_colon_or_if_a_module_has_it_and_else_a_dag_id(run, path):
    assert callable_path(run) == path


def test_a_callable_that_the_module_lacks_is_refused_with_a_near_one():
    said = "has no 'gret'. Did you mean 'greet'?"
    assert refused(f"{TASKS_MODULE}.gret").endswith(said)
    assert refused(f"{TASKS_MODULE}:gret").endswith(said)


@pytest.fixture
def task_modules(folder):
    """Modules beside the DAG file that fail when they are imported: what they have is read."""
    (folder / "tasks").mkdir()
    (folder / "tasks" / "__init__.py").write_text("")
    for path in ("questionnaire_tasks.py", "tasks/questionnaire.py", "etl.py"):
        (folder / path).write_text(
            "raise KeyError\n\ndef import_subject(context): ...\n\nasync def later(context): ...\n\n"
            "from json import dumps as written\n\nalias = import_subject\ntyped: object = later\n"
        )
    return folder


@pytest.mark.parametrize(
    ("run", "meant"),
    [
        ("questionaire_tasks.import_subject", "questionnaire_tasks.import_subject"),
        ("questionaire_tasks.import_subjct", "questionnaire_tasks.import_subject"),
        ("Questionnaire_Tasks.import_subject", "questionnaire_tasks.import_subject"),
        ("tasks.questionaire.import_subject", "tasks.questionnaire.import_subject"),
        ("taks.questionnaire.import_subject", "tasks.questionnaire.import_subject"),
        ("questionaire_tasks.later", "questionnaire_tasks.later"),
        ("questionaire_tasks.written", "questionnaire_tasks.written"),
        ("questionaire_tasks.alias", "questionnaire_tasks.alias"),
        ("questionaire_tasks.typed", "questionnaire_tasks.typed"),
        ("questionaire_tasks:import_subject", "questionnaire_tasks:import_subject"),
        ("questionaire_tasks:nothing_like_it", "questionnaire_tasks:nothing_like_it"),
    ],
)
def test_a_misspelt_module_is_refused_with_the_one_that_was_meant(task_modules, run, meant):
    problem = refused(run)
    assert f"'run' is '{run}'" in problem
    assert f"there is no module '{run.replace(':', '.').rpartition('.')[0]}'" in problem
    assert problem.endswith(f"Did you mean '{meant}'?")


@pytest.mark.parametrize(
    "run",
    [
        "questionnaire.t_import",
        "etl2.import_subject",
        "orders.import_subject",
        "questionaire_tasks.daily",
        "questionaire-tasks.import_subject",
        "etl",
    ],
)
def test_a_dag_id_stays_one_beside_modules_that_resemble_it(task_modules, run):
    assert callable_path(run) is None


@pytest.mark.parametrize(
    ("run", "doubt"),
    [
        (
            "questionaire_tasks.daily",
            "There is no module 'questionaire_tasks', but 'questionnaire_tasks', which has no",
        ),
        (f"{TASKS_MODULE}.daily_import", f"The module '{TASKS_MODULE}' has no 'daily_import'."),
        ("orders.t_import", None),
    ],
)
def test_a_dag_id_that_may_be_a_slip_stands_on_the_manifests_page(task_modules, run, doubt):
    configuration = parse_configuration({"t_x": {"after": ["a"], "run": run}}, name="survey")
    page = compile_configuration(configuration)["survey"].doc_md
    assert ("## Possible slips" in page) == (doubt is not None)
    if doubt:
        assert f"- **t_x** runs the DAG `{run}`. {doubt}" in page


def test_a_dag_of_the_configuration_itself_is_a_dag_also_beside_a_module_of_its_name(folder):
    text = "t_x: {after: [a], run: survey.shout}\nt_again: {after: [b], run: survey.t_x}\n"
    dags, errors = parsed(folder, survey_py="def shout(context):\n    pass\n", survey_yaml=text)
    assert errors == {}
    assert set(dags) == {"survey", "survey.t_x"}
    carried = json.loads(dags["survey"].get_task("configuration").doc_json)
    assert [task["run"] for task in carried["tasks"].values()] == ["survey:shout", "survey.t_x"]


def test_callables_may_live_in_a_dag_file_of_their_own(folder):
    module = (
        "from airflow.sdk import DAG\n\n"
        "with DAG('of_the_module', schedule=None):\n    pass\n\n\n"
        "def shout(context):\n    pass\n"
    )
    (folder / "module.py").write_text(module)
    (folder / "survey.yaml").write_text("t_x: {after: [a], run: 'module:shout'}\n")
    bag = DagBag(folder / "dag_file.py", bundle_name="test", bundle_path=folder)
    assert bag.import_errors == {}
    assert set(bag.dags) == {"survey", "survey.t_x"}


@pytest.mark.parametrize(
    ("module", "problem"),
    [
        ("raise KeyError('boom')\n", "KeyError: 'boom' ({folder}/module.py, line 1)"),
        ("import no_such_thing\n", "ModuleNotFoundError: No module named 'no_such_thing'"),
        ("def broken(:\n", "SyntaxError: invalid syntax"),
    ],
)
@pytest.mark.parametrize("run", ["module:function", "module.function"])
def test_a_module_that_cannot_be_imported_costs_only_its_configuration(folder, run, module, problem):
    dags, errors = parsed(
        folder,
        module_py=module,
        bad_yaml=f"t_x: {{after: [a], run: '{run}'}}\n",
        good_yaml=f"t_x: {{after: [a], run: '{TASKS_MODULE}:greet'}}\n",
    )
    assert set(dags) == {"good", "good.t_x"}
    said = f"bad.yaml: line 1: task 't_x': 'run' is '{run}', and its module cannot be imported: "
    assert said + problem.format(folder=folder) in errors["bad.yaml"]


def test_a_package_that_lacks_what_it_imports_is_not_taken_for_a_dag_id(folder):
    (folder / "package").mkdir()
    (folder / "package" / "__init__.py").write_text("import no_such_thing\n")
    _, errors = parsed(folder, bad_yaml="t_x: {after: [a], run: package.module.function}\n")
    assert "ModuleNotFoundError: No module named 'no_such_thing'" in errors["bad.yaml"]


def test_the_problems_of_each_configuration_are_an_import_error_of_its_file(folder):
    dags, errors = parsed(
        folder,
        one_yaml=f"t_x: {{after: [a], run: {{operator: {BASH}}}}}\nt_y: {{after: [a], run: 'no_module:f'}}\n",
        two_yaml="t_x: [\n",
    )
    assert dags == {}
    assert set(errors) == {"one.yaml", "two.yaml"}
    assert errors["one.yaml"].startswith("ConfigurationError: one.yaml: 2 problems in the configuration:\n")
    assert "task 't_x': 'run' cannot make" in errors["one.yaml"]
    assert "task 't_y': 'run' is 'no_module:f'" in errors["one.yaml"]
    assert errors["two.yaml"].startswith("ConfigurationError: two.yaml: line 2: ")


def test_a_configuration_in_python_has_import_errors_of_its_own_too(folder):
    (folder / "dag_file.py").write_text(
        "from airflow_triggers import configuration_dags\n\n"
        "configuration_dags('bad', {'t_x': {'run': 'etl'}})\n"
        "configuration_dags('good', {'t_x': {'after': ['a'], 'run': 'etl'}})\n"
    )
    dags, errors = parsed(folder)
    assert set(dags) == {"good"}
    assert set(errors) == {"dag_file.py/bad"}
    assert errors["dag_file.py/bad"].startswith("ConfigurationError: bad: task 't_x': 'after' is missing")


def test_without_a_bag_that_takes_errors_a_broken_configuration_raises():
    broken = BrokenConfiguration(None, ConfigurationError("wrong", source="survey.yaml"))
    with pytest.raises(ConfigurationError, match=r"survey\.yaml: wrong"):
        broken.validate()


def test_two_files_cannot_be_the_same_configuration(folder):
    text = "t_x: {after: [a], run: etl}\n"
    dags, errors = parsed(folder, survey_yaml=text, survey_yml=text)
    assert set(dags) == {"survey"}
    assert "survey.yml: its DAG 'survey' has the id of another configuration's" in errors["survey.yml"]


def test_a_folder_that_is_not_there_is_an_error(folder):
    (folder / "dag_file.py").write_text(
        "from airflow_triggers import trigger_dags\n\ntrigger_dags('nowhere')\n"
    )
    assert "nowhere': [Errno 2] No such file or directory" in parsed(folder)[1]["dag_file.py"]


@pytest.mark.parametrize(
    ("run", "problem"),
    [
        ({"operator": BASH}, "TypeError: missing keyword argument 'bash_command'"),
        (
            {"operator": BASH, "bash_command": "x", "bash_comand": "x"},
            "Invalid arguments were passed to BashOperator",
        ),
        ({"operator": BASH, "bash_command": "x", "trigger_rule": "never"}, "The trigger_rule must be one of"),
        ({"operator": BASH, "bash_command": "x", "task_id": "mine"}, "'run' gives 'task_id' to the operator"),
        ({"operator": f"{TASKS_MODULE}.Operator"}, "which cannot be imported: AttributeError"),
    ],
)
def test_an_operator_that_cannot_be_made_is_refused_with_its_own_complaint(run, problem):
    assert problem in refused(run)
    assert refused(run).startswith("task 't_x': 'run' ")


def test_what_an_operator_is_given_in_run_wins_over_airflow_options():
    run = {"operator": BASH, "bash_command": "true", "retries": 5}
    configuration = parse_configuration(
        {"t_x": {"after": ["a"], "run": run, "airflow": {"retries": 1, "execution_timeout": 90}}},
        name="survey",
    )
    operator = compile_configuration(configuration)["survey.t_x"].get_task("run")
    assert (operator.retries, operator.execution_timeout) == (5, timedelta(seconds=90))


def test_a_result_task_is_named_for_a_dag_only():
    problem = refused(f"{TASKS_MODULE}:greet", airflow={"result_task_id": "load"})
    assert (
        problem
        == "task 't_x': 'airflow' has 'result_task_id', which is for a 'run' that is a DAG with several tasks."
    )


def test_a_dag_id_with_dots_takes_no_airflow_options_either():
    assert "'run' is the DAG 'team.etl', which has its own options" in refused(
        "team.etl", airflow={"retries": 1}
    )


def test_compiled_dags_run_at_once_for_many_sessions_and_are_not_paused():
    configuration = parse_configuration(
        {"t_x": {"after": ["a"], "run": f"{TASKS_MODULE}:greet"}}, name="survey"
    )
    dag = compile_configuration(configuration)["survey.t_x"]
    assert (dag.max_active_runs, dag.max_active_tasks) == (128, 128)
    assert (dag.is_paused_upon_creation, dag.catchup) == (False, False)


def test_a_run_made_at_run_time_is_a_dag_id():
    task = TaskConfig(name="t_x", run="survey.t_import", after=("a",))
    assert dag_id_of(Configuration({"t_x": task}), task) == "survey.t_import"
    for run, kind in (("m:f", "callable"), ({"operator": BASH}, "operator")):
        task = TaskConfig(name="t_x", run=run, after=("a",))
        assert run_kind(run) is RunKind(kind)
        assert dag_id_of(Configuration({"t_x": task}, "survey"), task) == "survey.t_x"
        with pytest.raises(ConfigurationError, match=f"task 't_x': 'run' is the {kind} .* made at run time"):
            dag_id_of(Configuration({"t_x": task}), task)


def test_ten_times_as_many_tasks_take_about_ten_times_as_long_to_read_and_compile():
    compile_many(30)  # what is imported and cached at first
    rounds = [(compile_many(300), compile_many(30)) for _ in range(3)]
    assert min(many / few for many, few in rounds) < 30


def compile_many(count):
    tasks = {
        f"t_{number}": {"after": [f"t_{max(number - 1, 0)}", "start"], "run": f"{TASKS_MODULE}.greet"}
        for number in range(count)
    }
    began = time.process_time()
    assert len(compile_configuration(parse_configuration(tasks, name="survey"))) == count + 1
    return time.process_time() - began


def test_a_configuration_that_cannot_be_compiled_for_whatever_reason_costs_no_other(folder, monkeypatch):
    monkeypatch.setattr("airflow_triggers.configuration.manifest.explain_configuration", lambda *_: 1 / 0)
    (folder / "dag_file.py").write_text(
        "from airflow_triggers import configuration_dags\nfrom airflow.sdk import DAG\n\n"
        "configuration_dags('bad', {'t_x': {'after': ['a'], 'run': 'etl'}})\n"
        "other = DAG('other', schedule=None)\n"
    )
    dags, errors = parsed(folder)
    assert set(dags) == {"other"}
    assert errors == {
        "dag_file.py/bad": "ConfigurationError: bad: it cannot be compiled: ZeroDivisionError: division by zero."
    }


def test_what_a_policy_of_the_deployment_refuses_costs_its_configuration_and_no_other(folder):
    class Policy:
        @hookimpl
        def dag_policy(self, dag):
            if dag.dag_id == "bad.t_x":
                raise AirflowClusterPolicyViolation("not on our cluster")

    text = "t_x: {after: [a], run: 'tests.support.trigger_tasks:greet'}\n"
    policy = Policy()
    get_policy_plugin_manager().register(policy)
    try:
        dags, errors = parsed(folder, bad_yaml=text, good_yaml=text)
    finally:
        get_policy_plugin_manager().unregister(policy)
    assert set(dags) == {"good", "good.t_x"}
    assert (
        "task 't_x': Airflow refuses the DAG that it becomes: AirflowClusterPolicyViolation: not on"
        in errors["bad.yaml"]
    )


def test_files_whose_names_read_alike_have_an_error_each(folder):
    (folder / "a b.yaml").write_text("[]")
    (folder / "a_b.yaml").write_text("[]")
    _, errors = parsed(folder)
    assert set(errors) == {"a b.yaml", "a_b.yaml"}


def test_templates_are_looked_for_beside_the_dag_file(folder, caplog):
    (folder / "script.sh").write_text("true")
    run = f"{{operator: {BASH}, bash_command: script.sh}}"
    dags, errors = parsed(folder, survey_yaml=f"t_x: {{after: [a], run: {run}}}\n")
    assert errors == {}
    assert dags["survey.t_x"].get_task("run").bash_command == "true"
    assert "Failed to resolve" not in caplog.text
