"""A fire into a session that this process has fired into lately: its row is read once, with the lock.

What is remembered may be out of date. Then the fire has the same outcome as without any memory.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import update

from airflow_triggers.errors import (
    Concealed,
    ConfigurationError,
    LockTimeout,
    Refused,
    RegistryError,
    SessionExists,
    SessionNotFound,
)
from airflow_triggers.manager.manager import TriggerManager, trigger_managers
from airflow_triggers.sessions.deleting import delete_session
from airflow_triggers.sessions.describing import describe_session
from airflow_triggers.sessions.opening import create_session, fire_into, open_session
from airflow_triggers.sessions.records import RecentRecords, recent_records, record_of
from airflow_triggers.storages import rows, tables
from airflow_triggers.storages.transaction import transaction
from tests.support.dags import deploy_configuration
from tests.support.statements import statements

BEFORE_A_FIRE = "SELECT triggers_session.uid"
"""How the statement begins that reads a session's record."""


@pytest.fixture
def session(airflow_db):
    deploy_configuration("orders", t_ship={"after": ["paid", "never"]})
    deploy_configuration("survey", t_score={"after": ["paid"]})
    create_session("order-1", configuration="orders")
    fire_into("order-1", "paid")
    assert recent_records.get("order-1") == record_of("order-1")


def names_of_fires():
    return [fire.trigger_name for fire in describe_session("order-1").fires]


def only_with(allowed_task, asked):
    def authorize(configuration, _makes_session):
        asked.append(max(task.name for task in configuration))
        if asked[-1] != allowed_task:
            raise Refused("no")

    return authorize


def make_anew(configuration):
    delete_session("order-1", force=True)
    create_session("order-1", configuration=configuration)


def test_the_row_is_read_once(session):
    with statements() as sent:
        assert not fire_into("order-1", "paid", configuration="orders").repeated
    assert [statement for statement in sent if BEFORE_A_FIRE in statement] == []
    assert names_of_fires() == ["paid", "paid"]


def test_a_deleted_session_is_not_found(session):
    delete_session("order-1", force=True)
    with pytest.raises(SessionNotFound):
        fire_into("order-1", "paid")
    assert recent_records.get("order-1") is None


def test_a_deleted_session_is_made_by_its_next_fire(session):
    delete_session("order-1", force=True)
    assert fire_into("order-1", "paid", configuration="survey").scheduled == ("t_score#0",)


def test_a_session_made_anew_has_its_new_rules(session):
    make_anew("survey")
    assert fire_into("order-1", "paid").scheduled == ("t_score#0",)
    assert fire_into("order-1", "paid", configuration="survey").fire_id is not None


@pytest.mark.parametrize("by", ["update", "new session"])
def test_rights_are_those_under_the_new_rules(session, by):
    if by == "update":
        open_session("order-1").update_configuration({"t_wrap": {"after": ["paid"], "run": "survey"}})
    else:
        deploy_configuration("wrapping", t_wrap={"after": ["paid"]})
        make_anew("wrapping")
    before, asked = names_of_fires(), []
    with pytest.raises(Refused):
        fire_into("order-1", "paid", authorize=only_with("t_ship", asked))
    assert (asked, names_of_fires()) == (["t_ship", "t_wrap"], before)
    recent_records.remember(record_of("order-1"))
    fire_into("order-1", "paid", authorize=only_with("t_wrap", asked))


def test_rights_that_come_with_the_new_rules_count(session):
    make_anew("survey")
    asked = []
    assert fire_into("order-1", "paid", authorize=only_with("t_score", asked)).scheduled == ("t_score#0",)
    assert asked == ["t_ship", "t_score"]


def test_who_may_not_know_the_session_hears_of_none(session):
    def conceal(_configuration, _makes_session):
        raise Concealed

    with pytest.raises(SessionNotFound):
        fire_into("order-1", "paid", authorize=conceal)
    assert names_of_fires() == ["paid"]


