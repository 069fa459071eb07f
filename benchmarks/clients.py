"""Row 19: many fires by the client, against as many single ones.

Neighbours: ``rest.py`` measures the requests without the client.
"""

from __future__ import annotations

from collections.abc import Iterator

from airflow_triggers_client import Fire, TriggersClient
from benchmarks.bench import Bench
from benchmarks.live import CONFIGURATION
from benchmarks.rest import KWARGS
from benchmarks.rounds import interleave, seconds_each
from benchmarks.row import Goal, Row

SINGLE = 30
MANY = 1_000
SESSIONS = 50
ROUNDS = 8


def many_fires(bench: Bench) -> Iterator[Row]:
    """Row 19."""
    live = bench.live()
    token = live.http.headers["Authorization"].removeprefix("Bearer ")
    with TriggersClient(live.airflow.url, token=token) as client:
        client.fire("client-single", "note", KWARGS, configuration=CONFIGURATION)
        series = interleave(
            {
                "many": lambda: 1 / _seconds_of_many(client),
                "single": lambda: 1 / _seconds_of_single(client),
            },
            rounds=bench.rounds(ROUNDS),
        )
    yield Row.of(
        series.compare("many", "single"),
        unit="a second",
        number="19",
        measured=f"fires a second by the client's fire_many, {MANY:,} fires over {SESSIONS} sessions",
        against="the client's single fires",
        goal=Goal(limit=10, at_least=True),
    )


def _seconds_of_single(client: TriggersClient) -> float:
    return seconds_each(
        lambda: client.fire("client-single", "note", KWARGS, configuration=CONFIGURATION), SINGLE
    )


def _seconds_of_many(client: TriggersClient) -> float:
    fires = [
        Fire(f"client-many-{number % SESSIONS}", "note", KWARGS, configuration=CONFIGURATION)
        for number in range(MANY)
    ]
    return seconds_each(lambda: _require_fired(client, fires), 1) / MANY


def _require_fired(client: TriggersClient, fires: list[Fire]) -> None:
    report = client.fire_many(fires)
    if report.fired != MANY:
        raise RuntimeError(f"Of {MANY} fires {report.fired} were fired.")
