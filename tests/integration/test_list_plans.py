"""PostgreSQL reads a bounded part of each table for a page, also where the filter matches nothing."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from airflow_triggers.domain.instances import InstanceStatus
from airflow_triggers.domain.selection import InstanceFilter
from airflow_triggers.sessions.describing import configurations_of_sessions
from airflow_triggers.sessions.instances import list_instances
from airflow_triggers.sessions.listing import SessionFilter, SessionOrder, list_page
from airflow_triggers.sessions.opening import create_session, fire_into, open_session
from benchmarks.building import multiply_sessions
from benchmarks.database import MetadataDatabase
from tests.support.dags import deploy_configuration

SESSIONS = 20_000
"""So many that PostgreSQL prefers the indexes."""

FAILED = frozenset({InstanceStatus.FAILED})


@pytest.fixture
def database(postgresql_airflow_db):
    """Many sessions with an instance each, which waits or has failed."""
    database = MetadataDatabase(postgresql_airflow_db.url).enter()
    deploy_configuration("order", t_pay={"after": ["ordered", "never"]})
    for uid in ("waiting", "failed"):
        create_session(uid, configuration="order")
        fire_into(uid, "ordered")
        if uid == "failed":
            open_session(uid).update_instance_status("t_pay#0", "failed")
        multiply_sessions(database, uid, count=SESSIONS // 2)
    database.tidy()
    return database


def plans_of(database, act):
    """The plans of the statements with which the list looks at its candidates."""
    listings = []

    def note(connection, cursor, statement, parameters, *_):
        # Not the total, which stops at 1,000.
        if "row_number" in statement and "count(" not in statement:
            listings.append((statement, parameters))

    sa.event.listen(database.engine, "before_cursor_execute", note)
    try:
        act()
    finally:
        sa.event.remove(database.engine, "before_cursor_execute", note)
    assert listings
    with database.engine.connect() as connection:
        return [
            "\n".join(row[0] for row in connection.exec_driver_sql(f"EXPLAIN {statement}", parameters))
            for statement, parameters in listings
        ]


def assert_bounded(plans):
    for plan in plans:
        assert "hashed SubPlan" not in plan, plan
        assert not re.search("Seq Scan on triggers_(session|instance|wait)", plan), plan
        assert not re.search("Hash (Left |Right )?Join", plan), plan


@pytest.mark.parametrize("order", SessionOrder)
@pytest.mark.parametrize(
    "conditions",
    [
        {"waiting_for": "never"},
        {"waiting_for": "nobody"},
        {"contains": "nowhere"},
        {"is_resolved": True},
        {"is_open": False},
        {"has_failed": True, "contains": "nowhere"},
    ],
    ids=str,
)
def test_a_page_of_sessions_reads_no_whole_table(database, order, conditions):
    assert_bounded(plans_of(database, lambda: list_page(SessionFilter(**conditions), order=order)))


def test_a_page_of_one_error_reads_the_index_of_errors(database):
    selection = InstanceFilter(statuses=FAILED, error_type="builtins.NoError")
    (plan,) = plans_of(database, lambda: list_instances(selection))
    assert "ix_triggers_instance_error" in plan


@pytest.mark.parametrize("is_partial", [False, True], ids=["all readable", "some readable"])
@pytest.mark.parametrize(
    "conditions",
    [
        {"statuses": FAILED, "task": "t_none"},
        {"statuses": FAILED, "error_type": "builtins.NoError"},
        {"statuses": FAILED, "session": "waiting-"},
        {"task": "t_none"},
        {"stuck": False, "task": "t_none"},
    ],
    ids=str,
)
def test_a_page_of_instances_reads_no_whole_table(database, conditions, is_partial):
    readable = list(configurations_of_sessions()) if is_partial else None
    selection = InstanceFilter(**conditions)
    assert_bounded(plans_of(database, lambda: list_instances(selection, readable=readable)))
