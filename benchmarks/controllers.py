"""Row 10: the cost of the controller while nothing happens. Neighbours: ``flights.py`` builds the watched runs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack

import psutil

from airflow_triggers.controller.loop import Controller
from benchmarks.bench import Bench
from benchmarks.curves import Curve
from benchmarks.database import MetadataDatabase
from benchmarks.flights import runs_in_flight
from benchmarks.processes import ended_afterwards
from benchmarks.rounds import Side, Sides, quartiles, seconds_each
from benchmarks.row import Goal, Row

SIZES = (100, 1_000, 10_000)
IDLE_ROUNDS, IDLE_SECONDS = 3, 15.0


def in_flight(bench: Bench) -> Iterator[Row]:
    """Row 10."""
    with ExitStack() as stack:
        databases = {size: stack.enter_context(bench.databases.loan()) for size in SIZES}
        series = passes(databases).interleave(rounds=12)
    largest, smallest = max(SIZES), min(SIZES)
    yield Row.of(
        series.compare(str(largest), str(smallest)),
        number="10a",
        measured=f"a controller pass, {largest:,} runs in flight, none done",
        against=f"with {smallest}",
        goal=Goal(limit=5),
    )
    bench.curves.append(
        Curve(
            name="pass-by-runs-in-flight",
            title="A controller pass in which nothing happened, by the number of runs in flight",
            x="runs in flight",
            y="milliseconds a pass",
            series={"pass": [(size, series.median(str(size)) * 1e3) for size in SIZES]},
        )
    )
    with bench.databases.loan() as database:
        yield _idle(database.enter())


def passes(databases: dict[int, MetadataDatabase], *, times: int = 5) -> Sides:
    """Passes over databases; each key is the number of runs in flight."""
    sides = dict[str, Side]()
    for size, database in databases.items():
        runs_in_flight(database.enter(), size)
        sides[str(size)] = _pass(database, Controller(), times=times)
    return Sides(sides)


def _pass(database: MetadataDatabase, controller: Controller, *, times: int) -> Side:
    def side() -> float:
        database.enter()
        return seconds_each(controller.run_once, times)

    return side


def _idle(database: MetadataDatabase) -> Row:
    """The CPU time of a controller process with nothing in flight, as a share of the elapsed time."""
    runs_in_flight(database, 2)
    database.execute("UPDATE triggers_run SET watched = false")
    database.execute("UPDATE dag_run SET state = 'success'")
    database.execute("UPDATE triggers_run SET seen_state = 'success'")
    command = [sys.executable, "-m", "airflow", "triggers", "controller"]
    with ended_afterwards(subprocess.Popen(command, env=dict(os.environ), start_new_session=True)) as process:
        # Not a wait for a condition: the process needs time to start and to become idle.
        time.sleep(IDLE_SECONDS)
        shares = [_share(psutil.Process(process.pid)) for _ in range(IDLE_ROUNDS)]
    low, high = quartiles(shares)
    return Row(
        number="10b",
        measured="CPU time of the controller's process, nothing in flight",
        against="a core",
        goal=Goal(limit=1, unit="%"),
        value=sorted(shares)[len(shares) // 2],
        low=low,
        high=high,
        rounds=len(shares),
    )


def _share(process: psutil.Process) -> float:
    cpu_before, start = _cpu_seconds(process), time.monotonic()
    time.sleep(IDLE_SECONDS)
    return 100 * (_cpu_seconds(process) - cpu_before) / (time.monotonic() - start)


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system
