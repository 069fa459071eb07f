"""Sessions are deleted, one by its UID or many by their age; what of them is left in Airflow is harmless."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta

import pytest
from airflow.api_fastapi.app import purge_cached_app
from airflow.models.dagrun import DagRun
from airflow.models.log import Log
from airflow.utils.session import create_session as airflow_session
from sqlalchemy import func, insert, select, update

from airflow_triggers.controller import delayed, observe
from airflow_triggers.controller.loop import Controller
from airflow_triggers.errors import CannotDelete, SessionNotFound, SessionUnresolved
from airflow_triggers.listener import TriggersListener
from airflow_triggers.sessions import cleaning
from airflow_triggers.sessions.cleaning import Selection, clean
from airflow_triggers.sessions.deleting import delete_session
from airflow_triggers.sessions.describing import describe_session, list_sessions
from airflow_triggers.sessions.opening import create_session, fire_into, open_session
from airflow_triggers.storages import cache, tables
from airflow_triggers.storages.base import BaseStorageBackend
from airflow_triggers.storages.cache import CacheStorageBackend
from tests.conftest import REDIS_URL
from tests.support.api import mounted_api
from tests.support.dags import play, run_of
from tests.support.surveys import statuses, view

OF_SESSIONS = (
    "instance",
    "wait",
    "fire",
    "delayed_fire",
    "event",
    "hook",
    "run",
)
LONG_AGO = datetime.now(UTC) - timedelta(days=100)
SOON = datetime.now(UTC) + timedelta(days=1)


def resolved_session(controller, uid="order-1"):
    """A session whose two instances finished, and whose runs Airflow has closed."""
    fire_into(uid, "firstPage", configuration="survey", idempotency_key="k")
    for name in ("t_import#0", "t_score#0"):
        play(view(name, uid), "success", result={})
        controller.run_once()
    controller.run_once()
    assert set(statuses(uid).values()) == {"finished"}


def rows_left():
    """How many rows each table has that belong to sessions."""
    with airflow_session() as session:
        counts = {
            name: session.scalar(select(func.count()).select_from(getattr(tables, name)))
            for name in ("session", *OF_SESSIONS)
        }
    return {name: number for name, number in counts.items() if number}


def run_ids():
    with airflow_session() as session:
        rows = session.execute(select(DagRun.dag_id, DagRun.run_id, DagRun.state))
        return sorted(tuple(row) for row in rows)


def entries(event):
    with airflow_session() as session:
        logs = session.scalars(select(Log).where(Log.event == event).order_by(Log.id))
        return [(log.owner, json.loads(log.extra)) for log in logs]


def add_hook(uid, due):
    with airflow_session() as session:
        owner = select(tables.session.c.id).where(tables.session.c.uid == uid).scalar_subquery()
        values = {"session_id": owner, "hook": "_post_fire", "arguments": {"trigger_name": "a"}}
        session.execute(insert(tables.hook).values(**values, attempts=0, due=due))


def make_old(*uids):
    with airflow_session() as session:
        session.execute(
            update(tables.session).where(tables.session.c.uid.in_(uids)).values(last_modified=LONG_AGO)
        )


def cleaned(**options):
    selection = {key: options.pop(key) for key in ("configuration", "prefix", "unresolved") if key in options}
    before = options.pop("before", datetime.now(UTC) - timedelta(days=1))
    return list(clean(Selection(before=before, **selection), **options))


def uids():
    return [summary.uid for summary in list_sessions()]


# -- one session ------------------------------------------------------------------------------------------------


def test_a_resolved_session_is_deleted_whole_and_its_runs_stay(survey, controller):
    resolved_session(controller)
    runs = run_ids()
    delete_session("order-1", by="ann")
    assert rows_left() == {}
    assert run_ids() == runs
    assert entries("triggers_delete_session") == [
        ("ann", {"session_uid": "order-1", "configuration": "survey", "force": False})
    ]
    with pytest.raises(SessionNotFound):
        delete_session("order-1")


def open_instance(controller):
    fire_into("order-1", "firstPage", configuration="survey")
    return "t_import#0 is scheduled"


def no_instance(controller):
    create_session("order-1", configuration="survey")
    return "it has no task instance yet"


def delayed_fire(controller):
    resolved_session(controller)
    fire_into("order-1", "firstPage", fire_at=SOON)
    return "1 fire is still to come"


def hook_to_come(controller):
    resolved_session(controller)
    add_hook("order-1", SOON)
    return "1 hook is still to be called"


def cleared_run(controller):
    resolved_session(controller)
    play(view("t_score#0"), "queued", clear=True)
    return "1 DAG run is in flight"


def failed_instance(controller):
    fire_into("order-1", "firstPage", configuration="survey")
    play(view("t_import#0"), "failed")
    controller.run_once()
    return "t_import#0 is failed"


UNRESOLVED = [open_instance, no_instance, delayed_fire, hook_to_come, cleared_run, failed_instance]


@pytest.mark.parametrize("make", UNRESOLVED)
def test_an_unresolved_session_is_deleted_only_by_force(survey, controller, make):
    reason = make(controller)
    before = rows_left()
    with pytest.raises(SessionUnresolved, match=reason):
        delete_session("order-1")
    assert rows_left() == before
    delete_session("order-1", force=True)
    assert rows_left() == {}


def test_the_run_of_a_failed_instance_is_not_in_flight_until_it_is_cleared(survey, controller):
    failed_instance(controller)
    controller.run_once()
    with pytest.raises(SessionUnresolved) as refusal:
        delete_session("order-1")
    assert "in flight" not in str(refusal.value)
    play(view("t_import#0"), "queued", clear=True)
    with pytest.raises(SessionUnresolved, match="1 DAG run is in flight"):
        delete_session("order-1")


def test_a_cancelled_fire_keeps_no_session_open(survey, controller):
    resolved_session(controller)
    result = fire_into("order-1", "firstPage", fire_at=SOON)
    open_session("order-1").cancel_delayed_fire(result.delayed_fire_id)
    delete_session("order-1")
    assert rows_left() == {}


# -- what is left of a deleted session is harmless --------------------------------------------------------------


def test_a_run_of_a_deleted_session_ends_without_any_effect(survey, controller, caplog):
    fire_into("order-1", "firstPage", configuration="survey")
    run_view = view("t_import#0")
    delete_session("order-1", force=True)
    for state in ("running", "success"):
        play(run_view, state, result={"id": 7}, report={"fires": [{"trigger_name": "late"}]})
        assert controller.run_once() == 0
    play(run_view, "queued", clear=True)
    assert Controller().run_once() == 0
    with airflow_session() as session:
        listener = TriggersListener()
        listener.on_dag_run_success(run_of(session, run_view))
        listener.on_dag_run_failed(run_of(session, run_view))
    assert rows_left() == {}
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_a_controller_that_saw_a_run_before_the_deletion_does_nothing(
    survey, controller, monkeypatch, caplog
):
    fire_into("order-1", "firstPage", configuration="survey")
    play(view("t_import#0"), "success", result={})
    handle, handled = Controller._handle, []

    def delete_then_handle(self, changed_runs, stop):
        handled.extend(changed_runs)
        delete_session("order-1", force=True)
        return handle(self, changed_runs, stop)

    monkeypatch.setattr(Controller, "_handle", delete_then_handle)
    assert controller.run_once() == 0
    assert len(handled) == 1
    assert rows_left() == {}
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_a_due_fire_and_a_due_hook_of_a_session_that_was_just_deleted_are_dropped(
    survey, controller, monkeypatch
):
    create_session("order-1", configuration="survey")
    fire_into("order-1", "firstPage", fire_at=SOON)
    add_hook("order-1", datetime.now(UTC) - timedelta(minutes=1))
    with airflow_session() as session:
        session.execute(update(tables.delayed_fire).values(due=datetime.now(UTC)))
        fires = observe.due_fires(session, now=datetime.now(UTC))
        hooks = observe.claim_hooks(session, now=datetime.now(UTC), grace=timedelta(seconds=30))
    assert (len(fires), len(hooks)) == (1, 1)
    delete_session("order-1", force=True)
    monkeypatch.setattr(observe, "due_fires", lambda *_, **__: fires)
    monkeypatch.setattr(observe, "claim_hooks", lambda *_, **__: hooks)
    assert delayed.fire_due(datetime.now(UTC)) == 0
    controller._call_due_hooks(datetime.now(UTC))
    assert rows_left() == {}


@pytest.mark.parametrize("storage", ["sql", "cache"])
def test_a_new_session_of_the_uid_is_another_one_beside_the_old_runs(survey, controller, storage, request):
    if storage == "cache":
        request.getfixturevalue("in_redis")
    for incarnation in range(3):
        create_session("order-1", configuration="survey", storage=storage)
        assert fire_into("order-1", "firstPage", {"n": incarnation}, idempotency_key="k").repeated is False
        run_view = view("t_import#0")
        suffix = f"~{incarnation}" if incarnation else ""
        assert run_view.run_id == f"triggers__order-1~t_import~0{suffix}"
        assert statuses() == {"t_import#0": "scheduled"}
        if incarnation < 2:
            delete_session("order-1", force=True)
    for dag_id, run_id, _ in run_ids()[:2]:
        with airflow_session() as session:
            session.execute(
                update(DagRun).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id).values(state="failed")
            )
    controller.run_once()
    assert statuses() == {"t_import#0": "scheduled"}
    play(view("t_import#0"), "success", result={"id": 7})
    controller.run_once()
    assert statuses() == {"t_import#0": "finished", "t_score#0": "scheduled"}


def test_a_fire_that_waits_for_the_lock_of_the_deletion_is_refused(postgresql_survey, controller):
    resolved_session(controller)
    refusals = []

    def fire():
        try:
            fire_into("order-1", "firstPage")
        except SessionNotFound as error:
            refusals.append(error)

    manager = open_session("order-1")
    with manager.storage.acquire_lock():
        thread = threading.Thread(target=fire)
        thread.start()
        wait_for_a_waiter()
        manager.storage.delete()
    thread.join(30)
    assert len(refusals) == 1
    assert rows_left() == {}


def wait_for_a_waiter():
    """Until PostgreSQL says that somebody waits for a lock."""
    deadline = datetime.now(UTC) + timedelta(seconds=30)
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    while datetime.now(UTC) < deadline:
        with airflow_session() as session:
            if session.connection().exec_driver_sql(query).scalar():
                return
    raise AssertionError("nobody waits")


# -- sessions that other storages keep --------------------------------------------------------------------------


@pytest.fixture
def in_redis(redis_region, monkeypatch):
    monkeypatch.setattr(cache, "default_region", lambda: redis_region)
    monkeypatch.setenv("AIRFLOW__TRIGGERS__CACHE_URL", REDIS_URL)


def in_cache(uid="order-1"):
    create_session(uid, configuration="survey", storage="cache")
    fire_into(uid, "firstPage")


def test_a_session_in_a_cache_is_deleted_there_and_here(survey, controller, in_redis):
    in_cache()
    with pytest.raises(SessionUnresolved, match="t_import#0 is scheduled"):
        delete_session("order-1")
    assert CacheStorageBackend("order-1").exists
    for name in ("t_import#0", "t_score#0"):
        play(view(name), "success", result={})
        controller.run_once()
    controller.run_once()
    delete_session("order-1")
    assert not CacheStorageBackend("order-1").exists
    assert rows_left() == {}


def test_a_deletion_that_died_between_the_stores_is_finished_by_the_next(survey, in_redis):
    in_cache()
    storage = CacheStorageBackend("order-1")
    with storage.acquire_lock():
        storage.delete()
    delete_session("order-1")
    assert rows_left() == {}


def test_a_storage_that_deletes_nothing_says_so(survey, in_redis, monkeypatch):
    in_cache()
    monkeypatch.setattr(CacheStorageBackend, "delete", BaseStorageBackend.delete)
    with pytest.raises(CannotDelete, match="'cache'"):
        delete_session("order-1", force=True)
    make_old("order-1")
    (batch,) = cleaned(before=datetime.now(UTC) + timedelta(days=1), unresolved=True)
    assert batch.failures.keys() == {"order-1"}
    assert CacheStorageBackend("order-1").exists


def test_cleaning_asks_other_storages_for_what_they_keep(survey, controller, in_redis):
    for uid in ("order-1", "order-2"):
        in_cache(uid)
    for name in ("t_import#0", "t_score#0"):
        play(view(name), "success", result={})
        controller.run_once()
    controller.run_once()
    make_old("order-1", "order-2")
    assert cleaned()[0].sessions == {}
    in_future = datetime.now(UTC) + timedelta(days=1)
    assert [batch.sessions for batch in cleaned(before=in_future, dry_run=True)] == [{"survey": 1}]
    assert uids() == ["order-1", "order-2"]
    assert [batch.sessions for batch in cleaned(before=in_future)] == [{"survey": 1}]
    assert uids() == ["order-2"]
    assert not CacheStorageBackend("order-1").exists


# -- many -------------------------------------------------------------------------------------------------------


def test_only_old_resolved_sessions_are_cleaned(survey, controller):
    for uid in ("old", "new"):
        resolved_session(controller, uid)
    fire_into("waiting", "firstPage", configuration="survey")
    create_session("untouched", configuration="survey")
    make_old("old", "waiting", "untouched")
    assert [batch.sessions for batch in cleaned(dry_run=True)] == [{"survey": 1}]
    assert uids() == ["new", "old", "untouched", "waiting"]
    assert [batch.sessions for batch in cleaned(by="ann")] == [{"survey": 1}]
    assert uids() == ["new", "untouched", "waiting"]
    ((owner, extra),) = entries("triggers_clean")
    assert (owner, extra["session_uids"], extra["unresolved"]) == ("ann", ["old"], False)
    assert [batch.sessions for batch in cleaned(unresolved=True)] == [{"survey": 2}]
    assert uids() == ["new"]
    assert cleaned() == []


@pytest.mark.parametrize("make", UNRESOLVED)
def test_what_is_not_resolved_is_not_cleaned(survey, controller, make):
    make(controller)
    make_old("order-1")
    before = rows_left()
    assert cleaned() == []
    assert rows_left() == before


def test_sessions_are_cleaned_in_batches_each_kept_by_itself(survey, controller):
    for number in range(5):
        resolved_session(controller, f"order-{number}")
    make_old(*(f"order-{number}" for number in range(5)))
    batches = clean(Selection(before=datetime.now(UTC) - timedelta(days=1)), batch_size=2)
    assert next(batches).sessions == {"survey": 2}
    assert uids() == ["order-2", "order-3", "order-4"]
    assert [batch.sessions for batch in batches] == [{"survey": 2}, {"survey": 1}]
    assert uids() == []


def test_cleaning_can_be_narrowed_to_a_configuration_and_a_prefix(survey, controller):
    for uid in ("a-1", "a-2", "b-1"):
        resolved_session(controller, uid)
    make_old("a-1", "a-2", "b-1")
    assert cleaned(configuration="other") == []
    cleaned(configuration="survey", prefix="a-")
    assert uids() == ["b-1"]


def test_a_session_that_was_fired_into_since_it_was_read_stays(survey, controller, monkeypatch):
    resolved_session(controller)
    make_old("order-1")
    page = cleaning._page_here

    def read_then_fire(*arguments, **options):
        rows = page(*arguments, **options)
        if rows:
            fire_into("order-1", "unknown", idempotency_key="late")
            make_old("order-1")
        return rows

    monkeypatch.setattr(cleaning, "_page_here", read_then_fire)
    assert [batch.sessions for batch in cleaned()] == [{}]
    assert fire_into("order-1", "unknown", idempotency_key="late").repeated


def test_a_session_that_somebody_is_writing_is_passed_over(postgresql_survey, controller):
    for uid in ("order-1", "order-2"):
        resolved_session(controller, uid)
    make_old("order-1", "order-2")
    writer = open_session("order-1")
    done = threading.Event()
    held = threading.Event()

    def hold():
        with writer.storage.acquire_lock():
            held.set()
            done.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert held.wait(30)
        assert [batch.sessions for batch in cleaned()] == [{"survey": 1}]
        assert uids() == ["order-1"]
    finally:
        done.set()
        thread.join(30)


# -- over REST --------------------------------------------------------------------------------------------------


@pytest.fixture
def client(survey, monkeypatch):
    yield mounted_api(monkeypatch).client("admin")
    purge_cached_app()


def test_a_session_is_deleted_over_rest(client, controller):
    resolved_session(controller)
    answer = client.delete("api/v1/sessions/order-1")
    assert (answer.status_code, answer.json()) == (200, {"uid": "order-1", "deleted": True})
    assert rows_left() == {}
    assert entries("triggers_delete_session")[0][0] == "admin"
    missing = client.delete("api/v1/sessions/order-1")
    assert (missing.status_code, missing.json()["reason"]) == (404, "SessionNotFound")


def test_an_unresolved_session_is_a_conflict_over_rest_unless_forced(client):
    fire_into("order-1", "firstPage", configuration="survey")
    refused = client.delete("api/v1/sessions/order-1")
    assert (refused.status_code, refused.json()["reason"]) == (409, "SessionUnresolved")
    assert "t_import#0 is scheduled" in refused.json()["detail"]
    for force in ("perhaps", ""):
        assert client.delete("api/v1/sessions/order-1", params={"force": force}).status_code == 422
    assert describe_session("order-1").instances
    assert client.delete("api/v1/sessions/order-1?force=true").status_code == 200
    assert rows_left() == {}
