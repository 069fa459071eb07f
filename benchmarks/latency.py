"""Rows 8 and 9: how soon a task runs after a fire, and after the previous task.

Neighbours: ``live.py`` is the running Airflow; ``dags/`` has the DAGs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping

from benchmarks.bench import Bench
from benchmarks.live import Live
from benchmarks.rounds import Rounds
from benchmarks.row import Goal, Row

PAIRS, CHAINS = 14, 24

TOGETHER = 4.0
"""Seconds from the start of both ``t_a`` until both end: enough for either to have begun."""

SPREAD = 0.618
"""By how much of a second that differs from round to round, so that the ends meet every moment of a beat alike."""

Way = Callable[[int, float], None]
"""Begins one side's work, given the round's number and the moment at which the round began."""

Gap = Callable[[str, int, float], float]
"""What it took, in seconds, given the side, the round's number and the moment at which it had been begun."""


def accepted_to_running(bench: Bench) -> Iterator[Row]:
    """Row 8."""
    live = bench.live()

    def fire(number: int, _: float) -> None:
        live.fire("latency", "mark", {"kind": "fire", "number": number})

    def start_run(number: int, _: float) -> None:
        live.start_run("bench.t_marked", _conf(number))

    def gap(side: str, number: int, accepted_at: float) -> float:
        return live.moment(f"{side}-{number}-begins") - accepted_at

    yield Row.of(
        _side_by_side(live, {"fire": fire, "dagruns": start_run}, gap, rounds=PAIRS),
        unit="s",
        number="8",
        measured="fire accepted → its task runs, idle Airflow",
        against="POST dagRuns accepted → the same task runs",
        goal=Goal(limit=1.05),
    )


def _conf(number: int) -> dict[str, object]:
    """The conf of a fire's run, for a run made by hand."""
    return {"session_uid": "nobody", "trigger_kwargs": {"mark": {"kind": "dagruns", "number": number}}}


def task_to_task(bench: Bench) -> Iterator[Row]:
    """Row 9. Both ``t_a`` of a round work until the same moment."""
    live = bench.live()

    def cascade(number: int, start: float) -> None:
        kwargs = {"kind": "cascade", "number": number, "until": _until(number, start)}
        live.fire("latency", "chain", kwargs)

    def asset(number: int, start: float) -> None:
        live.start_run("chain_a", {"number": number, "until": _until(number, start)})

    def gap(side: str, number: int, _: float) -> float:
        return live.moment(f"{side}-{number}-begins") - live.moment(f"{side}-{number}-ends")

    yield Row.of(
        _side_by_side(live, {"cascade": cascade, "asset": asset}, gap, rounds=CHAINS),
        unit="s",
        number="9",
        measured="task t_a ends → task t_b runs, by cascade",
        against="the same two tasks chained by an Airflow asset",
        goal=Goal(limit=1.0),
    )


def _until(number: int, start: float) -> float:
    return start + TOGETHER + number * SPREAD % 1


def _side_by_side(live: Live, ways: Mapping[str, Way], gap: Gap, *, rounds: int) -> Rounds:
    """Rounds with both sides at work at once. The sides take turns in starting first; the first round is not counted.

    The idle scheduler looks for work once a second. Both sides are found in the same loop of it.
    """
    gaps_by_side: dict[str, list[float]] = {side: [] for side in ways}
    for round_number in range(1 + rounds):
        number, start, accepted_at = live.number(), time.time(), {}
        for side in list(ways)[:: 1 if round_number % 2 else -1]:
            ways[side](number, start)
            accepted_at[side] = time.time()
        gaps = {side: gap(side, number, accepted_at[side]) for side in ways}
        if round_number:
            for side, seconds in gaps.items():
                gaps_by_side[side].append(seconds)
        live.settle()
    gaps_of_subject, gaps_of_reference = gaps_by_side.values()
    return Rounds(tuple(gaps_of_subject), tuple(gaps_of_reference))
