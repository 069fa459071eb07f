"""Our tables: the migrations make what the code declares, and a database without them says what to do."""

from __future__ import annotations

import pytest
from airflow import settings
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.orm import Session

from airflow_triggers.domain.instances import InstanceStatus
from airflow_triggers.errors import SchemaOutdated
from airflow_triggers.storages import tables, transaction
from airflow_triggers.storages.dbmanager import HEAD_REVISION, VERSION_TABLE, TriggersDBManager
from airflow_triggers.storages.sql import SqlStorageBackend


def drop_all():
    with Session(settings.engine) as session, settings.engine.begin() as connection:
        TriggersDBManager(session).drop_tables(connection)


@pytest.fixture
def without_tables(airflow_db):
    """A database that 'airflow db migrate' has not seen since the package was installed."""
    drop_all()
    transaction._checked_engine = None
    yield airflow_db
    drop_all()
    with Session(settings.engine) as session:
        TriggersDBManager(session).upgradedb()
    transaction._checked_engine = None


def differences():
    def ours(_object, name, kind, *_):
        return kind != "table" or (name.startswith("triggers_") and name != VERSION_TABLE)

    with settings.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": ours, "compare_type": True})
        return compare_metadata(context, tables.metadata)


def test_the_migrations_make_the_declared_tables(without_tables):
    with Session(settings.engine) as session:
        TriggersDBManager(session).upgradedb(use_migration_files=True)
        assert TriggersDBManager(session).check_migration()
        assert TriggersDBManager(session).get_current_revision() == HEAD_REVISION
    assert differences() == []


def test_the_newest_revision_is_the_one_that_the_code_needs():
    with Session(settings.engine) as session:
        assert TriggersDBManager(session).get_script_object().get_heads() == [HEAD_REVISION]
    assert list(TriggersDBManager.revision_heads_map.values())[-1] == HEAD_REVISION


def test_missing_tables_are_an_error_that_names_the_command(without_tables):
    with pytest.raises(SchemaOutdated, match=r"missing.*Run 'airflow db migrate'"):
        SqlStorageBackend("order-1").instances  # noqa: B018


def test_tables_of_another_version_are_an_error_that_names_the_command(airflow_db):
    with settings.engine.begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '0000'"))
    transaction._checked_engine = None
    try:
        with pytest.raises(
            SchemaOutdated, match=f"at version 0000, .* needs {HEAD_REVISION}. Run 'airflow db migrate'"
        ):
            SqlStorageBackend("order-1").instances  # noqa: B018
    finally:
        with settings.engine.begin() as connection:
            connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '{HEAD_REVISION}'"))


def test_every_status_fits_its_column():
    longest = max(len(status.value) for status in InstanceStatus)
    assert longest <= tables.instance.c.status.type.length
