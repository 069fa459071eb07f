"""Lists of sessions: which ones begin with a prefix, in which order, and by which index."""

from __future__ import annotations

import pytest
from sqlalchemy import event, text

from airflow_triggers.sessions.describing import list_sessions
from airflow_triggers.sessions.opening import create_session
from airflow_triggers.storages.prefixes import end_of_range
from tests.support.dags import deploy_configuration

UIDS = ["ABC", "ABC-2", "Abc", "a%", "a%b", "a\\b", "a_b", "aXb", "abc", "abc-case", "ä", "é", "日", "😀"]


@pytest.fixture
def sessions(airflow_db):
    deploy_configuration("survey", t_import={"after": ["firstPage"]})
    for uid in reversed(UIDS):
        create_session(uid, configuration="survey")
    return airflow_db


def uids(**options):
    return [summary.uid for summary in list_sessions(**options)]


def begin_with(prefix):
    return sorted(uid for uid in UIDS if uid.startswith(prefix))


def test_a_prefix_is_exact_on_every_database(sessions):
    prefixes = {uid[:length] for uid in UIDS for length in range(1, len(uid) + 1)}
    for prefix in (*prefixes, "%", "_", "a__", "\\", "b", "b" * 250):
        assert uids(prefix=prefix) == begin_with(prefix), prefix
    assert uids(prefix="") == sorted(UIDS)


def test_pages_are_in_the_order_that_their_cursor_compares_by(sessions):
    pages, after = [], None
    while page := uids(limit=2, after_uid=after):
        pages += page
        after = page[-1]
    assert pages == sorted(UIDS)
    assert uids(prefix="a", after_uid="a_b") == ["abc", "abc-case"]


def test_a_prefix_is_looked_up_in_the_index(sessions):
    listings = []

    def note(connection, cursor, statement, parameters, *_):
        if "ORDER BY triggers_session.uid" in statement:
            listings.append((statement, parameters))

    event.listen(sessions.engine, "before_cursor_execute", note)
    try:
        uids(prefix="abc", limit=2)
    finally:
        event.remove(sessions.engine, "before_cursor_execute", note)
    plan = plan_of(sessions, *listings)
    assert ("uid>? AND uid<?" if sessions.dialect == "sqlite" else "Index Cond: (((uid)") in plan, plan


def plan_of(database, listing):
    statement, parameters = listing
    explain = "EXPLAIN QUERY PLAN " if database.dialect == "sqlite" else "EXPLAIN "
    with database.engine.connect() as connection:
        if database.dialect == "postgresql":  # a table of a few rows is read whole otherwise
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        rows = connection.exec_driver_sql(explain + statement, parameters)
        return "\n".join(str(row[-1]) for row in rows)


def test_the_order_does_not_depend_on_the_database_s_collation(postgresql_airflow_db):
    with postgresql_airflow_db.engine.connect() as connection:
        collation = connection.scalar(
            text(
                "SELECT collation_name FROM information_schema.columns "
                "WHERE table_name = 'triggers_session' AND column_name = 'uid'"
            )
        )
    assert collation == "C"


@pytest.mark.parametrize(
    ("prefix", "end"),
    [
        ("a", "b"),
        ("a-", "a."),
        ("\ud7ff", "\ue000"),
        ("a\U0010ffff", "b"),
        ("\U0010ffff", None),
        ("", None),
    ],
)
def test_a_range_ends_after_all_that_begins_with_the_prefix(prefix, end):
    assert end_of_range(prefix) == end
