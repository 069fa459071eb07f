"""A fire makes no savepoint for its runs. If one cannot start, all is undone, and done again with savepoints."""

from __future__ import annotations

from contextlib import nullcontext
from typing import ClassVar

import pytest
from airflow import settings
from airflow.models.dagrun import DagRun
from sqlalchemy import func, select

from airflow_triggers.manager.manager import TriggerManager, trigger_managers
from airflow_triggers.runners import task_runners
from airflow_triggers.runners.airflow import AirflowTaskRunner
from airflow_triggers.sessions.opening import create_session, fire_into, open_session
from airflow_triggers.storages import tables
from airflow_triggers.storages.sql import SqlStorageBackend
from airflow_triggers.storages.transaction import transaction
from tests.support.dags import deploy_configuration, play
from tests.support.runners import RecordingRunner, registered
from tests.support.statements import statements
from tests.support.surveys import view


@pytest.fixture
def manager(airflow_db):
    deploy_configuration("orders", t_ship={"after": ["paid"], "andEvery": "paid"}, t_bill={"after": ["paid"]})
    manager, _ = create_session("order-1", configuration="orders")
    return manager


def run_ids():
    with transaction() as session:
        return sorted(session.scalars(select(DagRun.run_id)))


def savepoints(sent):
    return [statement for statement in sent if statement.startswith("SAVEPOINT")]


@pytest.fixture
def refusals(monkeypatch):
    """The tasks whose runs cannot be created, after some of their rows were written."""
    names = set()
    run = AirflowTaskRunner.run

    def run_or_raise(runner, start):
        run(runner, start)
        if start.instance.task.name in names:
            raise RuntimeError(f"no run of {start.instance.task.name}")

    monkeypatch.setattr(AirflowTaskRunner, "run", run_or_raise)
    return names


def status_of(name):
    return open_session("order-1").storage[name].status.value


def test_a_fire_that_starts_runs_makes_no_savepoint(manager):
    with statements() as sent:
        manager.fire("paid")
    assert savepoints(sent) == []
    assert run_ids() == ["triggers__order-1~t_bill~0", "triggers__order-1~t_ship~0"]


def test_a_fire_into_a_remembered_session_makes_none(manager):
    for _ in range(2):
        fire_into("order-1", "unheard")
    with statements() as sent:
        fire_into("order-1", "paid")
    assert savepoints(sent) == []
    assert len(run_ids()) == 2


@pytest.mark.parametrize(
    "fire", [TriggerManager.fire, lambda _manager, trigger: fire_into("order-1", trigger)]
)
def test_an_instance_that_cannot_start_fails_alone(manager, refusals, fire):
    fire(manager, "unheard")
    refusals.add("t_ship")
    result = fire(manager, "paid")
    assert (status_of("t_ship#0"), status_of("t_bill#0")) == ("failed", "scheduled")
    assert run_ids() == ["triggers__order-1~t_bill~0"]
    assert [kept.trigger_name for kept in manager.storage.fires(limit=10)] == ["paid", "unheard"]
    assert manager.storage.fires(limit=1)[0].fire_id == result.fire_id


class Posting(TriggerManager):
    """Notes the hooks that are called."""

    calls: ClassVar[list[str]] = []

    def _post_fire(self, trigger_name, tasks_scheduled):
        self.calls.append(trigger_name)


def test_hooks_of_a_fire_that_was_done_again_are_called_once(manager, refusals):
    Posting.calls.clear()
    trigger_managers.register("posting", Posting)
    posting, _ = create_session("order-2", configuration="orders", manager="posting")
    refusals.add("t_ship")
    posting.fire("paid")
    assert Posting.calls == ["paid"]
    assert len(posting.storage.fires(limit=10)) == 1


class Counting(TriggerManager):
    """Has a fire of its own, with an effect that no transaction undoes."""

    fires = 0

    def fire(self, *arguments, **options):
        """See TriggerManager."""
        type(self).fires += 1
        return super().fire(*arguments, **options)


def test_a_managers_own_fire_is_called_once(manager, refusals):
    trigger_managers.register("counting", Counting)
    create_session("order-2", configuration="orders", manager="counting")
    for _ in range(2):  # the session is remembered then
        fire_into("order-2", "unheard")
    Counting.fires = 0
    refusals.add("t_ship")
    fire_into("order-2", "paid")
    assert Counting.fires == 1
    assert open_session("order-2").storage["t_ship#0"].status.value == "failed"


def test_a_failed_part_that_somebody_catches_is_not_committed(manager, refusals):
    refusals.add("t_ship")
    storage = manager.storage

    def fire_and_catch():
        with storage.acquire_lock():
            try:
                manager.fire("paid")
            except BaseException:  # noqa: BLE001
                return

    storage.undivided(fire_and_catch)
    assert (status_of("t_ship#0"), status_of("t_bill#0")) == ("failed", "scheduled")
    assert len(storage.fires(limit=10)) == 1


