"""Errors become answers of one form, whatever raised them."""

from __future__ import annotations

import json

import pytest
from airflow.api_fastapi.app import purge_cached_app
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from airflow_triggers import errors, sessions
from airflow_triggers.api.app import create_app
from airflow_triggers.api.bodies import BodyRoute
from airflow_triggers.api.errors import REASON_OF_ERROR, STATUS_OF_ERROR, problem_of, response_to
from airflow_triggers.api.problem_types import problem_types
from airflow_triggers.api.routes import batches
from tests.support.api import mounted_api

FIRE = "api/v1/sessions/order-1/fires"
FIRES = "api/v1/fires"
SESSIONS = "api/v1/sessions"
REPLAY = f"{SESSIONS}/order-1/instances/t_x%230/replay"
SKIP = f"{SESSIONS}/order-1/instances/t_x%230/skip"


@pytest.fixture
def client(monkeypatch):
    yield mounted_api(monkeypatch).client("admin")
    purge_cached_app()


def descendants(kind):
    return {kind}.union(*(descendants(one) for one in kind.__subclasses__()))


def ours(kind):
    return kind.__module__.startswith("airflow_triggers.")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.SessionNotFound("order-1"), 404),
        (errors.InstanceNotFound("Session 'order-1' has no instance 't_a#9'."), 404),
        (errors.TaskNotFound("There is no trigger task 't_z'."), 404),
        (errors.NothingParked("There is no hook 7."), 404),
        (errors.UnknownConfiguration("There is no configuration 'survey'."), 404),
        (errors.InvalidTransition("skip", "t_a#0", "running", ("failed",)), 409),
        (errors.RegistryError("The manager is broken."), 503),
        (errors.NotRegistered("There is no trigger manager 'gone'."), 503),
    ],
)
def test_an_error_that_is_a_built_in_one_too_is_answered_with_its_message(error, status):
    problem = problem_of(error)
    assert (problem.status, problem.reason, problem.detail) == (status, type(error).__name__, str(error))
    assert not str(error).startswith(("'", '"'))


def test_every_error_of_the_tree_has_a_status():
    assert set(filter(ours, descendants(errors.TriggersError))) == set(STATUS_OF_ERROR)


def test_an_error_that_a_users_manager_derives_has_the_status_of_its_base():
    class SurveyClosed(errors.SessionError):
        pass

    answer = response_to(SurveyClosed("The survey is closed."), {"root_path": "/triggers", "path": "/x"})
    assert answer.status_code == 409
    assert json.loads(answer.body) == {
        "type": "/triggers/api/v1/problems#SessionError",
        "title": "Session error",
        "status": 409,
        "detail": "The survey is closed.",
        "instance": "/x",
        "reason": "SurveyClosed",
    }


PROBLEM_MEMBERS = ["type", "title", "status", "detail", "instance", "reason"]


@pytest.mark.parametrize(
    ("method", "path", "body", "reason"),
    [
        ("GET", "no/such/page", None, "NotFound"),
        ("PATCH", SESSIONS, None, "MethodNotAllowed"),
        ("GET", f"{SESSIONS}/%00", None, "InvalidSessionUid"),
        ("GET", f"{SESSIONS}?limit=0", None, "InvalidQuery"),
        ("POST", SESSIONS, {"uid": "order-1"}, "InvalidBody"),
        ("POST", FIRES, {"fires": []}, "InvalidBody"),
    ],
)
@pytest.mark.parametrize("base_path", ["", "/airflow"])
def test_every_error_is_a_problem_of_a_listed_type(monkeypatch, base_path, method, path, body, reason):
    client = mounted_api(monkeypatch, base_path=base_path).client("admin")
    answer = client.request(method, path, json=body)
    problem = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert list(problem)[:6] == PROBLEM_MEMBERS
    assert (problem["status"], problem["reason"]) == (answer.status_code, reason)
    assert problem["instance"] == f"{base_path}/triggers/{path.partition('?')[0]}"
    listed = client.get(f"http://testserver{problem['type']}").json()["problems"]
    (kind,) = [kind for kind in listed if kind["type"] == problem["type"]]
    assert (kind["reason"], kind["title"], kind["status"]) == (reason, problem["title"], problem["status"])


