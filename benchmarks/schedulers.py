"""Row 12: what the plugin, with its controller beside the scheduler, adds to the scheduler's loop.

Neighbours: ``scheduler_loop.py`` is the process that is measured, ``flights.py`` builds the runs in flight,
``environments.py`` an environment without the plugin.
"""

from __future__ import annotations

import os
import statistics
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.environments import make_environments
from benchmarks.flights import runs_in_flight
from benchmarks.processes import ended_afterwards
from benchmarks.rounds import interleave
from benchmarks.row import Goal, Row

IN_FLIGHT = 200
LOOPS = 160
DEADLINE = 240
PROGRAM = Path(__file__).with_name("scheduler_loop.py")


def loop_rows(bench: Bench) -> Iterator[Row]:
    """Row 12."""
    found = make_environments(bench.scratch("schedulers"))
    with bench.databases.lent() as database:
        runs_in_flight(database.enter(), IN_FLIGHT, task_state="deferred")
        series = interleave(
            {
                "with": partial(_loop, bench, found.with_plugin),
                "without": partial(_loop, bench, found.without_plugin),
            },
            rounds=3,
            warm_up=0,
        )
    yield Row.of(
        series.compare("with", "without"),
        number="12",
        measured=f"the scheduler's loop with the plugin, {IN_FLIGHT} runs in flight",
        against="without the plugin",
        goal=Goal(limit=1.02),
        note="a loop's time is the median over the loops of a scheduler; the rounds start it anew",
    )


def _loop(bench: Bench, python: Path) -> float:
    """The median time of a loop, in a scheduler of its own."""
    kept, log = bench.scratch_file("loops", made=False), bench.scratch_file("scheduler.log")
    options = {
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.1",
        "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(python), str(PROGRAM), str(LOOPS), str(kept)],
            env={**os.environ, **options},
            cwd=bench.folder,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    with ended_afterwards(process):
        process.wait(DEADLINE)
    if not kept.exists():
        raise RuntimeError(f"The scheduler ended with {process.returncode}:\n{log.read_text()[-2000:]}")
    return statistics.median(float(line) for line in kept.read_text(encoding="utf-8").split())
