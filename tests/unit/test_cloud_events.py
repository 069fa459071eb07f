"""CloudEvents become fires, or are refused with the name of the attribute. No database."""

from __future__ import annotations

import base64
import json

import pytest
from airflow.api_fastapi.app import purge_cached_app
from airflow.exceptions import AirflowConfigException

from airflow_triggers.api.cloud_events import BATCH, STRUCTURED, event_of_members
from airflow_triggers.api.datamodels import FireResultBody
from airflow_triggers.api.event_mapping import EventMapping, idempotency_key_of
from airflow_triggers.api.routes import batches, cloud_events
from airflow_triggers.domain.fires import FireResult
from tests.support.api import mounted_api

EVENTS = "api/v1/cloudevents"
PAID = {"specversion": "1.0", "id": "7", "source": "/shop", "type": "paid", "subject": "order-1"}


@pytest.fixture
def fires(monkeypatch):
    """The requests that would have been fired."""
    fires = []

    def fire_for(request, permissions, user_name):
        fires.append(request)
        return FireResultBody.of(FireResult(fire_id=len(fires), trigger_name=request.trigger_name))

    def fire_all(requests, **_):
        return [
            FireResult(fire_id=fires.append(fire) or 1, trigger_name=fire.trigger_name) for fire in requests
        ]

    monkeypatch.setattr(cloud_events, "fire_for", fire_for)
    monkeypatch.setattr(batches, "fire_all", fire_all)
    return fires


@pytest.fixture
def client(monkeypatch, fires):
    yield mounted_api(monkeypatch).client("admin")
    purge_cached_app()


def post(client, content, content_type=STRUCTURED, **headers):
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    every_header = {"Content-Type": content_type, **{f"ce-{name}": text for name, text in headers.items()}}
    return client.post(EVENTS, content=body, headers=every_header)


def members(fire):
    return (fire.session_uid, fire.trigger_name, dict(fire.trigger_kwargs), fire.idempotency_key)


FIRED = ("order-1", "paid", {"cents": 17}, "cloudevent /shop 7")


@pytest.mark.parametrize(
    ("content", "content_type", "headers"),
    [
        ({**PAID, "data": {"cents": 17}}, STRUCTURED, {}),
        ({**PAID, "data": {"cents": 17}}, f"{STRUCTURED}; charset=UTF-8", {}),
        ({**PAID, "data": {"cents": 17}, "traceparent": "00-1", "sampledrate": 3}, STRUCTURED, {}),
        ({**PAID, "data": {"cents": 17}, "configuration": None, "time": None}, STRUCTURED, {}),
        ({**PAID, "data": {"cents": 17}, "time": "2026-05-17T08:00:00.123456789Z"}, STRUCTURED, {}),
        ({**PAID, "data_base64": base64.b64encode(b'{"cents": 17}').decode()}, STRUCTURED, {}),
        ({**PAID, "data": {"cents": 17}}, STRUCTURED, {"id": "another", "type": "ignored"}),
        ({"cents": 17}, "application/json", PAID),
        ({"cents": 17}, "application/vnd.shop+json", {**PAID, "time": "2026-05-17T08:00:00%2B02:00"}),
        ({"cents": 17}, "application/json", {**PAID, "subject": '"order-1"'}),
    ],
)
def test_an_event_is_fired_whatever_its_mode(client, fires, content, content_type, headers):
    answer = post(client, content, content_type, **headers)
    assert (answer.status_code, answer.json()["fire_id"]) == (200, 1), answer.text
    assert list(map(members, fires)) == [FIRED]


def test_headers_are_percent_encoded(client, fires):
    headers = {**PAID, "subject": "caf%C3%A9%201", "type": "k%C3%A4se"}
    assert post(client, b"", "application/json", **headers).status_code == 200
    assert members(fires[0]) == ("café 1", "käse", {}, "cloudevent /shop 7")


def test_extension_attributes_name_the_configuration_and_the_moment(client, fires):
    event = {**PAID, "configuration": "orders", "fireat": "2931-05-17T08:00:00Z"}
    assert post(client, event).status_code == 200
    assert (fires[0].configuration, fires[0].fire_at.isoformat()) == ("orders", "2931-05-17T08:00:00+00:00")


def test_a_batch_answers_each_event(client, fires):
    events = [{**PAID, "data": {"cents": 17}}, {**PAID, "subject": "a/b"}, 7, {**PAID, "id": "8"}]
    answer = post(client, events, BATCH)
    results = answer.json()["results"]
    assert answer.status_code == 200
    assert [(result["index"], result["status"]) for result in results] == [
        (0, 200),
        (1, 422),
        (2, 422),
        (3, 200),
    ]
    assert results[1]["reason"] == "InvalidEvent"
    assert results[1]["instance"] == "/triggers/api/v1/cloudevents#/1"
    assert results[1]["errors"][0]["pointer"] == "#/subject"
    assert [members(fire)[3] for fire in fires] == ["cloudevent /shop 7", "cloudevent /shop 8"]


