"""What a database cannot hold is refused, or not found, in every field and on every way in; nothing is changed."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from airflow.api_fastapi.app import purge_cached_app

from airflow_triggers.errors import InstanceNotFound, InvalidFilter, InvalidSessionUid, UnknownConfiguration
from airflow_triggers.history.evidence import why
from airflow_triggers.history.pages import history_of
from airflow_triggers.history.parked import failed_hooks
from airflow_triggers.history.unheard import vain_fires
from airflow_triggers.sessions.configuring import deployed_configuration
from airflow_triggers.sessions.cursors import encode
from airflow_triggers.sessions.describing import describe_session, fires_of, list_sessions
from airflow_triggers.sessions.opening import create_session, open_session
from tests.support.api import mounted_api
from tests.support.dags import deploy_configuration


def shown(text):
    return f"{text[:10]!a} of {len(text)}"


SESSIONS = "api/v1/sessions"
ORDER = f"{SESSIONS}/order-1"

UNKEEPABLE = ["\0", "a\0b", "\ud800", "a\udfff", "x" * 251, "x" * 100_000, "a\nb", "\x1b[31m"]
IN_A_URL = {"%00": "NUL", "a%00b": "NUL within", "x" * 251: "long", "a%0Ab": "newline", "%1B%5B31m": "escape"}
TOO_LARGE = [2**31, 2**63 - 1, 2**63, 2**64, 10**30]

TEXTS_OF_SESSION = ("uid", "configuration", "manager", "storage")
TEXTS_OF_FIRE = ("trigger", "configuration", "manager", "idempotency_key", "fire_at")


@pytest.fixture
def client(airflow_db, monkeypatch):
    deploy_configuration("survey", t_import={"after": ["firstPage"]}, t_score={"after": ["t_import"]})
    create_session("order-1", configuration="survey")
    open_session("order-1").fire("firstPage")
    open_session("order-1").fire("unused")
    before = content()
    yield mounted_api(monkeypatch).client("admin")
    purge_cached_app()
    assert content() == before
    assert [summary.uid for summary in list_sessions()] == ["order-1"]


def content():
    """Of the session, but when it was locked last: a batch locks it, and finds then that it has nothing to do."""
    described = describe_session("order-1")
    return replace(described, summary=replace(described.summary, last_modified=None))


@pytest.mark.parametrize("value", IN_A_URL, ids=IN_A_URL.values())
def test_a_query_is_refused_in_every_text_that_it_has(client, value):
    queries = [
        *(f"{SESSIONS}?{field}={value}" for field in ("after", "prefix", "configuration")),
        *(
            f"{ORDER}/fires?{field}={value}"
            for field in ("trigger", "instance", "touched", "before", "limit")
        ),
        *(
            f"{ORDER}/history?{field}={value}"
            for field in ("trigger", "instance", "touched", "before", "limit")
        ),
        *(
            f"api/v1/fires?touched=nothing&{field}={value}"
            for field in ("trigger", "configuration", "before")
        ),
        *(f"{path}?{value}=1" for path in (SESSIONS, f"{ORDER}/fires", f"{ORDER}/history", "api/v1/fires")),
    ]
    answers = {query: client.get(query) for query in queries}
    assert {it: (a.status_code, a.json()["reason"]) for it, a in answers.items()} == dict.fromkeys(
        queries, (422, "InvalidQuery")
    )


@pytest.mark.parametrize("number", TOO_LARGE)
def test_a_number_that_no_database_has_is_refused_or_not_found(client, number):
    missing = [
        client.get(f"{ORDER}/instances/t_import%23{number}"),
        client.get(f"{ORDER}/instances/t_import%23{number}/why"),
        client.post(f"{ORDER}/instances/t_import%23{number}/replay", json={}),
        client.post(f"{ORDER}/instances/t_import%23{number}/skip", json={}),
    ]
    assert {answer.status_code for answer in missing} == {404}
    in_range = number < 2**63
    assert client.get(f"{ORDER}/fires?before={number}").status_code == (200 if in_range else 422)
    assert client.get(f"api/v1/fires?touched=nothing&before={number}").status_code == (
        200 if in_range else 422
    )
    assert client.post(f"{ORDER}/hooks/{number}/call").status_code == (404 if in_range else 422)
    assert client.get(f"{ORDER}/history?instance=t_import%23{number}").status_code == 422
    cursor = client.get(f"{ORDER}/history?before={number}.{number}.{number}")
    assert cursor.status_code == (200 if number < 10**19 else 422)


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_cursor_at_the_edge_of_time_is_refused(client, moment):
    places = {
        f"{SESSIONS}?order_by=last_modified": [moment, 3],
        f"{SESSIONS}?order_by=-last_modified": [moment, 3],
        "api/v1/instances?": [moment, 3, "t_import", 0],
        f"{ORDER}/instances?": [moment, "t_import", 1],
    }
    answers = [client.get(f"{path}&after={encode(place)}") for path, place in places.items()]
    assert [(it.status_code, it.json()["reason"]) for it in answers] == [(422, "InvalidCursor")] * len(places)


@pytest.mark.parametrize("name", [*IN_A_URL, "%FF", "t_import", "t_import%23", "%230", "t_import%23%D9%A3"])
def test_an_instance_that_cannot_exist_is_not_found(client, name):
    path = f"{ORDER}/instances/{name}"
    answers = [client.get(path), *(client.post(f"{path}/{act}", json={}) for act in ("replay", "skip"))]
    assert {answer.status_code for answer in answers} == {404}
    assert client.get(f"{path}/why").status_code == (200 if name == "t_import" else 404)


@pytest.mark.parametrize("text", UNKEEPABLE, ids=shown)
def test_a_body_is_refused_in_every_text_that_it_has(client, text):
    bodies = [
        *(
            (SESSIONS, {"uid": "order-2", "configuration": "survey", field: text})
            for field in TEXTS_OF_SESSION
        ),
        *((f"{ORDER}/fires", {"trigger": "page", field: text}) for field in TEXTS_OF_FIRE),
        (f"{ORDER}/instances/t_import%230/replay", {"kwargs": {text: {}}}),
        (SESSIONS, {text: "order-2"}),
        (f"{ORDER}/fires", {text: "page"}),
    ]
    answers = [send(client, path, body) for path, body in bodies]
    assert [answer.status_code for answer in answers] == [422] * len(bodies)


def send(client, path, body):
    return client.post(path, content=json.dumps(body), headers={"Content-Type": "application/json"})


@pytest.mark.parametrize("text", UNKEEPABLE, ids=shown)
def test_a_fire_of_a_batch_is_refused_in_every_text_that_it_has(client, text):
    fires = [
        {"session_uid": "order-1", "trigger": "page", field: text}
        for field in ("session_uid", *TEXTS_OF_FIRE)
    ]
    results = send(client, "api/v1/fires", {"fires": fires}).json()["results"]
    assert [result["status"] for result in results] == [422] * len(fires)


@pytest.mark.parametrize("text", UNKEEPABLE, ids=shown)
def test_python_and_the_command_line_are_refused_the_same(client, text):
    for ask in (
        lambda: list_sessions(prefix=text),
        lambda: list_sessions(after_uid=text),
        lambda: list_sessions(configuration=text),
        lambda: history_of("order-1", trigger=text),
        lambda: history_of("order-1", instance=text),
        lambda: vain_fires(trigger=text),
        lambda: vain_fires(configuration=text),
    ):
        with pytest.raises(InvalidFilter, match="at most 250 printable characters"):
            ask()
    for ask in (fires_of, lambda uid: failed_hooks(uid=uid)):
        with pytest.raises(InvalidSessionUid):
            ask(text)
    with pytest.raises(UnknownConfiguration):
        deployed_configuration(text)
    for name in (f"{text}#0", "t_import#2147483648"):
        with pytest.raises(InstanceNotFound):
            open_session("order-1").storage[name]
        with pytest.raises(LookupError):
            why("order-1", name)


def test_a_session_is_not_created_where_other_processes_would_not_find_it(client):
    answer = client.post(SESSIONS, json={"uid": "order-2", "configuration": "survey", "storage": "cache"})
    assert (answer.status_code, answer.json()["reason"]) == (422, "StorageNotShared")
    assert "its cache is the memory of this process" in answer.json()["detail"]
