"""An Airflow in a folder: its environment, its processes, and their end.

Neighbours: ``__main__.py`` runs ``airflow standalone`` with it, the end-to-end tests run the components one by one.
"""

from __future__ import annotations

import atexit
import itertools
import json
import os
import socket
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from scripts.demo.processes import (
    DemoError,
    Launch,
    Processes,
    end_as_by_control_c,
    log_tail,
    wait_for,
)

__all__ = [
    "COMPONENTS",
    "PASSWORDS",
    "ROOT",
    "Airflow",
    "DemoError",
    "end_as_by_control_c",
    "free_ports",
    "wait_for",
]

ROOT = Path(__file__).resolve().parents[2]
COMPONENTS = ("scheduler", "dag-processor", "api-server", "triggerer")
PASSWORDS = {"admin": "admin", "viewer": "viewer"}


@dataclass
class Airflow(Processes):
    """Airflow's processes in one folder.

    :param home: becomes AIRFLOW_HOME; Airflow writes all its files below it.
    :param port: the port of the API server; the next two ports serve logs.
    :param database: the metadata database's SQLAlchemy URL; None: SQLite in ``home``.
    :param extra: more environment variables.
    :param python: the interpreter of Airflow's environment.
    """

    home: Path
    port: int
    database: str | None = None
    dags: Path = ROOT / "dags"
    extra: dict[str, str] = field(default_factory=dict)
    python: Path = Path(sys.executable)

    @property
    def url(self) -> str:
        """The URL of the UI and the API."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """The log file with the output of the processes."""
        return self.home / "airflow.log"

    @property
    def results(self) -> Path:
        """The database file of the questionnaire's results."""
        return self.home / "questionnaire.sqlite"

    def environment(self) -> dict[str, str]:
        """All variables of Airflow's processes, without the caller's own Airflow settings."""
        inherited_variables = {
            name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "_AIRFLOW"))
        }
        passwords = self.home / "passwords.json"
        settings = {
            "AIRFLOW_HOME": str(self.home),
            "PATH": f"{self.python.parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "PYTHONUNBUFFERED": "1",
            "QUESTIONNAIRE_RESULTS": str(self.results),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__API__SECRET_KEY": self.mark,
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API_AUTH__JWT_SECRET": self.mark * 4,
            "AIRFLOW__CORE__AUTH_MANAGER": (
                "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"
            ),
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.dags),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin,viewer:viewer",
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "60",
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(self.home / "logs"),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(self.port + 2),
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(self.port + 1),
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        }
        if self.database:
            settings["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = self.database
        return inherited_variables | settings | self.extra

    def check_ports(self) -> None:
        """:raises DemoError: when a port is taken, with what to do."""
        for port in range(self.port, self.port + 3):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError as error:
                    raise DemoError(
                        f"Port {port} of 127.0.0.1 is taken. Stop what uses it, or choose three free ports in a row: "
                        f"'make demo DEMO_PORT=…' (they begin at {self.port} now)."
                    ) from error

    def prepare(self) -> None:
        """Make the folder and the database.

        :raises DemoError: when a port is taken, or the database cannot be made.
        """
        self.check_ports()
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / "passwords.json").write_text(json.dumps(PASSWORDS), encoding="utf-8")
        self.command("db", "migrate", seconds=180)

    def command(self, *arguments: str, seconds: float = 60) -> str:
        """Run ``airflow …`` to its end and return its output. :raises DemoError: when it fails."""
        process = subprocess.run(
            [str(self.python), "-m", "airflow", *arguments],
            env=self.environment(),
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        with self.log.open("a", encoding="utf-8") as log:
            log.write(process.stdout + process.stderr)
        if process.returncode:
            raise DemoError(
                f"'airflow {' '.join(arguments)}' failed:\n{(process.stdout + process.stderr)[-3000:]}"
            )
        return process.stdout

    def start(self, *components: str) -> None:
        """Start components, each in a process group of its own.

        :param components: ``standalone``, any of :data:`COMPONENTS`, or another long-running command of Airflow with
            its arguments (``triggers controller``). The second one of a kind is named ``scheduler-2``, and so on.
        """
        for component in components:
            command = [str(self.python), "-m", "airflow", *component.split()]
            launch = Launch(command=command, environment=self.environment(), folder=self.home, log=self.log)
            self.launch(self._free_name(component), launch)

    def _free_name(self, component: str) -> str:
        kind = component.partition(" -")[0]
        names = (kind if number == 1 else f"{kind}-{number}" for number in itertools.count(1))
        return next(name for name in names if name not in self.processes)

    def log_tail(self, lines: int = 25) -> str:
        """The log's last lines."""
        return log_tail(self.log, lines)

    def wait_until_ready(self, *, seconds: float = 150) -> None:
        """Wait until the API answers and reports a healthy scheduler and DAG processor."""
        wait_for("Airflow's components are healthy", self._healthy, seconds=seconds, alive=self.check_alive)

    def _healthy(self) -> bool:
        try:
            health = httpx.get(f"{self.url}/api/v2/monitor/health", timeout=5).json()
        except (httpx.HTTPError, ValueError):
            return False
        return all(health.get(name, {}).get("status") == "healthy" for name in ("scheduler", "dag_processor"))

    def controllers(self) -> list[psutil.Process]:
        """The controller processes of this Airflow."""
        controllers = []
        for process in self._own_processes():
            try:
                command = " ".join(process.cmdline())
            except psutil.Error:
                continue
            if "airflow_triggers.controller" in command or "triggers controller" in command:
                controllers.append(process)
        return controllers


def free_ports() -> int:
    """The first of three free ports in a row, for this process until it ends.

    Airflow binds its ports only after a while. So the port after them stays bound as a lock: another process then takes
    other ports.
    """
    for start in range(28900, 39000, 4):
        reservation = socket.socket()
        with ExitStack() as probes:
            try:
                reservation.bind(("127.0.0.1", start + 3))
                for port in range(start, start + 3):
                    probes.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                reservation.close()
                continue
        atexit.register(reservation.close)
        return start
    raise DemoError("No free ports between 28900 and 39000.")
