"""Rows 17 and 18: what a page reads over REST, by the size of its session and by the number of sessions.

Neighbours: ``building.py`` makes many sessions of a few, ``live.py`` starts the API servers that answer.
"""

from __future__ import annotations

import string
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from http import HTTPStatus
from pathlib import Path

from airflow_triggers.sessions.opening import create_session, fire_into, open_session
from benchmarks.bench import Bench
from benchmarks.building import multiply_sessions
from benchmarks.fires import KWARGS, TASK, record_session
from benchmarks.live import API, CONFIGURATION, Live, answering
from benchmarks.rounds import Series, Side, interleave, seconds_each
from benchmarks.row import Goal, Row

FEW_INSTANCES, MANY_INSTANCES = 10, 10_000
FEW_SESSIONS, MANY_SESSIONS = 1_000, 1_000_000
FAILED_SHARE = 10
"""One session in so many has a failed instance."""

TIMES = 5
ROUNDS = 12

OF_A_SESSION = {
    "GET of one instance": f"/sessions/{{uid}}/instances/{TASK}%239",
    "GET of a session": "/sessions/{uid}",
    "GET of a page of its instances": "/sessions/{uid}/instances?limit=10",
    "GET of a page of its history": "/sessions/{uid}/history?limit=10",
    "GET why": f"/sessions/{{uid}}/instances/{TASK}%239/why",
}
"""What is read of one session, and its path."""

OF_ALL_SESSIONS = {
    "GET /sessions": "/sessions?limit=50",
    "GET /sessions, of one configuration with a failure, by their last change": (
        f"/sessions?configuration={CONFIGURATION}&has_failed=true&order_by=-last_modified&limit=50"
    ),
    "GET /sessions that wait for a trigger": "/sessions?waiting_for=never&limit=50",
    "GET /instances?status=failed": "/instances?status=failed&limit=50",
    "GET /instances?status=failed, of one configuration and task": (
        f"/instances?status=failed&configuration={CONFIGURATION}&task=t_noted&limit=50"
    ),
    "GET /sessions that wait for a trigger, and none does": "/sessions?waiting_for=nothing&limit=50",
    "GET /sessions with a part of a UID, and none has it": "/sessions?contains=nowhere&limit=50",
    "GET /instances?status=failed, of an error that none has": (
        "/instances?status=failed&error_type=builtins.NoSuchError&limit=50"
    ),
    "GET /instances, of a task that none has": "/instances?task=t_nothing&limit=50",
}
"""What is read of all sessions, and its path."""


def of_a_session(bench: Bench) -> Iterator[Row]:
    """Row 17: the same requests about a small and a large session of one database."""
    with ExitStack() as stack:
        live = _server(bench, stack)
        sizes = {str(size): f"size-{size}" for size in (FEW_INSTANCES, bench.size(MANY_INSTANCES))}
        for size, uid in sizes.items():
            bench.say(f"building a session with {int(size):,} instances")
            _build_session(live, uid, instances=int(size))
        live.database.tidy()
        paths = {
            request: {size: path.format(uid=uid) for size, uid in sizes.items()}
            for request, path in OF_A_SESSION.items()
        }
        sides = dict.fromkeys(sizes, live)
        rounds = bench.rounds(ROUNDS)
        yield from _rows("17", paths, sides, limit=1.3, words="session with {:,} instances", rounds=rounds)


def of_all_sessions(bench: Bench) -> Iterator[Row]:
    """Row 18: the same requests to a server with few sessions, and to one with many."""
    with ExitStack() as stack:
        sides = {}
        for count in (FEW_SESSIONS, bench.size(MANY_SESSIONS)):
            sides[str(count)] = live = _server(bench, stack)
            bench.say(f"building a database with {count:,} sessions")
            _build_sessions(live, count=count)
        paths = {request: dict.fromkeys(sides, path) for request, path in OF_ALL_SESSIONS.items()}
        rounds = bench.rounds(ROUNDS)
        yield from _rows("18", paths, sides, limit=1.5, words="database with {:,} sessions", rounds=rounds)


def _server(bench: Bench, stack: ExitStack) -> Live:
    database = bench.databases.new()
    live = stack.enter_context(answering(bench.scratch("reading"), database, python=Path(sys.executable)))
    live.database.enter()
    return live


def _build_session(live: Live, uid: str, *, instances: int) -> None:
    """A session in which each fire has made an instance, which waits."""
    live.database.enter()
    manager = record_session(live.database, uid, is_resolved=False, instances=1)
    with manager.storage.acquire_lock():
        for _ in range(instances - 1):
            manager.fire("page", KWARGS)


def _build_sessions(live: Live, *, count: int) -> None:
    """Sessions with an instance each: most wait, and one in :data:`FAILED_SHARE` has failed."""
    live.database.enter()
    failed_count = count // FAILED_SHARE
    for uid, copies in (("waiting", count - failed_count), ("failed", failed_count)):
        create_session(uid, configuration=CONFIGURATION)
        fire_into(uid, "note", KWARGS)
        if uid == "failed":
            open_session(uid).update_instance_status("t_noted#0", "failed")
        multiply_sessions(live.database, uid, count=copies)
    live.database.tidy()


def _rows(
    number: str,
    paths: Mapping[str, Mapping[str, str]],
    lives: Mapping[str, Live],
    *,
    limit: float,
    words: str,
    rounds: int,
) -> Iterator[Row]:
    """A row for each request: the larger of two sides against the smaller."""
    small, large = sorted(lives, key=int)
    answers = {request for request in paths if _is_built(lives[small], paths[request][small])}
    sides: dict[str, Side] = {
        f"{request} {side}": partial(_read, live, paths[request][side])
        for request in paths
        if request in answers
        for side, live in lives.items()
    }
    series = interleave(sides, rounds=rounds) if sides else Series({})
    for letter, request in zip(string.ascii_lowercase, paths, strict=False):
        row = Row(
            number=f"{number}{letter}",
            measured=f"{request}, {words.format(int(large))}",
            against=f"with {int(small):,}",
            goal=Goal(limit=limit),
            note="not built",
        )
        if request in answers:
            rounds_of_both = series.compare(f"{request} {large}", f"{request} {small}")
            row = Row.of(
                rounds_of_both, number=row.number, measured=row.measured, against=row.against, goal=row.goal
            )
        yield row


def _is_built(live: Live, path: str) -> bool:
    """Whether the server has the route with these parameters."""
    answer = live.http.get(API + path)
    if answer.status_code in (
        HTTPStatus.NOT_FOUND,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    ):
        return False
    answer.raise_for_status()
    return True


def _read(live: Live, path: str) -> float:
    return seconds_each(lambda: live.http.get(API + path).raise_for_status(), TIMES)
