"""Pages of sessions: filters by state, orders, counts, totals, and cursors that stay right while rows change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from airflow import settings

from airflow_triggers.domain import states
from airflow_triggers.domain.instances import InstanceStatus
from airflow_triggers.errors import InvalidCursor, InvalidFilter
from airflow_triggers.sessions import windows
from airflow_triggers.sessions.describing import configurations_of_sessions
from airflow_triggers.sessions.listing import SessionFilter, SessionOrder, list_page
from airflow_triggers.sessions.opening import create_session, open_session
from airflow_triggers.storages import tables
from tests.support.dags import deploy_configuration
from tests.support.statements import statements

TASKS = {"t_a": {"after": ["x", "y"], "andEvery": "page"}, "t_b": {"after": ["z"]}}
STATES = {
    "a-1": ("order", ["unstarted", "failed"]),
    "a-2": ("order", ["finished", "skipped"]),
    "a_3": ("order", ["running"]),
    "b-1": ("other", ["failed", "failed"]),
    "b-2": ("other", ["finished"]),
    "c": ("other", []),
}
"""UID → its configuration, and the statuses of its instances of t_a. Each changed an hour after the next."""

NEWEST = SessionOrder.NEWEST


@pytest.fixture
def orders(airflow_db):
    now = datetime.now(UTC)
    deploy_configuration("order", **TASKS)
    deploy_configuration("other", **TASKS)
    for hours, (uid, (name, statuses)) in enumerate(STATES.items(), 1):
        create_session(uid, configuration=name)
        with open_session(uid).storage.acquire_lock() as storage:
            for number, status in enumerate(statuses):
                instance = states.new_instance(storage.configuration["t_a"], number, now=now)
                storage.add(states.with_status(instance, InstanceStatus(status), now=now))
        changed(uid, now - timedelta(hours=hours))
    return airflow_db


def changed(uid, moment):
    columns = tables.session.c
    with settings.engine.begin() as connection:
        connection.execute(sa.update(tables.session).where(columns.uid == uid).values(last_modified=moment))


def uids(order=SessionOrder.UID, readable=None, **conditions):
    """The UIDs of all pages, one by one, and in one page."""
    selection = SessionFilter(**conditions)
    rows, after = [], None
    while True:
        page = list_page(selection, order=order, limit=1, after=after, readable=readable)
        rows += [summary.uid for summary in page.sessions]
        after = page.next
        if after is None:
            break
    whole = list_page(selection, order=order, readable=readable)
    assert [summary.uid for summary in whole.sessions] == rows
    assert (whole.next, whole.total) == (None, len(rows))
    return rows


@pytest.mark.parametrize("order", SessionOrder)
@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({}, list(STATES)),
        ({"configuration": "other"}, ["b-1", "b-2", "c"]),
        ({"configuration": "nobody"}, []),
        ({"has_failed": True}, ["a-1", "b-1"]),
        ({"has_failed": False}, ["a-2", "a_3", "b-2", "c"]),
        ({"is_open": True}, ["a-1", "a_3", "b-1"]),
        ({"is_open": False}, ["a-2", "b-2", "c"]),
        ({"is_resolved": True}, ["a-2", "b-2"]),
        ({"is_resolved": False}, ["a-1", "a_3", "b-1", "c"]),
        ({"is_open": True, "has_failed": False}, ["a_3"]),
        ({"waiting_for": "x"}, ["a-1"]),
        ({"waiting_for": "q"}, []),
        ({"idle_for": 3.5 * 3600}, ["b-1", "b-2", "c"]),
        ({"prefix": "a"}, ["a-1", "a-2", "a_3"]),
        ({"contains": "-"}, ["a-1", "a-2", "b-1", "b-2"]),
        ({"contains": "_"}, ["a_3"]),
        ({"contains": "A"}, []),
        ({"configuration": "other", "has_failed": True, "contains": "1"}, ["b-1"]),
    ],
)
def test_a_filter_selects_in_every_order(orders, conditions, expected, order):
    by_change = sorted(expected, key=list(STATES).index, reverse=order is SessionOrder.OLDEST)
    in_order = sorted(expected) if order is SessionOrder.UID else by_change
    assert uids(order, **conditions) == in_order


def test_a_version_selects_its_sessions(orders):
    page = list_page(SessionFilter(configuration="order"))
    [version] = {summary.version.hash for summary in page.sessions}
    assert uids(version=version, configuration="order") == ["a-1", "a-2", "a_3"]
    assert uids(version="0" * 64) == []


def test_a_session_has_the_counts_of_its_instances(orders):
    counts = {summary.uid: summary.counts for summary in list_page().sessions}
    assert counts["a-1"] == {"unstarted": 1, "failed": 1}
    assert counts["b-1"] == {"failed": 2}
    assert counts["c"] == {}


def test_a_session_in_another_storage_has_no_counts_and_no_state(orders):
    with settings.engine.begin() as connection:
        connection.execute(
            sa.update(tables.session).where(tables.session.c.uid == "c").values(storage="cache")
        )
    assert {summary.uid: summary.counts for summary in list_page().sessions}["c"] is None
    for conditions in ({"has_failed": False}, {"is_open": False}, {"is_resolved": False}):
        assert "c" not in uids(**conditions)


def test_damaged_counts_are_left_out_of_the_page(orders):
    with settings.engine.begin() as connection:
        connection.execute(sa.text("UPDATE triggers_session SET counts = '[7]' WHERE uid = 'a-1'"))
    assert list_page().sessions[0].counts == {}


def test_only_readable_sessions_are_listed_and_counted(orders):
    hashes = {configuration.name: key for key, configuration in configurations_of_sessions().items()}
    assert uids(readable=[hashes["other"]]) == ["b-1", "b-2", "c"]
    assert uids(NEWEST, readable=[hashes["other"], None], has_failed=True) == ["b-1"]
    assert uids(readable=[hashes["other"]], configuration="order") == []
    assert uids(readable=[]) == []


def test_a_reader_of_many_configurations_gets_the_same_pages(orders, monkeypatch):
    monkeypatch.setattr("airflow_triggers.sessions.listing.MOST_CONFIGURATIONS", 0)
    hashes = {configuration.name: key for key, configuration in configurations_of_sessions().items()}
    assert uids(NEWEST, readable=[hashes["order"], None]) == ["a-1", "a-2", "a_3"]


def test_a_session_that_changes_between_pages_moves_no_other(orders):
    first = list_page(order=NEWEST, limit=2)
    assert [summary.uid for summary in first.sessions] == ["a-1", "a-2"]
    changed("c", datetime.now(UTC))
    rest = list_page(order=NEWEST, limit=10, after=first.next)
    assert [summary.uid for summary in rest.sessions] == ["a_3", "b-1", "b-2"]


def test_a_page_looks_at_a_bounded_number_of_sessions(orders, monkeypatch):
    monkeypatch.setattr(windows, "MOST_CANDIDATES", 2)
    monkeypatch.setattr(windows, "FIRST_WINDOW", 1)
    page = list_page(SessionFilter(contains="c"), limit=1)
    assert (page.sessions, page.next) == ((), "a-2")
    assert uids(contains="c") == ["c"]


def test_a_total_that_is_not_cheap_is_left_out(orders, monkeypatch):
    monkeypatch.setattr("airflow_triggers.sessions.listing.MOST_COUNTED", 3)
    assert list_page(limit=2).total is None
    assert list_page(SessionFilter(has_failed=True), limit=1).total == 2
    assert list_page(SessionFilter(contains="c"), limit=1).total is None
    assert list_page(limit=2, after="a-1").total is None


@pytest.mark.parametrize("cursor", ["a-1", "", "W10", "WyJ4Iiwx"])
def test_a_foreign_cursor_is_refused(orders, cursor):
    with pytest.raises(InvalidCursor):
        list_page(order=NEWEST, after=cursor)


@pytest.mark.parametrize("conditions", [{"idle_for": -1}, {"contains": "\0"}, {"waiting_for": "x" * 251}])
def test_an_impossible_filter_is_refused(conditions):
    with pytest.raises(InvalidFilter):
        SessionFilter(**conditions)


@pytest.mark.parametrize(
    ("order", "conditions", "index"),
    [
        (NEWEST, {}, "ix_triggers_session_last_modified_id"),
        (NEWEST, {"has_failed": True}, "ix_triggers_session_failed"),
        (SessionOrder.UID, {"has_failed": True}, "ix_triggers_session_failed_uid"),
        (NEWEST, {"is_open": True}, "ix_triggers_session_open"),
        (NEWEST, {"configuration": "order"}, "ix_triggers_session_configuration_hash_last_modified_id"),
        (SessionOrder.UID, {"configuration": "order"}, "ix_triggers_session_configuration_hash_uid"),
    ],
)
def test_a_page_is_a_range_of_an_index(orders, order, conditions, index):
    listings = []

    def note(connection, cursor, statement, parameters, *_):
        if "row_number" in statement and "LIMIT" in statement:
            listings.append((statement, parameters))

    sa.event.listen(orders.engine, "before_cursor_execute", note)
    try:
        with statements() as sent:
            list_page(SessionFilter(**conditions), order=order)
    finally:
        sa.event.remove(orders.engine, "before_cursor_execute", note)
    assert len(sent) <= 6
    orders.forget_deleted_rows("triggers_session")
    explain = "EXPLAIN QUERY PLAN " if orders.dialect == "sqlite" else "EXPLAIN "
    with orders.engine.connect() as connection:
        if orders.dialect == "postgresql":  # a table of a few rows is read whole otherwise
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            connection.exec_driver_sql("SET LOCAL enable_sort = off")
        plan = "\n".join(
            str(row[-1]) for row in connection.exec_driver_sql(explain + listings[0][0], listings[0][1])
        )
    assert index in plan, plan
