"""Behind PgBouncer in transaction mode everything works but LISTEN: a controller that it serves hears nothing.

What is told is told to whoever listens at the database itself, though the teller's transaction came through the pooler.
"""

from __future__ import annotations

import threading

import pytest
from airflow.models.log import Log
from airflow.utils.session import create_session as airflow_session
from sqlalchemy import event, text

from airflow_triggers.gateway import wakeup
from airflow_triggers.gateway.wakeup import Listener, tell_of_successes
from airflow_triggers.sessions.opening import fire_into, open_session
from airflow_triggers.testing.contract import ImpatientLockContract, StorageContract
from tests.contract.storages import InSql
from tests.integration.conftest import deployed_survey
from tests.support.dags import play
from tests.support.databases import AirflowDatabase
from tests.support.pgbouncer import pgbouncer
from tests.support.surveys import statuses, view

KEY = ("survey.t_import", "triggers__order-1~t_import~0")
DEADLINE = 30
MOMENT = 1.0
"""How long a test listens for what must not be told."""


@pytest.fixture(scope="module")
def pooled_url(postgresql_airflow_database):
    with pgbouncer(postgresql_airflow_database.url, connections=3) as url:
        yield url


@pytest.fixture
def pooled_db(postgresql_airflow_db, pooled_url):
    """Airflow in this process has its database through the pooler."""
    pooled = AirflowDatabase("postgresql", pooled_url)
    pooled.enter()
    yield pooled
    postgresql_airflow_db.enter()


@pytest.fixture
def telling():
    tell_of_successes()
    yield
    event.remove(Log, "after_insert", wakeup._tell)


def report_success():
    """As Airflow's execution API records that a task succeeded."""
    with airflow_session() as session:
        session.add(Log("success", dag_id=KEY[0], run_id=KEY[1]))


def listener_of(database):
    database.enter()
    listener = Listener()
    assert listener.wait(threading.Event(), 0.001) == []
    return listener


class TestStorage(InSql, StorageContract, ImpatientLockContract):
    """The whole contract of storages, locks included, through the pooler."""

    @pytest.fixture(autouse=True)
    def store(self, pooled_db):
        return pooled_db


def test_the_pooler_shares_its_connections(pooled_db):
    """Otherwise this file would prove nothing."""
    connections = [pooled_db.engine.connect() for _ in range(8)]
    servers = set()
    for connection in connections:
        servers.add(connection.scalar(text("SELECT pg_backend_pid()")))
        connection.commit()
    for connection in connections:
        connection.close()
    assert len(servers) <= 3


def test_a_session_runs_to_its_end(pooled_db, controller):
    deployed_survey()
    fire_into("order-1", "firstPage", {"n": 1}, configuration="survey")
    play(view("t_import#0"), "failed")
    controller.run_once()
    assert statuses() == {"t_import#0": "failed"}
    manager = open_session("order-1")
    manager.replay_failed_instance(manager.storage["t_import#0"], {"firstPage": {"n": 2}})
    play(view("t_import#1"), "success")
    controller.run_once()
    play(view("t_score#0"), "success")
    controller.run_once()
    assert statuses() == {"t_import#0": "replayed", "t_import#1": "finished", "t_score#0": "finished"}


def test_a_listener_behind_the_pooler_hears_nothing_and_goes_on(pooled_db, telling):
    listener = listener_of(pooled_db)
    report_success()
    assert listener.wait(threading.Event(), MOMENT) == []
    listener.close()


def test_a_listener_at_the_database_hears_what_is_told_through_the_pooler(
    postgresql_airflow_db, pooled_db, telling
):
    listener = listener_of(postgresql_airflow_db)
    pooled_db.enter()
    report_success()
    assert listener.wait(threading.Event(), DEADLINE) == [KEY]
    listener.close()
