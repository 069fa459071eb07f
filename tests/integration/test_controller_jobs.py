"""Controllers in Airflow's job table, and ``airflow triggers controller --check``, with real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
from airflow import settings
from airflow.cli.cli_parser import get_parser
from airflow.jobs.job import Job, JobState
from airflow.models.log import Log
from airflow.utils.net import get_hostname
from airflow.utils.session import create_session as airflow_session
from sqlalchemy import delete, func, insert, select, update

from airflow_triggers.controller.health import read_health
from airflow_triggers.controller.loop import Controller
from airflow_triggers.gateway.jobs import CONTROLLER_JOB_TYPE, ControllerJob
from tests.support.airflow_api import airflow_api, client_of
from tests.support.statements import statements_of

DEADLINE = 60
PROCESS = [sys.executable, "-P", "-m", "airflow_triggers.controller.process", "--parent", str(os.getpid())]


class Clock:
    """Monotonic seconds that a test moves."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def job(airflow_db, clock):
    return ControllerJob(clock=clock)


def jobs():
    with airflow_session() as session:
        query = select(Job).where(Job.job_type == CONTROLLER_JOB_TYPE).order_by(Job.id)
        rows = session.scalars(query).all()
        session.expunge_all()
        return rows


def grow_old(seconds=60, **values):
    """Have the heartbeats of all controllers be so old."""
    with airflow_session() as session:
        heartbeat = datetime.now(UTC) - timedelta(seconds=seconds)
        session.execute(update(Job).values(latest_heartbeat=heartbeat, **values))


def wait_until(condition):
    ends = time.monotonic() + DEADLINE
    while not (result := condition()):
        assert time.monotonic() < ends, f"not within {DEADLINE} s"
        time.sleep(0.05)
    return result


# -- the row ----------------------------------------------------------------------------------------------------


def test_a_controller_is_a_job_that_airflow_takes_for_alive(job):
    job.beat()
    (row,) = jobs()
    assert (row.job_type, row.state, row.hostname) == (CONTROLLER_JOB_TYPE, JobState.RUNNING, get_hostname())
    assert row.is_alive()
    assert row.end_date is None


def test_a_heartbeat_renews_the_row_when_one_is_due(job, clock):
    job.beat()
    grow_old()
    clock.now += 4
    assert statements_of(job.beat) == 0
    clock.now += 1
    job.beat()
    (row,) = jobs()
    assert row.is_alive()


@pytest.mark.parametrize(("failed", "state"), [(False, JobState.SUCCESS), (True, JobState.FAILED)])
def test_a_controller_that_ends_says_how(job, failed, state):
    job.beat()
    job.end(failed=failed)
    (row,) = jobs()
    assert row.state == state
    assert row.end_date is not None
    assert not row.is_alive()


def test_a_row_that_was_deleted_is_made_again(job, clock):
    job.beat()
    with airflow_session() as session:
        session.execute(delete(Job))
    clock.now += 5
    job.beat()
    assert len(jobs()) == 1


def test_another_controller_marks_the_row_of_a_killed_one_and_only_that(job, clock):
    job.beat()
    with airflow_session() as session:
        # By a statement: of a mapped scheduler's job, the listener would start a controller.
        session.execute(insert(Job.__table__).values(job_type="SchedulerJob", state="running"))
    grow_old()
    other = ControllerJob(clock=clock)
    other.beat()
    assert [row.state for row in jobs()] == [JobState.FAILED, JobState.RUNNING]
    with airflow_session() as session:
        assert session.scalar(select(Job.state).where(Job.job_type == "SchedulerJob")) == JobState.RUNNING
    clock.now += 5
    job.beat()
    assert [row.state for row in jobs()] == [JobState.RUNNING, JobState.RUNNING]
    assert jobs()[0].end_date is None


def test_a_heartbeat_that_the_database_refuses_does_not_end_the_controller(job, clock, monkeypatch, caplog):
    with monkeypatch.context() as without_database:
        without_database.setattr(settings, "engine", None)
        job.beat()
        job.end(failed=False)
    assert "its heartbeat cannot be kept" in caplog.text
    clock.now += 5
    job.beat()
    assert len(jobs()) == 1


def test_the_loop_gives_a_sign_of_life_after_each_pass_and_none_when_passes_fail(airflow_db, monkeypatch):
    class Stop:
        """Set when it is asked for the fifth time."""

        def __init__(self):
            self.left = 5

        def is_set(self):
            self.left -= 1
            return self.left < 0

        def wait(self, seconds):
            return self.is_set()

    beats = []
    Controller(interval=0.001, beat=lambda: beats.append(1)).run_forever(Stop())
    assert beats
    beats.clear()

    def fail(*_):
        raise RuntimeError("a pass that fails")

    controller = Controller(interval=0.001, beat=lambda: beats.append(1))
    monkeypatch.setattr(controller, "run_once", fail)
    controller.run_forever(Stop())
    assert not beats


