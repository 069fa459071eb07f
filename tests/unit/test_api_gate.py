"""What holds for every request, without a database: who asks, from where, and whether it can be read at all."""

from __future__ import annotations

import re

import pytest
from airflow.api_fastapi.app import purge_cached_app

from airflow_triggers import history, sessions
from airflow_triggers.domain.configuration import Configuration
from airflow_triggers.errors import InstanceNotFound
from tests.support.api import COOKIE, mounted_api

EVERY_PATH = [
    ("GET", "docs"),
    ("GET", "redoc"),
    ("GET", "openapi.json"),
    ("GET", "docs-assets/swagger-ui.css"),
    ("GET", "no/such/page"),
    ("GET", ""),
    ("GET", "api/v1/sessions"),
    ("POST", "api/v1/sessions"),
    ("DELETE", "api/v1/sessions"),
    ("GET", "api/v1/sessions/order-1"),
    ("GET", "api/v1/sessions/a%2Fb"),
    ("DELETE", "api/v1/sessions/order-1"),
    ("GET", "api/v1/sessions/order-1/fires"),
    ("POST", "api/v1/sessions/order-1/fires"),
    ("POST", "api/v1/fires"),
    ("GET", "api/v1/sessions/order-1/instances/t_x%230"),
    ("POST", "api/v1/sessions/order-1/instances/t_x%230/replay"),
    ("POST", "api/v1/sessions/order-1/instances/t_x%230/skip"),
    ("GET", "api/v1/sessions/order-1/instances/t_x%230/why"),
    ("GET", "api/v1/sessions/order-1/history"),
    ("POST", "api/v1/sessions/order-1/hooks/17/call"),
    ("GET", "api/v1/sessions/order-1/delayed-fires"),
    ("DELETE", "api/v1/sessions/order-1/delayed-fires/18"),
    ("POST", "api/v1/sessions/order-1/delayed-fires/18/retry"),
    ("GET", "api/v1/fires"),
    ("POST", "api/v1/configurations/survey/migrate"),
    ("GET", "api/v1/sessions/order-1/instances"),
    ("GET", "api/v1/sessions/order-1/hooks"),
    ("POST", "api/v1/sessions/order-1/instances/t_x%230/status"),
    ("POST", "api/v1/sessions/order-1/instances/t_x%230/metadata"),
    ("POST", "api/v1/sessions/order-1/instances/t_x%230/resolve-logs"),
    ("PUT", "api/v1/sessions/order-1/configuration"),
    ("GET", "api/v1/configurations"),
    ("POST", "api/v1/configurations/validate"),
    ("GET", "api/v1/configurations/survey"),
    ("GET", "api/v1/instances"),
    ("GET", "api/v1/instances/counts"),
    ("GET", "api/v1/hooks"),
    ("GET", "api/v1/delayed-fires"),
    ("GET", "api/v1/asset-events"),
    ("POST", "api/v1/asset-events/19/retry"),
    ("POST", "api/v1/bulk-acts"),
    ("GET", "api/v1/bulk-acts"),
    ("GET", "api/v1/bulk-acts/20"),
    ("GET", "api/v1/bulk-acts/20/outcomes"),
    ("POST", "api/v1/bulk-acts/20/cancel"),
    ("GET", "api/v1/extensions"),
    ("GET", "api/v1/health"),
    ("GET", "api/v1/problems"),
    ("POST", "api/v1/cloudevents"),
]

FIRE = "api/v1/sessions/order-1/fires"
NOT_EVEN_JSON = {"content": "{", "headers": {"Content-Type": "application/json"}}


@pytest.fixture(autouse=True)
def _leave_no_auth_manager():
    yield
    purge_cached_app()


@pytest.fixture
def api(monkeypatch):
    return mounted_api(monkeypatch)


@pytest.fixture
def browser(api):
    """A browser that is logged in: it has the cookie, and no bearer token."""
    client = api.client()
    client.cookies.set(COOKIE, "admin")
    return client


