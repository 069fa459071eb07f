"""Starts the services in their order, waits for their health, kills them and starts them again.

Neighbours: ``services.py`` reads the file, ``containers.py`` makes a process of each replica. Servers of this machine
replace the images of PostgreSQL and Redis, with the file's user, passwords and options.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2
from psycopg2 import sql
from sqlalchemy.engine import make_url

from scripts.chaos.postgresql import PostgresqlCluster, postgresql_cluster
from scripts.demo.airflow import ROOT, free_ports
from scripts.demo.processes import DemoError, Processes, log_tail, title_of
from scripts.topology.containers import (
    API,
    HEALTH,
    TRIGGERER_LOGS,
    WORKER_LOGS,
    Container,
)
from scripts.topology.redis_server import PORT as REDIS_PORT
from scripts.topology.redis_server import RedisServer
from scripts.topology.services import Service, read_services

COMPOSE_FILE = ROOT / "docker-compose.yaml"
POSTGRES, REDIS, API_SERVER = "postgres", "redis", "airflow-apiserver"
POSTGRES_PORT = 5432
RESTARTED = ("always", "unless-stopped")
START_DEADLINE = 300.0

SOON = {
    # Short timeouts for a dead scheduler, controller or task: a real deployment waits for minutes.
    "AIRFLOW__SCHEDULER__JOB_HEARTBEAT_SEC": "2",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "2",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "15",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "8",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC": "3",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "30",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "10",
    "AIRFLOW__TRIGGERS__CONTROLLER_HEALTH_CHECK_THRESHOLD": "10",
}


@dataclass
class Topology(Processes):
    """The deployment. Make it with :func:`topology`.

    :param containers: the containers of our image, by name.
    :param servers: the other containers, by service.
    :param volumes: the folder of the named volumes.
    """

    containers: dict[str, Container]
    servers: dict[str, Container]
    cluster: PostgresqlCluster
    redis: RedisServer
    volumes: Path
    _healthy: set[str] = field(default_factory=set, init=False)
    _completed_names: set[str] = field(default_factory=set, init=False)

    @property
    def url(self) -> str:
        """The URL of the UI and the API."""
        return f"http://127.0.0.1:{self.containers[f'{API_SERVER}-1'].ports[API]}"

    @property
    def database(self) -> str:
        """SQLAlchemy's URL of the metadata database, for the server's own user; this user needs no password."""
        name = self.servers[POSTGRES].service.environment["POSTGRES_DB"]
        return make_url(self.cluster.url).set(database=name).render_as_string(hide_password=False)

    def names(self, service: str) -> list[str]:
        """The names of a service's containers."""
        return [name for name, container in self.containers.items() if container.service.name == service]

    def start(self) -> None:
        """Start each service when the file's conditions on other services hold, and wait until all are healthy.

        :raises DemoError: when one ends, or is not healthy in time.
        """
        deadline = time.monotonic() + START_DEADLINE
        while waiting := self.containers.keys() - self.processes.keys() - self._completed_names:
            for name in (name for name in self.containers if name in waiting):
                container = self.containers[name]
                if all(self._holds(*demand) for demand in container.service.conditions.items()):
                    self.launch(name, container.launch())
            self._note_completions()
            self._pause(deadline, f"still waiting: {', '.join(sorted(waiting))}")
        self._await_healthy(list(self.processes), deadline)

    def _await_healthy(self, names: Sequence[str], deadline: float) -> None:
        """Wait for one after the other: a check may take seconds of CPU time."""
        for name in names:
            while not self._is_healthy(name):
                self._pause(deadline, f"not healthy: {name}")

    def _pause(self, deadline: float, state: str) -> None:
        self.check_alive()
        if time.monotonic() > deadline:
            raise DemoError(f"The deployment does not start in time; {state}.")
        time.sleep(0.5)

    def _holds(self, service: str, condition: str) -> bool:
        if service in self.servers:
            return passes_its_check(self.servers[service])
        names = self.names(service)
        if condition == "service_completed_successfully":
            return all(name in self._completed_names for name in names)
        return all(name in self.processes and self._is_healthy(name) for name in names)

    def _is_healthy(self, name: str) -> bool:
        """Whether its check has passed since its start."""
        if name not in self._healthy and passes_its_check(self.containers[name]):
            self._healthy.add(name)
        return name in self._healthy

    def await_healthy(self, *names: str, seconds: float = 120) -> None:
        """Wait until restarted containers are healthy. :raises DemoError: when they are not in time."""
        self._healthy.difference_update(names)
        self._await_healthy(names, time.monotonic() + seconds)

    def _note_completions(self) -> None:
        """Remove one-time containers that completed. :raises DemoError: when one has failed."""
        for name, process in list(self.processes.items()):
            container = self.containers[name]
            if container.service.restart in RESTARTED or process.poll() is None:
                continue
            if process.returncode:
                raise DemoError(f"{name} failed:\n{log_tail(container.log)}")
            self._completed_names.add(name)
            del self.processes[name]

    def controllers(self) -> list[int]:
        """The process ids of the controllers, whoever started them."""
        return sorted(
            process.pid
            for name in self.processes
            for process in self.group(name)
            if "triggers controller" in (title := title_of(process)) or "airflow_triggers.controller" in title
        )

    def restart_ended(self) -> dict[str, int]:
        """Restart ended containers by their restart policies; returns the exit codes by name."""
        ended_names = {
            name: process.returncode
            for name, process in self.processes.items()
            if process.poll() is not None and self.containers[name].service.restart in RESTARTED
        }
        for name in ended_names:
            self.restart(name)
        return ended_names


