"""Errors become answers of one form, whatever raised them."""

from __future__ import annotations

import pytest
from airflow.api_fastapi.app import purge_cached_app
from fastapi.testclient import TestClient

from airflow_triggers import errors, sessions
from airflow_triggers.api.errors import STATUS_OF_ERROR, response_to
from tests.support.api import mounted_api

FIRE = "api/v1/sessions/order-1/fires"
SESSIONS = "api/v1/sessions"


@pytest.fixture
def client(monkeypatch):
    yield mounted_api(monkeypatch).client("admin")
    purge_cached_app()


def descendants(kind):
    return {kind}.union(*(descendants(one) for one in kind.__subclasses__()))


def ours(kind):
    return kind.__module__.startswith("airflow_triggers.")


def test_every_error_of_the_tree_has_a_status():
    assert set(filter(ours, descendants(errors.TriggersError))) == set(STATUS_OF_ERROR)


def test_an_error_that_a_users_manager_derives_has_the_status_of_its_base():
    class SurveyClosed(errors.SessionError):
        pass

    answer = response_to(SurveyClosed("The survey is closed."))
    assert (answer.status_code, answer.body) == (
        409,
        b'{"reason":"SurveyClosed","detail":"The survey is closed."}',
    )


def raising(error):
    def raises(*_args, **_options):
        raise error

    return raises


def test_a_busy_database_says_when_to_come_again(client, monkeypatch):
    monkeypatch.setattr(sessions, "configuration_of", raising(errors.LockTimeout("The database is locked.")))
    answer = client.get(f"{SESSIONS}/order-1")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.json() == {"reason": "LockTimeout", "detail": "The database is locked."}


def test_a_database_without_our_tables_names_the_command(client, monkeypatch):
    outdated = errors.SchemaOutdated("The tables are missing. Run 'airflow db migrate'.")
    monkeypatch.setattr(sessions, "configuration_of", raising(outdated))
    answer = client.get(f"{SESSIONS}/order-1")
    assert answer.status_code == 503
    assert "airflow db migrate" in answer.json()["detail"]


def test_a_bug_shows_nothing_of_itself(client, monkeypatch):
    monkeypatch.setattr(sessions, "configuration_of", raising(RuntimeError("postgresql://user:secret@host")))
    quiet = TestClient(client.app, raise_server_exceptions=False, headers=client.headers)
    answer = quiet.get(f"/triggers/{SESSIONS}/order-1")
    assert (answer.status_code, answer.json()["reason"]) == (500, "InternalError")
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        (FIRE, {}, "trigger: this is required"),
        (FIRE, {"trigger": 1}, "trigger: Input should be a valid string, found 1"),
        (FIRE, {"trigger": "a", "kwargs": [1]}, "kwargs: Input should be a valid dictionary, found [1]"),
        (FIRE, {"trigger": "a", "kwarg": {}}, "kwarg: there is no such field"),
        (FIRE, {"trigger": "a", "idempotency_key": ""}, "idempotency_key"),
        (FIRE, {"trigger": "a", "idempotency_key": "k" * 251}, "idempotency_key"),
        (FIRE, {"trigger": "a", "idempotency_key": "\0"}, "idempotency_key: must be printable"),
        (FIRE, {"trigger": "a", "kwargs": {"b": "\0"}}, "kwargs: must not contain the character NUL"),
        (FIRE, {"trigger": "a", "manager": "nope"}, "manager: must be a trigger manager that is installed"),
        (FIRE, [], "body: expected a JSON object"),
        (SESSIONS, {"uid": "order-1"}, "configuration: this is required"),
        (SESSIONS, {"uid": 17, "configuration": "survey"}, "uid: Input should be a valid string, found 17"),
        (f"{SESSIONS}/order-1/instances/t_x%230/replay", {"kwargs": {"a": 1}}, "kwargs.a"),
        (f"{SESSIONS}/order-1/instances/t_x%230/replay", {"cooldown": -1}, "cooldown"),
        (f"{SESSIONS}/order-1/instances/t_x%230/replay", {"cooldown": 1e300}, "cooldown"),
        (f"{SESSIONS}/order-1/instances/t_x%230/skip", {"result": [1]}, "result"),
        (f"{SESSIONS}/order-1/instances/t_x%230/skip", {"cascade": "perhaps"}, "cascade"),
    ],
)
def test_a_bad_body_says_where_what_was_expected_and_what_was_found(client, path, body, said):
    answer = client.post(path, json=body)
    assert (answer.status_code, answer.json()["reason"]) == (422, "InvalidBody")
    assert said in answer.json()["detail"]
    assert answer.json()["errors"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff",
        b'"text"',
        b'{"trigger": "a", "kwargs": {"b": NaN}}',
        b'{"trigger": "a", "kwargs": {"b": 1e999}}',
        b'{"trigger": "a", "kwargs": {"b": "\\ud800"}}',
        b'{"trigger": "a", "kwargs": {"\\ud800": 1}}',
        b'{"trigger": "a", "kwargs": {"b": ' + b"[" * 100 + b"]" * 100 + b"}}",
        b'{"trigger": "a", "kwargs": {"b": ' + b"[" * 900 + b"]" * 900 + b"}}",
        b'{"trigger": "a", "kwargs": {"b": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
    ],
)
def test_what_is_no_json_that_could_be_kept_is_refused(client, content):
    answer = client.post(FIRE, content=content, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["reason"]) == (422, "InvalidBody")


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_a_body_that_another_sites_form_could_send_is_refused(client, content_type):
    answer = client.post(FIRE, content=b'{"trigger": "a"}', headers={"Content-Type": content_type})
    assert answer.status_code == 422
    assert "application/json" in answer.json()["detail"]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=many",
        "limt=5",
        "after=%00",
        "prefix=%0A",
        "configuration=" + "x" * 251,
    ],
)
def test_a_bad_query_is_refused(client, query):
    answer = client.get(f"{SESSIONS}?{query}")
    assert (answer.status_code, answer.json()["reason"]) == (422, "InvalidQuery")


@pytest.mark.parametrize("before", ["0", "-1", str(2**63), "last"])
def test_a_cursor_that_no_fire_can_have_is_refused(client, before):
    answer = client.get(f"{FIRE}?before={before}")
    assert (answer.status_code, answer.json()["reason"]) == (422, "InvalidQuery")


def test_an_unpaired_surrogate_from_a_task_can_be_shown(client, monkeypatch):
    missing = errors.InstanceNotFound("There is no \udcff.")
    monkeypatch.setattr(sessions, "configuration_of", raising(missing))
    assert client.get(f"{SESSIONS}/order-1").json()["detail"] == "There is no \udcff."