def test_the_paths_above_are_all_that_the_application_documents(api):
    documented = api.client("admin").get("openapi.json").json()["paths"]
    shown = {(method.upper(), path) for path, methods in documented.items() for method in methods}
    names = {
        "order-1": "{uid}",
        "t_x%230": "{name}",
        "17": "{hook_id}",
        "18": "{delayed_fire_id}",
        "19": "{event_id}",
        "20": "{bulk_act_id}",
        "survey": "{name}",
    }
    tried = {
        (method, "/" + "/".join(names.get(part, part) for part in path.split("/")))
        for method, path in EVERY_PATH
    }
    assert shown <= tried


@pytest.mark.parametrize(("method", "path"), EVERY_PATH)
@pytest.mark.parametrize("token", [None, "no-such-token", "expired", "a.b.c", "tokén"])
def test_nobody_gets_anywhere_without_a_valid_token(api, method, path, token):
    headers = {"Authorization": f"Bearer {token}".encode()} if token else {}
    answer = api.client().request(method, path, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["reason"] == "NotAuthenticated"
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("authorization", ["Basic YWRtaW46YWRtaW4=", "Bearer", "admin", "Bearer  "])
def test_another_kind_of_authorization_is_none(api, authorization):
    answer = api.client().get("openapi.json", headers={"Authorization": authorization})
    assert answer.status_code == 401


def test_a_bad_bearer_token_is_not_made_good_by_the_cookie(browser):
    answer = browser.get("openapi.json", headers={"Authorization": "Bearer no-such-token"})
    assert answer.status_code == 401


def test_a_bad_cookie_is_as_good_as_none(api):
    answer = api.client().get("openapi.json", headers={"Cookie": f"{COOKIE}=no-such-token"})
    assert answer.status_code == 401


def test_the_login_cookie_is_enough_to_read(browser):
    assert browser.get("docs").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Origin": "http://testserver.evil.example"},
        {"Origin": "http://testserver:8080"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://testserver"},
        {"Sec-Fetch-Site": "none"},
        {"Referer": "http://testserver/"},
        {"Authorization": "Basic YWRtaW46YWRtaW4="},
    ],
)
def test_with_the_cookie_nothing_changes_unless_the_page_is_airflows_own(browser, headers):
    answer = browser.post(FIRE, json={"trigger": "firstPage"}, headers=headers)
    assert answer.status_code == 403
    assert answer.json()["reason"] == "CrossOrigin"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://testserver"},
        {"Origin": "https://testserver"},
        {"Origin": "https://airflow.example"},
    ],
)
def test_airflows_own_pages_may_use_the_cookie(browser, monkeypatch, headers):
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example/airflow")
    answer = browser.post(FIRE, content="{", headers={"Content-Type": "application/json", **headers})
    assert answer.json()["reason"] == "InvalidBody"


def test_with_a_bearer_token_it_does_not_matter_where_the_request_comes_from(api):
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": "http://other.example"}
    answer = api.client("admin").post(
        FIRE, content="{", headers={"Content-Type": "application/json", **headers}
    )
    assert answer.json()["reason"] == "InvalidBody"


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("api/v1/sessions/a%2Fb", "a/b"),
        ("api/v1/sessions/order-1%2ffires", "order-1/fires"),
        ("api/v1/sessions/order-1%2Finstances/fires", "order-1/instances"),
        ("api/v1/sessions/%FF", "xff"),
        ("api/v1/sessions/%20order-1", " order-1"),
        ("api/v1/sessions/order%0D1", "order"),
        ("api/v1/sessions/order-1%0A", "order-1"),
        ("api/v1/sessions/" + "x" * 201, "201 characters"),
        ("api/v1/sessions/%00", "x00"),
        ("api/v1/sessions/", "found ''"),
        ("api/v1/sessions//fires", "found ''"),
        ("api/v1/%73essions/b-1%2Ffires", "b-1/fires"),
        ("%61pi/v1/sessions/b-1%2ffires", "b-1/fires"),
        ("api/v%31/%73%65ssions/b-1%2Finstances/t_x%230", "b-1/instances"),
        ("api/v1/sessions/b-1%2F..%2Fb-2", "b-1/../b-2"),
        ("api/v1/sessions/%2E", "'.'"),
        ("api/v1/sessions/%2e%2E/fires", "'..'"),
        ("api/v1/sessions/%2F", "'/'"),
    ],
)
@pytest.mark.parametrize("base_path", ["", "/airflow"])
def test_a_uid_of_another_form_is_refused(monkeypatch, base_path, path, found):
    api = mounted_api(monkeypatch, base_path=base_path)
    answer = api.client("admin").get(path)
    assert (answer.status_code, answer.json()["reason"]) == (422, "InvalidSessionUid")
    assert found in answer.json()["detail"]


