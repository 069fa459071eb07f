"""A worked estimate for a large installation, from the costs measured in this run.

Neighbours: the groups keep the costs in ``Bench.costs``; ``page.py`` puts the estimate into the docs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from benchmarks.costs import Cost

FIRES_A_SECOND = 1_000
OPEN_SESSIONS = 10_000_000
LOAD = 0.6
"""How much of a core may be used on average, so that waiting stays short."""

BATCH, SINGLE, STARTING = (
    "a fire in a batch",
    "a REST fire that only records",
    "a REST fire that starts a run",
)
COMPLETION, SESSION_BYTES = "a completion, applied by the controller", "session bytes"


def worked_estimate(costs: Mapping[str, Cost | float]) -> str:
    """Markdown: the costs, and the machines needed; empty when this run has not measured the costs."""
    single, session_bytes = costs.get(SINGLE), costs.get(SESSION_BYTES)
    if not isinstance(single, Cost) or not isinstance(session_bytes, float):
        return ""
    lines = [
        "| CPU time of | serving process | PostgreSQL | log written |",
        "|---|---|---|---|",
        *(_line(name, cost) for name, cost in costs.items() if isinstance(cost, Cost)),
        "",
        f"A session that waits, with one instance, two triggers that it lacks and one fire in its history, takes "
        f"{session_bytes:,.0f} bytes, indexes included.",
        "",
        f"**{FIRES_A_SECOND:,} fires a second, {OPEN_SESSIONS:,} open sessions** (cores as those of this machine, "
        f"used to {LOAD:.0%}):",
        "",
        *(_served_sentence(name, cost) for name, cost in costs.items() if isinstance(cost, Cost)),
        f"- {OPEN_SESSIONS:,} open sessions take {OPEN_SESSIONS * session_bytes / 1e9:.0f} GB. They cost nothing but "
        "space: row 3 says what a fire costs among many of them.",
    ]
    return "\n".join(lines)


def _line(name: str, cost: Cost) -> str:
    database = "not here" if cost.database is None else f"{cost.database * 1e3:.2f} ms"
    return f"| {name} | {cost.process * 1e3:.2f} ms | {database} | {cost.wal / 1e3:.1f} kB |"


def _served_sentence(name: str, cost: Cost) -> str:
    def cores(seconds: float) -> str:
        count = math.ceil(FIRES_A_SECOND * seconds / LOAD)
        return f"{count} core{'s'[: count > 1]}"

    database = "" if cost.database is None else f", {cores(cost.database)} of PostgreSQL"
    wal = f"{FIRES_A_SECOND * cost.wal / 1e6:.1f} MB of log a second"
    processes = "of controllers" if name == COMPLETION else "of API workers"
    return f"- {FIRES_A_SECOND:,} times {name} a second: {cores(cost.process)} {processes}{database}, {wal}."
