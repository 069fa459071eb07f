"""Builds large sessions, and many of them, from a small one made by the product itself.

Rows are copied with all their columns; only the columns that must differ get new values. So a change of the tables
needs no change here. Neighbours: ``fires.py`` and ``controllers.py`` use it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import sqlalchemy as sa

from airflow_triggers.storages import tables
from benchmarks.database import MetadataDatabase


@contextmanager
def bulk(database: MetadataDatabase) -> Iterator[sa.Connection]:
    """A transaction without checks of foreign keys and with an asynchronous commit."""
    with database.engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
        yield connection


def multiply(
    connection: sa.Connection, table: sa.Table, *, where: str, count: int, replacing: Mapping[str, str]
) -> None:
    """Insert ``count`` copies of each row under the condition.

    :param where: SQL about the original row, ``it``.
    :param replacing: column → SQL of the copy's value; ``n`` is the copy's number, from 1.
    """
    quote = connection.dialect.identifier_preparer.quote
    names = [column.name for column in table.columns]
    values = ", ".join(f"({replacing[name]})" if name in replacing else f"it.{quote(name)}" for name in names)
    connection.exec_driver_sql(
        f"INSERT INTO {table.name} ({', '.join(map(quote, names))}) "
        f"SELECT {values} FROM {table.name} AS it CROSS JOIN generate_series(1, {count}) AS n WHERE {where}"
    )


def multiply_instances(database: MetadataDatabase, uid: str, *, count: int) -> None:
    """Copy instance 0 of the session's task until the session has ``count`` instances."""
    (session_id,) = database.execute("SELECT id FROM triggers_session WHERE uid = :uid", {"uid": uid})
    with bulk(database) as connection:
        for table in (tables.instance, tables.wait):
            where = f"it.session_id = {session_id} AND it.number = 0"
            multiply(connection, table, where=where, count=count - 1, replacing={"number": "n"})


def multiply_sessions(database: MetadataDatabase, uid: str, *, count: int) -> None:
    """Make sessions ``{uid}-1`` … ``{uid}-{count}`` with everything in the session, each changed later."""
    (session_id,) = database.execute("SELECT id FROM triggers_session WHERE uid = :uid", {"uid": uid})
    owned_tables = (tables.instance, tables.wait, tables.fire)
    with bulk(database) as connection:
        keys = {
            "id": f"{session_id} + n",
            "uid": "it.uid || '-' || n",
            "last_modified": _later("last_modified"),
        }
        multiply(connection, tables.session, where=f"it.id = {session_id}", count=count, replacing=keys)
        for table in owned_tables:
            replacing = {"session_id": f"{session_id} + n"}
            if "changed_at" in table.columns:
                replacing["changed_at"] = _later("changed_at")
            if "id" in table.columns:
                replacing["id"] = f"nextval(pg_get_serial_sequence('{table.name}', 'id'))"
            multiply(
                connection,
                table,
                where=f"it.session_id = {session_id}",
                count=count,
                replacing=replacing,
            )
        sequence = "pg_get_serial_sequence('triggers_session', 'id')"
        connection.exec_driver_sql(f"SELECT setval({sequence}, {session_id} + {count})")


def _later(moment: str) -> str:
    return f"it.{moment} + n * interval '1 millisecond'"
