"""Airflow's own DAG processor, as a process: good configurations reach the servers, a bad one is an import error."""

from __future__ import annotations

import os
import subprocess
import sys

from airflow.models.dag import DagModel
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
            "bad.yaml": "ConfigurationError: bad.yaml: task 't_x': there is no directive 'unles'. "
            "Did you mean 'unless'?"
        }
        assert gateway.deployed_configuration(session, "survey")["t_x"].run == "survey_tasks:work"
        assert gateway.deployed_configuration(session, "large") == parse_configuration(TASKS, name="large")

    (tmp_path / "bad.yaml").write_text("t_x: {after: [a], run: survey_tasks.work, unless: [b]}\n")
    process(tmp_path)

    with create_session() as session:
        assert deployed(session) == good | {"bad", "bad.t_x"}
        assert import_errors(session) == {}
