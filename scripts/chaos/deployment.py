"""A real deployment: PostgreSQL, an API server of two workers, two schedulers with their controllers, a third one.

Neighbours: ``postgresql.py`` and ``scripts/demo/airflow.py`` run the processes; ``killer.py`` kills them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from scripts.chaos.journal import Journal
from scripts.chaos.postgresql import PostgresqlCluster, postgresql_cluster
from scripts.demo.airflow import Airflow, free_ports, wait_for
from scripts.demo.client import API, Client

HERE = Path(__file__).parent
API_SERVER, DAG_PROCESSOR, CONTROLLER = "api-server", "dag-processor", "triggers controller"
SCHEDULERS = ("scheduler", "scheduler-2")
COMPONENTS = (
    API_SERVER,
    DAG_PROCESSOR,
    "scheduler --skip-serve-logs",
    "scheduler --skip-serve-logs",
    CONTROLLER,
)

SOON = {
    # What a real deployment waits minutes for: whether a scheduler or a task still lives.
    "AIRFLOW__SCHEDULER__JOB_HEARTBEAT_SEC": "2",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "2",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "15",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "8",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC": "3",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "30",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "10",
}


@dataclass
class Deployment:
    """What is fired at, and killed.

    :param ends: components that ended without having been killed here, and how often.
    """

    airflow: Airflow
    cluster: PostgresqlCluster
    effects: Path
    hooks: Path
    journal: Journal
    ends: Counter[str] = field(default_factory=Counter)

    def restart_ended(self) -> None:
        """What a service manager does: start again what has ended by itself."""
        for name, process in list(self.airflow.processes.items()):
            if process.poll() is not None:
                self.ends[name] += 1
                self.journal.write("ended", component=name, code=process.returncode)
                self.airflow.restart(name)

    def task_processes(self) -> list[psutil.Process]:
        """Processes in which a task runs. Not the executor's own: one of them that dies takes a lock along."""
        return [
            process
            for scheduler in SCHEDULERS
            for process in self.airflow.group(scheduler)
            if (title := _title(process)).startswith("airflow worker -- ") and "LocalExecutor" not in title
        ]

    def supervised_controllers(self) -> list[psutil.Process]:
        """The controllers that the schedulers keep running."""
        return [
            process
            for scheduler in SCHEDULERS
            for process in self.airflow.group(scheduler)
            if "airflow_triggers.controller" in _title(process)
        ]

    def api_workers(self) -> list[psutil.Process]:
        """The API server's worker processes."""
        server = self.airflow.processes[API_SERVER].pid
        return [
            process
            for process in self.airflow.group(API_SERVER)
            if process.pid != server and "spawn_main" in _title(process)
        ]


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


@contextmanager
def deployment(folder: Path) -> Iterator[Deployment]:
    """The deployment, ready to be fired at; every process of it is gone at the end.

    :param folder: an empty one; everything but PostgreSQL's files is written below it.
    """
    effects, hooks = folder / "effects.jsonl", folder / "hooks.jsonl"
    extra = {
        "AIRFLOW__API__WORKERS": "2",
        "AIRFLOW__API__WORKER_TIMEOUT": "30",  # a worker that dies while it is asked for its health is missed later
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(HERE / "plugins"),
        "AIRFLOW__CORE__MAX_ACTIVE_RUNS_PER_DAG": "64",
        "CHAOS_EFFECTS": str(effects),
        "CHAOS_HOOKS": str(hooks),
        **SOON,
    }
    with postgresql_cluster() as cluster:
        airflow = Airflow(folder / "airflow", free_ports(), cluster.url, dags=HERE / "dags", extra=extra)
        chaos_deployment = Deployment(airflow, cluster, effects, hooks, Journal(folder / "journal.jsonl"))
        try:
            airflow.prepare()
            airflow.start(*COMPONENTS)
            airflow.wait_until_ready()
            _wait_until_deployed(airflow)
            yield chaos_deployment
        finally:
            airflow.stop()


def _wait_until_deployed(airflow: Airflow) -> None:
    with Client(airflow.url) as client:
        wait_for(
            "the configuration is deployed, and the API answers",
            lambda: (
                client.request("GET", "/api/v2/dags/chaos").is_success
                and client.request("GET", f"{API}/sessions").is_success
            ),
            seconds=120,
            alive=airflow.check_alive,
        )
