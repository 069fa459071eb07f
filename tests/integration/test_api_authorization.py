"""Who gets in, against a real API server behind a path, with the tokens and roles of Airflow's own auth manager."""

from __future__ import annotations

import httpx
import pytest
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

from airflow_triggers.domain.states import Event
from airflow_triggers.sessions.describing import describe_session
from airflow_triggers.sessions.opening import fire_into, open_session
from tests.support.api_server import running_api_server
from tests.support.dags import deploy_configuration

SESSIONS = "api/v1/sessions"
FIRE = f"{SESSIONS}/survey-1/fires"
IMPORT = f"{SESSIONS}/survey-1/instances/t_import%230"

READS = ["docs", "redoc", "openapi.json", SESSIONS, f"{SESSIONS}/survey-1", FIRE, IMPORT]
WRITES = [
    (SESSIONS, {"uid": "survey-2", "configuration": "survey"}),
    (FIRE, {"trigger": "firstPage"}),
    (FIRE, {"trigger": "usedByNoTask"}),
    (f"{SESSIONS}/survey-2/fires", {"trigger": "firstPage", "configuration": "survey"}),
    (f"{IMPORT}/replay", {}),
    (f"{IMPORT}/skip", {"cascade": True}),
]
EVERYTHING = [
    *(("GET", path, None) for path in [*READS, "no/such/page", "", f"{SESSIONS}/a%2Fb", f"{SESSIONS}/a%0Ab"]),
    *(("POST", path, body) for path, body in WRITES),
    ("DELETE", f"{SESSIONS}/survey-1", None),
]


@pytest.fixture(scope="module")
def server(sqlite_airflow_database, tmp_path_factory):
    folder = tmp_path_factory.mktemp("api-server")
    with running_api_server(folder, sqlite_airflow_database.url, base_path="/airflow") as running:
        yield running


@pytest.fixture(autouse=True)
def failed_import(server, sqlite_airflow_db):
    """The session ``survey-1``, whose import failed."""
    deploy_configuration("survey", t_import={"after": ["firstPage"]}, t_score={"after": ["t_import"]})
    fire_into("survey-1", "firstPage", {"n": 1}, configuration="survey")
    manager = open_session("survey-1")
    manager.record_progress("t_import#0", Event.START)
    manager.record_progress("t_import#0", Event.FAIL)


def token_that_expired():
    user = SimpleAuthManagerUser(username="admin", role="admin")
    return SimpleAuthManager().generate_jwt(user, expiration_time_in_seconds=-60)


@pytest.mark.parametrize("token", [None, "bad", "a.b.c", "expired"])
def test_every_route_answers_401_without_a_valid_token(server, token):
    client = server.client()
    if token:
        client.headers["Authorization"] = f"Bearer {token_that_expired() if token == 'expired' else token}"
    for method, path, body in EVERYTHING:
        answer = client.request(method, path, json=body)
        assert (answer.status_code, answer.json()["reason"]) == (401, "NotAuthenticated"), path
    assert len(describe_session("survey-1").fires) == 1


def test_a_token_is_worth_nothing_after_the_logout(server):
    client = server.client("admin")
    assert client.get(SESSIONS).status_code == 200
    httpx.get(f"{server.url}/api/v2/auth/logout", headers=client.headers)
    assert client.get(SESSIONS).status_code == 401


def test_a_viewer_reads_everything_and_changes_nothing(server):
    viewer = server.client("viewer")
    for path in READS:
        assert viewer.get(path).status_code == 200, path
    for path, body in WRITES:
        answer = viewer.post(path, json=body)
        assert (answer.status_code, answer.json()["reason"]) == (403, "Forbidden"), path
    (instance,) = describe_session("survey-1").instances
    assert instance.instance.status == "failed"


@pytest.mark.parametrize("user", ["user", "admin"])
def test_a_user_fires_replays_and_skips_under_their_own_name(server, user):
    client = server.client(user)
    fired = client.post(
        f"{SESSIONS}/survey-2/fires", json={"trigger": "firstPage", "configuration": "survey"}
    )
    assert (fired.status_code, fired.json()["scheduled"]) == (200, ["t_import#0"])
    assert client.post(f"{IMPORT}/replay", json={}).json()["name"] == "t_import#1"
    manager = open_session("survey-1")
    manager.record_progress("t_import#1", Event.START)
    manager.record_progress("t_import#1", Event.FAIL)
    skipped = client.post(f"{SESSIONS}/survey-1/instances/t_import%231/skip", json={"cascade": True})
    assert (skipped.status_code, skipped.json()["status"]) == (200, "skipped")
    assert client.get(f"{SESSIONS}/survey-2").json()["fires"][0]["fired_by"] == user


def test_the_login_cookie_reads_and_changes_something_from_airflows_own_pages_only(server):
    browser = server.client()
    browser.headers["Cookie"] = f"_token={server.token('admin')}"
    own = server.url.removesuffix("/airflow")
    assert browser.get(f"{SESSIONS}/survey-1").status_code == 200
    for headers in ({}, {"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site", "Origin": own}):
        answer = browser.post(FIRE, json={"trigger": "other"}, headers=headers)
        assert (answer.status_code, answer.json()["reason"]) == (403, "CrossOrigin"), headers
    for headers in ({"Origin": own}, {"Sec-Fetch-Site": "same-origin"}):
        assert browser.post(FIRE, json={"trigger": "other"}, headers=headers).status_code == 200


def test_the_documentation_page_finds_its_schema_and_the_schema_its_server(server):
    client = server.client("viewer")
    assert "/airflow/triggers/openapi.json" in client.get("docs").text
    assert client.get("openapi.json").json()["servers"] == [{"url": "/airflow/triggers"}]


@pytest.mark.parametrize("uid", ["a%2Fb", "survey-1%2Ffires", "%FF", "%20a", "a%0D", "a%0Ab", "x" * 201, ""])
def test_a_real_servers_path_with_a_uid_of_another_form_is_refused(server, uid):
    answer = server.client("admin").get(f"{SESSIONS}/{uid}")
    assert (answer.status_code, answer.json()["reason"]) == (422, "InvalidSessionUid")


@pytest.mark.parametrize("announced", [True, False])
def test_a_real_server_refuses_a_large_body(server, announced):
    body = b'{"trigger": "a", "kwargs": {"text": "' + b"x" * 2**21 + b'"}}'
    answer = server.client("admin").post(
        FIRE, content=body if announced else iter([body]), headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["reason"]) == (413, "TooLarge")
