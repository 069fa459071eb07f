"""Airflow's execution API tells controllers of a trigger task's success, by the transaction that records it."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

import pytest
from airflow.api_fastapi.execution_api.app import InProcessExecutionAPI
from airflow.models.log import Log
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session as airflow_session
from fastapi.testclient import TestClient
from sqlalchemy import event, func, select, text

from airflow_triggers.controller.loop import Controller
from airflow_triggers.gateway import wakeup
from airflow_triggers.gateway.wakeup import Listener, tell_of_successes
from airflow_triggers.sessions.opening import fire_into
from tests.support.dags import play
from tests.support.surveys import statuses, view

DEADLINE = 30
MOMENT = 0.2
"""How long a test listens for what must not be told."""


@pytest.fixture
def telling():
    """This process tells, as an API server does."""
    tell_of_successes()
    tell_of_successes()
    yield
    event.remove(Log, "after_insert", wakeup._tell)


@pytest.fixture
def stop():
    return threading.Event()


@pytest.fixture
def listener(stop):
    listener = Listener()
    assert listener.wait(stop, 0.001) == []
    yield listener
    listener.close()


@pytest.fixture(scope="module")
def execution_api():
    """The API that workers report to."""
    with TestClient(InProcessExecutionAPI().app) as client:
        yield client


def listening():
    with airflow_session() as session:
        query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query = :listen"
        return session.scalars(text(query), {"listen": f"LISTEN {wakeup.CHANNEL}"}).all()


def end_task(execution_api, state):
    """The only task of ``t_import#0`` runs, and its worker reports how it ended."""
    found = view("t_import#0")
    play(found, "running")
    with airflow_session() as session:
        task_id = session.scalar(select(TaskInstance.id).where(TaskInstance.run_id == found.run_id))
    body = {"state": state, "end_date": datetime.now(UTC).isoformat()}
    if state == "success":
        body |= {"task_outlets": [], "outlet_events": []}
    answer = execution_api.patch(f"/task-instances/{task_id}/state", json=body)
    assert answer.status_code == 204, answer.text
    return found.dag_id, found.run_id


def test_a_success_that_a_worker_reports_is_heard(postgresql_survey, telling, listener, stop, execution_api):
    fire_into("order-1", "firstPage", configuration="survey")
    key = end_task(execution_api, "success")
    assert listener.wait(stop, DEADLINE) == [key]


def test_another_end_is_not_told(postgresql_survey, telling, listener, stop, execution_api):
    fire_into("order-1", "firstPage", configuration="survey")
    end_task(execution_api, "failed")
    assert listener.wait(stop, MOMENT) == []


def test_what_is_told_of_without_a_commit_or_of_others_runs_is_not_heard(
    postgresql_survey, telling, listener, stop
):
    with airflow_session() as session:
        session.add(Log("success", dag_id="theirs", run_id="manual__1"))
        session.add(Log("running", dag_id="ours", run_id="triggers__1"))
    with airflow_session() as session:
        session.add(Log("success", dag_id="ours", run_id="triggers__1"))
        session.flush()
        session.rollback()
    assert listener.wait(stop, MOMENT) == []


@pytest.mark.parametrize("payload", ["", "nonsense", "[1, 2]", '["a"]', '{"a": 1, "b": 2}', "7"])
def test_what_somebody_else_notifies_is_not_taken_for_a_run(postgresql_survey, listener, stop, payload):
    before = listening()
    with airflow_session() as session:
        session.execute(select(func.pg_notify(wakeup.CHANNEL, payload)))
    assert listener.wait(stop, MOMENT) == []
    assert listening() == before != []


def test_on_sqlite_nothing_is_told_and_a_success_is_recorded_all_the_same(
    sqlite_airflow_db, telling, listener, stop
):
    with airflow_session() as session:
        session.add(Log("success", dag_id="ours", run_id="triggers__1"))
    assert listener.wait(stop, MOMENT) == []


def test_a_wait_ends_when_it_is_to_stop(postgresql_survey, listener, stop):
    stop.set()
    assert listener.wait(stop, 3600) == []


def test_a_listener_that_lost_its_connection_makes_another(
    postgresql_survey, telling, listener, stop, execution_api, monkeypatch
):
    (lost,) = listening()
    with airflow_session() as session:
        session.execute(select(func.pg_terminate_backend(lost)))
    monkeypatch.setattr(listener, "_connect_at", 0.0)
    deadline = time.monotonic() + DEADLINE
    while listening() in ([], [lost]):
        assert time.monotonic() < deadline
        listener.wait(stop, 0.01)
    fire_into("order-1", "firstPage", configuration="survey")
    key = end_task(execution_api, "success")
    assert listener.wait(stop, DEADLINE) == [key]


def test_a_controller_that_waits_long_acts_at_once_on_what_it_hears(
    postgresql_survey, telling, stop, execution_api
):
    fire_into("order-1", "firstPage", configuration="survey")
    thread = threading.Thread(target=Controller(interval=3600).run_forever, args=(stop,))
    thread.start()
    try:
        wait_until(listening)
        end_task(execution_api, "success")
        wait_until(lambda: statuses() == {"t_import#0": "finished", "t_score#0": "scheduled"})
    finally:
        stop.set()
        thread.join(DEADLINE)
    assert listening() == []


def wait_until(condition):
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
