"""``airflow triggers check`` as CI runs it: a process, mostly without a database."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.support.dags import dag, deploy

DAG_FILE = "from airflow_triggers import trigger_dags\n\ntrigger_dags(__file__)\n"
TASKS = "def work(context):\n    return None\n"


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "dags"
    folder.mkdir()
    (folder / "survey_tasks.py").write_text(TASKS)
    return folder


def run(folder, *arguments, home=None):
    environment = dict(os.environ)
    if home is not None:
        environment = {
            **{
                key: value
                for key, value in os.environ.items()
                if key != "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
            },
            "AIRFLOW_HOME": str(home),
        }
    return subprocess.run(
        [sys.executable, "-m", "airflow", "triggers", "check", str(folder), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def checked(folder, *arguments, home=None):
    """The exit status, and the findings by (file, line, severity, code)."""
    done = run(folder, "--json", *arguments, home=home)
    answer = json.loads(done.stdout)
    findings = [(it["file"], it["line"], it["severity"], it["code"]) for it in answer["findings"]]
    return done.returncode, findings, answer


def test_without_a_database_a_sound_folder_passes_and_no_database_is_made(folder, tmp_path):
    (folder / "survey.yaml").write_text("t_x: {after: [a], run: survey_tasks.work}\n")
    done = run(folder, home=tmp_path / "home")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["1 configuration, 0 errors, 0 warnings"]
    assert "Airflow's database was not asked for deployed DAGs: there is no database" in done.stderr
    assert list((tmp_path / "home").glob("*.db")) == []


def test_every_kind_of_mistake_is_found_at_its_line(folder, tmp_path):
    (folder / "dag_file.py").write_text(
        f"{DAG_FILE}\nfrom airflow.sdk import DAG\nfrom airflow_triggers import FireTriggerOperator, trigger_asset\n"
        "from airflow.providers.standard.operators.empty import EmptyOperator\n\n"
        "with DAG('loader', schedule=None):\n"
        "    FireTriggerOperator(task_id='tell', trigger='pageRecieved', session_uid='x', configuration='survey')\n"
        "    FireTriggerOperator(task_id='any', trigger='{{ params.x }}', session_uid='x')\n"
        "    EmptyOperator(task_id='asset', outlets=[trigger_asset('begun', configuration='survey')])\n"
    )
    (folder / "failing.py").write_text("# airflow dag\nraise RuntimeError('of this file')\n")
    (folder / "firing_tasks.py").write_text(
        "def work(context):\n    context.fire('nobodyWaits')\n    context.fire('pageReceived')\n"
    )
    (folder / "bad.yaml").write_text("t_x:\n  after: [a]\n  run: survey_tasks.work\n  unles: [b]\n")
    (folder / "broken.yaml").write_text("t_x: [\n")
    (folder / "survey.yaml").write_text(
        "t_a:\n  after: [pageReceived, t_b]\n  run: survey_tasks.work\n"
        "t_b:\n  after: [t_a]\n  run: servey_tasks.nothing_alike\n"
        "t_c:\n  after: [x, y]\n  unless: [x]\n  run: loadr\n"
        "t_d:\n  after: [t_elsewhere]\n  run: firing_tasks.work\n"
        "t_e:\n  after: [x]\n  run: a_dag_of_others\n"
    )
    status, findings, answer = checked(folder, home=tmp_path / "home")
    assert status == 1
    assert sorted(findings, key=str) == sorted(
        [
            ("bad.yaml", 4, "error", "invalid"),
            ("broken.yaml", 2, "error", "invalid"),
            ("dag_file.py", None, "warning", "unawaited"),
            ("dag_file.py", None, "warning", "unawaited"),
            ("failing.py", None, "error", "dag-file"),
            ("survey.yaml", 1, "error", "cycle"),
            ("survey.yaml", 6, "error", "unknown-run"),
            ("survey.yaml", 9, "error", "never-runs"),
            ("survey.yaml", 10, "error", "unknown-run"),
            ("survey.yaml", 11, "warning", "unfired"),
            ("survey.yaml", 11, "warning", "unawaited"),
            ("survey.yaml", 16, "warning", "unknown-run"),
        ],
        key=str,
    )
    texts = {(it["task"], it["code"]): it["text"] for it in answer["findings"]}
    assert texts["t_b", "unknown-run"] == (
        "'run' is 'servey_tasks.nothing_alike', neither a module's function nor a deployed DAG (Airflow's database was "
        "not asked). Did you mean 'survey_tasks.nothing_alike'?"
    )
    assert texts["t_c", "unknown-run"].endswith("Did you mean 'loader'?")
    assert texts["t_d", "unawaited"].startswith(
        "its module 'firing_tasks' fires 'nobodyWaits' in line 2, and no task"
    )
    assert answer["configurations"] == ["bad", "broken", "survey"]
    assert (answer["errors"], answer["warnings"]) == (7, 5)

    printed = run(folder, home=tmp_path / "home").stdout
    assert (
        "bad.yaml:4: error: task 't_x': there is no directive 'unles'. Did you mean 'unless'? [invalid]"
        in printed
    )
    assert printed.splitlines()[-1] == "3 configurations, 7 errors, 5 warnings"


def test_warnings_fail_only_a_strict_check(folder, tmp_path):
    (folder / "survey.yaml").write_text("t_x: {after: [t_elsewhere], run: survey_tasks.work}\n")
    assert run(folder, home=tmp_path / "home").returncode == 0
    assert run(folder, "--strict", home=tmp_path / "home").returncode == 1


def test_dags_of_the_folder_and_of_the_database_are_known(folder, airflow_db):
    deploy(dag("deployed.elsewhere"))
    (folder / "dag_file.py").write_text(
        f"{DAG_FILE}\nfrom airflow.sdk import DAG\n\nwith DAG('of.the_folder', schedule=None):\n    pass\n"
        "from airflow_triggers import configuration_dags\n\n"
        "configuration_dags('python', {'t_y': {'after': ['a'], 'run': 'survey.t_x'}})\n"
    )
    (folder / "survey.yaml").write_text(
        "t_x: {after: [a], run: survey_tasks.work}\n"
        "t_1: {after: [a], run: of.the_folder}\n"
        "t_2: {after: [a], run: deployed.elsewhere}\n"
        "t_3: {after: [a], run: nowhere_at_all}\n"
    )
    status, findings, answer = checked(folder)
    assert (status, answer["database"]) == (1, "asked")
    assert findings == [("survey.yaml", 4, "error", "unknown-run")]
    assert answer["configurations"] == ["python", "survey"]
    status, findings, answer = checked(folder, "--without-database")
    assert (status, answer["database"]) == (0, "--without-database was given")
    assert findings == [
        ("survey.yaml", 3, "warning", "unknown-run"),
        ("survey.yaml", 4, "warning", "unknown-run"),
    ]


def test_a_folder_that_does_not_exist_is_one_sentence(tmp_path):
    done = run(tmp_path / "nowhere", home=tmp_path / "home")
    assert done.returncode == 1
    assert f"cannot read the folder of configurations '{tmp_path / 'nowhere'}'" in done.stderr
    assert "Traceback" not in done.stderr
