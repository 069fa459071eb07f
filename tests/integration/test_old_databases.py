"""A database that an earlier version made: it is upgraded, and its sessions open and go on."""

from __future__ import annotations

import json

import pytest
from airflow import settings
from alembic import command
from sqlalchemy import text
from sqlalchemy.orm import Session

from airflow_triggers import sessions
from airflow_triggers.controller.loop import Controller
from airflow_triggers.domain.instances import InstanceStatus
from airflow_triggers.storages import transaction
from airflow_triggers.storages.dbmanager import HEAD_REVISION, TriggersDBManager
from tests.support.counting import assert_columns_agree
from tests.support.dags import deploy_configuration, play
from tests.support.environment import ROOT

ROWS = json.loads((ROOT / "tests/data/sessions_0001.json").read_text(encoding="utf-8"))
"""What the code of revision 0001 wrote for two sessions, by table, in the order of the foreign keys."""

ORDER = {
    "t_ship": {"after": ["paid", "packed"]},
    "t_bill": {"after": ["paid"], "andEvery": "item"},
    "t_thank": {"after": ["t_ship"], "unless": ["returned"]},
}


def recreate_tables(revision=HEAD_REVISION):
    with Session(settings.engine) as session:
        manager = TriggersDBManager(session)
        with settings.engine.begin() as connection:
            manager.drop_tables(connection)
        command.upgrade(manager.get_alembic_config(), revision)
    transaction._checked_engine = None


def insert(table, row):
    values = {
        column: json.dumps(value) if isinstance(value, dict | list) else value
        for column, value in row.items()
    }
    columns = ", ".join(f'"{column}"' for column in values)
    parameters = ", ".join(f":{column}" for column in values)
    with settings.engine.begin() as connection:
        connection.execute(text(f"INSERT INTO {table} ({columns}) VALUES ({parameters})"), values)


def continue_sequences():
    """Have the ids that come next follow those that were inserted, as in the database where they were made."""
    with settings.engine.begin() as connection:
        for table, rows in ROWS.items():
            if "id" in rows[0]:
                connection.execute(
                    text(
                        f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"
                    )
                )


@pytest.fixture
def old_database(airflow_db):
    """Our tables as revision 0001 made them, with two sessions; Airflow has the DAGs, and lost the runs."""
    recreate_tables("0001")
    for table, rows in ROWS.items():
        for row in rows:
            insert(table, row)
    if airflow_db.dialect == "postgresql":
        continue_sequences()
    deploy_configuration("order", **ORDER)
    yield airflow_db
    recreate_tables()


def upgrade():
    with Session(settings.engine) as session:
        TriggersDBManager(session).upgradedb()
    transaction._checked_engine = None


def view(uid, name):
    return next(view for view in sessions.describe_session(uid).instances if view.instance.name == name)


def test_an_old_database_is_upgraded_and_keeps_what_it_has(old_database):
    upgrade()

    session = sessions.describe_session("order-1")
    statuses = {view.instance.name: view.instance.status.value for view in session.instances}
    assert statuses == {"t_ship#0": "unstarted", "t_bill#0": "finished", "t_bill#1": "failed"}
    assert session.metadata == {"customer": "Zoë"}
    assert session.latest_kwargs["paid"] == {"amount": 12.5}
    assert [fire.trigger_name for fire in session.delayed_fires] == ["reminder"]
    assert [summary.uid for summary in sessions.list_sessions()] == ["Order-2", "order-1"]
    assert [summary.uid for summary in sessions.list_sessions(prefix="ord")] == ["order-1"]
    assert_columns_agree()


def test_a_row_that_cannot_be_read_does_not_stop_the_upgrade(old_database):
    damages = {
        "t_ship": '{"timestamps": {"created": 7, "unstarted": "once"}, "depth": "x", "exceptionType": null}',
        "t_bill": '{"timestamps": [], "parent": 7}',
    }
    with settings.engine.begin() as connection:
        for task, metadata in damages.items():
            parameters = {"task": task, "metadata": metadata}
            connection.execute(
                text("UPDATE triggers_instance SET metadata = :metadata WHERE task_name = :task"), parameters
            )

    upgrade()

    assert_columns_agree()


def test_the_sessions_of_an_old_database_go_on(old_database):
    upgrade()
    manager = sessions.open_session("order-1")

    repeated = manager.fire("paid", {"amount": 12.5}, idempotency_key="paid-1")
    fired = manager.fire("packed", {"boxes": 2})
    clone = manager.replay_failed_instance("t_bill#1")

    assert repeated.repeated
    assert fired.scheduled == ("t_ship#0",)
    assert clone.name == "t_bill#2"
    play(view("order-1", "t_ship#0"), "success", result={"parcel": 9})
    play(view("order-1", "t_bill#2"), "success")
    Controller().run_once()
    assert view("order-1", "t_ship#0").instance.status is InstanceStatus.FINISHED
    assert view("order-1", "t_bill#2").instance.status is InstanceStatus.FINISHED
    assert view("order-1", "t_thank#0").instance.status is InstanceStatus.SCHEDULED
    [delayed] = manager.storage.delayed_fires()
    manager.cancel_delayed_fire(delayed.delayed_id, by="operator")
    assert manager.storage.delayed_fires() == []


def test_the_upgrade_can_be_undone(old_database):
    upgrade()
    with Session(settings.engine) as session:
        command.downgrade(TriggersDBManager(session).get_alembic_config(), "0001")
    upgrade()

    assert view("order-1", "t_bill#0").instance.status is InstanceStatus.FINISHED
