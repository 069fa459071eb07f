"""Rows 5 to 7: a fire by REST against Airflow's own way to start a run by REST.

Neighbours: ``live.py`` is the Airflow that answers; ``crowds.py`` sends from many clients at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from benchmarks.bench import Bench
from benchmarks.live import API, CONFIGURATION, Live
from benchmarks.rounds import Series, Side, interleave, seconds_each
from benchmarks.row import Goal, Row

PARKED = "bench.t_parked"
KWARGS = {"page": 7, "answers": {"q1": "yes", "q2": "no"}}
BATCH = 200
BATCH_SESSIONS = 50
NOT_BUILT = (404, 405)


def rest_rows(bench: Bench) -> Iterator[Row]:
    """Rows 5, 6 and 7, which share their sides."""
    series = _measured(bench.live(), rounds=12)
    yield Row.of(
        series.compare("starting", "dagruns"),
        number="5",
        measured="REST fire that starts a run",
        against="Airflow's POST dagRuns, same DAG",
        goal=Goal(limit=0.8),
    )
    yield Row.of(
        series.compare("recording", "dagruns"),
        number="6",
        measured="REST fire that only records",
        against="Airflow's POST dagRuns",
        goal=Goal(limit=0.5),
    )
    yield _batch_row(series)


def _batch_row(series: Series) -> Row:
    row = {
        "number": "7",
        "measured": f"a fire inside a batch of {BATCH}, over {BATCH_SESSIONS} sessions",
        "against": "a REST fire that only records",
        "goal": Goal(limit=0.1),
    }
    if "batch" not in series.costs:
        return Row(**row, note="not built")
    return Row.of(series.compare("batch", "recording"), **row)


def _measured(live: Live, *, rounds: int) -> Series:
    live.fire("rest-starting", "park", KWARGS)
    live.fire("rest-recording", "note", KWARGS)
    sides: dict[str, Side] = {
        "starting": _each(lambda: live.fire("rest-starting", "park", KWARGS)),
        "dagruns": _each(lambda: live.start_run(PARKED, {"trigger_kwargs": {"park": KWARGS}})),
        "recording": _each(lambda: live.fire("rest-recording", "note", KWARGS)),
    }
    if live.http.post(f"{API}/fires", json={"fires": []}).status_code not in NOT_BUILT:
        sides["batch"] = partial(_batch, live)
    return interleave(sides, rounds=rounds)


def _each(request: Callable[[], None]) -> Side:
    return lambda: seconds_each(request, 10)


def _batch(live: Live) -> float:
    fires = [
        {
            "session_uid": f"rest-batch-{number % BATCH_SESSIONS}",
            "trigger": "note",
            "kwargs": KWARGS,
            "configuration": CONFIGURATION,
        }
        for number in range(BATCH)
    ]
    cost = seconds_each(lambda: _all_recorded(live.post(f"{API}/fires", {"fires": fires}).json()), 1)
    return cost / BATCH


def _all_recorded(answer: dict[str, list[dict[str, object]]]) -> None:
    results = answer["results"]
    if len(results) != BATCH or any("error" in one and one["error"] for one in results):
        raise RuntimeError(f"The batch was not recorded whole: {results[:2]} …")