def test_airflow_lists_the_controllers_among_its_jobs(job, monkeypatch):
    job.beat()
    answer = client_of(airflow_api(monkeypatch), "ann").get(
        "jobs", params={"job_type": CONTROLLER_JOB_TYPE, "is_alive": True}
    )
    assert answer.json()["total_entries"] == 1


# -- processes --------------------------------------------------------------------------------------------------


@pytest.fixture
def controller_process(airflow_db):
    process = subprocess.Popen(PROCESS, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield process
    process.kill()
    process.wait()


def test_a_controller_process_registers_and_ends_its_job(controller_process):
    wait_until(lambda: [row for row in jobs() if row.is_alive()])
    assert read_health().is_healthy
    controller_process.send_signal(signal.SIGTERM)
    assert controller_process.wait(DEADLINE) == 0
    (row,) = jobs()
    assert row.state == JobState.SUCCESS
    assert "the last one ended at" in read_health().reason


def test_a_killed_controller_process_leaves_a_heartbeat_that_grows_old(controller_process):
    wait_until(lambda: [row for row in jobs() if row.is_alive()])
    controller_process.kill()
    controller_process.wait()
    (row,) = jobs()
    assert row.state == JobState.RUNNING
    grow_old()
    assert "expected at most 30 s" in read_health().reason


# -- the check --------------------------------------------------------------------------------------------------


def check(*arguments):
    """Run ``airflow triggers controller --check`` in this process; the exit status."""
    args = get_parser().parse_args(["triggers", "controller", *arguments])
    try:
        args.func(args)
    except SystemExit as ended:
        return ended.code
    return 0


def test_the_check_of_a_living_controller_is_one_sentence_and_status_0(job, capsys):
    job.beat()
    assert check("--check") == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("1 triggers controller is alive; ")
    assert len(printed.out.splitlines()) == 1
    assert printed.err == ""


@pytest.mark.parametrize(
    ("prepare", "sentence"),
    [
        (lambda job: None, "No triggers controller has run on this metadata database."),
        (lambda job: grow_old(), "No triggers controller is alive: the last sign of life was at"),
        (lambda job: job.end(failed=False), "No triggers controller runs: the last one ended at"),
    ],
    ids=["never", "stale", "ended"],
)
def test_the_check_without_a_living_controller_says_what_to_do_and_has_status_1(
    job, capsys, prepare, sentence
):
    if sentence.startswith("No triggers controller has run"):
        job = None
    else:
        job.beat()
    prepare(job)
    assert check("--check") == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(sentence)
    assert len(printed.err.splitlines()) == 1


def test_the_check_of_this_host_does_not_take_anothers_controller_for_its_own(job, capsys):
    job.beat()
    assert check("--check", "--local") == 0
    assert f"on host {get_hostname()!r}" in capsys.readouterr().out
    with airflow_session() as session:
        session.execute(update(Job).values(hostname="elsewhere"))
    assert check("--local") == 1
    assert check("--check") == 0


def test_the_check_writes_nothing(job):
    job.beat()
    with airflow_session() as session:
        before = session.scalar(select(func.count()).select_from(Log))
    check("--check")
    with airflow_session() as session:
        assert session.scalar(select(func.count()).select_from(Log)) == before


def test_the_check_without_our_tables_says_what_to_do(job, capsys, monkeypatch):
    from airflow_triggers.storages import dbmanager, transaction

    monkeypatch.setattr(dbmanager, "HEAD_REVISION", "9999")
    monkeypatch.setattr(transaction, "_checked_engine", None)
    assert check("--check") == 1
    assert "Run 'airflow db migrate'" in capsys.readouterr().err


def test_the_check_as_a_command_of_its_own(job):
    job.beat()
    finished = subprocess.run(
        [sys.executable, "-m", "airflow", "triggers", "controller", "--check"],
        check=False,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.splitlines()[-1].startswith("1 triggers controller is alive; ")


def test_what_the_check_costs_does_not_grow_with_the_jobs_of_the_past(job):
    job.beat()
    few = statements_of(read_health)
    with airflow_session() as session:
        ended = {
            "job_type": CONTROLLER_JOB_TYPE,
            "state": "success",
            "latest_heartbeat": datetime.now(UTC),
        }
        session.execute(insert(Job.__table__), [ended] * 50)
    assert statements_of(read_health) == few