@pytest.fixture
def policy(monkeypatch):
    """A cluster policy that leaves a column of one task's instances empty: the database refuses them."""

    def spoil(task_instance, **_):
        if task_instance.dag_id.endswith(".t_ship"):
            task_instance.pool = None

    monkeypatch.setattr(settings, "task_instance_mutation_hook", spoil)


@pytest.mark.parametrize("is_held", [False, True])
def test_task_instances_that_the_database_refuses_fail_their_instance_alone(manager, policy, is_held):
    with manager.storage.acquire_lock() if is_held else nullcontext():
        manager.fire("paid")
    assert (status_of("t_ship#0"), status_of("t_bill#0")) == ("failed", "scheduled")
    assert "refused the task instances" in str(manager.storage["t_ship#0"].metadata)
    assert run_ids() == ["triggers__order-1~t_bill~0"]
    assert counts() == [1, 2, 1, 1]


def test_the_same_in_a_cascade(policy, controller):
    deploy_configuration(
        "chain", t_start={"after": ["go"]}, t_ship={"after": ["t_start"]}, t_bill={"after": ["t_start"]}
    )
    create_session("order-2", configuration="chain")
    fire_into("order-2", "go")
    play(view("t_start#0", "order-2"), "success")
    assert controller.run_once() == 1
    storage = open_session("order-2").storage
    assert storage["t_start#0"].status.value == "finished"
    assert (storage["t_ship#0"].status.value, storage["t_bill#0"].status.value) == ("failed", "scheduled")


def counts():
    with transaction() as session:
        return [
            session.scalar(select(func.count()).select_from(table))
            for table in (tables.fire, tables.instance, tables.run, DagRun)
        ]


def test_a_fire_of_which_many_tasks_know(airflow_db):
    registered(RecordingRunner())
    manager = TriggerManager(SqlStorageBackend("order-1"))
    manager.update_configuration(
        {
            f"t_{number}": {"after": ["paid", "never"], "run": "dag", "using": "recording"}
            for number in range(600)
        }
    )
    assert len(manager.fire("paid").created) == 600
    assert manager.fire("paid").created == ()


def test_a_fire_by_a_hook_that_has_to_be_done_again_does_not_repeat_the_first_one(manager, refusals):
    refusals.add("t_ship")
    storage = manager.storage

    def fire_after_the_commit():
        manager.fire("paid")

    def fire_and_follow():
        with storage.acquire_lock():
            storage.after_release(fire_after_the_commit)
            return manager.fire("unheard")

    storage.undivided(fire_and_follow)
    assert [kept.trigger_name for kept in storage.fires(limit=10)] == ["paid", "unheard"]
    assert status_of("t_ship#0") == "failed"


def test_under_a_lock_that_is_held_only_the_part_is_undone(manager, refusals):
    refusals.add("t_ship")
    with manager.storage.acquire_lock():
        manager.fire("unheard")
        with statements() as sent:
            manager.fire("paid")
    assert len(savepoints(sent)) == 2
    assert (status_of("t_ship#0"), status_of("t_bill#0")) == ("failed", "scheduled")
    assert [kept.trigger_name for kept in manager.storage.fires(limit=10)] == ["paid", "unheard"]


def test_sys_exit_while_a_run_is_created_fails_the_instance_alone(manager, monkeypatch):
    def leave(_runner, start):
        start.storage.airflow_transaction.add(DagRun(dag_id="orders.t_ship", run_id="left behind"))
        raise SystemExit(1)

    monkeypatch.setattr(AirflowTaskRunner, "run", leave)
    manager.fire("paid")
    assert (status_of("t_ship#0"), status_of("t_bill#0")) == ("failed", "failed")
    assert run_ids() == []


class CountingRunner(AirflowTaskRunner):
    """A subclass that does more than Airflow's runner, and then raises."""

    name = "counting"
    runs = 0

    def run(self, start):
        """See AirflowTaskRunner."""
        type(self).runs += 1
        raise RuntimeError("no")


def test_a_runner_of_somebody_else_is_called_once(airflow_db):
    CountingRunner.runs = 0
    task_runners.register(CountingRunner.name, CountingRunner)
    deploy_configuration("orders", t_own={"after": ["paid"], "using": "counting"})
    create_session("order-2", configuration="orders")
    fire_into("order-2", "paid")
    assert CountingRunner.runs == 1
    assert open_session("order-2").storage["t_own#0"].status.value == "failed"


def test_after_a_runner_of_somebody_else_nothing_is_done_again(airflow_db, refusals):
    recorder = registered(RecordingRunner())
    deploy_configuration(
        "orders", t_first={"after": ["paid"], "using": "recording"}, t_ship={"after": ["paid"]}
    )
    create_session("order-1", configuration="orders")
    refusals.add("t_ship")
    fire_into("order-1", "paid")
    assert status_of("t_ship#0") == "failed"
    assert len(recorder.started) == 1
