"""What a DAG run waits for in Airflow, as a table of what Airflow says and what is answered."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from airflow_triggers.domain.instances import InstanceStatus
from airflow_triggers.domain.runs import DagInAirflow, PoolInAirflow, RunInAirflow, TaskInAirflow
from airflow_triggers.history.run_reasons import reasons_of_run

NOON = datetime(2026, 5, 17, 12, tzinfo=UTC)
DAG = DagInAirflow(paused=False, stale=False, import_errors=False, max_active_runs=16, max_active_tasks=16)
TASK = TaskInAirflow(
    task_id="run",
    map_index=-1,
    state="scheduled",
    since=NOON,
    pool="imports",
    pool_slots=2,
    queue="default",
    try_number=1,
    pool_state=PoolInAirflow(slots=4, open=4),
)
QUEUED = RunInAirflow(
    dag_id="survey.t_x",
    run_id="r",
    state="queued",
    dag=DAG,
    queued_at=NOON,
    run_after=NOON,
    slots=32,
)
RUNNING = replace(QUEUED, state="running", tasks=(TASK,), task_count=1)


def waits(run, status=InstanceStatus.RUNNING):
    return [(one.code, one.text) for one in reasons_of_run(run, status, now=NOON)]


def with_task(**changes):
    return replace(RUNNING, tasks=(replace(TASK, **changes),))


@pytest.mark.parametrize(
    ("run", "code", "text"),
    [
        (QUEUED, "run_queued", "queued since 2026-05-17 12:00:00 UTC, for the scheduler to start"),
        (
            replace(QUEUED, run_after=NOON + timedelta(minutes=5)),
            "run_after",
            "begins at 2026-05-17 12:05:00 UTC, and not before",
        ),
        (
            replace(QUEUED, dag=replace(DAG, max_active_runs=1, active_count=1, active_runs=("other",))),
            "max_active_runs",
            "1 runs of the DAG survey.t_x are running, and its max_active_runs is 1: other.",
        ),
        (with_task(), "task_scheduled", "'run' is ready since 2026-05-17 12:00:00 UTC"),
        (with_task(pool_state=None), "pool_missing", "asks for the pool 'imports': there is none"),
        (
            with_task(pool_state=PoolInAirflow(slots=1, open=1)),
            "pool_too_small",
            "takes 2 slots, and the pool 'imports' has 1 in all",
        ),
        (
            with_task(pool_state=PoolInAirflow(slots=4, open=1)),
            "pool_full",
            "for a slot of the pool 'imports': 1 of 4 are free, and it takes 2",
        ),
        (
            with_task(pool_state=PoolInAirflow(slots=float("inf"), open=float("inf"))),
            "task_scheduled",
            "'run' is ready",
        ),
        (replace(RUNNING, busy_slots=32), "parallelism", "32 tasks are at work in all of Airflow"),
        (with_task(state="queued"), "task_queued", "no worker has taken it from the executor"),
        (with_task(state="queued", queue="gpu"), "task_queued", "no worker of the queue 'gpu' has taken it"),
        (with_task(state="running"), "task_running", "is running since 2026-05-17 12:00:00 UTC (try 1)"),
        (with_task(state="running", map_index=3), "task_running", "'run[3]' is running"),
        (with_task(state="up_for_retry"), "task_retry", "failed in try 1, and is tried again"),
        (with_task(state="deferred"), "task_deferred", "is deferred"),
        (with_task(state="up_for_reschedule"), "task_reschedule", "looks again later"),
        (with_task(state="restarting"), "task_state", "is restarting"),
        (with_task(state=None), "task_waits", "has not been looked at by the scheduler"),
        (replace(RUNNING, state="success"), "run_ended", "is success in Airflow. The triggers controller"),
        (replace(RUNNING, state=None), "run_gone", "is not in Airflow any more"),
        (replace(RUNNING, state="promised"), "run_promised", "is about to be created"),
    ],
)
def test_it_is_said_what_the_run_waits_for(run, code, text):
    ((found, sentence),) = waits(run)
    assert found == code
    assert text in sentence


@pytest.mark.parametrize(
    ("run", "code", "text"),
    [
        (replace(QUEUED, dag=None), "dag_missing", "The DAG survey.t_x is not deployed any more"),
        (replace(QUEUED, dag=replace(DAG, stale=True)), "dag_missing", "Deploy it again"),
        (replace(QUEUED, dag=replace(DAG, import_errors=True)), "dag_import_errors", "has import errors"),
        (replace(QUEUED, dag=replace(DAG, paused=True)), "dag_paused", "is paused. Unpause it"),
        (replace(RUNNING, dag=replace(DAG, paused=True)), "dag_paused", "is paused"),
        (
            replace(QUEUED, scheduler_alive=False, scheduler_seen=NOON),
            "no_scheduler",
            "the last heartbeat was at 2026-05-17 12:00:00 UTC",
        ),
        (replace(QUEUED, scheduler_alive=False), "no_scheduler", "none ran yet"),
        (
            replace(RUNNING, failures=2, error="no manager", retry_at=NOON),
            "backoff",
            "(2 times): no manager. It looks again at 2026-05-17 12:00:00 UTC",
        ),
    ],
)
def test_what_holds_up_every_run_is_said_first(run, code, text):
    (found, sentence), *more = waits(run)
    assert found == code
    assert text in sentence
    assert more


def test_max_active_tasks_counts_what_is_at_work_in_the_run():
    others = tuple(replace(TASK, task_id=f"t{n}", state="running") for n in range(2))
    run = replace(RUNNING, dag=replace(DAG, max_active_tasks=2), tasks=(*others, TASK), task_count=9)
    codes = [code for code, _ in waits(run)]
    assert codes == ["task_running", "task_running", "max_active_tasks", "more_tasks"]


def test_a_run_that_started_before_the_controller_said_so_is_told():
    assert [code for code, _ in waits(RUNNING, InstanceStatus.SCHEDULED)] == ["run_started", "task_scheduled"]
