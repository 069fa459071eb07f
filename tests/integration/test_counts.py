"""The counts in a session's row, and the columns that repeat metadata: they never drift from the truth."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
import sqlalchemy as sa
from airflow import settings

from airflow_triggers.domain import states
from airflow_triggers.domain.fires import SessionFireRequest
from airflow_triggers.manager.manager import TriggerManager
from airflow_triggers.sessions.batches import fire_all
from airflow_triggers.sessions.cleaning import Selection, clean
from airflow_triggers.sessions.deleting import delete_session
from airflow_triggers.sessions.migration import Migration, migrate_sessions
from airflow_triggers.sessions.opening import create_session, fire_into, open_session
from airflow_triggers.storages import tables
from airflow_triggers.storages.sql import SqlStorageBackend
from tests.support.counting import assert_columns_agree
from tests.support.dags import deploy_configuration
from tests.support.runners import RecordingRunner, registered
from tests.support.statements import statements
from tests.support.surveys import failed_import

TASKS = {"t_page": {"after": ["x"], "andEvery": "page", "run": "dag", "using": "recording"}}


@pytest.fixture
def manager(airflow_db):
    registered(RecordingRunner())
    manager = TriggerManager(SqlStorageBackend("order-1"))
    manager.update_configuration(TASKS)
    manager.fire("page")
    return manager


def counts(uid="order-1"):
    columns = tables.session.c
    query = sa.select(columns.counts, columns.instance_count, columns.open_count, columns.failed_count).where(
        columns.uid == uid
    )
    return tuple(read(query))


def read(query):
    with settings.engine.connect() as connection:
        return connection.execute(query).one()


def write(statement, **values):
    with settings.engine.begin() as connection:
        connection.execute(sa.text(statement), values)


def test_a_repair_moves_the_counts(survey, controller):
    manager = failed_import(controller)
    assert counts() == ({"t_import": {"failed": 1}}, 1, 1, 1)
    assert_columns_agree()

    manager.replay_failed_instance("t_import#0")
    assert counts() == ({"t_import": {"replayed": 1, "scheduled": 1}}, 2, 1, 0)

    manager.update_instance_status("t_import#1", "failed", {"exceptionType": "E", "exceptionMessage": "a\nb"})
    manager.skip_failed_instance("t_import#1", cascade=True)
    assert counts()[0]["t_import"] == {"replayed": 1, "skipped": 1}
    assert_columns_agree()


def test_an_act_that_is_undone_leaves_the_counts(manager):
    with suppress(ZeroDivisionError), manager.storage.acquire_lock():
        manager.fire("page")
        raise ZeroDivisionError
    with manager.storage.acquire_lock() as storage:
        manager.fire("page")
        with suppress(ZeroDivisionError), storage.savepoint():
            manager.fire("page")
            raise ZeroDivisionError
    with manager.storage.try_out():
        manager.fire("page")

    assert counts() == ({"t_page": {"unstarted": 2}}, 2, 2, 0)
    assert_columns_agree()


def test_batches_migrations_and_deletions_keep_the_counts(airflow_db, monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL", "0")
    deploy_configuration("order", t_ship={"after": ["paid", "packed"]}, t_gift={"after": ["paid", "wrapped"]})
    uids = ["order-1", "order-2", "order-3"]
    for uid in uids:
        create_session(uid, configuration="order")
    fire_all([SessionFireRequest(session_uid=uid, trigger_name="paid") for uid in uids])
    deploy_configuration("order", t_ship={"after": ["paid"]}, t_thank={"after": ["paid"]})
    page = migrate_sessions(Migration(configuration="order", history="apply"), limit=10)
    assert {session.outcome.value for session in page.sessions} == {"moved"}
    assert counts()[0] == {
        "t_ship": {"scheduled": 1},
        "t_thank": {"scheduled": 1},
        "t_gift": {"abandoned": 1},
    }
    assert_columns_agree()

    delete_session("order-1", force=True)
    manager = open_session("order-2")
    for name in ("t_ship#0", "t_thank#0"):
        manager.update_instance_status(name, "finished")
    assert counts("order-2")[2] == 0
    list(clean(Selection(before=manager.storage.now(), unresolved=True)))
    assert_columns_agree()


def test_instances_take_the_name_that_their_session_s_configuration_gets(manager):
    with manager.storage.acquire_lock() as storage:
        storage.set_configuration(replace(storage.configuration, name="order"))
    assert read(sa.select(tables.instance.c.configuration)).configuration == "order"
    assert_columns_agree()


@pytest.mark.parametrize(
    "damaged", ["[]", '{"t_page": 7}', '{"t_page": {"unstarted": -5}}', '{"a": {"b": "c"}}']
)
def test_damaged_counts_are_counted_again(manager, damaged):
    write("UPDATE triggers_session SET counts = :counts", counts=damaged)

    manager.fire("page")

    assert counts() == ({"t_page": {"unstarted": 2}}, 2, 2, 0)


def test_an_unknown_status_counts_as_failed(manager):
    write("UPDATE triggers_instance SET status = 'nonsense'")
    write("UPDATE triggers_session SET counts = '[]'")

    with manager.storage.acquire_lock() as storage:
        storage.add(states.new_instance(storage.configuration["t_page"], 1, now=storage.now()))

    assert counts() == ({"t_page": {"nonsense": 1, "unstarted": 1}}, 2, 2, 1)


def test_a_fire_that_only_records_does_not_write_the_counts(survey):
    fire_into("order-1", "firstPage", configuration="survey")
    before = counts()
    with statements() as sent:
        fire_into("order-1", "unheard")
    assert counts() == before
    assert not any("instance_count" in statement for statement in sent)