def test_without_a_token_the_answer_is_a_problem_too(client):
    answer = client.get(SESSIONS, headers={"Authorization": "Bearer nobody"})
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert list(answer.json()) == PROBLEM_MEMBERS


def test_every_status_of_an_error_is_that_of_its_listed_type():
    listed = {kind.reason: kind.status for kind in problem_types()}
    for kind, status in STATUS_OF_ERROR.items():
        assert listed[REASON_OF_ERROR.get(kind, kind.__name__)] == status
    assert all(len(kind.description) > 20 for kind in problem_types())


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"trigger": "a", "kwarg": {}, "fire_at": 1}, ["#/fire_at", "#/kwarg"]),
        ({"trigger": "a", "a/b~c d": 1}, ["#/a~1b~0c%20d"]),
        ([], ["#"]),
        ({"trigger": "a", "kwargs": [1]}, ["#/kwargs"]),
    ],
)
def test_an_invalid_body_points_to_its_places(client, body, pointers):
    errors = client.post(FIRE, json=body).json()["errors"]
    assert sorted(place["pointer"] for place in errors) == pointers
    assert {place["in"] for place in errors} == {"body"}


def test_each_refused_fire_of_a_batch_is_a_problem(client, monkeypatch):
    monkeypatch.setattr(batches, "fire_all", lambda fires, **_: [])
    fires = [{"session_uid": "order-1", "trigger": "a", "kwargs": [1]}, {"session_uid": "/", "trigger": "a"}]
    answer = client.post(FIRES, json={"fires": fires})
    first, second = answer.json()["results"]
    assert answer.status_code == 200
    assert (first["index"], first["reason"], first["errors"][0]["pointer"]) == (0, "InvalidBody", "#/kwargs")
    assert (second["status"], second["reason"]) == (422, "InvalidSessionUid")
    assert second["instance"] == "/triggers/api/v1/fires#/fires/1"
    assert second["type"] == "/triggers/api/v1/problems#InvalidSessionUid"
    assert list(second) == ["index", *PROBLEM_MEMBERS]


def raising(error):
    def raises(*_args, **_options):
        raise error

    return raises


def test_a_busy_database_says_when_to_come_again(client, monkeypatch):
    monkeypatch.setattr(sessions, "configuration_of", raising(errors.LockTimeout("The database is locked.")))
    answer = client.get(f"{SESSIONS}/order-1")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert (answer.json()["reason"], answer.json()["detail"]) == ("LockTimeout", "The database is locked.")


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
        (FIRE, {"trigger": "a", "kwargs": {"b": "\0"}}, "kwargs.b: must not contain the character NUL"),
        (FIRE, {"trigger": "a", "manager": "nope"}, "manager: must be a trigger manager that is installed"),
        (FIRE, {"trigger": "a", "manager": "nope"}, "installed: default, found 'nope'."),
        (
            f"{SESSIONS}/order-1/instances/t_x%230/status",
            {"status": "bogus"},
            "one of: unstarted, finished, failed, skipped, abandoned, found 'bogus'.",
        ),
        (FIRE, [], "body: expected a JSON object"),
        (SESSIONS, {"uid": "order-1"}, "configuration: this is required"),
        (SESSIONS, {"uid": 17, "configuration": "survey"}, "uid: Input should be a valid string, found 17"),
        (f"{SESSIONS}/order-1/instances/t_x%230/replay", {"kwargs": {"a": 1}}, "kwargs.a"),
        (f"{SESSIONS}/order-1/instances/t_x%230/replay", {"cooldown": -1}, "cooldown"),
        (f"{SESSIONS}/order-1/instances/t_x%230/replay", {"cooldown": 1e300}, "cooldown"),
        (f"{SESSIONS}/order-1/instances/t_x%230/skip", {"result": [1]}, "result"),
        (f"{SESSIONS}/order-1/instances/t_x%230/skip", {"cascade": "perhaps"}, "cascade"),
        (f"{SESSIONS}/order-1/instances/t_x%230/skip", {"cascade": "true"}, "cascade"),
        (f"{SESSIONS}/order-1/instances/t_x%230/skip", {"cascade": 1}, "cascade"),
    ],
)
def test_a_bad_body_says_where_what_was_expected_and_what_was_found(client, path, body, said):
    answer = client.post(path, json=body)
    assert (answer.status_code, answer.json()["reason"]) == (422, "InvalidBody")
    assert said in answer.json()["detail"]
    assert answer.json()["errors"]


