"""Rows 15 and 16: many clients at once, each waiting for its answer before it fires again.

Neighbours: ``live.py`` is the Airflow that answers, ``rest.py`` measures one client.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import httpx

from benchmarks.bench import Bench
from benchmarks.curves import Curve
from benchmarks.live import API, CONFIGURATION, Live, answering
from benchmarks.revisions import environment_of
from benchmarks.rounds import interleave
from benchmarks.row import Goal, Row

SECONDS = 5.0
TIMEOUT = 30.0
CROWDS = (1, 4, 16, 64)
ROUNDS = 4

BEFORE = "e1eab79cecd441cb8d8dc58d77a562f1d8f7f12f"
"""The commit before logins left the event loop, and a fire took one connection for all that it reads and writes."""
BEFORE_CLIENTS = 16
BEFORE_ROUNDS = 6


@dataclass
class Crowd:
    """Clients that fire at the same time.

    :param clients: their number.
    :param sessions: into how many sessions they fire.
    :ivar fewest: the lowest number of fires of one client in a round.
    :ivar longest: the time of the slowest fire, in seconds.
    :ivar failures: answers other than success, and timeouts.
    """

    clients: int
    sessions: int
    fewest: int = 1_000_000
    longest: float = 0.0
    failures: list[str] = field(default_factory=list)

    def fires_a_second(self, live: Live) -> float:
        """Let all clients fire for ``SECONDS``; return the fires a second."""
        return asyncio.run(self._fire(live))

    async def _fire(self, live: Live) -> float:
        """Each client has its own connection and pool: sharing one pool would cost more than sending the requests."""

        def new_client() -> httpx.AsyncClient:
            return httpx.AsyncClient(
                base_url=live.airflow.url, headers=live.http.headers, timeout=TIMEOUT, verify=False
            )

        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(new_client()) for _ in range(self.clients)]
            start = time.monotonic()
            counts = await asyncio.gather(
                *(self._one_client(http, number, start + SECONDS) for number, http in enumerate(clients))
            )
            cost = time.monotonic() - start
        self.fewest = min(self.fewest, *counts)
        return sum(counts) / cost

    async def _one_client(self, http: httpx.AsyncClient, number: int, end: float) -> int:
        path = f"{API}/sessions/crowd-{self.sessions}-{number % self.sessions}/fires"
        body = {"trigger": "note", "kwargs": {"client": number}, "configuration": CONFIGURATION}
        count = 0
        while (start := time.monotonic()) < end:
            try:
                answer = await http.post(path, json=body)
                if answer.is_error:
                    self.failures.append(f"{answer.status_code}: {answer.text[:200]}")
            except httpx.HTTPError as error:
                self.failures.append(f"{type(error).__name__}: {error}")
            self.longest = max(self.longest, time.monotonic() - start)
            count += 1
        return count

    @property
    def all_served(self) -> bool:
        """Whether no fire failed or timed out and no client starved: otherwise the throughput means nothing."""
        return not self.failures and self.fewest > 0

    @property
    def note(self) -> str:
        """The failures, the lowest number of fires and the slowest fire, as a sentence."""
        failures = (
            f"{len(self.failures)} failed, the first: {self.failures[0]}" if self.failures else "none failed"
        )
        return (
            f"{self.clients} clients, {self.sessions} session{'s'[: self.sessions > 1]}: {failures}; "
            f"in {SECONDS:.0f} s each got through at least {self.fewest} fires; the longest took {self.longest:.2g} s"
        )


def crowd_rows(bench: Bench) -> Iterator[Row]:
    """Row 15, both variants."""
    live = bench.live()
    apart = {str(count): Crowd(count, count) for count in CROWDS}
    together = Crowd(64, 1)
    crowds = {**apart, "together": together}
    series = interleave(
        {name: partial(crowd.fires_a_second, live) for name, crowd in crowds.items()}, rounds=ROUNDS
    )
    for number, name, subject, limit in (
        ("15a", "64", "fires a second, 64 clients over 64 sessions", 0.9),
        ("15b", "together", "the same, 64 clients into one session", 0.5),
    ):
        crowd = crowds[name]
        row = Row.of(
            series.compare(name, "4"),
            unit="a second",
            number=number,
            measured=subject,
            against="4 clients over 4 sessions",
            goal=Goal(limit=limit, at_least=True),
            note=crowd.note,
        )
        yield row if crowd.all_served else replace(row, value=0.0)
    bench.curves.append(
        Curve(
            name="throughput-by-clients",
            title="Fires a second by REST, one API worker, by the number of clients",
            x="clients at once, a session each",
            y="fires a second",
            series={"fires a second": [(count, series.median(str(count))) for count in CROWDS]},
        )
    )


def against_before(bench: Bench) -> Iterator[Row]:
    """Row 16: two API servers with one worker each, one with this code and one with that of :data:`BEFORE`."""
    bench.say(f"unpacking commit {BEFORE[:7]}")
    pythons = {"now": Path(sys.executable), "before": environment_of(BEFORE, bench.scratch("revision"))}
    crowd = Crowd(BEFORE_CLIENTS, BEFORE_CLIENTS)
    with ExitStack() as stack:
        sides = {
            name: partial(
                crowd.fires_a_second,
                stack.enter_context(answering(bench.scratch(name), bench.databases.empty(), python=python)),
            )
            for name, python in pythons.items()
        }
        series = interleave(sides, rounds=bench.rounds(BEFORE_ROUNDS))
    row = Row.of(
        series.compare("now", "before"),
        unit="a second",
        number="16",
        measured=f"fires a second, {BEFORE_CLIENTS} clients over {BEFORE_CLIENTS} sessions",
        against=f"the code of commit {BEFORE[:7]}",
        goal=Goal(limit=1.4, at_least=True),
        note=crowd.note,
    )
    yield row if crowd.all_served else replace(row, value=0.0)
