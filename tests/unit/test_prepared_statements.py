"""Prepared statements: which tables one is at."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, exists, func, insert, select, text, union_all, update

from airflow_triggers.storages import statements
from airflow_triggers.storages.prepared import PreparedStatement, tables_of
from airflow_triggers.storages.tables import fire, instance, session, wait

ONE_FIRE = select(fire.c.id).limit(1)

AT_FIRES = {
    "column": select(func.max(fire.c.id)),
    "join": select(session.c.uid).join(fire),
    "subquery": select(ONE_FIRE.subquery()),
    "CTE": select(session.c.id).where(session.c.id == ONE_FIRE.cte("one").c.id),
    "scalar subquery": select(session.c.id, ONE_FIRE.scalar_subquery()),
    "exists": select(session.c.id).where(exists().where(fire.c.session_id == session.c.id)),
    "alias": select(fire.alias("other").c.id),
    "union": union_all(select(instance.c.number), ONE_FIRE),
    "insert": insert(fire),
    "update": update(fire).values(in_vain=True),
    "update from": update(session).where(session.c.id == fire.c.session_id),
    "update from an alias": update(session).where(session.c.id == fire.alias("other").c.session_id),
    "delete": delete(fire),
    "delete where": delete(session).where(session.c.id.in_(select(fire.c.session_id))),
    "insert from": insert(wait).from_select(["session_id"], select(fire.c.session_id)),
}


@pytest.mark.parametrize("statement", AT_FIRES.values(), ids=AT_FIRES)
def test_the_tables_of_a_statement_are_found_wherever_it_names_them(statement):
    assert fire in tables_of(statement)


def test_text_may_be_at_any_table():
    assert tables_of(text("SELECT 1")) is None
    assert tables_of(select(session.c.id).where(text("EXISTS (SELECT 1 FROM triggers_fire)"))) is None


def test_what_a_fire_reads_of_instances_is_not_at_the_fires():
    assert statements.tasks_and_waiting(2).tables == {instance, wait}
    assert PreparedStatement(ONE_FIRE).tables == {fire}
