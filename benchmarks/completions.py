"""Row 11: the completions applied by a controller, against the runs finished by Airflow.

Neighbours: ``flights.py`` builds the completed runs for the controller; ``live.py`` is the Airflow that finishes runs
of a compiled trigger task.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import psutil
from airflow.models.serialized_dag import SerializedDagModel
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from sqlalchemy.orm import Session

from airflow_triggers.controller.loop import Controller
from benchmarks import estimate
from benchmarks.bench import Bench
from benchmarks.costs import cost_of
from benchmarks.database import MetadataDatabase
from benchmarks.flights import runs_in_flight
from benchmarks.live import Live
from benchmarks.rounds import interleave
from benchmarks.row import Goal, Row

ROUNDS = 5
COMPLETED = 150
MOST_PASSES = 50
"""A pass compares some of the watched runs, so it takes several to find all that were completed; never so many."""

COMPLETIONS = 16


def completion_rows(bench: Bench) -> Iterator[Row]:
    """Row 11."""
    live = bench.live()
    with bench.databases.loan() as database:
        runs_in_flight(database.enter(), COMPLETED * (ROUNDS + 1))
        controller = Controller()
        controller.run_once()
        series = interleave(
            {
                "controller": lambda: _completion_rate(database.enter(), controller),
                "airflow": lambda: _plain_rate(live),
            },
            rounds=ROUNDS - 1,
        )
        whole = cost_of(
            lambda: _completion_rate(database.enter(), controller),
            1,
            processes=[psutil.Process()],
            database=database,
        )
        bench.costs[estimate.COMPLETION] = whole.share(COMPLETED)
    yield Row.of(
        series.compare("controller", "airflow"),
        unit="a second",
        number="11",
        measured="completions that one controller applies, cascade included",
        against="runs of a compiled trigger task that scheduler and LocalExecutor finish",
        goal=Goal(limit=5, at_least=True),
    )


def _completion_rate(database: MetadataDatabase, controller: Controller) -> float:
    """Completions a second: ``COMPLETED`` runs, each of another session, succeed at once; the controller finds them."""
    run_ids = f"(SELECT id FROM dag_run WHERE state = 'running' ORDER BY id LIMIT {COMPLETED})"
    success = "state = 'success', end_date = now()"
    database.execute(
        f"UPDATE task_instance SET {success} WHERE run_id IN (SELECT run_id FROM dag_run WHERE id IN {run_ids})"
    )
    database.execute(f"UPDATE dag_run SET {success} WHERE id IN {run_ids}")
    before = _finished_instances(database)
    start, sessions = time.perf_counter(), 0
    for _ in range(MOST_PASSES):
        sessions += controller.run_once()
        if sessions >= COMPLETED:
            break
    cost = time.perf_counter() - start
    completions = _finished_instances(database) - before
    if completions != COMPLETED:
        raise RuntimeError(f"{COMPLETED} runs were completed, and the controller applied {completions}.")
    return completions / cost


def _finished_instances(database: MetadataDatabase) -> int:
    query = "SELECT count(*) FROM triggers_instance WHERE status = 'finished'"
    return int(database.execute(query)[0])


def _plain_rate(live: Live) -> float:
    """Runs a second, from the creation of the first run to the end of the last."""
    live.settle()
    live.database.enter()
    start = time.perf_counter()
    with Session(live.database.engine) as session:
        serialized_dag = SerializedDagModel.get("bench.t_plain", session=session)
        assert serialized_dag is not None
        dag = serialized_dag.dag
        for _ in range(COMPLETIONS):
            dag.create_dagrun(
                run_id=f"manual__{live.number()}",
                run_after=datetime.now(UTC),
                conf={"session_uid": "nobody", "trigger_kwargs": {}},
                run_type=DagRunType.MANUAL,
                triggered_by=DagRunTriggeredByType.REST_API,
                state=DagRunState.QUEUED,
                session=session,
            )
        session.commit()
    live.settle()
    return COMPLETIONS / (time.perf_counter() - start)