@pytest.mark.parametrize(
    ("path", "content", "field", "pointer"),
    [
        (
            FIRE,
            b'{"trigger": "a", "kwargs": {"b": [1, {"c/d": 1e999}]}}',
            "kwargs.b.1.c/d",
            "#/kwargs/b/1/c~1d",
        ),
        (FIRE, b'{"trigger": "a", "kwargs": {"b": {"\\u0000": 1}}}', "kwargs.b", "#/kwargs/b"),
        (FIRE, b'{"trigger": "a", "kwargs": {"%s": 1e999}}' % (b"b" * 300), "kwargs", "#/kwargs"),
        (REPLAY, b'{"kwargs": {"a": {"x": 18446744073709551616}}}', "kwargs.a.x", "#/kwargs/a/x"),
        (SKIP, b'{"result": {"x": 1e999}}', "result.x", "#/result/x"),
    ],
)
def test_a_bad_value_inside_an_object_has_a_pointer_of_its_own(client, path, content, field, pointer):
    answer = client.post(path, content=content, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["reason"]) == (422, "InvalidBody")
    (place,) = answer.json()["errors"]
    assert (place["field"], place["pointer"]) == (field, pointer)


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
    ("path", "content", "said"),
    [
        (
            FIRE,
            b'{"trigger": "a", "trigger": "b"}',
            "a key twice in one object; found the key 'trigger' twice",
        ),
        (FIRE, b'{"trigger": "a", "kwargs": {"b": [{"k": 1, "k": 1}]}}', "found the key 'k' twice"),
        (
            FIRES,
            b'{"fires": [{"session_uid": "x", "trigger": "a", "kwargs": {"k": 1, "k": 2}}]}',
            "the key 'k' twice",
        ),
        (REPLAY, b'{"kwargs": {"a": {}, "a": {}}}', "the key 'a' twice"),
        (SKIP, b'{"result": {"a": 1, "\\u0061": 2}}', "the key 'a' twice"),
        (SESSIONS, b'{"uid": "x", "configuration": "c", "metadata": {"k": 1, "k": 1}}', "the key 'k' twice"),
        (
            FIRE,
            b'{"trigger": "a", "kwargs": {"x": 18446744073709551616}}',
            "integers outside -2^63 to 2^64-1",
        ),
        (FIRE, b'{"trigger": "a", "kwargs": {"x": -9223372036854775809}}', "integers outside"),
        (FIRE, b'{"trigger": "a", "kwargs": {"x": ' + b"9" * 5000 + b"}}", "thousands of digits"),
        (FIRE, b'{"trigger": "a", "kwargs": {"x": ' + b"9" * 4000 + b"}}", "about 4000 digits at 'x'"),
        (FIRE, b'{"trigger": "a", "kwargs": {"x": 1e999}}', "no number beyond 1.8e308, found inf at 'x'"),
        (FIRE, b'{"trigger": "a", "kwargs": ' + b'{"a":' * 101 + b"1" + b"}" * 101 + b"}", "100 levels deep"),
        (
            FIRE,
            b'{"trigger": "a", "kwargs": ' + b'{"a":' * 90_000 + b"1" + b"}" * 90_000 + b"}",
            "100 levels deep",
        ),
        (SKIP, b'{"result": {"x": 18446744073709551616}}', "integers outside"),
        (REPLAY, b'{"kwargs": {"a": {"x": 18446744073709551616}}}', "integers outside"),
        (REPLAY, b'{"cooldown": true}', "cooldown: Input should be a valid number, found True"),
        (REPLAY, b'{"cooldown": "5"}', "cooldown: Input should be a valid number, found '5'"),
        (REPLAY, b'{"cooldown": NaN}', "cooldown: "),
        (
            FIRE,
            b'{"trigger": "a", "fire_at": 20000000001}',
            "fire_at: 'fire_at' is a string, a moment in ISO 8601",
        ),
        (FIRE, b'{"trigger": "a", "fire_at": "20000000001"}', "found '20000000001'"),
        (FIRE, b'{"trigger": "a", "fire_at": 2.5e9}', "found 2500000000.0"),
        (FIRE, b'{"trigger": "a", "fire_at": true}', "found True"),
        (FIRE, b'{"trigger": "a", "fire_at": "2031-05-17"}', "a moment in ISO 8601 with its offset from UTC"),
        (FIRE, b'{"trigger": "a", "fire_at": "2031-05-17T08:00:00"}', "a moment in ISO 8601 with its offset"),
        (
            FIRE,
            b'{"trigger": "a", "fire_at": "9999-12-31T23:59:59-12:00"}',
            "lies between 0001-01-02 and 9999-12-30",
        ),
        (
            FIRE,
            b'{"trigger": "a", "fire_at": "0001-01-01T00:00:00+12:00"}',
            "lies between 0001-01-02 and 9999-12-30",
        ),
    ],
    ids=range(26),
)
def test_a_body_that_would_be_taken_otherwise_than_it_is_written_is_refused(client, path, content, said):
    answer = client.post(path, content=content, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["reason"]) == (422, "InvalidBody")
    assert said in answer.json()["detail"]


