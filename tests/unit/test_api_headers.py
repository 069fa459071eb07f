"""What a request says in its headers: the idempotency key of a fire."""

from __future__ import annotations

import pytest
from airflow.api_fastapi.app import purge_cached_app

from airflow_triggers.api.datamodels import FireResultBody
from airflow_triggers.api.header_values import opaque_tags
from airflow_triggers.api.routes import fires
from airflow_triggers.domain.fires import FireResult
from tests.support.api import mounted_api

FIRE = "api/v1/sessions/order-1/fires"
KEY = "Idempotency-Key"


@pytest.fixture
def client(monkeypatch):
    yield mounted_api(monkeypatch).client("admin")
    purge_cached_app()


@pytest.fixture
def requests(monkeypatch):
    """The requests that would have been fired."""
    requests = []

    def fire_for(request, permissions, user_name):
        requests.append(request)
        return FireResultBody.of(FireResult(fire_id=1, trigger_name=request.trigger_name))

    monkeypatch.setattr(fires, "fire_for", fire_for)
    return requests


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ('"order-1/paid"', "order-1/paid"),
        ("order-1/paid", "order-1/paid"),
        (r'"a\"b\\c"', r"a\"b\c".replace("\\", "", 1)),
        ('" a "', " a "),
        ("two words", "two words"),
        ("7", "7"),
        ('"' + "x" * 250 + '"', "x" * 250),
    ],
)
def test_a_fire_takes_its_idempotency_key_from_the_header(client, requests, value, key):
    answer = client.post(FIRE, json={"trigger": "paid"}, headers={KEY: value})
    assert answer.status_code == 200, answer.text
    assert [request.idempotency_key for request in requests] == [key]


@pytest.mark.parametrize("body_key", [None, "order-1/paid"])
def test_the_header_and_the_body_may_name_the_same_key(client, requests, body_key):
    body = {"trigger": "paid", "idempotency_key": body_key}
    assert client.post(FIRE, json=body, headers={KEY: '"order-1/paid"'}).status_code == 200
    assert [request.idempotency_key for request in requests] == ["order-1/paid"]


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("", "must be 1-250 printable ASCII characters"),
        ('""', "must be 1-250 printable ASCII characters"),
        ('"a', "must be 1-250 printable ASCII characters"),
        ('"a";b=1', "must be 1-250 printable ASCII characters"),
        (b"\xc3\xa9", "must be 1-250 printable ASCII characters"),
        ("x" * 251, "must be 1-250 printable ASCII characters"),
        ('"another"', "must be the 'idempotency_key' of the body, 'order-1/paid', or be left out"),
    ],
)
def test_a_header_that_is_no_key_or_another_one_than_the_bodys_is_refused(client, requests, value, problem):
    body = {"trigger": "paid", "idempotency_key": "order-1/paid"}
    answer = client.post(FIRE, json=body, headers={KEY: value})
    assert (answer.status_code, answer.json()["reason"]) == (422, "InvalidHeader")
    (place,) = answer.json()["errors"]
    assert (place["in"], place["field"]) == ("header", KEY)
    assert problem in place["problem"]
    assert requests == []


def test_two_different_headers_are_refused(client, requests):
    answer = client.post(FIRE, json={"trigger": "paid"}, headers=[(KEY, "a"), (KEY, "b")])
    assert (answer.status_code, answer.json()["reason"]) == (422, "InvalidHeader")
    assert requests == []


def test_a_batch_refuses_the_header_and_names_the_bodys_member(client):
    fires = [{"session_uid": "order-1", "trigger": "paid"}]
    answer = client.post("api/v1/fires", json={"fires": fires}, headers={KEY: '"k"'})
    assert (answer.status_code, answer.json()["reason"]) == (422, "InvalidHeader")
    assert "each fire of a batch has its own 'idempotency_key'" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("header", "tags"),
    [
        ("*", None),
        ('"a"', {"a"}),
        ('"a", "b" ,"c"', {"a", "b", "c"}),
        ('W/"a", "b"', {"b"}),
        ('W/"a"', set()),
        ('""', {""}),
    ],
)
def test_a_weak_tag_never_allows_an_act(header, tags):
    assert opaque_tags(header) == tags


@pytest.mark.parametrize("header", ["a", '"a', '"a" "b"', "", '"é"', '*, "a"'])
def test_what_is_no_list_of_entity_tags_is_refused(client, header):
    answer = client.delete(
        "api/v1/sessions/order-1", headers={"Authorization": "Bearer admin", "If-Match": header.encode()}
    )
    assert (answer.status_code, answer.json()["reason"]) == (422, "InvalidHeader")
