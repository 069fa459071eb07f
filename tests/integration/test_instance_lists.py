"""Instances over all sessions: filters, order, pages that stay right while rows change, counts, and who sees what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from airflow import settings
from airflow.models.dag import DagModel

from airflow_triggers.domain import states
from airflow_triggers.domain.disclosure import Disclosure
from airflow_triggers.domain.instances import InstanceStatus
from airflow_triggers.domain.selection import InstanceFilter, InstanceKey
from airflow_triggers.errors import InvalidCursor
from airflow_triggers.manager.manager import TriggerManager
from airflow_triggers.sessions import candidates, windows
from airflow_triggers.sessions.cursors import encode
from airflow_triggers.sessions.describing import configurations_of_sessions
from airflow_triggers.sessions.instance_counts import GroupBy, count_instances
from airflow_triggers.sessions.instances import list_instances
from airflow_triggers.sessions.opening import create_session, fire_into, open_session
from airflow_triggers.sessions.stuck import StuckCode
from airflow_triggers.storages import tables
from airflow_triggers.storages.sql import SqlStorageBackend
from tests.support.dags import deploy_configuration
from tests.support.runners import RecordingRunner, registered
from tests.support.statements import statements

NOW = datetime.now(UTC)
TASKS = {"t_a": {"after": ["x"], "andEvery": "page"}, "t_b": {"after": ["x"], "andEvery": "page"}}
OWN = {task: {**directives, "run": "dag", "using": "recording"} for task, directives in TASKS.items()}
ANY = InstanceFilter()


def only(**conditions):
    if "status" in conditions:
        conditions["statuses"] = frozenset(map(InstanceStatus, conditions.pop("status").split()))
    return InstanceFilter(**conditions)


class AtFirst(datetime):
    """The clock when this module was read: the tests may run much later."""

    @classmethod
    def now(cls, tz=None):
        return NOW


@pytest.fixture
def orders(airflow_db, monkeypatch):
    """Three sessions of two configurations. Each instance changed a minute after the one before."""
    monkeypatch.setattr(candidates, "datetime", AtFirst)
    registered(RecordingRunner())
    deploy_configuration("order", **TASKS)
    deploy_configuration("other", **TASKS)
    for uid, name in (("order-1", "order"), ("order-2", "order"), ("other-1", "other")):
        create_session(uid, configuration=name)
        with open_session(uid).storage.acquire_lock() as storage:
            for task in ("t_a", "t_b"):
                for number in range(2):
                    storage.add(states.new_instance(storage.configuration[task], number, now=NOW))
    acts = [
        ("order-1", "t_a#0", "failed", "ValueError", 50),
        ("order-1", "t_a#1", "failed", "KeyError", 40),
        ("order-2", "t_b#0", "failed", "ValueError", 30),
        ("other-1", "t_a#0", "failed", "ValueError", 20),
        ("order-1", "t_b#0", "running", None, 90),
        ("other-1", "t_b#0", "scheduled", None, 10),
        ("order-2", "t_a#0", "finished", None, 5),
    ]
    for uid, name, status, error, minutes in acts:
        error_keys = {"exceptionType": f"builtins.{error}", "exceptionMessage": f"in {uid}\nmore"}
        change(uid, name, status, minutes=minutes, **(error_keys if error else {}))
    return airflow_db


def change(uid, name, status, *, minutes, **metadata):
    storage = SqlStorageBackend(uid)
    with storage.acquire_lock():
        before = storage[name]
        moment = NOW - timedelta(minutes=minutes)
        storage.put(before, states.with_status(before, InstanceStatus(status), now=moment, metadata=metadata))


def names(selection, **options):
    page = list_instances(selection, **options)
    return [f"{instance.session_uid} {instance.name}" for instance in page.instances]


def pages(selection, **options):
    rows, after = [], None
    while True:
        page = list_instances(selection, after=after, **options)
        rows += [f"{instance.session_uid} {instance.name}" for instance in page.instances]
        after = page.next
        if after is None:
            return rows


FAILED = ["other-1 t_a#0", "order-2 t_b#0", "order-1 t_a#1", "order-1 t_a#0"]


def test_the_newest_change_comes_first_with_its_error(orders):
    assert names(only(status="failed")) == FAILED
    first = list_instances(only(status="failed")).instances[0]
    assert (first.configuration, first.error_type, first.error_message) == (
        "other",
        "builtins.ValueError",
        "in other-1",
    )
    assert (first.can_replay, first.depth, first.parent, first.dag_id) == (True, 0, None, None)


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({"configuration": "other"}, FAILED[:1]),
        ({"configuration": "nobody"}, []),
        ({"task": "t_b"}, FAILED[1:2]),
        ({"error_type": "builtins.KeyError"}, FAILED[2:3]),
        ({"since": NOW - timedelta(minutes=30)}, FAILED[:2]),
        ({"until": NOW - timedelta(minutes=30)}, FAILED[2:]),
        ({"session": "order-"}, FAILED[1:]),
        ({"session": "order-1", "task": "t_a"}, FAILED[2:]),
        ({"instances": (InstanceKey("order-1", "t_a#0"), InstanceKey("gone", "t_a#0"))}, FAILED[3:]),
        ({"instances": ()}, []),
        ({"replayed": True}, []),
        ({"replayed": False}, FAILED),
        ({"stuck": True}, []),
        ({"stuck": False}, FAILED),
    ],
)
def test_a_filter_selects(orders, conditions, expected):
    selection = only(status="failed", **conditions)
    assert names(selection) == expected
    assert pages(selection, limit=1) == expected
    assert count_instances(selection).total == len(expected)


def test_all_conditions_hold_in_many_sessions_with_the_prefix(orders, monkeypatch):
    monkeypatch.setattr("airflow_triggers.sessions.candidates.MOST_SESSIONS", 1)
    assert names(only(status="failed", session="order-")) == FAILED[1:]
    keys = (InstanceKey("order-1", "t_a#0"), InstanceKey("other-1", "t_a#0"))
    assert names(only(status="failed", session="order-", instances=keys)) == FAILED[3:]


def test_several_statuses_are_in_one_order(orders):
    in_work = only(status="running scheduled failed")
    assert names(in_work) == ["other-1 t_b#0", *FAILED, "order-1 t_b#0"]
    assert pages(in_work, limit=2) == names(in_work)
    assert sorted(pages(ANY, limit=3)) == sorted(names(ANY))
    assert len(names(ANY)) == 12


def test_instances_of_one_moment_are_each_on_one_page(airflow_db):
    registered(RecordingRunner())
    manager = TriggerManager(SqlStorageBackend("order-1"))
    directives = {"after": ["x"], "run": "dag", "using": "recording"}
    task_names = ["T_b", "t_A", "t_a", "t-a", "tä", "t_Z", "Ta"]
    manager.update_configuration(dict.fromkeys(task_names, directives))
    with manager.storage.acquire_lock() as storage:
        for place, name in enumerate(task_names):
            status = [InstanceStatus.FAILED, InstanceStatus.SKIPPED][place % 2]
            instance = states.new_instance(storage.configuration[name], 0, now=NOW)
            storage.add(states.with_status(instance, status, now=NOW))

    assert sorted(pages(ANY, limit=1)) == sorted(f"order-1 {name}#0" for name in task_names)


def test_a_groups_message_is_that_of_its_error(orders):
    for name, error in (("t_b#0", "LookupError"), ("t_b#1", "KeyError"), ("t_a#1", "OSError")):
        keys = {"exceptionType": f"builtins.{error}", "exceptionMessage": error}
        change("other-1", name, "failed", minutes=1, **keys)
    for error in ("LookupError", "KeyError", "OSError"):
        counts = count_instances(only(error_type=f"builtins.{error}"), group_by=[GroupBy.CONFIGURATION])
        assert next(group.message for group in counts.groups if "other" in group.values.values()) == error


def test_a_row_that_changes_between_pages_moves_no_other(orders):
    selection = only(status="failed")
    first = list_instances(selection, limit=2)
    change("other-1", "t_a#0", "running", minutes=0)
    change("order-1", "t_b#1", "failed", minutes=0)
    rest = list_instances(selection, limit=2, after=first.next)
    assert [f"{instance.session_uid} {instance.name}" for instance in rest.instances] == FAILED[2:]
    assert rest.next is None


def test_a_page_looks_at_a_bounded_number_of_instances(orders, monkeypatch):
    monkeypatch.setattr(windows, "MOST_CANDIDATES", 2)
    monkeypatch.setattr(windows, "FIRST_WINDOW", 1)
    selection = only(status="failed running", configuration="order", task="t_a")
    page = list_instances(selection, limit=1)
    assert (page.instances, page.next is None) == ((), False)
    assert pages(selection, limit=1) == FAILED[2:]
    # An error is a range of an index: nothing else is looked at.
    assert names(only(status="failed running", error_type="builtins.KeyError"), limit=1) == FAILED[2:3]
    assert pages(only(status="failed running", replayed=False), limit=1) == [*FAILED, "order-1 t_b#0"]


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "7", "W10", encode([1, 2, 3, 4]), encode([NOW, 2**70, "t", 1])],
    ids=["empty", "letter", "number", "empty list", "four numbers", "beyond the database"],
)
def test_a_foreign_cursor_is_refused(orders, cursor):
    with pytest.raises(InvalidCursor, match="'next' of another page"):
        list_instances(ANY, after=cursor)


def test_counts_are_grouped_on_demand(orders):
    selection = only(status="failed")
    counts = count_instances(selection, group_by=[GroupBy.CONFIGURATION, GroupBy.TASK, GroupBy.ERROR_TYPE])
    groups = {tuple(group.values.values()): group for group in counts.groups}
    assert {key: group.count for key, group in groups.items()} == {
        ("order", "t_a", "builtins.ValueError"): 1,
        ("order", "t_a", "builtins.KeyError"): 1,
        ("order", "t_b", "builtins.ValueError"): 1,
        ("other", "t_a", "builtins.ValueError"): 1,
    }
    assert (counts.total, counts.is_complete) == (4, True)
    assert groups["order", "t_b", "builtins.ValueError"].message == "in order-2"
    by_error = count_instances(selection, group_by=[GroupBy.ERROR_TYPE]).groups[0]
    assert (by_error.count, by_error.latest, by_error.since) == (
        3,
        NOW - timedelta(minutes=20),
        NOW - timedelta(minutes=50),
    )
    by_status = count_instances(ANY, group_by=[GroupBy.STATUS])
    assert {group.values[GroupBy.STATUS]: group.count for group in by_status.groups} == {
        "unstarted": 5,
        "failed": 4,
        "running": 1,
        "scheduled": 1,
        "finished": 1,
    }


def test_counts_say_when_they_are_not_complete(orders, monkeypatch):
    monkeypatch.setattr("airflow_triggers.sessions.instance_counts.MOST_COUNTED", 3)
    counts = count_instances(only(status="failed"))
    assert (counts.total, counts.is_complete) == (3, False)


def test_a_replay_is_told_from_an_original(survey):
    fire_into("order-1", "firstPage", configuration="survey")
    manager = open_session("order-1")
    manager.update_instance_status("t_import#0", "failed", {"exceptionType": "E", "exceptionMessage": "m"})
    manager.replay_failed_instance("t_import#0")

    assert names(only(replayed=True)) == ["order-1 t_import#1"]
    replay = list_instances(only(replayed=True)).instances[0]
    assert (replay.depth, replay.parent, replay.status) == (1, "t_import#0", InstanceStatus.SCHEDULED)
    assert (replay.dag_id, replay.run_id) == ("survey.t_import", "triggers__order-1~t_import~1")
    assert count_instances(ANY, group_by=[GroupBy.TASK]).groups[0].replays == 1


def test_lists_and_counts_leave_out_what_may_not_be_read(orders):
    hashes = {configuration.name: key for key, configuration in configurations_of_sessions().items()}
    selection = only(status="failed")
    for readable, expected in (
        ([hashes["other"]], FAILED[:1]),
        ([hashes["order"], None], FAILED[1:]),
        ([None], []),
        ([], []),
        (list(hashes.values()), FAILED),
    ):
        assert pages(selection, limit=1, readable=readable) == expected
        counts = count_instances(selection, readable=readable, group_by=[GroupBy.ERROR_TYPE])
        assert counts.total == len(expected)
        assert {group.message for group in counts.groups} <= {f"in {row.split()[0]}" for row in expected}


def stuck(**conditions):
    page = list_instances(InstanceFilter(stuck=True, **conditions))
    return {
        f"{instance.session_uid} {instance.name}": instance.stuck.code
        for instance in page.instances
        if instance.stuck
    }


def test_an_instance_is_stuck_after_a_time(orders):
    assert stuck() == {"order-1 t_b#0": StuckCode.TOO_LONG}
    assert stuck(stuck_after=300) == {
        "order-1 t_b#0": StuckCode.TOO_LONG,
        "other-1 t_b#0": StuckCode.TOO_LONG,
    }
    assert stuck(stuck_after=6000) == {}
    assert len(names(InstanceFilter(stuck=False))) == 11


def test_an_instance_is_stuck_while_its_dag_does_not_run(survey):
    fire_into("order-1", "firstPage", configuration="survey")
    dag = sa.update(DagModel).where(DagModel.dag_id == "survey.t_import")
    with settings.engine.begin() as connection:
        connection.execute(dag.values(is_paused=False))
    assert stuck() == {}
    for values, code in (({"is_paused": True}, "dag_paused"), ({"is_stale": True}, "dag_missing")):
        with settings.engine.begin() as connection:
            connection.execute(dag.values(**values))
        assert stuck() == {"order-1 t_import#0": code}
        assert names(InstanceFilter(stuck=False)) == []
    hidden = Disclosure(dag=lambda dag_id: False)
    assert names(InstanceFilter(stuck=True), disclosure=hidden) == []
    with settings.engine.begin() as connection:
        connection.execute(dag.values(is_stale=False, is_paused=False))
        connection.execute(sa.update(tables.run).values(dag_id="gone"))
    assert stuck() == {"order-1 t_import#0": StuckCode.DAG_MISSING}


@pytest.mark.parametrize(
    ("error_type", "index"),
    [(None, "ix_triggers_instance_changed"), ("builtins.ValueError", "ix_triggers_instance_error")],
)
def test_a_page_takes_few_statements_and_is_a_range_of_an_index(orders, error_type, index):
    selection = only(status="failed", configuration="order", error_type=error_type)
    with statements() as sent:
        list_instances(selection)
    assert len(sent) <= 6
    [listing] = [statement for statement in sent if "row_number" in statement]
    assert "triggers_instance.metadata" not in " ".join(sent)
    assert index in plan_of(orders, selection), listing


def plan_of(database, selection):
    listings = []

    def note(connection, cursor, statement, parameters, *_):
        if "row_number" in statement:
            listings.append((statement, parameters))

    sa.event.listen(database.engine, "before_cursor_execute", note)
    try:
        list_instances(selection)
    finally:
        sa.event.remove(database.engine, "before_cursor_execute", note)
    database.forget_deleted_rows("triggers_session", "triggers_instance")
    explain = "EXPLAIN QUERY PLAN " if database.dialect == "sqlite" else "EXPLAIN "
    with database.engine.connect() as connection:
        if database.dialect == "postgresql":  # a table of a few rows is read whole otherwise
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            connection.exec_driver_sql("SET LOCAL enable_sort = off")
        rows = connection.exec_driver_sql(explain + listings[0][0], listings[0][1])
        return "\n".join(str(row[-1]) for row in rows)


def test_an_error_that_names_a_hidden_dag_is_cut(orders):
    message = "There is no DAG 'etl'. Did you mean 'secret_etl'?"
    kind = "airflow_triggers.errors.DagUnavailable"
    change("order-1", "t_b#1", "failed", minutes=0, exceptionType=kind, exceptionMessage=message)
    hidden = Disclosure(dag=lambda dag_id: False)
    first = list_instances(only(status="failed"), disclosure=hidden).instances[0]
    assert first.error_message == "There is no DAG 'etl'."
    with settings.engine.begin() as connection:
        cut = sa.update(tables.instance).where(tables.instance.c.error_type == kind)
        connection.execute(cut.values(error_message=message[:40]))
    first = list_instances(only(status="failed"), disclosure=hidden).instances[0]
    assert first.error_message == "There is no DAG 'etl'."
