"""Row 12: the time that the plugin adds to the scheduler's loop, with its controller beside the scheduler.

Neighbours: ``scheduler_loop.py`` is the measured process, ``flights.py`` builds the runs in flight, ``environments.py``
an environment without the plugin.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.bench import Bench
from benchmarks.environments import make_environments
from benchmarks.flights import runs_in_flight
from benchmarks.processes import await_that, ended_afterwards
from benchmarks.rounds import Rounds
from benchmarks.row import Goal, Row

IN_FLIGHT = 200
ROUNDS = 10
PROCESSES = 10
"""Schedulers of each side: two processes that do the very same differ by some percent for as long as they live."""

PROGRAM = Path(__file__).with_name("scheduler_loop.py")
SETTLING = 8.0
"""Seconds in which what a scheduler starts beside itself comes up; these loops are not counted."""

TURN = 0.7
"""Seconds for which a scheduler works in a round, while all others are stopped."""


def loop_rows(bench: Bench) -> Iterator[Row]:
    """Row 12."""
    environments = make_environments(bench.scratch("schedulers"))
    sides: dict[str, list[StoppedScheduler]] = {"with": [], "without": []}
    with ExitStack() as stack:
        database = stack.enter_context(bench.databases.loan()).enter()
        runs_in_flight(database, IN_FLIGHT, task_state="deferred")
        for _ in range(PROCESSES):
            pair = {
                "with": stack.enter_context(_scheduler(bench, environments.with_plugin)),
                "without": stack.enter_context(_scheduler(bench, environments.without_plugin)),
            }
            for scheduler in pair.values():
                await_that("a scheduler loops", scheduler.loops, scheduler.process)
            time.sleep(SETTLING)
            for side, scheduler in pair.items():
                scheduler.stop()
                sides[side].append(scheduler)
        rounds = [_round(sides, backwards=bool(number % 2)) for number in range(ROUNDS)]
    yield Row.of(
        Rounds(*zip(*rounds, strict=True)),
        number="12",
        measured=f"the scheduler's loop with the plugin, {IN_FLIGHT} runs in flight",
        against="without the plugin",
        goal=Goal(limit=1.02),
        note=f"of each round the mean over {PROCESSES} schedulers of their median loop in {TURN:g} s of their own",
    )


@dataclass(frozen=True)
class StoppedScheduler:
    """A scheduler that works only in its turns, with its child processes.

    :param process: the leader of the process group.
    :param loops_file: the file of its loops.
    """

    process: subprocess.Popen[bytes]
    loops_file: Path

    def median_loop(self) -> float:
        """Let it work for a turn. :returns: the median time of the loops inside the turn, in seconds."""
        start = time.monotonic()

        def of_this_turn() -> list[float]:
            return [end - begin for begin, end in self.loops() if begin >= start]

        os.killpg(self.process.pid, signal.SIGCONT)
        time.sleep(TURN)
        await_that("a scheduler loops", of_this_turn, self.process)
        self.stop()
        return statistics.median(of_this_turn())

    def stop(self) -> None:
        """Stop it after its present loop, and then its child processes."""
        self.process.send_signal(signal.SIGHUP)
        status = psutil.Process(self.process.pid).status
        await_that("a scheduler stops", lambda: status() == psutil.STATUS_STOPPED, self.process)
        os.killpg(self.process.pid, signal.SIGSTOP)

    def loops(self) -> list[tuple[float, float]]:
        """The start and end of each loop until now."""
        if not self.loops_file.exists():
            return []
        lines = self.loops_file.read_text(encoding="utf-8").splitlines()
        return [(float(begin), float(end)) for begin, end in map(str.split, lines)]


def _round(sides: Mapping[str, Sequence[StoppedScheduler]], *, backwards: bool) -> tuple[float, float]:
    """Give each scheduler a turn; the sides alternate. :returns: the means of both sides, in seconds."""
    turns = [
        (side, scheduler)
        for pair in zip(*sides.values(), strict=True)
        for side, scheduler in zip(sides, pair, strict=True)
    ]
    loops: dict[str, list[float]] = {side: [] for side in sides}
    for side, scheduler in reversed(turns) if backwards else turns:
        loops[side].append(scheduler.median_loop())
    mean_loop, reference_loop = map(statistics.mean, loops.values())
    return mean_loop, reference_loop


@contextmanager
def _scheduler(bench: Bench, python: Path) -> Iterator[StoppedScheduler]:
    """Start a scheduler on the database entered last; it runs at first."""
    loops_file, log = bench.scratch_file("loops", exists=False), bench.scratch_file("scheduler.log")
    options = {
        # Each scheduler has this number of waiting worker processes beside it.
        "AIRFLOW__CORE__PARALLELISM": "2",
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.01",
        "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(python), str(PROGRAM), str(loops_file)],
            env={**os.environ, **options},
            cwd=bench.folder,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    with ended_afterwards(process):
        try:
            yield StoppedScheduler(process, loops_file)
        finally:
            os.killpg(process.pid, signal.SIGCONT)
