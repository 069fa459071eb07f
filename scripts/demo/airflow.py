"""An Airflow of its own in a folder: its environment, its processes, and their end.

Neighbours: ``__main__.py`` runs ``airflow standalone`` with it, the end-to-end tests run the components one by one.
"""

from __future__ import annotations

import atexit
import itertools
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

ROOT = Path(__file__).resolve().parents[2]
COMPONENTS = ("scheduler", "dag-processor", "api-server", "triggerer")
PASSWORDS = {"admin": "admin", "viewer": "viewer"}
MARK = "TRIGGERS_DEMO_MARK"
KILL_DEADLINE = 20


class DemoError(Exception):
    """Something that ends the demo, with what to do."""


def wait_for(
    description: str,
    condition: Callable[[], bool],
    *,
    seconds: float,
    alive: Callable[[], None],
    every: float = 0.2,
) -> None:
    """Wait until the condition holds.

    :param alive: raises when waiting has become pointless.
    :param every: seconds between two looks.
    :raises DemoError: after ``seconds``.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        alive()
        if time.monotonic() > deadline:
            raise DemoError(f"{description}: not within {seconds:.0f} seconds.")
        time.sleep(every)


@dataclass
class Airflow:
    """Airflow's processes in one folder.

    :param home: becomes AIRFLOW_HOME; everything that Airflow writes is below it.
    :param port: of the API server; the two next ones serve logs.
    :param database: the metadata database's SQLAlchemy URL; None: SQLite in ``home``.
    :param extra: more environment variables.
    :param python: the interpreter of the environment that Airflow is installed in.
    """

    home: Path
    port: int
    database: str | None = None
    dags: Path = ROOT / "dags"
    extra: dict[str, str] = field(default_factory=dict)
    python: Path = Path(sys.executable)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict, init=False)
    mark: str = field(default_factory=lambda: secrets.token_hex(8), init=False)
    _commands: dict[str, list[str]] = field(default_factory=dict, init=False)
    _family: set[psutil.Process] = field(default_factory=set, init=False)

    @property
    def url(self) -> str:
        """Where the UI and the API are."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """What the processes print."""
        return self.home / "airflow.log"

    @property
    def results(self) -> Path:
        """The questionnaire's results."""
        return self.home / "questionnaire.sqlite"

    def environment(self) -> dict[str, str]:
        """Every variable that Airflow's processes get; none of the caller's own Airflow settings."""
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "_AIRFLOW"))
        }
        passwords = self.home / "passwords.json"
        settings = {
            "AIRFLOW_HOME": str(self.home),
            "PATH": f"{self.python.parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "PYTHONUNBUFFERED": "1",
            "QUESTIONNAIRE_RESULTS": str(self.results),
            MARK: self.mark,
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
        return inherited | settings | self.extra

    def prepare(self) -> None:
        """Make the folder and the database.

        :raises DemoError: when a port is taken, or the database cannot be made.
        """
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
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / "passwords.json").write_text(json.dumps(PASSWORDS), encoding="utf-8")
        self.command("db", "migrate", seconds=180)

    def command(self, *arguments: str, seconds: float = 60) -> str:
        """Run ``airflow …`` to its end and return what it printed. :raises DemoError: when it fails."""
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

        :param components: ``standalone``, any of :data:`COMPONENTS`, or another command of Airflow's that goes on, with
            its arguments (``triggers controller``). The second one of a kind is called ``scheduler-2``, and so on.
        """
        for component in components:
            name = self._free_name(component)
            self._commands[name] = component.split()
            self._launch(name)

    def _free_name(self, component: str) -> str:
        kind = component.partition(" -")[0]
        names = (kind if number == 1 else f"{kind}-{number}" for number in itertools.count(1))
        return next(name for name in names if name not in self._commands)

    def _launch(self, name: str) -> None:
        with self.log.open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [str(self.python), "-m", "airflow", *self._commands[name]],
                env=self.environment(),
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def group(self, name: str) -> list[psutil.Process]:
        """The processes of a component: itself, if it lives, and what it has started."""
        return [
            process
            for process in psutil.process_iter()
            if _lives(process) and _session(process) == self.processes[name].pid
        ]

    def kill(self, name: str) -> None:
        """SIGKILL a component and all that it has started, as when its machine dies; returns when they are gone.

        :raises DemoError: when they do not go.
        """
        deadline = time.monotonic() + KILL_DEADLINE
        while processes := self.group(name):
            if time.monotonic() > deadline:
                raise DemoError(
                    f"Processes of {name!r} outlived SIGKILL: {', '.join(str(process.pid) for process in processes)}."
                )
            for process in processes:
                _signal(process, signal.SIGKILL)
            psutil.wait_procs(processes, timeout=1)
        self.processes[name].wait()

    def restart(self, name: str) -> None:
        """Start a component again that has ended; what it left behind is killed before."""
        self.kill(name)
        self._launch(name)

    def check_alive(self) -> None:
        """:raises DemoError: with the end of the log, when a component ended by itself."""
        for component, process in self.processes.items():
            if process.poll() is not None:
                raise DemoError(
                    f"'airflow {component}' ended with exit code {process.returncode}. The end of {self.log}:\n"
                    f"{self.log_tail()}"
                )

    def log_tail(self, lines: int = 25) -> str:
        """The log's last lines."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])

    def wait_until_ready(self, *, seconds: float = 150) -> None:
        """Wait until the API answers and the scheduler and the DAG processor have reported themselves."""
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

    def stop(self, *, patience: float = 20) -> None:
        """End every process that was started here, and whatever those started; returns when all are gone.

        :raises DemoError: when some are not.
        """
        self._family.update(self._own_processes())
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
        self._await_end(patience)
        for stubborn in (signal.SIGTERM, signal.SIGKILL):
            for remaining in self._own_processes():
                _signal(remaining, stubborn)
            self._await_end(5)
        if survivors := self._own_processes():
            raise DemoError(
                f"These processes did not end: {', '.join(str(survivor.pid) for survivor in survivors)}."
            )
        for process in self.processes.values():
            process.wait(5)
        self.processes.clear()
        self._commands.clear()

    def _await_end(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for process in self.processes.values():
                process.poll()
            if not self._own_processes():
                return
            time.sleep(0.2)

    def _own_processes(self) -> list[psutil.Process]:
        """All processes that descend from those started here: nothing else is ever signalled.

        They are told by the mark in their environment, by their session (a process that shows a title of its own has
        lost the environment that one can read), or were known before their parents went.
        """
        sessions = {process.pid for process in self.processes.values()}
        return [
            process
            for process in {*psutil.process_iter(), *self._family}
            if _lives(process) and (process in self._family or self._belongs(process, sessions))
        ]

    def _belongs(self, process: psutil.Process, sessions: set[int]) -> bool:
        try:
            return _session(process) in sessions or process.environ().get(MARK) == self.mark
        except psutil.Error:
            return False


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _session(process: psutil.Process) -> int | None:
    try:
        return os.getsid(process.pid)
    except OSError:
        return None


def _signal(process: psutil.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except psutil.Error:
        return


def end_as_by_control_c() -> None:
    """Have SIGTERM, SIGHUP, and SIGINT also where a shell had it ignored, raise :class:`KeyboardInterrupt`.

    So that this process ends what it started, whoever ends it.
    """

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)


def free_ports() -> int:
    """The first of three free ports in a row, for this process until it ends.

    The port after them is bound until then, so that another process that asks meanwhile takes others: Airflow takes a
    while until it binds those.
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