def without(name):
    return {key: value for key, value in PAID.items() if key != name}


@pytest.mark.parametrize(
    ("event", "attribute", "problem"),
    [
        *((without(name), name, "required") for name in PAID),
        ({**PAID, "specversion": "0.3"}, "specversion", "must be '1.0'"),
        ({**PAID, "id": ""}, "id", "must be 1-1000 printable characters"),
        *(({**PAID, name: 7}, name, "must be a string") for name in ("id", "source", "type", "subject")),
        ({**PAID, "datacontenttype": 7}, "datacontenttype", "must be a string"),
        ({**PAID, "source": "\n"}, "source", "must be 1-1000 printable characters"),
        ({**PAID, "id": "x" * 1001}, "id", "must be 1-1000 printable characters"),
        ({**PAID, "type": " paid"}, "type", "trigger"),
        ({**PAID, "subject": "a/b"}, "subject", "session"),
        ({**PAID, "time": "yesterday"}, "time", "must be a moment of RFC 3339"),
        ({**PAID, "time": 7}, "time", "must be a moment of RFC 3339"),
        ({**PAID, "fireat": "soon"}, "fireat", "a moment in ISO 8601"),
        ({**PAID, "configuration": ""}, "configuration", "at least 1 character"),
        ({**PAID, "Trace-Id": "1"}, "Trace-Id", "lowercase letters"),
        ({**PAID, "data": [17]}, "data", "must be a JSON object"),
        ({**PAID, "data": "17"}, "data", "must be a JSON object"),
        ({**PAID, "data": {"cents": 2**64}}, "data", "integers outside"),
        ({**PAID, "datacontenttype": "text/xml", "data": "<a/>"}, "datacontenttype", "must be that of JSON"),
        ({**PAID, "data_base64": "?"}, "data_base64", "must be base64"),
        ({**PAID, "data_base64": "e30=", "data": {}}, "data_base64", "must not stand beside 'data'"),
        ({**PAID, "data_base64": "PGEvPg=="}, "data", "must be JSON"),
    ],
)
def test_a_bad_event_names_its_attribute_and_fires_nothing(client, fires, event, attribute, problem):
    answer = post(client, event)
    assert (answer.status_code, answer.json()["reason"]) == (422, "InvalidEvent"), answer.text
    (place,) = answer.json()["errors"]
    assert (place["in"], place["field"], place["pointer"]) == ("body", attribute, f"#/{attribute}")
    assert problem in place["problem"]
    detail = f"The CloudEvent is not valid. {attribute}: {place['problem']}, found {place['found']}."
    assert answer.json()["detail"] == detail
    assert detail.count("found") == 1
    assert fires == []


@pytest.mark.parametrize(
    ("headers", "content", "field"),
    [
        (without("id"), {}, "ce-id"),
        (without("subject"), {}, "ce-subject"),
        ({**PAID, "time": "yesterday"}, {}, "ce-time"),
        ({**PAID, "id": "%ff"}, {}, "ce-id"),
        ({**PAID, "subject": "%ed%a0%80"}, {}, "ce-subject"),
        ({**PAID, "type": '"pa%c3"'}, {}, "ce-type"),
        ({**PAID, "configuration": "%80"}, {}, "ce-configuration"),
        (PAID, [17], "data"),
        (PAID, b"{", "data"),
        (PAID, b'{"a": 1, "a": 2}', "data"),
    ],
)
def test_a_bad_event_in_headers_names_the_header(client, fires, headers, content, field):
    answer = post(client, content, "application/json", **headers)
    assert (answer.status_code, answer.json()["reason"]) == (422, "InvalidEvent"), answer.text
    (place,) = answer.json()["errors"]
    assert (place["in"], place["field"]) == ("body" if field == "data" else "header", field)
    assert fires == []


@pytest.mark.parametrize(
    ("content", "content_type", "problem"),
    [
        ({"cents": 17}, "application/json", "expected an event as application/cloudevents+json"),
        (PAID, "application/cloudevents+xml", "expected an event as application/cloudevents+json"),
        (b"{", STRUCTURED, "must be JSON"),
        (b'{"id": "1", "id": "2"}', STRUCTURED, "the key 'id' twice"),
        (b"\xff", STRUCTURED, "must be JSON"),
        ([PAID], STRUCTURED, "expected a JSON object"),
        ([], BATCH, "expected a JSON array of 1 to 1000 events"),
        (PAID, BATCH, "expected a JSON array of 1 to 1000 events"),
        ([PAID] * 1001, BATCH, "found 1001 events"),
    ],
)
def test_what_is_no_event_says_what_is_expected(client, fires, content, content_type, problem):
    answer = post(client, content, content_type)
    assert (answer.status_code, answer.json()["reason"]) == (422, "InvalidEvent"), answer.text
    assert problem in answer.json()["detail"]
    assert fires == []


