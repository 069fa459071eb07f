"""The deployment of docker-compose.yaml, each service a process, with the chaos configuration and two controllers.

Neighbours: ``scripts/topology`` runs the processes; ``killer.py`` kills them.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from scripts.chaos.journal import Journal
from scripts.chaos.postgresql import PostgresqlCluster
from scripts.demo.client import API, Client
from scripts.demo.processes import title_of, wait_for
from scripts.topology.topology import SOON, Topology, topology

HERE = Path(__file__).parent
API_SERVER, DAG_PROCESSOR = "airflow-apiserver-1", "airflow-dag-processor-1"
SCHEDULERS = ("airflow-scheduler-1", "airflow-scheduler-2")
WORKERS = ("airflow-worker-1", "airflow-worker-2")
CONTROLLERS = ("triggers-controller-1", "triggers-controller-2")

SIZES = {
    "AIRFLOW_SCHEDULERS": str(len(SCHEDULERS)),
    "AIRFLOW_WORKERS": str(len(WORKERS)),
    "AIRFLOW_WORKER_CONCURRENCY": "2",
    "TRIGGERS_CONTROLLERS": str(len(CONTROLLERS)),
}
SECRETS = (
    "AIRFLOW_ADMIN_PASSWORD",
    "AIRFLOW_API_SECRET_KEY",
    "AIRFLOW_JWT_SECRET",
    "POSTGRES_PASSWORD",
    "REDIS_PASSWORD",
)
FERNET_KEY = "Y2hhb3MtaGFzLW5vdGhpbmctdG8taGlkZS1pbi1pdC4="


@dataclass
class Deployment:
    """The deployment under fire.

    :param ends: how often each component ended by itself, without a kill.
    """

    services: Topology
    password: str
    effects: Path
    hooks: Path
    journal: Journal
    ends: Counter[str] = field(default_factory=Counter)

    @property
    def cluster(self) -> PostgresqlCluster:
        """The cluster of the metadata database."""
        return self.services.cluster

    @property
    def url(self) -> str:
        """The URL of the API."""
        return self.services.url

    def restart_ended(self) -> None:
        """Restart components that ended by themselves, as Docker does."""
        for name, code in self.services.restart_ended().items():
            self.ends[name] += 1
            self.journal.write("ended", component=name, code=code)

    def task_processes(self) -> list[psutil.Process]:
        """The processes of running tasks, without Celery's pool processes, which only supervise them."""
        return [
            process
            for worker in WORKERS
            for process in self.services.group(worker)
            if title_of(process).startswith("airflow worker -- ")
        ]

    def api_workers(self) -> list[psutil.Process]:
        """The API server's worker processes."""
        server = self.services.processes[API_SERVER].pid
        return [
            process
            for process in self.services.group(API_SERVER)
            if process.pid != server and "spawn_main" in title_of(process)
        ]


@contextmanager
def deployment(folder: Path) -> Iterator[Deployment]:
    """The deployment, ready for fires; all its processes have ended at the end.

    :param folder: an empty folder for all files except PostgreSQL's.
    """
    effects, hooks = folder / "effects.jsonl", folder / "hooks.jsonl"
    extra = {
        **SOON,
        "AIRFLOW__API__WORKERS": "2",
        # After this time the server notices a worker that died during its health check.
        "AIRFLOW__API__WORKER_TIMEOUT": "30",
        # A killed task fails its instance, and the operator replays it.
        "AIRFLOW__CORE__DEFAULT_TASK_RETRIES": "0",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(HERE / "plugins"),
        "AIRFLOW__CORE__MAX_ACTIVE_RUNS_PER_DAG": "64",
        "CHAOS_EFFECTS": str(effects),
        "CHAOS_HOOKS": str(hooks),
    }
    variables = {name: secrets.token_hex(16) for name in SECRETS}
    variables |= {"AIRFLOW_FERNET_KEY": FERNET_KEY, **SIZES}
    with topology(folder / "services", variables, dags=HERE / "dags", extra=extra) as services:
        password = variables["AIRFLOW_ADMIN_PASSWORD"]
        chaos_deployment = Deployment(services, password, effects, hooks, Journal(folder / "journal.jsonl"))
        _wait_until_deployed(chaos_deployment)
        yield chaos_deployment


def _wait_until_deployed(chaos_deployment: Deployment) -> None:
    with Client(chaos_deployment.url, password=chaos_deployment.password) as client:
        wait_for(
            "the configuration is deployed, and the API answers",
            lambda: (
                client.request("GET", "/api/v2/dags/chaos").is_success
                and client.request("GET", f"{API}/sessions").is_success
            ),
            seconds=120,
            alive=chaos_deployment.services.check_alive,
        )