@pytest.mark.parametrize(
    "path",
    [
        "api/v1/sessions/b-1/fires%2F",
        "api/v1%2Fsessions",
        "api%2Fv1%2Fsessions%2Fb-1",
        "api//v1/sessions",
        "/api/v1/sessions",
        "api/v1//sessions/b-1",
        "api/v1/Sessions/b-1",
        "API/v1/sessions",
        "api/v1/sessions%0A",
        "api/v1/sessions;x",
        "api/v1/sessions/b-1/fires%0A",
        "api/v1/%2E/sessions",
        "docs%2F",
        "%2Fdocs",
    ],
)
@pytest.mark.parametrize("base_path", ["", "/airflow"])
def test_a_path_is_routed_by_its_segments_as_they_were_sent(monkeypatch, base_path, path):
    client = mounted_api(monkeypatch, base_path=base_path).client("admin")
    answer = client.post(f"{client.base_url}{path}")
    assert (answer.status_code, answer.json()["reason"]) == (404, "NotFound")


@pytest.mark.parametrize("path", ["%74riggers/docs", "triggers/%64ocs", "triggers/docs"])
def test_a_path_may_be_encoded_where_it_need_not_be(api, path):
    assert api.client("admin").get(f"http://testserver/{path}").status_code == 200


def test_a_mount_with_an_encoded_slash_is_not_ours(monkeypatch):
    client = mounted_api(monkeypatch, base_path="/airflow").client("admin")
    answer = client.get("http://testserver/airflow%2Ftriggers/docs")
    assert (answer.status_code, answer.json()["reason"]) == (404, "NotFound")


def test_an_encoded_slash_of_a_name_reaches_its_route(api, monkeypatch):
    names = []
    monkeypatch.setattr(
        history, "why", lambda uid, name, **_: names.append((uid, name)) or raise_not_found(name)
    )
    monkeypatch.setattr(sessions, "configuration_of", lambda uid: Configuration())
    answer = api.client("admin").get("api/v1/sessions/b-1/instances/t%2Fx%230/why")
    assert (answer.status_code, answer.json()["reason"]) == (404, "InstanceNotFound")
    assert names == [("b-1", "t/x#0")]


def raise_not_found(name):
    raise InstanceNotFound(f"There is no {name}.")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "api/v1/sessions", "GET, POST"),
        ("PUT", "api/v1/sessions/order-1/fires", "GET, POST"),
        ("PATCH", "api/v1/sessions/order-1", "DELETE, GET"),
        ("DELETE", "api/v1/fires", "GET, POST"),
        ("GET", "api/v1/sessions/order-1/instances/t_x%230/replay", "POST"),
        ("POST", "api/v1/sessions/order-1/instances/t%2Fx%230", "GET"),
        ("HEAD", "api/v1/sessions", "GET, POST"),
        ("OPTIONS", "api/v1/fires", "GET, POST"),
        ("TRACE", "api/v1/sessions/order-1/history", "GET"),
        ("QUERY", "api/v1/sessions/order-1/hooks/1/call", "POST"),
        ("POST", "docs", "GET, HEAD"),
    ],
)
@pytest.mark.parametrize("base_path", ["", "/airflow"])
def test_a_method_that_no_route_takes_is_answered_with_all_that_some_route_takes(
    monkeypatch, base_path, method, path, allowed
):
    answer = mounted_api(monkeypatch, base_path=base_path).client("admin").request(method, path)
    assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_of_more_than_a_mebibyte_is_refused(api, announced):
    body = b'{"trigger": "firstPage", "kwargs": {"text": "' + b"x" * 1024 * 1024 + b'"}}'
    answer = api.client("admin").post(
        FIRE, content=body if announced else iter([body]), headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["reason"]) == (413, "TooLarge")


