"""The login of a request: a thread asks the database, nothing is remembered, and a refusal is Airflow's own."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager

import pytest
from airflow import settings
from airflow.api_fastapi.app import get_auth_manager
from airflow.models.revoked_token import RevokedToken
from fastapi.testclient import TestClient
from sqlalchemy import event, text

from airflow_triggers.api import dependencies
from airflow_triggers.gateway import logins
from airflow_triggers.sessions.describing import fires_of
from airflow_triggers.storages.kept_connection import KeptConnection, kept_connection
from tests.support.auth_managers import simple_auth_manager
from tests.support.dags import deploy_configuration

HEALTH = "/triggers/api/v1/health"
FIRE = "/triggers/api/v1/sessions/order-1/fires"
PROBLEMS = "/triggers/api/v1/problems"
"""Asks the database nothing but for the login."""

SESSION = "/triggers/api/v1/sessions/order-1"
FIRST = {"trigger": "paid", "configuration": "orders"}
UNHEARD = {"trigger": "unheard"}


@pytest.fixture(scope="module")
def api(postgresql_airflow_database, tmp_path_factory):
    postgresql_airflow_database.enter()
    with simple_auth_manager({"admin": "admin"}, tmp_path_factory.mktemp("simple")) as api:
        yield api


@pytest.fixture
def client(postgresql_airflow_db, api):
    """A client with a token of its own."""
    deploy_configuration("orders", t_ship={"after": ["paid"]})
    api.log_in("admin")
    with TestClient(api.app, headers=api.headers("admin")) as client:
        yield client


def revoke(client):
    get_auth_manager().revoke_token(client.headers["Authorization"].removeprefix("Bearer "))


@contextmanager
def threads_of_statements(part):
    """The names of the threads that send a statement with this part."""
    names = []

    def note(_connection, _cursor, statement, *_):
        if part in statement:
            names.append(threading.current_thread().name)

    event.listen(settings.engine, "before_cursor_execute", note)
    try:
        yield names
    finally:
        event.remove(settings.engine, "before_cursor_execute", note)


def test_a_revoked_token_is_refused_by_the_next_request(client):
    assert client.post(FIRE, json=FIRST).status_code == 200
    revoke(client)
    answer = client.post(FIRE, json=FIRST)
    assert (answer.status_code, answer.json()["reason"]) == (401, "NotAuthenticated")
    assert client.get(HEALTH).status_code == 401


def test_the_event_loop_asks_the_database_nothing(client):
    with threads_of_statements("FROM revoked_token") as names:
        assert client.get(HEALTH).status_code == 200
    assert len(names) == 1
    assert names[0].startswith("triggers-login")


def test_a_fire_asks_once_in_its_own_thread(client):
    assert client.post(FIRE, json=FIRST).status_code == 200
    for body, status in ((UNHEARD, 200), ({**UNHEARD, "idempotency_key": "1"}, 200), ({}, 422)):
        with threads_of_statements("FROM revoked_token") as names:
            assert client.post(FIRE, json=body).status_code == status
        assert len(names) == 1
        is_of_logins = names[0].startswith("triggers-login")
        assert is_of_logins == (status == 422)  # a body that is refused gets no thread
        assert names[0] not in (threading.current_thread().name, "MainThread")


LARGE = b'{"trigger": "' + b"x" * 2**20 + b'"}'
TO_FIRE = {
    "a fire": (FIRE, b'{"trigger": "unheard"}'),
    "no JSON": (FIRE, b"{"),
    "an invalid body": (FIRE, b'{"trigger": ""}'),
    "a large body": (FIRE, LARGE),
    "an unknown query": (f"{FIRE}?dry_run=1", b'{"trigger": "unheard"}'),
    "a long query": (f"{FIRE}?{'&'.join(map(str, range(10_000)))}", b'{"trigger": "unheard"}'),
    "no session": ("/triggers/api/v1/sessions/none/fires", b'{"trigger": "unheard"}'),
    "an impossible UID": ("/triggers/api/v1/sessions/%00/fires", b'{"trigger": "unheard"}'),
    "a configuration that is not deployed": (FIRE, b'{"trigger": "unheard", "configuration": "none"}'),
    "a path below": (f"{FIRE}/", b'{"trigger": "unheard"}'),
    "a batch": ("/triggers/api/v1/fires", b'{"fires": []}'),
}


@pytest.mark.parametrize(("path", "content"), TO_FIRE.values(), ids=TO_FIRE)
def test_with_a_revoked_token_a_fire_does_nothing_and_tells_nothing(client, api, path, content):
    assert client.post(FIRE, json=FIRST).status_code == 200
    before = fires_of("order-1", limit=9)
    revoke(client)
    answer = client.post(path, content=content, headers={"Content-Type": "application/json"})
    elsewhere = client.get(HEALTH)
    assert (answer.status_code, elsewhere.status_code) == (401, 401)
    assert answer.json() | {"instance": ""} == elsewhere.json() | {"instance": ""}
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert fires_of("order-1", limit=9) == before


def test_a_fire_whose_token_is_revoked_while_it_waits_does_nothing(client, monkeypatch):
    """The look is the last thing before the fire."""
    assert client.post(FIRE, json=FIRST).status_code == 200
    take = dependencies._turns.take

    def take_and_revoke(*args, **kwargs):
        # Airflow does not revoke in a thread with an event loop.
        revoking = threading.Thread(target=revoke, args=(client,))
        revoking.start()
        revoking.join()
        return take(*args, **kwargs)

    monkeypatch.setattr(dependencies._turns, "take", take_and_revoke)
    assert client.post(FIRE, json=UNHEARD).status_code == 401
    assert [fire.trigger_name for fire in fires_of("order-1", limit=9)] == ["paid"]


def test_an_unexpected_error_is_told_to_nobody_with_a_revoked_token(client, monkeypatch):
    def fail(*_):
        raise AssertionError

    revoke(client)
    monkeypatch.setattr(dependencies._turns, "take", fail)
    assert client.post(FIRE, json=UNHEARD).status_code == 401


def test_a_login_is_confirmed_once(client, monkeypatch):
    token_ids = []
    monkeypatch.setattr(logins, "_is_revoked", token_ids.append)
    login = logins.Login("user", "id")
    assert not login.is_confirmed
    assert [login.confirm(), login.confirm()] == ["user", "user"]
    assert (token_ids, login.is_confirmed) == (["id"], True)


def test_a_forged_token_asks_the_database_nothing(client):
    header, claims, _signature = client.headers["Authorization"].split(".")
    with threads_of_statements("") as names:
        answer = client.get(HEALTH, headers={"Authorization": f"{header}.{claims}.Zm9yZ2Vk"})
    assert answer.status_code == 401
    assert names == []


def test_expired_entries_of_revoked_tokens_are_deleted_now_and_then(client, monkeypatch):
    monkeypatch.setattr(logins._Cleaning, "last", float("-inf"))
    monkeypatch.setattr(RevokedToken, "_last_cleanup_time", float("-inf"))
    with threads_of_statements("DELETE FROM revoked_token") as names:
        assert client.get(HEALTH).status_code == 200
        assert client.get(HEALTH).status_code == 200
    assert len(names) == 1
    assert names[0].startswith("triggers-login")


def test_a_login_that_was_not_read_is_left_to_airflow(client, monkeypatch):
    monkeypatch.setattr(logins, "KNOWN_LOGINS", frozenset())
    logins.is_known.cache_clear()
    try:
        with threads_of_statements("FROM revoked_token") as names:
            assert client.get(HEALTH).status_code == 200
        assert len(names) == 1
        assert not names[0].startswith("triggers-login")
        revoke(client)
        assert client.get(HEALTH).status_code == 401
    finally:
        logins.is_known.cache_clear()


def test_the_login_of_the_installed_airflow_was_read():
    # When it fails, Airflow's login has changed. Read it, do in gateway/logins.py what it does, and add its digest.
    assert logins.login_digest() in logins.KNOWN_LOGINS


def test_a_database_that_fails_at_the_login_is_said_to_fail(client, monkeypatch):
    dialect = settings.engine.dialect
    execute = dialect.do_execute

    def fail(cursor, statement, *rest):
        if "revoked_token" in statement:
            raise dialect.loaded_dbapi.OperationalError("the server closed the connection")
        execute(cursor, statement, *rest)

    monkeypatch.setattr(dialect, "do_execute", fail)
    for answer in (client.get(HEALTH), client.post(FIRE, json=FIRST), client.post(FIRE, json={})):
        assert (answer.status_code, answer.json()["reason"]) == (503, "DatabaseFailed")
        assert "Retry-After" in answer.headers


@contextmanager
def loans():
    """The connections that the pool lends inside."""
    lent = []

    def note(connection, *_):
        lent.append(connection)

    end_keeping()
    event.listen(settings.engine, "checkout", note)
    try:
        yield lent
    finally:
        event.remove(settings.engine, "checkout", note)


def end_keeping():
    """Let the next login begin to keep connections anew."""
    logins._Keeping.timer = None
    if (driver := kept_connection.shut()) is not None:
        driver.close()


def end_connection(kept):
    with settings.engine.begin() as connection:
        end = text("SELECT pg_terminate_backend(:pid)")
        connection.execute(end, {"pid": kept.info.backend_pid})


def test_logins_soon_after_each_other_share_a_connection_and_give_it_back(client, monkeypatch):
    monkeypatch.setattr(KeptConnection, "KEPT_SECONDS", 0.5)
    with loans() as lent:
        for _ in range(2):
            assert client.get(PROBLEMS).status_code == 200
        assert len(lent) == 1
        deadline = time.monotonic() + 30
        while settings.engine.pool.checkedout():
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_a_login_whose_connection_was_lost_takes_another_one(client):
    with loans() as lent:
        assert client.get(PROBLEMS).status_code == 200
        (kept,) = lent
        end_connection(kept)
        assert client.get(PROBLEMS).status_code == 200
        assert [loan for loan in lent if loan is not kept]


def test_a_pool_of_one_connection_keeps_none(client, monkeypatch):
    monkeypatch.setattr(settings.engine.pool, "size", lambda: 1)
    with loans() as lent:
        for _ in range(2):
            assert client.get(PROBLEMS).status_code == 200
        assert len(lent) == 2


def test_a_fire_uses_the_connection_of_its_login(client):
    for trigger in (FIRST, UNHEARD):  # the session is remembered then
        assert client.post(FIRE, json=trigger).status_code == 200
    with loans() as lent:
        for _ in range(3):
            assert client.post(FIRE, json=UNHEARD).status_code == 200
        assert len(lent) == 1


def test_a_fire_whose_connection_was_lost_since_the_login_takes_another_one(client, monkeypatch):
    for trigger in (FIRST, UNHEARD):
        assert client.post(FIRE, json=trigger).status_code == 200
    ask = logins._is_revoked

    def ask_and_lose(jti):
        is_revoked = ask(jti)
        end_connection(kept_connection._kept.driver.dbapi_connection)
        return is_revoked

    monkeypatch.setattr(logins, "_is_revoked", ask_and_lose)
    answer = client.post(FIRE, json=UNHEARD)
    assert answer.status_code == 200
    monkeypatch.setattr(logins, "_is_revoked", ask)
    assert [fire["trigger"] for fire in client.get(FIRE).json()["fires"]] == ["unheard", "unheard", "paid"]


def test_other_transactions_leave_the_connection_to_logins_and_fires(client):
    assert client.post(FIRE, json=FIRST).status_code == 200
    with loans() as lent:
        assert client.get(SESSION).status_code == 200
        first = len(lent)
        assert client.get(SESSION).status_code == 200
        assert len(lent) < 2 * first
