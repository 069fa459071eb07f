"""Starts processes, and ends them with all their descendants.

Neighbours: ``airflow.py`` (an Airflow in one folder) and ``scripts/topology`` (the services of docker-compose.yaml) use
it.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

MARK = "TRIGGERS_DEMO_MARK"
KILL_DEADLINE = 20


class DemoError(Exception):
    """The demo cannot go on; the message says what to do."""


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


@dataclass(frozen=True, kw_only=True)
class Launch:
    """The command and the environment of a process.

    :param environment: all its environment variables.
    :param log: its output is appended to this file.
    """

    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    log: Path

    def start(self, mark: str) -> subprocess.Popen[bytes]:
        """Start it in its own session and process group. :param mark: identifies its descendants."""
        with self.log.open("ab") as log:
            return subprocess.Popen(
                list(self.command),
                env={**self.environment, MARK: mark},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


@dataclass
class Processes:
    """Processes by name. Signals go only to them and to their descendants."""

    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict, init=False)
    mark: str = field(default_factory=lambda: secrets.token_hex(8), init=False)
    _launches: dict[str, Launch] = field(default_factory=dict, init=False)
    _family: set[psutil.Process] = field(default_factory=set, init=False)

    def launch(self, name: str, launch: Launch) -> None:
        """Start a process under a name."""
        self._launches[name] = launch
        self.processes[name] = launch.start(self.mark)

    def group(self, name: str) -> list[psutil.Process]:
        """The living processes of a component: itself and its children."""
        return [
            process
            for process in psutil.process_iter()
            if _lives(process) and _session(process) == self.processes[name].pid
        ]

    def kill(self, name: str) -> None:
        """SIGKILL a component and its children, as when its machine dies; returns when they have ended.

        :raises DemoError: when some do not end.
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
        """Restart an ended component; its remaining processes are killed first."""
        self.kill(name)
        self.processes[name] = self._launches[name].start(self.mark)

    def check_alive(self) -> None:
        """:raises DemoError: with the end of its log, when a component ended by itself."""
        for name, process in self.processes.items():
            if process.poll() is not None:
                log = self._launches[name].log
                raise DemoError(
                    f"{name!r} ended with exit code {process.returncode}. The end of {log}:\n{log_tail(log)}"
                )

    def stop(self, *, patience: float = 20) -> None:
        """End every process started here, and all their descendants; returns when all have ended.

        :param patience: seconds for them to end by themselves; a second Ctrl-C cuts it short.
        :raises DemoError: when some do not end.
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
        # After a second Ctrl-C nothing has waited yet.
        psutil.wait_procs(self._own_processes(), timeout=5)
        if survivors := self._own_processes():
            raise DemoError(
                f"These processes did not end: {', '.join(str(survivor.pid) for survivor in survivors)}."
            )
        for process in self.processes.values():
            process.wait(5)
        self.processes.clear()
        self._launches.clear()

    def _await_end(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not INTERRUPTION.is_hurried:
            for process in self.processes.values():
                process.poll()
            if not self._own_processes():
                return
            time.sleep(0.2)

    def _own_processes(self) -> list[psutil.Process]:
        """All descendants of the processes started here: nothing else ever gets a signal.

        They have the mark in their environment, or belong to the session of a started process, or were known before
        their parents ended. The session is needed because a process with a title of its own has no readable environment
        any more.
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


def log_tail(log: Path, lines: int = 25) -> str:
    """A log's last lines."""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def title_of(process: psutil.Process) -> str:
    """Its command line, or its own title; empty when it has ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


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


class Interruption:
    """The meaning of signals here: the first one interrupts the work, a second one speeds up the cleanup."""

    def __init__(self) -> None:
        self._is_interrupted = False
        self.is_hurried = False

    def handle(self, number: int, frame: object) -> None:
        """Raise :class:`KeyboardInterrupt` the first time only: later it would interrupt the cleanup and leave
        processes.
        """
        self.is_hurried = self._is_interrupted
        if not self._is_interrupted:
            self._is_interrupted = True
            raise KeyboardInterrupt


INTERRUPTION = Interruption()


def end_as_by_control_c() -> None:
    """Make SIGTERM, SIGHUP and SIGINT raise :class:`KeyboardInterrupt` once, SIGINT even if a shell has ignored it.

    So this process ends its children, whoever signals it and however often.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, INTERRUPTION.handle)