def passes_its_check(container: Container) -> bool:
    """Run the health check of the file; a container without a check counts as healthy."""
    check = container.service.healthcheck
    if check is None:
        return True
    try:
        result = subprocess.run(
            container.translated(check.command),
            env=container.environment(),
            cwd=container.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=check.timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return result.returncode == 0


@contextmanager
def topology(
    folder: Path,
    variables: Mapping[str, str],
    *,
    dags: Path = ROOT / "dags",
    extra: Mapping[str, str] | None = None,
) -> Iterator[Topology]:
    """The deployment of docker-compose.yaml, started and healthy; all its processes have ended at the end.

    :param folder: an empty folder for all files except PostgreSQL's.
    :param variables: the content of ``.env``.
    :param dags: mounted instead of ``./dags``.
    :param extra: more variables for every container of our image, as in an override file.
    """
    services = read_services(COMPOSE_FILE, variables)
    with postgresql_cluster() as cluster:
        _make_user(cluster, services[POSTGRES])
        deployment = _deployment(folder, services, cluster, extra or {})
        for container in (*deployment.servers.values(), *deployment.containers.values()):
            container.prepare(deployment.volumes, {"./dags": dags})
        try:
            deployment.redis.start()
            deployment.start()
            yield deployment
        finally:
            try:
                deployment.stop()
            finally:
                deployment.redis.stop()


def _deployment(
    folder: Path, services: Mapping[str, Service], cluster: PostgresqlCluster, extra: Mapping[str, str]
) -> Topology:
    ports = {POSTGRES: {POSTGRES_PORT: cluster.port}, REDIS: {REDIS_PORT: free_ports()}}
    own_services = {name: service for name, service in services.items() if name not in ports}
    addresses = {**ports, API_SERVER: _own_ports()}
    containers = [
        Container(
            service=service,
            number=number,
            folder=folder / f"{service.name}-{number}",
            ports=addresses.get(service.name) or _own_ports(),
            addresses=addresses,
            extra=extra,
        )
        for service in own_services.values()
        for number in range(1, service.replicas + 1)
    ]
    servers = {
        name: Container(
            service=services[name],
            number=1,
            folder=folder / name,
            ports=service_ports,
            addresses=addresses,
            extra={},
        )
        for name, service_ports in ports.items()
    }
    return Topology(
        containers={container.name: container for container in containers},
        servers=servers,
        cluster=cluster,
        redis=RedisServer(servers[REDIS]),
        volumes=folder / "volumes",
    )


def _own_ports() -> dict[int, int]:
    """No process has both an API and a scheduler's health."""
    first = free_ports()
    return {API: first, HEALTH: first, WORKER_LOGS: first + 1, TRIGGERER_LOGS: first + 2}


def _make_user(cluster: PostgresqlCluster, service: Service) -> None:
    """Do what PostgreSQL's image does with its variables: make a user with a password, and the database."""
    user, database = service.environment["POSTGRES_USER"], service.environment["POSTGRES_DB"]
    cluster.require_password(user)
    connection = psycopg2.connect(cluster.url.replace("+psycopg2", ""))
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                sql.SQL("CREATE ROLE {} SUPERUSER LOGIN PASSWORD {}").format(
                    sql.Identifier(user), sql.Literal(service.environment["POSTGRES_PASSWORD"])
                )
            )
            cursor.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(database), sql.Identifier(user))
            )
            cursor.execute("SELECT pg_reload_conf()")
    finally:
        connection.close()
