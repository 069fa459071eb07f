"""The database is full, read-only, away, or cut off between a commit and its answer: an error that says what to do, and
nothing half done.
"""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from airflow import settings
from sqlalchemy import NullPool, create_engine, event
from sqlalchemy.exc import OperationalError

from airflow_triggers.controller.loop import Controller
from airflow_triggers.errors import DatabaseFailed
from airflow_triggers.manager.manager import TriggerManager, trigger_managers
from airflow_triggers.sessions.describing import describe_session, fires_of
from airflow_triggers.sessions.opening import create_session, fire_into, open_session
from airflow_triggers.storages.sql import SqlStorageBackend
from tests.support.api import mounted_api
from tests.support.dags import play
from tests.support.hooks import let_fall_due, promised_hooks
from tests.support.surveys import failed_import, statuses, view

LARGE = {"answers": "x" * 1_000_000}


@contextmanager
def each_connection(statement):
    """Every connection begins with the statement; those that are open are closed before and afterwards."""

    def begin(connection, _record):
        with (
            connection.cursor()
            if hasattr(connection, "get_dsn_parameters")
            else _closing(connection) as cursor
        ):
            cursor.execute(statement)
        connection.commit()

    engine = settings.engine
    engine.dispose()
    event.listen(engine, "connect", begin)
    try:
        yield
    finally:
        event.remove(engine, "connect", begin)
        engine.dispose()


@contextmanager
def _closing(connection):
    cursor = connection.cursor()
    yield cursor
    cursor.close()


def read_only(database):
    return each_connection(
        "PRAGMA query_only = ON" if database.dialect == "sqlite" else "SET default_transaction_read_only = on"
    )


@contextmanager
def full_disk(database):
    """SQLite may not grow; on PostgreSQL a fire meets the same error, raised in its place."""
    if database.dialect == "sqlite":
        with settings.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("VACUUM")
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        with each_connection(f"PRAGMA max_page_count = {pages}"):
            yield
        return

    def no_room(statement):
        if statement.startswith("INSERT INTO triggers_fire"):
            from psycopg2.errors import DiskFull

            raise DiskFull('could not extend file "base/1/2": No space left on device')

    with pytest.MonkeyPatch.context() as patch:
        before_each_statement(patch, no_room)
        yield


def before_each_statement(patch, act):
    """Called with every statement before it goes to the driver, by whichever way it goes."""
    dialect = settings.engine.dialect
    execute = dialect.do_execute

    def watched(cursor, statement, *rest):
        act(statement)
        execute(cursor, statement, *rest)

    patch.setattr(dialect, "do_execute", watched)


FAILING = {"read-only": (read_only, "read-?only"), "full": (full_disk, "full|No space left")}


@pytest.fixture(params=FAILING)
def failing(request):
    return FAILING[request.param]


def test_a_fire_that_cannot_be_written_is_refused_whole_and_can_be_repeated(survey, airflow_db, failing):
    database_fails, words = failing
    create_session("order-1", configuration="survey")
    with database_fails(airflow_db), pytest.raises(DatabaseFailed, match=words) as refused:
        fire_into("order-1", "firstPage", LARGE, idempotency_key="k")
    assert "Nothing was changed. Try again" in str(refused.value)
    assert (statuses(), fires_of("order-1")) == ({}, [])
    assert not fire_into("order-1", "firstPage", LARGE, idempotency_key="k").repeated
    assert statuses() == {"t_import#0": "scheduled"}


@pytest.mark.parametrize("airflow_db", ["postgresql"], indirect=True)
def test_a_connection_that_is_lost_during_a_fire_is_not_used_again(survey, airflow_db, monkeypatch):
    fire_into("order-1", "lastPage", configuration="survey")
    record_fire = SqlStorageBackend.record_fire

    def lose(storage, fire):
        monkeypatch.setattr(SqlStorageBackend, "record_fire", record_fire)
        others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        with create_engine(settings.engine.url, poolclass=NullPool).connect() as connection:
            connection.exec_driver_sql(f"SELECT pg_terminate_backend(pid, 5000) {others}")
        return record_fire(storage, fire)

    monkeypatch.setattr(SqlStorageBackend, "record_fire", lose)
    with pytest.raises(DatabaseFailed, match=r"Nothing was changed\. Try again"):
        fire_into("order-1", "lastPage", idempotency_key="k")
    assert len(fires_of("order-1")) == 1
    assert not fire_into("order-1", "lastPage", idempotency_key="k").repeated
    assert settings.engine.pool.checkedout() == 0


