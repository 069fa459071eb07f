"""A real ``airflow api-server``, with our plugin and Airflow's SimpleAuthManager, as a process of its own.

Neighbours: ``api.py`` has the application alone, in the test's own process.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from scripts.demo.airflow import free_ports
from tests.support.databases import CONNECTION_VARIABLE

START_DEADLINE = 90
STOP_DEADLINE = 20
USERS = {"admin": "admin", "user": "user", "viewer": "viewer"}
"""User name → role; the password is the name."""


@dataclass(frozen=True)
class ApiServer:
    """A running API server.

    :param url: ``[api] base_url``, without a slash at its end.
    :param pid: the id of its first process.
    """

    url: str
    pid: int
    opened: ExitStack = field(default_factory=ExitStack, repr=False)

    def token(self, user):
        """A token, got by name and password as users do."""
        answer = httpx.post(f"{self.url}/auth/token", json={"username": user, "password": user})
        return answer.raise_for_status().json()["access_token"]

    def client(self, user=None):
        """A client of the REST application, with the user's token, if any; it is closed when the server ends."""
        headers = {"Authorization": f"Bearer {self.token(user)}"} if user else {}
        client = httpx.Client(base_url=f"{self.url}/triggers/", headers=headers, timeout=30)
        return self.opened.enter_context(client)


@contextmanager
def running_api_server(
    folder: Path,
    database_url: str,
    *,
    base_path: str = "",
    python: Path = Path(sys.executable),
    port: int | None = None,
    plugins: Path | None = None,
    auth_manager: str | None = None,
):
    """Start an API server on the database, wait until it answers, and end it afterwards.

    :param base_path: the path of ``[api] base_url``, as behind a proxy.
    :param python: the interpreter of Airflow's environment.
    :param port: its port; None: a free one.
    :param plugins: its plugins folder; None: that of the tests.
    :param auth_manager: its class; None: Airflow's SimpleAuthManager.
    """
    port = port or free_ports()
    url = f"http://127.0.0.1:{port}{base_path}"
    passwords = folder / "passwords.json"
    passwords.write_text(json.dumps({name: name for name in USERS}))
    environment = {
        **os.environ,
        CONNECTION_VARIABLE: database_url,
        "AIRFLOW__API__BASE_URL": f"{url}/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{it}:{role}" for it, role in USERS.items()),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        **({"AIRFLOW__CORE__PLUGINS_FOLDER": str(plugins)} if plugins else {}),
        **({"AIRFLOW__CORE__AUTH_MANAGER": auth_manager} if auth_manager else {}),
    }
    command = [str(python), "-m", "airflow", "api-server", "--host", "127.0.0.1", "--port", str(port)]
    log = folder / "api-server.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        _wait_until_it_answers(f"{url}/api/v2/version", process, log)
        server = ApiServer(url, process.pid)
        with server.opened:
            yield server
    finally:
        _end(process)


def _wait_until_it_answers(url, process, log):
    deadline = time.monotonic() + START_DEADLINE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(url, timeout=5).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise AssertionError(f"The API server does not answer at {url}:\n{log.read_text()[-5000:]}")


def _end(process):
    """End the server and its worker processes; they are in its process group."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(STOP_DEADLINE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