@pytest.mark.parametrize(
    ("path", "status", "reason"),
    [
        ("no/such/page", 404, "NotFound"),
        ("api/v1/sessions/order-1/", 404, "NotFound"),
        ("api/v1/sessions/order-1/instances/t_x%230/replay", 405, "MethodNotAllowed"),
    ],
)
def test_what_does_not_exist_says_so_in_our_form(api, path, status, reason):
    answer = api.client("admin").get(path)
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)
    assert answer.json()["detail"].endswith(".")


@pytest.mark.parametrize("base_path", ["", "/airflow"])
def test_the_documentation_finds_its_schema_below_the_mount_and_the_base_url(monkeypatch, base_path):
    client = mounted_api(monkeypatch, base_path=base_path).client("admin")
    for page in ("docs", "redoc"):
        assert f"{base_path}/triggers/openapi.json" in client.get(page).text
    assert client.get("openapi.json").json()["servers"] == [{"url": f"{base_path}/triggers"}]


ASSET = re.compile(r"""(?:src|href|url|spec-url)[=:] ?["']([^"']+)["']""")


@pytest.mark.parametrize("base_path", ["", "/airflow"])
@pytest.mark.parametrize("page", ["docs", "redoc"])
def test_the_documentation_loads_everything_from_this_server(monkeypatch, base_path, page):
    client = mounted_api(monkeypatch, base_path=base_path).client("admin")
    answer = client.get(page)
    html = answer.text
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'self' ")
    urls = ASSET.findall(html)
    assert len(urls) >= 3
    assert "//" not in "".join(urls)
    for url in urls:
        answer = client.get(f"http://testserver{url}")
        assert (answer.status_code, len(answer.content) > 1000) == (200, True), url
        assert client.get(f"http://testserver{url}", headers={"Authorization": "Bearer x"}).status_code == 401


@pytest.mark.parametrize("name", ["no-such.js", "..%2Fcore.py", "%2E%2E", "a%00b"])
def test_the_documentations_files_are_those_of_one_folder(api, name):
    answer = api.client("admin").get(f"docs-assets/{name}")
    assert (answer.status_code, answer.json()["reason"]) == (404, "NotFound")


def test_a_browser_keeps_the_documentations_files(api):
    client = api.client("admin")
    tag = client.get("docs-assets/swagger-ui.css").headers["ETag"]
    assert client.get("docs-assets/swagger-ui.css", headers={"If-None-Match": tag}).status_code == 304


def test_the_documentation_is_off_where_airflows_is(monkeypatch):
    monkeypatch.setenv("AIRFLOW__API__ENABLE_SWAGGER_UI", "False")
    client = mounted_api(monkeypatch).client("admin")
    assert [client.get(page).status_code for page in ("docs", "redoc", "openapi.json")] == [404, 404, 200]
    assert client.get("docs-assets/swagger-ui.css").status_code == 404


def test_every_operation_documents_its_errors_and_how_to_authenticate(api):
    schema = api.client("admin").get("openapi.json").json()
    for methods in schema["paths"].values():
        for operation in methods.values():
            assert {"401", "403", "422", "503"} <= operation["responses"].keys()
            assert operation["security"] == [{"HTTPBearer": []}, {"APIKeyCookie": []}]
            assert operation["summary"]
            assert operation["description"]
