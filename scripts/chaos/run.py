"""Fires, kills, repairs, waits and checks: the whole chaos run, for ``make chaos`` and the end-to-end tests.

Neighbours: every other module of this package.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.chaos import plan
from scripts.chaos.checker import Verdict, check
from scripts.chaos.clients import Firing, Login, Operator, in_thread
from scripts.chaos.deployment import Deployment, deployment
from scripts.chaos.evidence import read_evidence
from scripts.chaos.killer import Killer

QUIET = 90.0
"""Seconds without a change after which something is stuck: a hook may be owed for 30, the end of a task for 20."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """The amount of chaos.

    :param restarts: how often PostgreSQL is stopped as by a crash.
    :param seconds: the fires and the kills are spread over at least these seconds.
    :param limit: seconds until everything must be over.
    """

    seed: int
    sessions: int
    kills: int
    restarts: int
    seconds: float
    limit: float


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The outcome of a chaos run.

    :param kills: the number of kills, by kind of victim.
    :param problems: the clients' requests that were refused or never answered.
    """

    verdict: Verdict
    kills: dict[str, int]
    ends: dict[str, int]
    problems: list[str]

    @property
    def is_right(self) -> bool:
        """Nothing lost, nothing twice, nothing stuck, nothing wrong, nobody refused."""
        return not self.verdict.problems and not self.problems


def run_chaos(folder: Path, size: Size, tell: Callable[[str], None]) -> Outcome:
    """Run the whole chaos.

    :param folder: an empty folder.
    :param tell: shows one line of progress.
    """
    start = time.monotonic()
    tell("Starting the services of docker-compose.yaml …")
    with deployment(folder) as chaos_deployment:
        tell(
            f"Ready after {time.monotonic() - start:.0f} s; firing into {size.sessions} sessions, and killing."
        )
        return _under_fire(chaos_deployment, size, tell)


def _under_fire(chaos_deployment: Deployment, size: Size, tell: Callable[[str], None]) -> Outcome:
    stop = threading.Event()
    ends_at = time.monotonic() + size.limit
    journal = chaos_deployment.journal
    login = Login(chaos_deployment.url, chaos_deployment.password)
    firing, operator = Firing(login, journal, stop), Operator(login, journal, stop)
    killer = Killer(
        chaos_deployment,
        journal,
        stop,
        seed=size.seed,
        kills=size.kills,
        restarts=size.restarts,
        seconds=size.seconds,
    )
    scripts = plan.scripts(size.seed, size.sessions)
    with _stopping(stop, ends_at) as threads:
        threads.append(in_thread(operator.work, "chaos-operator"))
        firing_thread = in_thread(lambda: firing.play(scripts, seconds=size.seconds), "chaos-firing")
        threads.append(firing_thread)
        killer.work()
        tell(f"{sum(killer.count_of_kills.values())} kills; waiting for the clients.")
        while firing_thread.is_alive() and time.monotonic() < ends_at:
            chaos_deployment.restart_ended()
            firing_thread.join(0.5)
        tell("Every client is done; waiting until everything is settled.")
        verdict = _final_verdict(chaos_deployment, ends_at, tell)
    return Outcome(
        verdict=verdict,
        kills=dict(killer.count_of_kills),
        ends=dict(chaos_deployment.ends),
        problems=firing.problems + operator.problems,
    )


@contextmanager
def _stopping(stop: threading.Event, ends_at: float) -> Iterator[list[threading.Thread]]:
    """Stop the threads at the end, or when the time is over, and join them."""
    threads: list[threading.Thread] = []
    timer = threading.Timer(max(0.0, ends_at - time.monotonic()), stop.set)
    timer.start()
    try:
        yield threads
    finally:
        stop.set()
        timer.cancel()
        for thread in threads:
            thread.join()


def _final_verdict(chaos_deployment: Deployment, ends_at: float, tell: Callable[[str], None]) -> Verdict:
    """Check until everything is right, or nothing changes any more."""
    last, changed_at, last_line = None, time.monotonic(), ""
    while True:
        chaos_deployment.restart_ended()
        evidence = read_evidence(
            chaos_deployment.services.database, effects=chaos_deployment.effects, hooks=chaos_deployment.hooks
        )
        verdict = check(chaos_deployment.journal.read(), evidence)
        now = time.monotonic()
        if not verdict.problems or now > ends_at or now - changed_at > QUIET:
            return verdict
        if verdict != last:
            last, changed_at = verdict, now
        line = f"  {len(verdict.problems)} things are not yet as they must be"
        if line != last_line:
            tell(line)
            last_line = line
        time.sleep(2)