def test_over_rest_it_is_a_503_that_says_what_to_do(survey, airflow_db, failing, monkeypatch):
    database_fails, _ = failing
    create_session("order-1", configuration="survey")
    with mounted_api(monkeypatch).client("admin") as client:
        body = {"trigger": "firstPage", "kwargs": {"answers": "x" * 200_000}, "idempotency_key": "k"}
        with database_fails(airflow_db):
            answer = client.post("api/v1/sessions/order-1/fires", json=body)
        assert (answer.status_code, answer.json()["reason"]) == (503, "DatabaseFailed")
        assert "see that the database can be reached and written" in answer.json()["detail"]
        assert answer.headers["Retry-After"] == "5"
        assert client.post("api/v1/sessions/order-1/fires", json=body).json()["scheduled"] == ["t_import#0"]


def test_repairs_and_completions_wait_until_it_can_be_written_again(survey, airflow_db, controller):
    manager = failed_import(controller)
    with read_only(airflow_db):
        for act in (manager.replay_failed_instance, manager.skip_failed_instance):
            with pytest.raises(DatabaseFailed):
                act("t_import#0")
    assert statuses() == {"t_import#0": "failed"}
    manager.replay_failed_instance("t_import#0")
    play(view("t_import#1"), "success", result={"id": 7})
    with read_only(airflow_db):
        controller.run_once()
    assert statuses() == {"t_import#0": "replayed", "t_import#1": "scheduled"}
    controller.run_once()
    assert statuses()["t_import#1"] == "finished"
    assert [fire.kwargs for fire in fires_of("order-1", limit=1)] == [{"id": 7}]


# -- a connection that is cut between the commit and its answer ------------------------------------------------


class Hooked(TriggerManager):
    """Counts its hook's calls."""

    name = "hooked"
    calls = 0

    def _post_fire(self, trigger_name, tasks_scheduled):
        type(self).calls += 1


@pytest.fixture
def hooked(survey):
    trigger_managers.register("hooked", Hooked)
    Hooked.calls = 0
    create_session("order-1", configuration="survey", manager="hooked")
    yield Hooked
    trigger_managers.unregister("hooked")


@pytest.fixture
def cut_off(monkeypatch):
    """The next COMMIT of something that was written is done, and its answer never arrives."""

    def cut(times=1):
        dialect, left, written = settings.engine.dialect, [times], []
        do_commit = type(dialect).do_commit

        def commit(connection):
            do_commit(dialect, connection)
            if left[0] and written:
                left[0] -= 1
                written.clear()
                raise dialect.dbapi.OperationalError("server closed the connection unexpectedly")

        def note(statement):
            written.extend([statement] if statement.startswith(("INSERT", "UPDATE", "DELETE")) else [])

        before_each_statement(monkeypatch, note)
        monkeypatch.setattr(dialect, "do_commit", commit)

    return cut


def test_a_fire_whose_answer_was_lost_counts_once_when_it_is_sent_again(hooked, cut_off):
    cut_off()
    with pytest.raises(DatabaseFailed, match="Whether it was kept is not known"):
        fire_into("order-1", "firstPage", {"n": 1}, idempotency_key="k")
    again = fire_into("order-1", "firstPage", {"n": 1}, idempotency_key="k")
    assert (again.repeated, again.scheduled) == (True, ("t_import#0",))
    assert (statuses(), len(fires_of("order-1"))) == ({"t_import#0": "scheduled"}, 1)


def test_the_hooks_of_a_fire_whose_answer_was_lost_are_called_by_the_controller(hooked, cut_off):
    cut_off()
    with pytest.raises(DatabaseFailed):
        fire_into("order-1", "firstPage")
    assert (hooked.calls, promised_hooks(SqlStorageBackend("order-1"))) == (0, [("_post_fire", 0)])
    let_fall_due()
    Controller().run_once()
    assert (hooked.calls, promised_hooks(SqlStorageBackend("order-1"))) == (1, [])


@pytest.mark.parametrize("act", ["replay_failed_instance", "skip_failed_instance"])
def test_a_repair_whose_answer_was_lost_is_found_to_be_done(survey, controller, cut_off, act):
    manager = failed_import(controller)
    cut_off()
    with pytest.raises(DatabaseFailed, match="Whether it was kept is not known"):
        getattr(manager, act)("t_import#0")
    done = "replayed" if act.startswith("replay") else "skipped"
    assert open_session("order-1").storage["t_import#0"].status.value == done


def test_a_completion_whose_answer_was_lost_cascades_once(survey, controller, cut_off):
    fire_into("order-1", "firstPage", configuration="survey")
    play(view("t_import#0"), "success", result={"id": 7})
    cut_off(times=3)
    for _ in range(3):
        try:
            Controller().run_once()
        except (DatabaseFailed, OperationalError):
            continue
    Controller().run_once()
    assert [fire.trigger_name for fire in fires_of("order-1")] == ["t_import", "firstPage"]
    assert [one.instance.name for one in describe_session("order-1").instances] == ["t_import#0", "t_score#0"]
