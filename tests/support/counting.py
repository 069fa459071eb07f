"""Compares the columns that lists read with the rows that they repeat."""

from __future__ import annotations

from airflow import settings
from sqlalchemy import func, select

from airflow_triggers.storages import rows, tables
from airflow_triggers.storages.counts import columns_of, counts_of
from airflow_triggers.storages.summaries import summary_columns

REPEATED = ("configuration", "created_at", "changed_at", "error_type", "error_message", "depth", "parent")


def assert_columns_agree():
    """Compare the counts of every session with its instances, and each instance's columns with its metadata."""
    instance, session = tables.instance.c, tables.session.c
    counting = (
        select(instance.session_id, instance.task_name, instance.status, func.count().label("number_of"))
        .group_by(instance.session_id, instance.task_name, instance.status)
        .order_by(instance.session_id)
    )
    of_session = {}
    with settings.engine.connect() as connection:
        for row in connection.execute(counting):
            of_session.setdefault(row.session_id, []).append(row)
        for row in connection.execute(select(tables.session)):
            stored = {name: getattr(row, name) for name in columns_of({})}
            assert stored == columns_of(counts_of(of_session.get(row.id, ()))), row.uid
        names = select(tables.configuration.c.name).where(
            tables.configuration.c.hash == session.configuration_hash
        )
        query = select(
            tables.instance, names.scalar_subquery().label("name"), session.configuration_hash
        ).join(tables.session, session.id == instance.session_id)
        for row in connection.execute(query).all():
            value = rows.instance_from_row(row, rows.read_configuration(connection, row.configuration_hash))
            expected = {"configuration": row.name, **summary_columns(value)}
            assert {name: getattr(row, name) for name in REPEATED} == expected, value.name
