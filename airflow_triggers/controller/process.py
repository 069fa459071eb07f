"""The controller as a process of its own: kept running by the scheduler, or run in the foreground.

Neighbours: ``loop.py`` is what it runs; ``listener.py`` keeps it running beside a scheduler; ``cli/`` runs it in
the foreground.

The scheduler is the supervisor. It looks after the controller at each of its own heartbeats, and the controller
watches whether its parent is still this scheduler. So there is no third process that could die. There is also no
thread in the scheduler, because the scheduler forks. The scheduler imports this module: therefore the top of it imports
neither Airflow nor the loop.
"""

from __future__ import annotations

import argparse
import logging
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from types import FrameType

from airflow_triggers.domain.backoff import BackOff

# As a program, __name__ is "__main__".
log = logging.getLogger("airflow_triggers.controller.process")

INTERVAL = 0.5
HEALTHY_AFTER = 20.0
RESTARTS = BackOff(first=timedelta(seconds=1), longest=timedelta(seconds=30))
STOP_TIMEOUT = 5.0
WATCH_INTERVAL = 0.5
ORPHAN_GRACE = 10.0

Clock = Callable[[], float]


@dataclass(frozen=True, kw_only=True)
class Restarts:
    """When to restart an ended process: at once, but not over and over.

    :param quick_ends: how many times in a row it ended soon after its start.
    """

    quick_ends: int = 0

    def ended_after(self, uptime: float) -> Restarts:
        """The process ended once more, ``uptime`` seconds after its start."""
        return Restarts() if uptime >= HEALTHY_AFTER else replace(self, quick_ends=self.quick_ends + 1)

    @property
    def pause(self) -> float:
        """Seconds to wait before the next start: 0, 0, then 1, 2, 4 … 30."""
        return RESTARTS.pause_after(self.quick_ends - 1).total_seconds()


class ControllerProcess:
    """One controller beside this process. Each call of :meth:`keep_running` starts it again if it ended.

    :param command: what to start; by default this module, with the number of this process as its parent.
    :param clock: monotonic seconds.

    The scheduler's forks inherit this object and must neither start nor stop anything. There it does nothing.
    """

    def __init__(self, *, command: Sequence[str] | None = None, clock: Clock = time.monotonic) -> None:
        self._owner = os.getpid()
        self._command = list(command) if command is not None else _command(self._owner)
        self._clock = clock
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = self._start_at = clock()
        self._restarts = Restarts()

    @property
    def pid(self) -> int | None:
        """The controller's process id; None while it is not running."""
        return None if self._process is None else self._process.pid

    def keep_running(self) -> None:
        """Start the controller if it is not running and its pause is over. Returns at once."""
        if os.getpid() != self._owner:
            return
        if self._process is not None and (code := self._process.poll()) is not None:
            self._note_end(code)
        if self._process is None and self._clock() >= self._start_at:
            self._start()

    def stop(self, *, timeout: float = STOP_TIMEOUT) -> None:
        """End the controller. It finishes its transaction; after ``timeout`` seconds it is killed."""
        if os.getpid() != self._owner or self._process is None:
            return
        process, self._process = self._process, None
        process.terminate()
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            log.warning(
                "Triggers controller (process %s) did not end within %s s; killing it", process.pid, timeout
            )
            process.kill()
            process.wait()

    def _start(self) -> None:
        self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL)  # noqa: S603  (our own)
        self._started_at = self._clock()
        log.info(
            "Triggers controller: started as process %s beside process %s", self._process.pid, self._owner
        )

    def _note_end(self, code: int) -> None:
        assert self._process is not None
        now = self._clock()
        self._restarts = self._restarts.ended_after(now - self._started_at)
        self._start_at = now + self._restarts.pause
        log.warning(
            "Triggers controller: process %s %s; starting another one%s",
            self._process.pid,
            f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}",
            f" in {self._restarts.pause:.0f} s" if self._restarts.pause else "",
        )
        self._process = None


def _command(parent: int) -> list[str]:
    # -P: as under the `airflow` script, what lies in the current directory is not imported.
    return [sys.executable, "-P", "-m", "airflow_triggers.controller.process", "--parent", str(parent)]