def test_every_route_reads_its_body_so():
    routes = [route for route in create_app().routes if isinstance(route, APIRoute)]
    assert routes
    assert all(isinstance(route, BodyRoute) for route in routes)


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
        "limit=1001",
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


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        (
            "fires?trigger=%20a",
            "trigger: must be 1-200 printable characters without surrounding blanks, found ' a'.",
        ),
        (
            "fires?trigger=%00",
            "trigger: must be 1-200 printable characters without surrounding blanks, found '\\x00'.",
        ),
        (
            "history?instance=t_x",
            "instance: must be the name of a task instance, such as 't_import#0', found 't_x'.",
        ),
        ("history?before=1.2", "before: must be the 'next' of another page, found '1.2'."),
        ("history?before=1.2.%D9%A3", "before: must be the 'next' of another page, found '1.2.٣'."),
        (
            "fires?before=9223372036854775808",
            "before: Input should be less than or equal to 9223372036854775807",
        ),
    ],
)
def test_a_bad_query_says_what_was_expected_and_found(client, query, sentence):
    answer = client.get(f"{SESSIONS}/order-1/{query}")
    assert (answer.status_code, answer.json()["reason"]) == (422, "InvalidQuery")
    assert answer.json()["detail"].startswith(f"The query is not valid. {sentence}")


@pytest.mark.parametrize("before", ["0", "-1", str(2**63), "last"])
def test_a_cursor_that_no_fire_can_have_is_refused(client, before):
    answer = client.get(f"{FIRE}?before={before}")
    assert (answer.status_code, answer.json()["reason"]) == (422, "InvalidQuery")


def test_an_unpaired_surrogate_from_a_task_can_be_shown(client, monkeypatch):
    missing = errors.InstanceNotFound("There is no \udcff.")
    monkeypatch.setattr(sessions, "configuration_of", raising(missing))
    assert client.get(f"{SESSIONS}/order-1").json()["detail"] == "There is no \udcff."


# -- nothing of a request is dropped in silence ---------------------------------------------------------------


def operations():
    paths = create_app().openapi()["paths"]
    return [(method, path) for path, operations in paths.items() for method in operations]


