"""The Redis of a Compose file, as a process.

Neighbours: ``topology.py`` starts it; ``scripts/chaos/postgresql.py`` is its like for PostgreSQL.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field

from scripts.demo.processes import DemoError, Processes
from scripts.topology.containers import Container

PORT = 6379


@dataclass
class RedisServer:
    """The Redis process; it can be killed.

    :raises DemoError: when Redis is not installed.
    """

    container: Container
    _processes: Processes = field(default_factory=Processes, init=False)

    def __post_init__(self) -> None:
        if shutil.which("redis-server") is None:
            raise DemoError(
                "'redis-server' was not found. Install Redis (Debian and Ubuntu: 'apt-get install redis-server')."
            )

    def start(self) -> None:
        """Start it with the file's command, and with options for this machine instead of the container's own."""
        launch = self.container.launch()
        data = self.container.folder / "data"
        local_options = ("--bind", "127.0.0.1", "--port", str(self.container.ports[PORT]), "--dir", str(data))
        self._processes.launch(
            self.container.name,
            type(launch)(
                command=(*launch.command, *local_options),
                environment=launch.environment,
                folder=launch.folder,
                log=launch.log,
            ),
        )

    def kill(self) -> None:
        """SIGKILL."""
        self._processes.kill(self.container.name)

    def restart(self) -> None:
        """Start it again after :meth:`kill`."""
        self._processes.restart(self.container.name)

    def stop(self) -> None:
        """End it."""
        self._processes.stop()