class StopRequest:
    """Sets :attr:`stop` at SIGTERM, at SIGINT, or when the parent is gone.

    :param parent: the process that must stay this one's parent; None for a controller in the foreground.

    The signal handler only puts into a queue, which is safe in a handler. Setting the event there is not safe: the
    interrupted thread may hold the event's lock. So a thread of this object sets it.
    """

    def __init__(self, *, parent: int | None = None) -> None:
        self.stop = threading.Event()
        self._parent = parent
        self._signals: queue.SimpleQueue[int] = queue.SimpleQueue()

    def watch(self) -> None:
        """Install the signal handlers and begin to watch. Call it on the main thread."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._handle)
        threading.Thread(target=self._watch, name="triggers-stop", daemon=True).start()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT:
            # Whoever presses Ctrl-C twice does not want to wait.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        self._signals.put(number)

    def _watch(self) -> None:
        reason = self._await_reason()
        log.info("Triggers controller (process %s): stopping, because %s", os.getpid(), reason)
        self.stop.set()
        while not self._is_orphan():
            time.sleep(WATCH_INTERVAL)
        time.sleep(ORPHAN_GRACE)
        # The loop hangs, and nobody is left to kill it.
        os._exit(1)

    def _await_reason(self) -> str:
        while not self._is_orphan():
            try:
                return f"it got {signal.Signals(self._signals.get(timeout=WATCH_INTERVAL)).name}"
            except queue.Empty:
                continue
        return f"its scheduler (process {self._parent}) is gone"

    def _is_orphan(self) -> bool:
        return self._parent is not None and os.getppid() != self._parent


def run_controller(*, interval: float | None = None, parent: int | None = None) -> None:
    """Run a controller in this process until somebody requests its stop; see :class:`StopRequest`.

    :param interval: seconds between two looks when nothing has changed; None for the setting
        ``[triggers] controller_interval``.
    :param parent: the supervising process.
    :raises UnsupportedDatabase: when Airflow's metadata database is neither SQLite nor PostgreSQL.
    """
    from airflow_triggers import metrics
    from airflow_triggers.controller.loop import Controller
    from airflow_triggers.controller.measures import HealthGauges
    from airflow_triggers.gateway.jobs import ControllerJob

    check_database()
    request = StopRequest(parent=parent)
    request.watch()
    supervisor = "in the foreground" if parent is None else f"supervised by process {parent}"
    log.info("Triggers controller: running as process %s, %s", os.getpid(), supervisor)
    metrics.initialize()
    job, gauges = ControllerJob(), HealthGauges()
    seconds = configured_interval() if interval is None else interval

    def beat() -> None:
        job.beat()
        gauges.renew()

    beat()
    try:
        Controller(interval=seconds, beat=beat).run_forever(request.stop)
    except BaseException:
        job.end(failed=True)
        raise
    job.end(failed=False)


def check_database() -> None:
    """Make sure a controller can ever work in this deployment. It does not ask the database, which may be away.

    :raises UnsupportedDatabase: when Airflow's metadata database is neither SQLite nor PostgreSQL.
    """
    from airflow import settings

    from airflow_triggers.storages.dbmanager import refuse_unsupported

    if settings.engine is not None:
        refuse_unsupported(settings.engine.dialect)


def configured_interval() -> float:
    """The setting ``[triggers] controller_interval``, in seconds."""
    from airflow.configuration import conf

    return conf.getfloat("triggers", "controller_interval", fallback=INTERVAL)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a supervised controller: ``python -m airflow_triggers.controller.process --parent PID``."""
    # Ctrl-C reaches every process of the terminal: while Airflow is imported, it ends this one without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    parser = argparse.ArgumentParser(prog="airflow_triggers.controller.process", description=main.__doc__)
    parser.add_argument("--parent", type=int, required=True, help="the process whose end ends this one")
    parent: int = parser.parse_args(arguments).parent
    # As the scheduler does for itself: connections and variables come from the database.
    os.environ["_AIRFLOW_PROCESS_CONTEXT"] = "server"
    from airflow.utils.providers_configuration_loader import providers_configuration_loaded

    providers_configuration_loaded(run_controller)(parent=parent)


if __name__ == "__main__":
    main()