def test_a_refused_fire_takes_no_lock(session):
    with statements() as sent, pytest.raises(Refused):
        fire_into("order-1", "paid", authorize=only_with("t_other", []))
    assert [statement for statement in sent if statement.startswith("UPDATE")] == []


def test_another_configuration_is_refused(session):
    with pytest.raises(SessionExists):
        fire_into("order-1", "paid", configuration="survey")
    assert names_of_fires() == ["paid"]


def test_a_session_made_anew_has_its_new_manager(session):
    fired = []

    class Noting(TriggerManager):
        name = "noting"

        def fire_request(self, request, *, by=None):
            fired.append(request.trigger_name)
            return super().fire_request(request, by=by)

    trigger_managers.register(Noting.name, Noting)
    delete_session("order-1", force=True)
    create_session("order-1", configuration="orders", manager="noting")
    fire_into("order-1", "paid")
    assert fired == ["paid"]


def test_a_session_without_rules_gets_those_of_the_fire(airflow_db):
    deploy_configuration("survey", t_score={"after": ["paid"]})
    create_session("order-1", configuration={})
    fire_into("order-1", "paid")
    assert recent_records.get("order-1") is not None
    assert fire_into("order-1", "paid", configuration="survey").scheduled == ("t_score#0",)


def test_a_missing_session_is_not_taken_for_a_locked_one(session):
    delete_session("order-1", force=True)
    with pytest.raises(SessionNotFound):
        fire_into("order-1", "paid", wait=False)


def test_a_lock_is_waited_for_once(session, monkeypatch):
    attempts = []

    def busy(storage, **_):
        attempts.append(storage.uid)
        raise LockTimeout("busy")

    monkeypatch.setattr("airflow_triggers.storages.sql.SqlStorageBackend.acquire_lock", busy)
    with pytest.raises(LockTimeout):
        fire_into("order-1", "paid")
    assert attempts == ["order-1"]


@pytest.mark.parametrize("broken", ["rights", "manager"])
def test_an_error_that_comes_of_an_old_record_does_not_stay(session, broken):
    class Broken(TriggerManager):
        name = "broken"

        def __init__(self, storage):
            raise ConfigurationError("not here")

    trigger_managers.register(Broken.name, Broken)
    record = record_of("order-1")
    recent_records.remember(replace(record, manager="broken") if broken == "manager" else record)
    asked = []

    def authorize(_configuration, _makes_session):
        asked.append(None)
        if broken == "rights" and len(asked) == 1:
            raise OSError("no answer about a DAG that is gone")

    assert fire_into("order-1", "paid", authorize=authorize).fire_id is not None
    assert len(asked) == 2


def test_a_session_that_cannot_be_fired_into_is_not_remembered(session):
    recent_records.clear()
    for _ in range(2):
        asked = []
        with pytest.raises(Refused):
            fire_into("order-1", "paid", authorize=only_with("t_other", asked))
        assert asked == ["t_ship"]


def test_a_configuration_that_left_the_memory_is_read_again(session):
    rows._memory_of.cache_clear()
    assert recent_records.get("order-1") is None
    assert fire_into("order-1", "paid").fire_id is not None
    assert recent_records.get("order-1") == record_of("order-1")


def test_few_records_are_kept(session, monkeypatch):
    monkeypatch.setattr(RecentRecords, "SIZE", 2)
    create_session("order-2", configuration="orders")
    create_session("order-3", configuration="orders")
    records = RecentRecords()
    for uid in ("order-1", "order-2", "order-3"):
        records.remember(record_of(uid))
    assert [records.get(f"order-{number}") is not None for number in (1, 2, 3)] == [False, True, True]


def test_a_session_that_is_kept_elsewhere_now_is_looked_for_there(session):
    change = update(tables.session).values(storage="gone")
    with transaction() as database:
        database.execute(change)
    with pytest.raises(RegistryError, match="kept in the storage 'gone'"):
        fire_into("order-1", "paid")