def test_a_batch_of_events_may_be_as_large_as_a_batch_of_fires(client):
    padding = {**PAID, "data": {"text": "x" * 1_100_000}}
    assert post(client, padding).status_code == 413
    assert (
        post(client, [padding], BATCH).json()["results"][0]["status"] == 422
    )  # kwargs have a limit of their own
    assert post(client, [{**padding, "data": {"text": "x" * 9_000_000}}], BATCH).status_code == 413


def set_types(monkeypatch, **settings):
    for name, value in settings.items():
        monkeypatch.setenv(f"AIRFLOW__TRIGGERS__CLOUDEVENTS_{name.upper()}", value)


def test_settings_map_types_and_attributes(client, fires, monkeypatch):
    types = {
        "com.example.paid": "orderPaid",
        "com.example.new": {"trigger": "orderPlaced", "configuration": "orders"},
    }
    set_types(
        monkeypatch,
        types=json.dumps(types),
        type_prefix="com.example.",
        session_attribute="order",
        configuration_attribute="rules",
    )
    for kind, rules in [("paid", {}), ("new", {}), ("new", {"rules": "own"}), ("shipped", {})]:
        event = {**without("subject"), "type": f"com.example.{kind}", "order": "order-1", **rules}
        assert post(client, event).status_code == 200
    assert post(client, {**PAID, "order": "order-2"}).status_code == 200
    assert [(fire.session_uid, fire.trigger_name, fire.configuration) for fire in fires] == [
        ("order-1", "orderPaid", None),
        ("order-1", "orderPlaced", "orders"),
        ("order-1", "orderPlaced", "own"),
        ("order-1", "shipped", None),
        ("order-2", "paid", None),
    ]
    refused = post(client, PAID)
    assert refused.json()["errors"][0]["field"] == "order"


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        ("{", "Expecting property name"),
        ("[]", "this is no object"),
        ("7", "this is no object"),
        ('{"a": 1}', "a: Input should be"),
        ('{"a": {"triger": "b"}}', "a.triger: Extra inputs"),
        ('{"a": {"trigger": 1}}', "a.trigger: Input should be a valid string"),
        ('{"a": {"trigger": ""}}', "a.trigger: must be 1-200 printable characters"),
        ('{"a": ""}', "a.trigger: must be 1-200 printable characters"),
        ('{"a": {"trigger": "b", "configuration": ""}}', "a.configuration: String should have at least 1"),
        (
            '{"a": {"trigger": "b", "manager": "nope"}}',
            "a.manager: must be a trigger manager that is installed",
        ),
        ('{"a": "b", "a": "c"}', "the key 'a' twice"),
    ],
)
def test_a_table_of_types_of_another_form_is_an_error_that_names_the_setting(monkeypatch, text, flaw):
    set_types(monkeypatch, types=text)
    with pytest.raises(AirflowConfigException, match="cloudevents_types") as refusal:
        EventMapping.from_settings()
    assert flaw in str(refusal.value)


@pytest.mark.parametrize(("content", "content_type"), [(PAID, STRUCTURED), ([PAID], BATCH)])
def test_broken_settings_are_the_servers_fault_and_only_its_log_shows_them(
    client, fires, monkeypatch, caplog, content, content_type
):
    set_types(monkeypatch, types='{"paid": {"trigger": "orderPaid", "manager": "nope"}}')
    answer = post(client, content, content_type)
    assert (answer.status_code, answer.json()["reason"]) == (503, "InvalidSetting")
    assert answer.json()["type"].endswith("/problems#InvalidSetting")
    assert "nope" not in answer.text
    assert '"manager": "nope"' in caplog.text
    assert fires == []


def key_of(source, event_id):
    return idempotency_key_of(event_of_members({**PAID, "source": source, "id": event_id}))


def test_different_events_have_different_keys_of_an_allowed_length():
    events = [
        ("a", "b c"),
        ("a b", "c"),
        ("a", "b"),
        ("b", "a"),
        ("a" * 900, "b"),
        ("a" * 900, "c"),
        ("é", "1"),
    ]
    keys = [key_of(*event) for event in events]
    assert len(set(keys)) == len(events)
    assert all(len(key) <= 250 and key.isprintable() for key in keys)
    assert keys == [key_of(*event) for event in events]
