"""Rows 8 and 9: how soon a task runs after a fire, and after the task before it.

Neighbours: ``live.py`` is the Airflow that runs them; ``dags/`` says what they run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from benchmarks.bench import Bench
from benchmarks.live import Live
from benchmarks.rounds import Rounds, interleave
from benchmarks.row import Goal, Row

PAIRS, CHAINS = 14, 30


def accepted_to_running(bench: Bench) -> Iterator[Row]:
    """Row 8.

    Both requests of a round are sent one right after the other, either first in turn: so the same beat of the
    scheduler, which looks once a second while idle, finds both runs.
    """
    live = bench.live()
    ways: dict[str, Callable[[int], None]] = {
        "fire": lambda number: live.fire("latency", "mark", {"kind": "fire", "number": number}),
        "dagruns": lambda number: live.start_run("bench.t_marked", _conf(number)),
    }
    found: dict[str, list[float]] = {"fire": [], "dagruns": []}
    for round_number in range(1 + PAIRS):
        order = list(ways)[:: 1 if round_number % 2 else -1]
        waits = _pair(live, {name: ways[name] for name in order})
        if round_number:
            for name, wait in waits.items():
                found[name].append(wait)
        live.settle()
    yield Row.of(
        Rounds(tuple(found["fire"]), tuple(found["dagruns"])),
        shown="s",
        number="8",
        measured="fire accepted → its task runs, idle Airflow",
        against="POST dagRuns accepted → the same task runs",
        goal=Goal(limit=1.05),
    )


def _conf(number: int) -> dict[str, object]:
    """What a fire gives the run, as one who makes a run by hand gives it."""
    return {"session_uid": "nobody", "trigger_kwargs": {"mark": {"kind": "dagruns", "number": number}}}


def _pair(live: Live, ways: dict[str, Callable[[int], None]]) -> dict[str, float]:
    number = live.number()
    accepted = {}
    for name, send in ways.items():
        send(number)
        accepted[name] = time.time()
    return {name: live.moment(f"{name}-{number}-begins") - accepted[name] for name in ways}


def task_to_task(bench: Bench) -> Iterator[Row]:
    """Row 9."""
    live = bench.live()
    series = interleave(
        {"cascade": lambda: _cascade(live), "asset": lambda: _asset(live)},
        rounds=CHAINS,
    )
    yield Row.of(
        series.compare("cascade", "asset"),
        shown="s",
        number="9",
        measured="task t_a ends → task t_b runs, by cascade",
        against="the same two tasks chained by an Airflow asset",
        goal=Goal(limit=1.0),
    )


def _cascade(live: Live) -> float:
    number = live.number()
    live.fire("latency", "chain", {"kind": "cascade", "number": number})
    return _gap(live, f"cascade-{number}")


def _asset(live: Live) -> float:
    number = live.number()
    live.start_run("chain_a", {"number": number})
    return _gap(live, f"asset-{number}")


def _gap(live: Live, name: str) -> float:
    gap = live.moment(f"{name}-begins") - live.moment(f"{name}-ends")
    live.settle()
    return gap
