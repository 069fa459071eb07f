"""Rows 5 to 7: a fire by REST against Airflow's own way to start a run by REST.

Neighbours: ``live.py`` is the answering Airflow; ``crowds.py`` sends from many clients at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import psutil

from benchmarks import estimate
from benchmarks.bench import Bench
from benchmarks.costs import cost_of
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
    live = bench.live()
    sides = _sides(live)
    series = interleave(sides, rounds=20)
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
        goal=Goal(limit=0.25),
    )
    yield _batch_row(series)
    _note_costs(bench, live, batch="batch" in sides)


def _batch_row(series: Series) -> Row:
    row: dict[str, Any] = {
        "number": "7",
        "measured": f"a fire inside a batch of {BATCH}, over {BATCH_SESSIONS} sessions",
        "against": "a REST fire that only records",
        "goal": Goal(limit=0.1),
    }
    if "batch" not in series.costs:
        return Row(**row, note="not built")
    return Row.of(series.compare("batch", "recording"), **row)


def _sides(live: Live) -> dict[str, Side]:
    live.fire("rest-starting", "park", KWARGS)
    live.fire("rest-recording", "note", KWARGS)
    sides: dict[str, Side] = {
        "starting": _repeat(partial(_starting, live)),
        "dagruns": _repeat(lambda: live.start_run(PARKED, {"trigger_kwargs": {"park": KWARGS}})),
        "recording": _repeat(partial(_recording, live)),
    }
    # A server with batches refuses an empty one; a server without them answers 404 or 405.
    if live.http.post(f"{API}/fires", json={"fires": []}).status_code not in NOT_BUILT:
        sides["batch"] = partial(_batch, live)
    return sides


def _starting(live: Live) -> None:
    live.fire("rest-starting", "park", KWARGS)


def _recording(live: Live) -> None:
    live.fire("rest-recording", "note", KWARGS)


def _note_costs(bench: Bench, live: Live, *, batch: bool) -> None:
    server = psutil.Process(live.airflow.processes["api-server"].pid)
    count_cost = partial(
        cost_of, processes=[server, *server.children(recursive=True)], database=live.database
    )
    bench.costs[estimate.STARTING] = count_cost(partial(_starting, live), 50)
    bench.costs[estimate.SINGLE] = count_cost(partial(_recording, live), 100)
    if batch:
        whole = count_cost(partial(_batch, live), 3)
        bench.costs[estimate.BATCH] = whole.share(BATCH)


def _repeat(request: Callable[[], None]) -> Side:
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
    cost = seconds_each(lambda: _require_recorded(live.post(f"{API}/fires", {"fires": fires}).json()), 1)
    return cost / BATCH


def _require_recorded(answer: dict[str, list[dict[str, object]]]) -> None:
    results = answer["results"]
    refusals = [result for result in results if "reason" in result]
    if len(results) != BATCH or refusals:
        raise RuntimeError(f"Of {BATCH} fires {len(results)} were answered, and refused: {refusals[:2]}")
