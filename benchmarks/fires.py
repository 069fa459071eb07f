"""Rows 1 to 4: the cost of a fire in one process, against plain SQL, by size, against ``create_dagrun``.

Neighbours: ``building.py`` makes sessions large, ``plainsql.py`` sends a fire's own statements by pgbench.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from airflow_triggers.manager.manager import TriggerManager
from airflow_triggers.runners import BaseTaskRunner, task_runners
from airflow_triggers.storages.sql import SqlStorageBackend
from benchmarks import estimate, plainsql
from benchmarks.bench import Bench
from benchmarks.building import multiply_instances, multiply_sessions
from benchmarks.curves import Curve
from benchmarks.database import MetadataDatabase
from benchmarks.rounds import Side, Sides, interleave, seconds_each
from benchmarks.row import Goal, Row

TASK = "t_page"
DIRECTIVES = {
    TASK: {"after": ["page", "login", "consent"], "andEvery": "page", "run": "dag", "using": "idle"}
}
KWARGS = {"page": 7, "answers": {"q1": "yes", "q2": "no"}}
SIZES = (10, 100, 1_000, 10_000)
SESSIONS = (1_000, 10_000, 100_000, 1_000_000)
VISITED = 500
"""Into how many sessions of the database row 3 fires, as many in a small one as in a large one."""

FIRES_A_ROUND = 100
"""How many of those a round fires into; the first time that each is fired into is not counted."""


class IdleRunner(BaseTaskRunner):
    """Starts nothing: these rows measure fires that are only recorded."""

    name = "idle"

    def run(self, start: Any) -> None:
        """Nothing."""

    def skip(self, *_: Any, **__: Any) -> None:
        """Nothing."""

    def replayed(self, *_: Any, **__: Any) -> None:
        """Nothing."""


def record_session(
    database: MetadataDatabase, uid: str, *, is_resolved: bool, instances: int
) -> TriggerManager:
    """A session with ``instances`` instances of one task: all resolved, or all waiting."""
    task_runners.register(IdleRunner.name, IdleRunner)
    manager = TriggerManager(SqlStorageBackend(uid))
    manager.update_configuration(DIRECTIVES)
    manager.fire("page", KWARGS)
    if is_resolved:
        manager.update_instance_status(f"{TASK}#0", "finished")
    if instances > 1:
        multiply_instances(database, uid, count=instances)
    return manager


def fires_resolved(manager: TriggerManager, *, times: int) -> Side:
    """Fire a trigger of the resolved instances' task: the fire is recorded and touches nothing."""
    return lambda: seconds_each(lambda: manager.fire("login", KWARGS), times)


def fires_waiting(database: MetadataDatabase, manager: TriggerManager, *, instances: int, times: int) -> Side:
    """Fire the task's ``andEvery``: each fire makes one more waiting instance. These are deleted afterwards."""
    of_session = "session_id = (SELECT id FROM triggers_session WHERE uid = :uid) AND number >= :number"

    def side() -> float:
        cost = seconds_each(lambda: manager.fire("page", KWARGS), times)
        for table in ("triggers_wait", "triggers_instance"):
            database.execute(
                f"DELETE FROM {table} WHERE {of_session}", {"uid": manager.storage.uid, "number": instances}
            )
        return cost

    return side


def against_plain_sql(bench: Bench) -> Iterator[Row]:
    """Row 1."""
    database = bench.databases.new().enter()
    manager = record_session(database, "order-1", is_resolved=True, instances=10)
    database.tidy()
    manager.fire("login", KWARGS)
    with plainsql.captured_statements(database.engine) as statements:
        manager.fire("login", KWARGS)
    script = plainsql.write_script(bench.scratch("pgbench"), statements)
    times = 200
    count = "SELECT count(*) FROM triggers_fire"
    (before,) = database.execute(count)
    plainsql.seconds_each(script, database.url, transactions=times)
    (after,) = database.execute(count)
    if after - before != times:
        raise RuntimeError(f"{times} transactions of plain SQL recorded {after - before} fires.")
    series = interleave(
        {
            "fire": fires_resolved(manager, times=times),
            "sql": lambda: plainsql.seconds_each(script, database.url, transactions=times),
        },
        rounds=15,
    )
    yield Row.of(
        series.compare("fire", "sql"),
        number="1",
        measured="fire that only records",
        against=f"its {len(statements)} statements by pgbench, one client",
        goal=Goal(limit=2.0),
    )


def against_session_size(bench: Bench, *, sizes: tuple[int, ...] = SIZES, rounds: int = 12) -> Iterator[Row]:
    """Row 2, both variants."""
    with bench.databases.loan() as database:
        resolved_series, waiting_series = (
            sides.interleave(rounds=rounds) for sides in by_session_size(database.enter(), sizes=sizes)
        )
    largest, smallest = str(max(sizes)), str(min(sizes))
    for letter, kind, series in (
        ("a", "all resolved", resolved_series),
        ("b", "all waiting", waiting_series),
    ):
        yield Row.of(
            series.compare(largest, smallest),
            number=f"2{letter}",
            measured=f"the same, session with {int(largest):,} instances, {kind}",
            against=f"session with {smallest}",
            goal=Goal(limit=1.2),
        )
    bench.curves.append(
        Curve(
            name="fire-by-session-size",
            title="A fire that only records, by the size of its session",
            x="instances in the session",
            y="milliseconds a fire",
            series={
                "all resolved": [(size, resolved_series.median(str(size)) * 1e3) for size in sizes],
                "all waiting, andEvery fires again": [
                    (size, waiting_series.median(str(size)) * 1e3) for size in sizes
                ],
            },
        )
    )


