"""ETag, If-Match, If-None-Match: an act on what somebody has changed meanwhile is refused, and changes nothing."""

from __future__ import annotations

import pytest
from airflow.api_fastapi.app import purge_cached_app

from airflow_triggers.domain.states import Event
from airflow_triggers.sessions import deleting, repairs
from airflow_triggers.sessions.opening import create_session, fire_into, open_session
from airflow_triggers.storages import cache
from tests.conftest import REDIS_URL
from tests.support.api import mounted_api
from tests.support.dags import deploy_configuration
from tests.support.surveys import statuses

SESSION = "api/v1/sessions/order-1"
FAILED = f"{SESSION}/instances/t_import%230"


@pytest.fixture
def client(airflow_db, monkeypatch):
    deploy_configuration("survey", t_import={"after": ["firstPage"], "andEvery": "page"})
    yield mounted_api(monkeypatch).client("admin")
    purge_cached_app()


@pytest.fixture
def session(client):
    """A session with a failed instance and a running one."""
    fire_into("order-1", "firstPage", configuration="survey")
    for _ in range(2):
        fire_into("order-1", "page")
    manager = open_session("order-1")
    manager.record_progress("t_import#0", Event.START)
    manager.record_progress("t_import#0", Event.FAIL)
    manager.record_progress("t_import#1", Event.START)
    return manager


def tag_of(client, path):
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.headers["ETag"]


def test_a_session_keeps_its_tag_until_it_changes(client, session):
    tag = tag_of(client, SESSION)
    assert tag_of(client, SESSION) == tag
    fire_into("order-1", "unused")
    assert tag_of(client, SESSION).partition(".")[0] != tag.partition(".")[0]


def test_an_instance_keeps_its_tag_when_another_one_changes(client, session):
    tag = tag_of(client, FAILED)
    session.record_progress("t_import#1", Event.FAIL)
    assert tag_of(client, FAILED) == tag
    session.update_instance_metadata("t_import#0", {"seen": True})
    assert tag_of(client, FAILED) != tag


@pytest.mark.parametrize("path", [SESSION, FAILED])
def test_who_has_the_answer_already_gets_no_body(client, session, path):
    tag = tag_of(client, path)
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        answer = client.get(path, headers={"If-None-Match": known})
        assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", tag)
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize(
    ("act", "body"),
    [
        ("replay", {}),
        ("skip", {}),
        ("status", {"status": "finished"}),
        ("metadata", {"metadata": {"ticket": 1}}),
        ("resolve-logs", None),
    ],
)
def test_an_act_on_an_instance_that_has_changed_is_refused(client, session, act, body):
    tag = tag_of(client, FAILED)
    session.update_instance_metadata("t_import#0", {"seen": True})
    answer = client.post(f"{FAILED}/{act}", json=body, headers={"If-Match": tag})
    assert (answer.status_code, answer.json()["reason"]) == (412, "PreconditionFailed")
    assert "Instance 't_import#0' of session 'order-1' has changed since you read it." in answer.text
    assert statuses("order-1") == {"t_import#0": "failed", "t_import#1": "running"}


@pytest.mark.parametrize("act", ["replay", "skip"])
@pytest.mark.parametrize("form", ["{tag}", '"other", {tag}', "*"])
def test_a_repair_of_an_instance_as_it_was_read_is_made(client, session, act, form):
    if_match = form.format(tag=tag_of(client, FAILED))
    session.record_progress("t_import#1", Event.FAIL)
    answer = client.post(f"{FAILED}/{act}", json={}, headers={"If-Match": if_match})
    assert answer.status_code == 200, answer.text


def test_the_condition_is_checked_under_the_lock(client, session, monkeypatch):
    """A change after the request was read, and before it has the lock, is seen."""
    tag = tag_of(client, FAILED)

    def change_and_open(uid):
        session.update_instance_metadata("t_import#0", {"seen": True})
        return open_session(uid)

    monkeypatch.setattr(repairs, "open_session", change_and_open)
    answer = client.post(f"{FAILED}/skip", json={}, headers={"If-Match": tag})
    assert answer.status_code == 412
    assert statuses("order-1")["t_import#0"] == "failed"


def test_a_weak_tag_allows_nothing(client, session):
    answer = client.post(f"{FAILED}/skip", json={}, headers={"If-Match": f"W/{tag_of(client, FAILED)}"})
    assert answer.status_code == 412


def test_a_session_is_deleted_only_as_it_was_read(client, monkeypatch):
    delete_as_it_was_read(client, monkeypatch, storage="sql")


def test_a_session_in_a_cache_is_deleted_only_as_it_was_read(client, monkeypatch, redis_region):
    monkeypatch.setattr(cache, "default_region", lambda: redis_region)
    monkeypatch.setenv("AIRFLOW__TRIGGERS__CACHE_URL", REDIS_URL)
    delete_as_it_was_read(client, monkeypatch, storage="cache")


def delete_as_it_was_read(client, monkeypatch, *, storage):
    create_session("order-1", configuration="survey", storage=storage)
    tag, record_of = tag_of(client, SESSION), deleting.record_of

    def fire_and_look(uid):
        fire_into("order-1", "firstPage")
        return record_of(uid)

    with monkeypatch.context() as patch:
        patch.setattr(deleting, "record_of", fire_and_look)
        answer = client.delete(f"{SESSION}?force=true", headers={"If-Match": tag})
    assert (answer.status_code, answer.json()["reason"]) == (412, "PreconditionFailed")
    assert "Session 'order-1' has changed" in answer.json()["detail"]

    tag = tag_of(client, SESSION)
    assert client.delete(f"{SESSION}?force=true", headers={"If-Match": tag}).status_code == 200
    assert client.get(SESSION).status_code == 404


def test_a_session_made_anew_has_another_tag(client, session):
    tag = tag_of(client, SESSION)
    assert client.delete(f"{SESSION}?force=true").status_code == 200
    create_session("order-1", configuration="survey")
    assert tag_of(client, SESSION) != tag
    assert client.delete(SESSION, headers={"If-Match": tag}).status_code == 412
