"""A container as a process: it uses this machine's ports, host name and files instead of its own.

A container has an address with all ports, a host name and a file system. A process gets free ports of 127.0.0.1, a name
in ``HOSTNAME``, and a folder. Everything else follows the Compose file. Neighbours: ``services.py``, ``topology.py``.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.demo.processes import DemoError, Launch
from scripts.topology.services import Service

AIRFLOW_HOME = "/opt/airflow"
ADDRESS = re.compile(r"(?<=@|/)(?P<host>[a-z][a-z0-9-]*):(?P<port>\d+)(?!\w)(?![^/]*@)")
"""Within a URL; before an @ are a user and a password."""

API, HEALTH, WORKER_LOGS, TRIGGERER_LOGS = 8080, 8974, 8793, 8794

Ports = Mapping[int, int]
"""By a port of the container, the one of this machine."""

Addresses = Mapping[str, Ports]
"""The ports of each service."""


@dataclass(frozen=True, kw_only=True)
class Container:
    """One replica of a service.

    :param folder: stands for the root of its file system.
    :param ports: its own ports.
    :param addresses: the addresses of the services that it may use.
    :param extra: variables beside the file's, as in an override file.
    """

    service: Service
    number: int
    folder: Path
    ports: Ports
    addresses: Addresses
    extra: Mapping[str, str]

    @property
    def name(self) -> str:
        """The name of its process, and its host name."""
        return f"{self.service.name}-{self.number}"

    @property
    def log(self) -> Path:
        """The file of its output."""
        return self.folder / "log"

    def prepare(self, volumes: Path, sources: Mapping[str, Path]) -> None:
        """Make its folders, and mount its volumes as links.

        :param volumes: the folder of the named volumes.
        :param sources: the mounted path, by its path in the file.
        """
        (self.folder / AIRFLOW_HOME.removeprefix("/")).mkdir(parents=True, exist_ok=True)
        for mount in self.service.mounts:
            target = self.folder / mount.target.removeprefix("/")
            source = sources[mount.source] if mount.source.startswith(".") else volumes / mount.source
            source.mkdir(parents=True, exist_ok=True)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(source)

    def launch(self) -> Launch:
        """How its process is started."""
        return Launch(
            command=self.translated(self.service.command),
            environment=self.environment(),
            folder=self.folder,
            log=self.log,
        )

    def environment(self) -> dict[str, str]:
        """The variables of the image, the runtime and the file; no other variables of the caller."""
        of_image = {
            "AIRFLOW_HOME": AIRFLOW_HOME,
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            **self.service.environment,
        }
        of_image |= self.extra
        image_variables = dict(zip(of_image, self.translated(tuple(of_image.values())), strict=True))
        return {
            "HOME": str(self.folder),
            "HOSTNAME": self.name,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            **image_variables,
            **self._port_settings(),
        }

    def translated(self, texts: tuple[str, ...]) -> tuple[str, ...]:
        """The texts with this machine's addresses and folders instead of the containers'."""
        home = f"{self.folder}{AIRFLOW_HOME}"
        return tuple(ADDRESS.sub(self._address, text).replace(AIRFLOW_HOME, home) for text in texts)

    def _address(self, match: re.Match[str]) -> str:
        host, port = match["host"], int(match["port"])
        ports = self.ports if host == "localhost" else self.addresses.get(host, {})
        if port not in ports:
            raise DemoError(f"{self.name} talks to {match[0]}, and no service listens there.")
        return f"127.0.0.1:{ports[port]}"

    def _port_settings(self) -> dict[str, str]:
        settings = {
            API: "AIRFLOW__API__PORT",
            HEALTH: "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT",
            WORKER_LOGS: "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT",
            TRIGGERER_LOGS: "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT",
        }
        return {
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_HOST": "127.0.0.1",
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.addresses["postgres"][5432]),
            **{setting: str(self.ports[port]) for port, setting in settings.items() if port in self.ports},
        }
