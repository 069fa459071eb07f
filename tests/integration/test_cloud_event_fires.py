"""CloudEvents fire into real sessions, on both databases: each counts once, with the rights of a fire."""

from __future__ import annotations

import pytest
from airflow.api_fastapi.app import purge_cached_app

from airflow_triggers.api.cloud_events import BATCH, STRUCTURED
from airflow_triggers.sessions.describing import fires_of
from tests.support.api import READING, mounted_api
from tests.support.dags import deploy_configuration
from tests.support.surveys import statuses

EVENTS = "api/v1/cloudevents"
PAGE = {
    "specversion": "1.0",
    "id": "page-1",
    "source": "/shop",
    "type": "firstPage",
    "subject": "order-1",
    "configuration": "survey",
    "data": {"page": 1},
}


@pytest.fixture
def api(airflow_db, monkeypatch):
    deploy_configuration("survey", t_import={"after": ["firstPage"]})
    yield mounted_api(monkeypatch)
    purge_cached_app()


def post(api, content, content_type=STRUCTURED, user="admin"):
    return api.client(user).post(EVENTS, json=content, headers={"Content-Type": content_type})


def test_an_event_counts_once_and_its_session_is_made_by_it(api):
    first, again = post(api, PAGE), post(api, {**PAGE, "time": "2026-05-17T08:00:00Z"})
    assert (first.status_code, first.json()["scheduled"], first.json()["repeated"]) == (
        200,
        ["t_import#0"],
        False,
    )
    assert (again.json()["fire_id"], again.json()["repeated"]) == (first.json()["fire_id"], True)
    (fire,) = fires_of("order-1")
    assert (fire.trigger_name, dict(fire.kwargs), fire.fired_by) == ("firstPage", {"page": 1}, "admin")


def test_an_event_with_the_id_of_another_is_a_conflict(api):
    post(api, PAGE)
    answer = post(api, {**PAGE, "data": {"page": 2}})
    assert (answer.status_code, answer.json()["reason"]) == (409, "IdempotencyConflict")


def test_a_batch_of_events_is_answered_as_a_batch_of_fires(api):
    events = [
        PAGE,
        {**PAGE, "subject": "order-2", "configuration": None},
        {**PAGE, "id": ""},
        {**PAGE, "id": "2"},
    ]
    results = post(api, events, BATCH).json()["results"]
    assert [(result["status"], result.get("reason")) for result in results] == [
        (200, None),
        (404, "SessionNotFound"),
        (422, "InvalidEvent"),
        (200, None),
    ]
    assert statuses("order-1") == {"t_import#0": "scheduled"}


def test_who_may_not_fire_may_not_by_an_event(api):
    post(api, PAGE)
    api.let("viewer", *READING)
    answers = [
        post(api, {**PAGE, "id": "2"}, user="viewer"),
        post(api, [{**PAGE, "id": "2"}], BATCH, "viewer"),
    ]
    assert answers[0].status_code == 403
    assert answers[1].json()["results"][0]["status"] == 403
    assert len(fires_of("order-1")) == 1
