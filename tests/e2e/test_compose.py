"""The deployment of docker-compose.yaml, each service a process: parts are killed, every session ends well.

The demo's respondents are played into it over REST. Airflow is on Celery, Redis and PostgreSQL as the file says.
"""

from __future__ import annotations

import json
import os
import subprocess

import httpx
import psycopg2
import pytest
from rich.console import Console

from scripts.chaos.postgresql import find_programs
from scripts.demo.__main__ import INPUT, await_settled, fire_all, repair
from scripts.demo.client import API, Client, read_lines
from scripts.demo.expectation import differences, expectations
from scripts.demo.play import CONFIGURATION
from scripts.demo.processes import DemoError, wait_for
from scripts.topology.interpolation import read_variables
from scripts.topology.topology import SOON, passes_its_check, topology
from tests.support.environment import IN_CI, ROOT

pytestmark = pytest.mark.timeout(600)

SCHEDULER, WORKER, CONTROLLER = "airflow-scheduler-1", "airflow-worker-1", "triggers-controller-1"
VICTIMS = [SCHEDULER, WORKER, CONTROLLER]


@pytest.fixture(scope="module")
def variables(tmp_path_factory):
    """What `scripts/deploy/make-env` writes."""
    path = tmp_path_factory.mktemp("env") / ".env"
    subprocess.run([ROOT / "scripts/deploy/make-env", path], check=True, stdout=subprocess.DEVNULL)
    return {**read_variables(path), "AIRFLOW_WORKER_CONCURRENCY": "2"}


@pytest.fixture(scope="module")
def deployment(variables, tmp_path_factory):
    """Without the programs of PostgreSQL and Redis it is skipped; in CI it fails."""
    try:
        find_programs()
        with topology(tmp_path_factory.mktemp("compose"), variables, extra=SOON) as running:
            yield running
    except DemoError as error:
        if IN_CI or "not found" not in str(error):
            raise
        pytest.skip(str(error))


@pytest.fixture
def client(deployment, variables):
    with Client(deployment.url, "admin", variables["AIRFLOW_ADMIN_PASSWORD"]) as client:
        yield client


def running_instances(client, lines):
    """How many instances of these lines' sessions are running."""
    uids = {line["session"] for line in lines}
    return sum(
        instance["status"] == "running" for uid in uids for instance in client.session(uid)["instances"]
    )


def test_every_service_of_the_file_runs_as_often_as_the_file_says(deployment):
    assert sorted(deployment.processes) == [
        "airflow-apiserver-1",
        "airflow-dag-processor-1",
        "airflow-scheduler-1",
        "airflow-scheduler-2",
        "airflow-triggerer-1",
        "airflow-worker-1",
        "airflow-worker-2",
        "triggers-controller-1",
    ]
    assert deployment.controllers() == [deployment.processes[CONTROLLER].pid]


def test_only_the_passwords_of_the_environment_are_accepted(deployment, variables):
    with pytest.raises(httpx.HTTPStatusError, match="401"):
        Client(deployment.url, "admin", "admin")
    assert httpx.get(f"{deployment.url}{API}/sessions").status_code == 401
    server = {"host": "127.0.0.1", "port": deployment.cluster.port, "user": "airflow", "dbname": "airflow"}
    with pytest.raises(psycopg2.OperationalError, match="password"):
        psycopg2.connect(**server, password="airflow")
    psycopg2.connect(**server, password=variables["POSTGRES_PASSWORD"]).close()
    broker = f"redis://127.0.0.1:{deployment.redis.container.ports[6379]}"
    answer = subprocess.run(["redis-cli", "-u", broker, "ping"], capture_output=True, text=True, check=False)
    assert "NOAUTH" in answer.stdout


def test_the_workers_import_what_dag_files_of_configurations_import(deployment):
    container = deployment.containers[WORKER]
    app = "airflow.providers.celery.executors.celery_executor.app"
    answer = subprocess.run(
        ["celery", "--app", app, "--quiet", "inspect", "--json", "conf"],
        env={**container.environment(), "PYTHONWARNINGS": "ignore"},
        cwd=container.folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    settings = json.loads(answer.stdout[answer.stdout.index("{") :])
    assert sorted(settings) == ["worker@airflow-worker-1", "worker@airflow-worker-2"]
    for worker in settings.values():
        assert "airflow_triggers.configuration.compile" in worker["imports"]


def test_every_session_ends_as_the_input_demands_whatever_is_killed(deployment, client):
    lines = read_lines(INPUT)
    expected = expectations(lines)
    console = Console(quiet=True)
    wait_for(
        "the configuration is deployed",
        lambda: client.request("GET", f"/api/v2/dags/{CONFIGURATION}").is_success,
        seconds=120,
        alive=deployment.check_alive,
    )
    half = len(lines) // 2
    fire_all(client, lines[:half], console)
    wait_for(
        "work is under way",
        lambda: running_instances(client, lines[:half]) > 0,
        seconds=120,
        alive=deployment.check_alive,
    )
    for name in VICTIMS:
        deployment.kill(name)
    fire_all(client, lines[half:], console)
    for name in VICTIMS:
        wait_for(
            f"the check of {name}, which is dead, fails",
            lambda: not passes_its_check(deployment.containers[name]),  # noqa: B023  (called at once)
            seconds=60,
            alive=lambda: None,
        )
    assert sorted(deployment.restart_ended()) == sorted(VICTIMS)
    sessions = await_settled(deployment, client, expected, console)
    repair(client, sessions, console)
    sessions = await_settled(deployment, client, expected, console, statuses=True)
    assert differences(expected, sessions, deployment.volumes / "results/questionnaire.sqlite") == []
    deployment.await_healthy(*VICTIMS)


def test_the_demo_plays_into_a_running_deployment(deployment, variables):
    environment = {**os.environ, "DEMO_PASSWORD": variables["AIRFLOW_ADMIN_PASSWORD"]}
    play = subprocess.run(
        ["make", "demo", f"API={deployment.url}"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert play.returncode == 0, play.stdout + play.stderr
    assert "instances are as the input demands" in play.stdout
    environment["DEMO_PASSWORD"] = "admin"
    refusal = subprocess.run(
        ["make", "demo", f"API={deployment.url}"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert refusal.returncode != 0
    assert "refuses the login with 401" in refusal.stdout
