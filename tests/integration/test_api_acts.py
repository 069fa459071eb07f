"""Acts on one instance by hand, over REST: a status, metadata, logs."""

from __future__ import annotations

import pytest
from airflow.api_fastapi.app import purge_cached_app

from airflow_triggers.domain.events import EventKind
from airflow_triggers.sessions.opening import open_session
from tests.support.api import mounted_api
from tests.support.surveys import failed_import, statuses, view

PATH = "api/v1/sessions/order-1/instances/t_import%230"


@pytest.fixture
def client(survey, controller, monkeypatch):
    failed_import(controller)
    yield mounted_api(monkeypatch).client("admin")
    purge_cached_app()


def history_kinds():
    return [event.kind for event in open_session("order-1").storage.events(limit=1)]


def test_a_status_is_set_with_a_cascade_and_its_result(client):
    body = {"status": "finished", "cascade": True, "result": {"n": 2}, "metadata": {"ticket": 17}}
    answer = client.post(f"{PATH}/status", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "finished"
    metadata = answer.json()["metadata"]
    assert (metadata["ticket"], metadata["result"]) == (17, {"n": 2})
    assert statuses() == {"t_import#0": "finished", "t_score#0": "scheduled"}
    assert view("t_score#0").instance.kwargs == {"t_import": {"n": 2}}


def test_a_status_set_twice_is_refused_and_cascades_once(client):
    body = {"status": "finished", "cascade": True}
    answers = [client.post(f"{PATH}/status", json=body) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 409]
    assert answers[1].json()["reason"] == "InvalidTransition"
    assert len(open_session("order-1").storage.fires()) == 2


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"status": "running"}, "expected one of: unstarted, finished, failed, skipped, abandoned"),
        ({"status": "failed", "cascade": True}, "finished or skipped"),
        ({"status": "running"}, "The status to set is 'running', expected"),
        ({"status": "done"}, "must be one of: unstarted, finished, failed, skipped, abandoned"),
        (
            {"status": "finished", "metadata": {"logLevel": "high"}},
            "'logLevel' takes an integer; found 'high'",
        ),
        ({"status": "finished", "metadata": {"parent": "t_x#0"}}, "'parent' is kept by the framework"),
    ],
    ids=lambda value: None if isinstance(value, str) else str(value),
)
def test_an_impossible_status_is_refused_and_changes_nothing(client, body, problem):
    answer = client.post(f"{PATH}/status", json=body)
    assert answer.status_code == 422
    assert problem in answer.text
    assert statuses() == {"t_import#0": "failed"}


def test_metadata_is_merged_and_the_history_names_its_keys(client):
    client.post(f"{PATH}/metadata", json={"metadata": {"a": 1, "b": {"x": 1}}})
    answer = client.post(f"{PATH}/metadata", json={"metadata": {"b": {"y": 2}}})
    assert answer.status_code == 200, answer.text
    metadata = answer.json()["metadata"]
    assert (metadata["a"], metadata["b"]) == (1, {"y": 2})
    assert answer.json()["status"] == "failed"
    (event,) = open_session("order-1").storage.events(limit=1)
    assert (event.kind, event.by, event.details["keys"]) == (EventKind.METADATA, "admin", ["b"])


@pytest.mark.parametrize("metadata", [{}, {"timestamps": {}}, None, {"logLevel": "high"}])
def test_metadata_outside_the_form_is_refused(client, metadata):
    assert client.post(f"{PATH}/metadata", json={"metadata": metadata}).status_code == 422
    assert history_kinds() == [EventKind.PROGRESS]


def test_logs_are_marked_as_resolved(client):
    open_session("order-1").update_instance_metadata("t_import#0", {"logLevel": 40})
    assert not view("t_import#0").instance.logs_resolved
    answer = client.post(f"{PATH}/resolve-logs")
    assert answer.status_code == 200, answer.text
    assert answer.json()["metadata"]["logsResolved"] is True
    assert history_kinds() == [EventKind.LOGS_RESOLVED]
    assert view("t_import#0").instance.logs_resolved