@pytest.mark.parametrize(("method", "path"), operations(), ids=lambda part: part)
def test_a_query_parameter_that_a_route_does_not_have_is_refused(client, method, path):
    answer = client.request(method, f"{path.removeprefix('/')}?dry_runs=true", json={})
    assert answer.status_code == 422
    (place,) = [it for it in answer.json()["errors"] if it["in"] == "query"]
    assert (place["field"], place["problem"]) == ("dry_runs", "there is no such field")


@pytest.mark.parametrize(
    "query", ["limit=5&limit=6", "replayed=true&replayed=false", "configuration=a&configuration=b"]
)
def test_a_query_parameter_that_counts_once_is_refused_twice(client, query):
    answer = client.get(f"api/v1/instances?{query}")
    assert (answer.status_code, answer.json()["reason"]) == (422, "InvalidQuery")
    assert "expected it once" in answer.json()["detail"]


BULK_ACTS = "api/v1/bulk-acts"


@pytest.mark.parametrize(
    ("body", "field", "problem"),
    [
        ({"act": "replay", "filter": {"statuss": ["failed"]}}, "filter.statuss", "there is no such field"),
        ({"act": "skip", "filter": {}, "dry_run": "yes"}, "dry_run", "Input should be a valid boolean"),
        ({"act": "set_status", "filter": {}}, "arguments", "this is required"),
        ({"act": "replay"}, "body", "expected either 'filter' or 'instances'"),
        ({"act": "repla", "filter": {}}, "act", "expected one of 'replay', 'skip', "),
        ({"act": 5, "filter": {}}, "act", "expected one of 'replay', 'skip', "),
        ({"filter": {}}, "act", "this is required"),
        ({"act": "replay", "filter": {}, "replay": 1}, "replay", "there is no such field"),
    ],
)
def test_an_invalid_bulk_act_has_one_error_at_its_place(client, body, field, problem):
    answer = client.post(BULK_ACTS, json=body)
    assert (answer.status_code, answer.json()["reason"]) == (422, "InvalidBody")
    (place,) = answer.json()["errors"]
    pointer = "#" if field == "body" else f"#/{field.replace('.', '/')}"
    assert (place["field"], place["pointer"]) == (field, pointer)
    assert place["problem"].startswith(problem)


def test_a_body_with_an_act_that_has_none_names_its_own_places(client):
    (missing,) = [
        it for it in client.post(FIRE, json={"act": "trigger"}).json()["errors"] if it["found"] == "nothing"
    ]
    assert (missing["field"], missing["pointer"]) == ("trigger", "#/trigger")


def test_an_answer_does_not_grow_with_the_errors(client):
    many = {f"unknown-{number}": 1 for number in range(1000)}
    for path, body in ((FIRE, {"trigger": "a", **many}), (BULK_ACTS, {"act": "skip", "filter": many})):
        problem = client.post(path, json=body).json()
        assert len(problem["errors"]) == 20
        assert "more." in problem["detail"]
    answer = client.post(FIRES, json={"fires": [{"trigger": "a", "session_uid": "b", **many}]})
    (result,) = answer.json()["results"]
    assert len(result["errors"]) == 20


def test_the_body_of_a_bulk_act_may_be_as_large_as_that_of_a_batch(client):
    listed = [{"session_uid": "x" * 200, "name": f"t_a#{number}"} for number in range(9_000)]
    answer = client.post(BULK_ACTS, json={"act": "skip", "instances": listed, "unknown": 1})
    assert answer.status_code == 422


def test_a_path_is_shown_as_it_was_sent(client):
    answer = client.get("api/v1/configurations/a%2Fb")
    assert (answer.status_code, answer.json()["errors"][0]["found"]) == (422, "'a/b'")


@pytest.mark.parametrize("field", ["since", "until"])
@pytest.mark.parametrize("moment", ["2026-11-28", "2026-11-28T10:00:00", "0001-01-01T00:00:00Z", "soon"])
def test_a_moment_is_refused_by_its_own_name(client, field, moment):
    answer = client.get(f"api/v1/instances?{field}={moment}")
    assert answer.status_code == 422
    assert f"{field}: {field!r} " in answer.json()["detail"]
    assert "fire_at" not in answer.text
