"""What a fire and a controller's pass cost in statements: few, and as many for many instances as for few."""

from __future__ import annotations

import pytest

from airflow_triggers.controller import observe
from airflow_triggers.domain.fires import SessionFireRequest
from airflow_triggers.manager.manager import TriggerManager
from airflow_triggers.sessions.batches import fire_all
from airflow_triggers.sessions.opening import fire_into
from airflow_triggers.storages.sql import SqlStorageBackend
from airflow_triggers.storages.transaction import is_sqlite
from tests.support.dags import play
from tests.support.runners import RecordingRunner, registered
from tests.support.statements import statements
from tests.support.surveys import view

MOST = 7
"""The last one saves how many instances the session has now."""

MOST_OF_A_PASS = 8
"""One without news."""

MOST_OF_A_COMPLETION = 40
"""The pass's own, and what creating a DAG run takes, included."""


@pytest.fixture
def manager(airflow_db):
    registered(RecordingRunner())
    manager = TriggerManager(SqlStorageBackend("order-1"))
    directives = {"after": ["x", "y"], "andEvery": "page", "run": "dag", "using": "recording"}
    manager.update_configuration({"t_page": directives, "t_once": {**directives, "andEvery": None}})
    manager.fire("page")
    return manager


def cost(manager, trigger):
    with statements() as sent:
        manager.fire(trigger)
    return len(sent)


def test_a_fire_that_only_records_takes_few_statements(manager):
    assert cost(manager, "unheard") <= 2
    assert cost(manager, "page") <= MOST


def test_a_fire_of_which_nobody_waits_any_more_takes_three_statements(manager):
    resolve_all(manager)
    assert cost(manager, "x") == 3


def test_each_of_many_fires_together_takes_one_statement_at_most(manager):
    resolve_all(manager)
    fires = [SessionFireRequest(session_uid="order-1", trigger_name="x") for _ in range(50)]
    with statements() as sent:
        outcomes = fire_all(fires)
    assert len({outcome.fire_id for outcome in outcomes}) == 50
    # PostgreSQL gets them all in one statement, after one that takes their ids.
    assert len(sent) <= (50 if is_sqlite() else 2) + 4


def resolve_all(manager):
    manager.fire("x")  # each task has an instance then
    for one in manager.storage:
        manager.update_instance_status(one, "finished")


def test_a_fire_costs_the_same_however_many_instances_wait(manager):
    with manager.storage.acquire_lock():
        for _ in range(20):
            manager.fire("page")
    small = cost(manager, "page")
    with manager.storage.acquire_lock():
        for _ in range(300):
            manager.fire("page")
    assert cost(manager, "page") == small
    assert len(manager.storage.instances_of_task("t_page")) == 323


def test_a_pass_without_news_costs_the_same_however_many_runs_are_in_flight(survey, controller, monkeypatch):
    monkeypatch.setattr(observe, "SLICE", 10)
    controller.run_once()
    with statements() as few:
        controller.run_once()
    costs = []
    for number in range(15):
        fire_into(f"order-{number}", "firstPage", configuration="survey")
        play(view("t_import#0", f"order-{number}"), "running")
    while controller.run_once():
        pass
    for _ in range(4):
        with statements() as sent:
            assert controller.run_once() == 0
        costs.append(len(sent))
    assert max(costs) <= len(few) <= MOST_OF_A_PASS


def test_a_completion_that_starts_a_run_takes_few_statements(survey, controller):
    fire_into("order-1", "firstPage", configuration="survey")
    play(view("t_import#0"), "running")
    controller.run_once()
    play(view("t_import#0"), "success", result={"id": 7})
    with statements() as sent:
        assert controller.run_once() == 1
    assert len(sent) <= MOST_OF_A_COMPLETION
