"""A real Airflow for the benchmarks: its processes, a client, and the moments written down by its tasks.

Neighbours: ``rest.py``, ``crowds.py``, ``latency.py`` and ``completions.py`` work on it; ``scripts/demo/airflow.py``
runs it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks.database import MetadataDatabase
from scripts.demo.airflow import Airflow, free_ports, wait_for

DAGS = Path(__file__).with_name("dags")
API = "/triggers/api/v1"
CONFIGURATION = "bench"
DAG_IDS = ("bench", "bench.t_parked", "bench.t_marked", "bench.t_a", "bench.t_plain", "chain_a", "chain_b")


@dataclass
class Live:
    """The running Airflow.

    :param marks: the folder in which its tasks write moments.
    """

    airflow: Airflow
    database: MetadataDatabase
    marks: Path
    http: httpx.Client
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def number(self) -> int:
        """A number that was not used before."""
        return next(self._numbers)

    def post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        """Send a POST request, which must succeed."""
        answer = self.http.post(path, json=body)
        if answer.is_error:
            raise RuntimeError(f"POST {path} answered {answer.status_code}: {answer.text[:500]}")
        return answer

    def fire(self, uid: str, trigger: str, kwargs: dict[str, Any]) -> None:
        """Fire by REST; the first fire makes the session."""
        body = {"trigger": trigger, "kwargs": kwargs, "configuration": CONFIGURATION}
        self.post(f"{API}/sessions/{uid}/fires", body)

    def start_run(self, dag_id: str, conf: dict[str, Any]) -> None:
        """Airflow's own way to start a run by REST."""
        self.post(f"/api/v2/dags/{dag_id}/dagRuns", {"logical_date": None, "conf": conf})

    def settle(self) -> None:
        """Wait until no run is queued or running, except runs of the paused DAG."""
        wait_for("every run ends", self._idle, seconds=90, alive=self.airflow.check_alive)

    def _idle(self) -> bool:
        at_work = (
            "SELECT count(*) FROM dag_run WHERE state IN ('queued', 'running') AND dag_id <> 'bench.t_parked'"
        )
        return bool(self.database.execute(at_work)[0] == 0)

    def moment(self, name: str) -> float:
        """The moment of the mark with this name; waits until a task has written it."""
        path = self.marks / name
        wait_for(f"a task writes {name}", path.exists, seconds=60, alive=self.airflow.check_alive)
        return float(path.read_text(encoding="utf-8"))


@contextmanager
def living(folder: Path, database: MetadataDatabase) -> Iterator[Live]:
    """Start Airflow's scheduler, DAG processor and API server on the database; they end afterwards."""
    marks = folder / "marks"
    marks.mkdir()
    extra = {
        "BENCH_MARKS": str(marks),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(folder / "plugins"),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
    }
    airflow = Airflow(folder / "airflow", free_ports(), database.url, dags=DAGS, extra=extra)
    try:
        airflow.prepare()
        airflow.start("scheduler", "dag-processor", "api-server")
        airflow.wait_until_ready()
        with _client_of(airflow) as http:
            for dag_id in DAG_IDS:
                _await_dag(airflow, http, dag_id)
            yield Live(airflow, database, marks, http)
    finally:
        airflow.stop()


@contextmanager
def answering(folder: Path, database: MetadataDatabase, *, python: Path) -> Iterator[Live]:
    """Start an API server with one worker on the database; it ends afterwards.

    A DAG processor deploys the configuration before. Nothing else runs.

    :param python: the interpreter of its environment.
    """
    extra = {
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(folder / "plugins"),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "BENCH_MARKS": str(folder),
    }
    airflow = Airflow(folder / "airflow", free_ports(), database.url, dags=DAGS, extra=extra, python=python)
    try:
        airflow.prepare()
        airflow.start("dag-processor", "api-server")
        wait_for("the API server answers", lambda: _answers(airflow), seconds=120, alive=airflow.check_alive)
        with _client_of(airflow) as http:
            _await_dag(airflow, http, CONFIGURATION)
            airflow.kill("dag-processor")
            yield Live(airflow, database, folder, http)
    finally:
        airflow.stop()


def _answers(airflow: Airflow) -> bool:
    try:
        return httpx.get(f"{airflow.url}/api/v2/version", timeout=5).is_success
    except httpx.HTTPError:
        return False


@contextmanager
def _client_of(airflow: Airflow) -> Iterator[httpx.Client]:
    """A client that is logged in."""
    with httpx.Client(base_url=airflow.url, timeout=60) as http:
        answer = http.post("/auth/token", json={"username": "admin", "password": "admin"})
        http.headers["Authorization"] = f"Bearer {answer.raise_for_status().json()['access_token']}"
        yield http


def _await_dag(airflow: Airflow, http: httpx.Client, dag_id: str) -> None:
    def is_unpaused() -> bool:
        answer = http.get(f"/api/v2/dags/{dag_id}")
        if answer.is_success and answer.json()["is_paused"] and dag_id != "bench.t_parked":
            http.patch(f"/api/v2/dags/{dag_id}", json={"is_paused": False}).raise_for_status()
        return answer.is_success

    wait_for(f"the DAG {dag_id} is deployed", is_unpaused, seconds=120, alive=airflow.check_alive)
