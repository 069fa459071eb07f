"""Hooks that raise too often: parked where people see them, called again by whoever mended them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from airflow.api_fastapi.app import purge_cached_app
from airflow.utils.session import create_session as airflow_session
from sqlalchemy import update

from airflow_triggers.domain.hooks import MAX_HOOK_ATTEMPTS
from airflow_triggers.errors import NothingParked, SessionNotFound
from airflow_triggers.history.pages import history_of
from airflow_triggers.history.parked import call_hook_again, failed_hooks
from airflow_triggers.history.sentences import sentence_of
from airflow_triggers.manager.manager import TriggerManager, trigger_managers
from airflow_triggers.sessions.describing import describe_session
from airflow_triggers.sessions.opening import create_session, fire_into
from airflow_triggers.storages import tables
from tests.support.api import mounted_api


class Moody(TriggerManager):
    """Its hook raises until it is told otherwise."""

    name = "moody"
    raises = True

    def _post_fire(self, trigger_name, tasks_scheduled):
        if self.raises:
            raise RuntimeError("not today")


@pytest.fixture
def parked(survey, controller, monkeypatch):
    """A session whose hook raised as often as it may; its id."""
    trigger_managers.register("moody", Moody)
    create_session("order-1", configuration="survey", manager="moody")
    fire_into("order-1", "firstPage")
    with airflow_session() as session:
        values = {"attempts": MAX_HOOK_ATTEMPTS - 1, "due": datetime.now(UTC)}
        session.execute(update(tables.hook).values(**values))
    controller.run_once()
    yield describe_session("order-1").hooks[0].token
    trigger_managers.unregister("moody")


def stories():
    return [
        sentence_of(entry)
        for entry in history_of("order-1").entries
        if getattr(entry, "kind", "").startswith("hook")
    ]


def test_a_parked_hook_is_seen_in_the_session_its_history_and_the_list(parked, controller):
    (hook,) = describe_session("order-1").hooks
    assert (hook.parked, hook.attempts) == (True, MAX_HOOK_ATTEMPTS)
    assert "RuntimeError: not today" in hook.error
    assert stories() == [
        "The hook _post_fire (after firstPage) raised too often, and is parked: RuntimeError: not today.",
        "The hook _post_fire (after firstPage) raised and is called again later: RuntimeError: not today.",
    ]
    assert [(one.uid, one.hook.token) for one in failed_hooks(parked=True)] == [("order-1", parked)]
    with pytest.raises(SessionNotFound, match="order-2"):
        failed_hooks(uid="order-2")
    with airflow_session() as session:
        session.execute(update(tables.hook).values(due=datetime.now(UTC)))
    assert controller.run_once() == 0, "it is not called again by itself, and keeps nothing from going on"
    assert fire_into("order-1", "another").fire_id


def test_it_is_called_again_until_it_ends(parked, monkeypatch):
    assert "not today" in call_hook_again("order-1", parked, by="ann")
    assert describe_session("order-1").hooks[0].parked
    monkeypatch.setattr(Moody, "raises", False)
    assert call_hook_again("order-1", parked, by="ann") is None
    assert describe_session("order-1").hooks == ()
    assert stories()[:2] == [
        "The hook _post_fire was called again, and ended.",
        "The hook _post_fire was called again, and raised again.",
    ]
    with pytest.raises(NothingParked, match=f"no hook {parked} to be called"):
        call_hook_again("order-1", parked)


def test_rest_shows_it_and_calls_it_for_who_may_create_runs(parked, monkeypatch):
    api = mounted_api(monkeypatch)
    path = f"api/v1/sessions/order-1/hooks/{parked}/call"
    (shown,) = api.client("viewer").get("api/v1/sessions/order-1").json()["hooks"]
    assert (shown["id"], shown["hook"], shown["parked"], shown["due"]) == (parked, "_post_fire", True, None)
    assert api.client("viewer").post(path).status_code == 403
    raised = api.client("admin").post(path).json()
    assert (raised["ended"], raised["hook"]["id"]) == (False, parked)
    assert "not today" in raised["error"]
    monkeypatch.setattr(Moody, "raises", False)
    assert api.client("admin").post(path).json() == {"ended": True, "error": None, "hook": None}
    again = api.client("admin").post(path)
    assert (again.status_code, again.json()["reason"]) == (404, "NothingParked")
    purge_cached_app()
