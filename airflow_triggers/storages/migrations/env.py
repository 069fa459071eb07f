"""Alembic's environment: run by ``airflow db migrate`` through ``storages/dbmanager.py``, never imported."""

from __future__ import annotations

from airflow import settings
from alembic import context
from sqlalchemy.engine import Connection

from airflow_triggers.storages.dbmanager import VERSION_TABLE
from airflow_triggers.storages.tables import metadata


def _is_ours(_object: object, name: str | None, kind: str, *_arguments: object) -> bool:
    return kind != "table" or (name or "").startswith("triggers_")


def _migrate(connection: Connection | None) -> None:
    context.configure(
        connection=connection,
        url=None if connection is not None else str(settings.SQL_ALCHEMY_CONN),
        literal_binds=connection is None,
        target_metadata=metadata,
        version_table=VERSION_TABLE,
        include_object=_is_ours,
        compare_type=True,
        render_as_batch=True,
    )
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    _migrate(None)
else:
    assert settings.engine is not None
    with settings.engine.connect() as connection:
        _migrate(connection)
