"""A session of thousands of instances, and a hundred thousand sessions, made of one session by copies of its rows.

The rows are copied with all their columns; only what must differ gets new values. For SQLite. Neighbours:
``shipments.py`` makes the session; ``tests/e2e/ui`` scrolls through the copies.
"""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from airflow_triggers.storages import tables
from tests.support.databases import AirflowDatabase


def multiply_instances(database: AirflowDatabase, uid: str, task: str, *, count: int) -> None:
    """Copy the task's instance 0 until the session has ``count`` instances of the task."""
    with database.engine.begin() as connection:
        session_id, status, counts = connection.execute(
            sa.select(tables.session.c.id, tables.instance.c.status, tables.session.c.counts)
            .join(tables.instance, tables.instance.c.session_id == tables.session.c.id)
            .where(tables.session.c.uid == uid, tables.instance.c.task_name == task)
        ).one()
        where = f"original.session_id = {session_id} AND original.task_name = '{task}'"
        _copy(connection, tables.instance, where=where, count=count - 1, changes={"number": "n"})
        counts[task] = {status: count}
        total = sum(sum(of_task.values()) for of_task in counts.values())
        connection.execute(
            tables.session.update()
            .where(tables.session.c.id == session_id)
            .values(counts=counts, instance_count=total)
        )


def multiply_session(database: AirflowDatabase, uid: str, *, count: int) -> None:
    """Make the sessions ``uid-000001`` and so on, with the same counts, without the instances."""
    with database.engine.begin() as connection:
        last_id = connection.scalar(sa.select(sa.func.max(tables.session.c.id)))
        changes = {"id": f"{last_id} + n", "uid": "original.uid || printf('-%06d', n)"}
        _copy(connection, tables.session, where=f"original.uid = '{uid}'", count=count, changes=changes)


def _copy(
    connection: sa.Connection, table: sa.Table, *, where: str, count: int, changes: Mapping[str, str]
) -> None:
    """Insert copies of a row.

    :param where: SQL about the ``original``.
    :param changes: column → SQL of the copy's value; ``n`` is the copy's number, from 1.
    """
    quote = connection.dialect.identifier_preparer.quote
    columns = [column.name for column in table.columns]
    values = ", ".join(changes.get(name, f"original.{quote(name)}") for name in columns)
    connection.exec_driver_sql(
        f"WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count})"
        f" INSERT INTO {table.name} ({', '.join(map(quote, columns))})"
        f" SELECT {values} FROM {table.name} AS original CROSS JOIN numbers WHERE {where}"
    )