def by_session_size(
    database: MetadataDatabase, *, sizes: tuple[int, ...], times: int = 40
) -> tuple[Sides, Sides]:
    """Fires into sessions of these sizes: with all instances resolved, and with all of them waiting."""
    resolved_sides, waiting_sides = dict[str, Side](), dict[str, Side]()
    for size in sizes:
        manager = record_session(database, f"resolved-{size}", is_resolved=True, instances=size)
        resolved_sides[str(size)] = fires_resolved(manager, times=times)
        manager = record_session(database, f"waiting-{size}", is_resolved=False, instances=size)
        waiting_sides[str(size)] = fires_waiting(database, manager, instances=size, times=times)
    database.tidy()
    return Sides(resolved_sides), Sides(waiting_sides)


def against_session_count(bench: Bench) -> Iterator[Row]:
    """Row 3: fires into the same number of sessions, spread over all sessions of the database."""
    sides: dict[str, Side] = {}
    for count in SESSIONS:
        bench.say(f"building a database with {count:,} sessions")
        database = bench.databases.new().enter()
        record_session(database, "order", is_resolved=False, instances=1)
        (before,) = database.execute("SELECT pg_database_size(current_database())")
        multiply_sessions(database, "order", count=count)
        (after,) = database.execute("SELECT pg_database_size(current_database())")
        bench.costs[estimate.SESSION_BYTES] = float(after - before) / count
        database.tidy()
        sides[str(count)] = _spread_fires(database, count)
    series = interleave(sides, rounds=10, warm_up=VISITED // FIRES_A_ROUND)
    largest, smallest = max(SESSIONS), min(SESSIONS)
    yield Row.of(
        series.compare(str(largest), str(smallest)),
        number="3",
        measured=f"the same, database with {largest:,} sessions",
        against=f"with {smallest:,}",
        goal=Goal(limit=1.2),
    )
    bench.curves.append(
        Curve(
            name="fire-by-session-count",
            title="A fire that only records, by the number of sessions in the database",
            x="sessions in the database",
            y="milliseconds a fire",
            series={"fire": [(count, series.median(str(count)) * 1e3) for count in SESSIONS]},
        )
    )


def _spread_fires(database: MetadataDatabase, count: int) -> Side:
    uids = [f"order-{1 + number * (count // VISITED)}" for number in range(VISITED)]
    managers = itertools.cycle([TriggerManager(SqlStorageBackend(uid)) for uid in uids])

    def side() -> float:
        database.enter()
        return seconds_each(lambda: next(managers).fire("login", KWARGS), FIRES_A_ROUND)

    return side


def against_create_dagrun(bench: Bench) -> Iterator[Row]:
    """Row 4."""
    with bench.databases.loan() as database:
        database.enter()
        manager, create = _starting_fires()
        times = 30
        series = interleave(
            {
                "fire": lambda: seconds_each(lambda: manager.fire("go", KWARGS), times),
                "create": lambda: seconds_each(create, times),
            },
            rounds=15,
        )
    yield Row.of(
        series.compare("fire", "create"),
        number="4",
        measured="fire that starts one run",
        against="create_dagrun alone, same DAG, and its commit",
        goal=Goal(limit=1.3),
    )


def _starting_fires() -> tuple[TriggerManager, Callable[[], None]]:
    """A session in which every ``go`` starts a run, and a call that makes a run of the same DAG by Airflow alone."""
    from airflow import settings
    from airflow.models.dagrun import DagRun
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.utils.state import DagRunState
    from airflow.utils.types import DagRunTriggeredByType, DagRunType
    from sqlalchemy import select
    from sqlalchemy.orm import Session

    from airflow_triggers.sessions.opening import create_session
    from tests.support.dags import deploy_configuration

    deploy_configuration("bench", t_go={"after": ["go"], "andEvery": "go"})
    manager, _ = create_session("order-1", configuration="bench")
    manager.fire("go", KWARGS)
    with Session(settings.engine) as session:
        serialized_dag = SerializedDagModel.get("bench.t_go", session=session)
        assert serialized_dag is not None
        dag = serialized_dag.dag
        run = session.scalars(select(DagRun)).one()
        conf, note = dict(run.conf or {}), run.note
    numbers = itertools.count()

    def create() -> None:
        with Session(settings.engine, expire_on_commit=False) as session:
            dag.create_dagrun(
                run_id=f"manual__{next(numbers)}",
                run_after=datetime.now(UTC),
                conf=conf,
                run_type=DagRunType.MANUAL,
                triggered_by=DagRunTriggeredByType.REST_API,
                state=DagRunState.QUEUED,
                partition_key="order-1",
                note=note,
                session=session,
            )
            session.commit()

    return manager, create
