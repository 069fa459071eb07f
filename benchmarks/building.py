"""Builds large sessions, and many of them, from a small one that the product itself has made.

Rows are copied as they are, whatever columns they have; only what tells the copies apart is replaced. So a change of
the tables needs no change here. Neighbours: ``fires.py`` and ``controllers.py`` build by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import sqlalchemy as sa

from airflow_triggers.storages import tables
from benchmarks.database import MetadataDatabase


@contextmanager
def bulk(database: MetadataDatabase) -> Iterator[sa.Connection]:
    """A transaction that checks no foreign keys and need not reach the disk at once."""
    with database.engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
        yield connection


def multiply(
    connection: sa.Connection, table: sa.Table, *, where: str, count: int, replacing: Mapping[str, str]
) -> None:
    """Insert ``count`` copies of each row that meets the condition.

    :param where: SQL about the original row, ``it``.
    :param replacing: column → SQL of the copy's value, ``n`` being the copy's number from 1.
    """
    quote = connection.dialect.identifier_preparer.quote
    names = [column.name for column in table.columns]
    values = ", ".join(f"({replacing[name]})" if name in replacing else f"it.{quote(name)}" for name in names)
    connection.exec_driver_sql(
        f"INSERT INTO {table.name} ({', '.join(map(quote, names))}) "
        f"SELECT {values} FROM {table.name} AS it CROSS JOIN generate_series(1, {count}) AS n WHERE {where}"
    )


def multiply_instances(database: MetadataDatabase, uid: str, *, count: int) -> None:
    """Give a session, which has instance 0 of its task, ``count`` instances like it."""
    (session_id,) = database.execute("SELECT id FROM triggers_session WHERE uid = :uid", {"uid": uid})
    with bulk(database) as connection:
        for table in (tables.instance, tables.wait):
            where = f"it.session_id = {session_id} AND it.number = 0"
            multiply(connection, table, where=where, count=count - 1, replacing={"number": "n"})


def multiply_sessions(database: MetadataDatabase, uid: str, *, count: int) -> None:
    """Make sessions ``{uid}-1`` … ``{uid}-{count}`` with all that the session has."""
    (session_id,) = database.execute("SELECT id FROM triggers_session WHERE uid = :uid", {"uid": uid})
    owned = (tables.instance, tables.wait, tables.fire)
    with bulk(database) as connection:
        keys = {"id": f"{session_id} + n", "uid": "it.uid || '-' || n"}
        multiply(connection, tables.session, where=f"it.id = {session_id}", count=count, replacing=keys)
        for table in owned:
            replacing = {"session_id": f"{session_id} + n"}
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
