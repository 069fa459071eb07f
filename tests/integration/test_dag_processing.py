"""Airflow's own DAG processor, as a process: good configurations reach the servers, a bad one is an import error."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
from airflow.models.dag import DagModel
from airflow.models.dagbundle import DagBundleModel
from airflow.models.errors import ParseImportError
from airflow.utils.session import create_session
from sqlalchemy import select

from airflow_triggers import gateway
from airflow_triggers.configuration import parse_configuration

TASKS = {f"t_{number}": {"after": [f"trigger_{number}"], "run": "survey_tasks:work"} for number in range(300)}


def process(dags_folder):
    """Run the DAG processor once over the folder."""
    finished = subprocess.run(
        [sys.executable, "-m", "airflow", "dag-processor", "--num-runs", "1"],
        env={**os.environ, "AIRFLOW__CORE__DAGS_FOLDER": str(dags_folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=100,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout


def deployed(session):
    return set(session.scalars(select(DagModel.dag_id).where(~DagModel.is_stale)))


def import_errors(session):
    return {error.filename: error.stacktrace for error in session.scalars(select(ParseImportError))}


def test_configurations_reach_the_servers_and_a_bad_one_is_an_import_error_until_it_is_mended(
    sqlite_airflow_db, tmp_path
):
    (tmp_path / "dag_file.py").write_text(
        "from airflow_triggers import configuration_dags, trigger_dags\n\n"
        "trigger_dags(__file__)\n"
        f"configuration_dags('large', {TASKS!r})\n"
    )
    (tmp_path / "survey_tasks.py").write_text("def work(context):\n    return None\n")
    (tmp_path / "survey.yaml").write_text("t_x: {after: [a], run: survey_tasks.work}\n")
    (tmp_path / "bad.yaml").write_text("t_x: {after: [a], run: survey_tasks.work, unles: [b]}\n")
    good = {"survey", "survey.t_x", "large", *(f"large.{name}" for name in TASKS)}

    process(tmp_path)

    with create_session() as session:
        assert deployed(session) == good
        assert import_errors(session) == {
            "dag_file.py": "ConfigurationError: 1 configuration of this DAG file cannot be used. The other DAGs of "
            "this file are active.\n\n"
            "bad.yaml: line 1: task 't_x': there is no directive 'unles'. Did you mean 'unless'?"
        }
        assert gateway.deployed_configuration(session, "survey")["t_x"].run == "survey_tasks:work"
        assert gateway.deployed_configuration(session, "large") == parse_configuration(TASKS, name="large")

    (tmp_path / "bad.yaml").write_text("t_x: {after: [a], run: survey_tasks.work, unless: [b]}\n")
    process(tmp_path)

    with create_session() as session:
        assert deployed(session) == good | {"bad", "bad.t_x"}
        assert import_errors(session) == {}


def option(name, value):
    """A task with one option that Airflow, its database or its scheduler would refuse."""
    return f"t_x: {{after: [a], run: good_tasks.work, airflow: {{{name}: {value}}}}}\n"


def argument(name, value):
    """A task whose operator is given what Airflow, its database or its scheduler would refuse."""
    return (
        "t_x: {after: [a], run: {operator: airflow.providers.standard.operators.bash.BashOperator, "
        f"bash_command: 'true', {name}: {value}}}}}\n"
    )


OPTIONS = {
    "pool_slots": ["0", "-1", "100000000000", "one"],
    "executor": ["NoSuchExecutor", "''"],
    "max_active_runs": ["0", "-1", "100000000000"],
    "max_active_tasks": ["0", "100000000000"],
    "max_active_tis_per_dag": ["0"],
    "retries": ["-1", "3000000000"],
    "priority_weight": ["3000000000"],
    "weight_rule": ["nonsense"],
    "queue": ["''", "q" * 257],
    "pool": ["''", "p" * 257],
    "owner": ["o" * 501],
    "owner_links": ["{me: nowhere}", "{me: 'https://" + "x" * 500 + "'}"],
    "tags": ["[" + "t" * 101 + "]"],
    "dag_display_name": ["d" * 2001],
    "retry_delay": ["86400000000000", ".inf"],
    "dagrun_timeout": ["86400000000000"],
    "execution_timeout": ["-1"],
    "executor_config": ["{n: 18446744073709551616}"],
    "access_control": ["{Viewer: can_read}"],
    "description": ['"\\0"', '"\\ud800"'],
}

ARGUMENTS = {
    "pool_slots": ["0", "100000000000"],
    "executor": ["NoSuchExecutor"],
    "queue": ["q" * 257],
    "retries": ["3000000000"],
    "max_active_tis_per_dagrun": ["0"],
    "task_display_name": ["d" * 2001],
    "trigger_rule": ["sometimes"],
    "env": ["{n: 18446744073709551616}"],
    "depend_on_past": ["true"],
}

MODULES = {
    "exits": "import sys\nsys.exit(3)\n",
    "interrupts": "raise KeyboardInterrupt\n",
    "raises": "class Odd(BaseException): pass\nraise Odd('odd')\n",
    "recurses": "def f(): f()\nf()\n",
    "nameless": "class Odd(Exception):\n    def __str__(self): raise ValueError\nraise Odd\n",
    "unstorable": "raise ValueError('a\\0b\\ud800c')\n",
    "tricky": "def __getattr__(name): raise RuntimeError(name)\n",
}


def bad_configurations(folder):
    """Write one file for each of the mistakes above; by file name, what its error has to name."""
    names = {}
    for make, table in ((option, OPTIONS), (argument, ARGUMENTS)):
        for name, values in table.items():
            for number, value in enumerate(values):
                file = f"{make.__name__}_{name}_{number}.yaml"
                (folder / file).write_text(make(name, value))
                names[file] = name
    for name, text in MODULES.items():
        (folder / f"{name}.py").write_text(text)
        (folder / f"module_{name}.yaml").write_text(f"t_x: {{after: [a], run: '{name}:work'}}\n")
        names[f"module_{name}.yaml"] = name
    return names


def test_what_airflow_would_refuse_costs_its_own_configuration_and_no_other(airflow_db, tmp_path):
    (tmp_path / "dag_file.py").write_text(
        "from airflow_triggers import trigger_dags\n\ntrigger_dags(__file__)\n"
    )
    (tmp_path / "good_tasks.py").write_text("def work(context):\n    return None\n")
    (tmp_path / "good.yaml").write_text("t_x: {after: [a], run: good_tasks.work, airflow: {pool_slots: 2}}\n")
    process(tmp_path)
    names = bad_configurations(tmp_path)

    process(tmp_path)

    with create_session() as session:
        assert deployed(session) == {"good", "good.t_x"}
        errors = import_errors(session)
    assert set(errors) == {"dag_file.py"}
    heading, *texts = errors["dag_file.py"].split("\n\n")
    assert heading.startswith(
        f"ConfigurationError: {len(names)} configurations of this DAG file cannot be used."
    )
    texts = {text.partition(": ")[0]: text for text in texts}
    assert set(texts) == set(names)
    unnamed = {
        file: text
        for file, text in texts.items()
        if ": line 1: task 't_x'" not in text or names[file] not in text
    }
    assert unnamed == {}


@contextmanager
def processing(dags_folder):
    """Run the DAG processor over the folder; it refreshes the bundle and parses the file every second."""
    every_second = {
        f"AIRFLOW__DAG_PROCESSOR__{name}": "1"
        for name in ("REFRESH_INTERVAL", "BUNDLE_REFRESH_CHECK_INTERVAL", "MIN_FILE_PROCESS_INTERVAL")
    }
    processor = subprocess.Popen(
        [sys.executable, "-m", "airflow", "dag-processor"],
        env={**os.environ, **every_second, "AIRFLOW__CORE__DAGS_FOLDER": str(dags_folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
        assert processor.poll() is None, "the DAG processor ended by itself"
    finally:
        processor.send_signal(signal.SIGTERM)
        try:
            processor.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(processor.pid, signal.SIGKILL)
            processor.wait(20)


def look():
    with create_session() as session:
        parsed_at = session.scalar(select(DagModel.last_parsed_time).where(DagModel.dag_id == "good"))
        refreshed_at = session.scalar(select(DagBundleModel.last_refreshed))
        return import_errors(session), deployed(session), parsed_at, refreshed_at


def wait_for(condition, what):
    deadline = time.monotonic() + 60
    while not condition(*look()):
        assert time.monotonic() < deadline, f"{what}; found {look()}"
        time.sleep(0.05)


@pytest.mark.timeout(240)
def test_the_errors_of_broken_configurations_stay_over_refreshes_and_parses_until_they_are_mended(
    airflow_db, tmp_path
):
    (tmp_path / "dag_file.py").write_text(
        "from airflow_triggers import trigger_dags\n\ntrigger_dags(__file__)\n"
    )
    (tmp_path / "good_tasks.py").write_text("def work(context):\n    return None\n")
    (tmp_path / "good.yaml").write_text("t_x: {after: [a], run: good_tasks.work}\n")
    (tmp_path / "one.yaml").write_text(
        "t_x: {after: [a], run: good_tasks.work}\n# misspelt\nt_y:\n  afte: [a]\n"
    )
    (tmp_path / "two.yaml").write_text("t_x: [\n")

    with processing(tmp_path):
        wait_for(lambda errors, *_: "dag_file.py" in errors, "no import error came")
        parses, refreshes = set(), set()
        deadline = time.monotonic() + 60
        while len(parses) < 4 or len(refreshes) < 4:
            assert time.monotonic() < deadline, (parses, refreshes)
            errors, dags, parsed_at, refreshed_at = look()
            assert set(errors) == {"dag_file.py"}
            assert "\n\none.yaml: " in errors["dag_file.py"]
            assert "line 4: task 't_y': there is no directive 'afte'" in errors["dag_file.py"]
            assert "\n\ntwo.yaml: line 2: " in errors["dag_file.py"]
            assert dags == {"good", "good.t_x"}
            parses.add(parsed_at)
            refreshes.add(refreshed_at)
            time.sleep(0.05)

        (tmp_path / "two.yaml").write_text("t_x: {after: [a], run: good_tasks.work}\n")
        wait_for(lambda errors, dags, *_: "two.t_x" in dags, "the mended configuration was not deployed")
        wait_for(lambda errors, *_: "two.yaml" not in errors["dag_file.py"], "a mended error stayed")
        assert "one.yaml" in look()[0]["dag_file.py"]

        (tmp_path / "one.yaml").write_text("t_x: {after: [a], run: good_tasks.work}\n")
        wait_for(lambda errors, *_: errors == {}, "the last error stayed")
        assert look()[1] == {name for stem in ("good", "one", "two") for name in (stem, f"{stem}.t_x")}


def test_an_error_of_the_dag_file_itself_makes_its_dags_stale_as_airflow_has_it(sqlite_airflow_db, tmp_path):
    dag_file = tmp_path / "dag_file.py"
    dag_file.write_text("from airflow_triggers import trigger_dags\n\ntrigger_dags(__file__)\n")
    (tmp_path / "good_tasks.py").write_text("def work(context):\n    return None\n")
    (tmp_path / "good.yaml").write_text("t_x: {after: [a], run: good_tasks.work}\n")
    process(tmp_path)

    dag_file.write_text(f"{dag_file.read_text()}raise ValueError('of the file')\n")
    process(tmp_path)

    with create_session() as session:
        assert deployed(session) == set()
        assert "ValueError: of the file" in import_errors(session)["dag_file.py"]


def test_another_dag_that_airflow_refuses_stands_in_the_files_error_beside_the_configuration(
    sqlite_airflow_db, tmp_path
):
    (tmp_path / "dag_file.py").write_text(
        "from airflow.sdk import DAG\n"
        "from airflow.providers.standard.operators.empty import EmptyOperator\n"
        "from airflow_triggers import trigger_dags\n\n"
        "trigger_dags(__file__)\n"
        "with DAG('refused', schedule=None):\n"
        "    EmptyOperator(task_id='x', executor='NoSuchExecutor')\n"
    )
    (tmp_path / "bad.yaml").write_text("t_x: {after: [a], run: survey_tasks.work, unles: [b]}\n")

    process(tmp_path)

    with create_session() as session:
        (text,) = import_errors(session).values()
    assert "NoSuchExecutor" in text
    assert "bad.yaml: line 1: task 't_x': there is no directive 'unles'" in text
