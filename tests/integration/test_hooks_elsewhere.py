"""Hooks of sessions that are kept in Redis: at least once, whoever dies, as of sessions in Airflow's database."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from airflow.utils.session import create_session as airflow_session
from sqlalchemy import select, update

from airflow_triggers.controller.loop import Controller
from airflow_triggers.errors import RegistryError
from airflow_triggers.manager.manager import TriggerManager, trigger_managers
from airflow_triggers.sessions.opening import create_session, fire_into, open_session
from airflow_triggers.storages import cache, tables
from airflow_triggers.storages.cache import CacheStorageBackend
from tests.conftest import REDIS_URL
from tests.support.surveys import statuses

CALLED = []


class Told(TriggerManager):
    """Tells what it was told of."""

    name = "told"
    raises = False

    def _post_fire(self, trigger_name, tasks_scheduled):
        CALLED.append((trigger_name, [one.name for one in tasks_scheduled]))
        if self.raises:
            raise ConnectionError("nobody listens")


@pytest.fixture(autouse=True)
def told(survey, redis_region, monkeypatch):
    """The survey's session ``order-1`` in Redis, whose manager tells."""
    monkeypatch.setattr(cache, "default_region", lambda: redis_region)
    monkeypatch.setenv("AIRFLOW__TRIGGERS__CACHE_URL", REDIS_URL)
    monkeypatch.setattr(Told, "raises", False)
    CALLED.clear()
    trigger_managers.register("told", Told)
    create_session("order-1", configuration="survey", storage="cache", manager="told")
    yield
    trigger_managers.unregister("told")


def owed():
    with airflow_session() as session:
        return [(row.hook, row.attempts) for row in session.execute(select(tables.hook))]


def let_hooks_fall_due():
    with airflow_session() as session:
        session.execute(update(tables.hook).values(due=datetime.now(UTC)))


def fire_and_die(monkeypatch, trigger="firstPage"):
    with monkeypatch.context() as dying:
        dying.setattr(TriggerManager, "call_hook", lambda *_, **__: None)
        fire_into("order-1", trigger)


def test_a_hook_is_called_by_who_fired_and_nobody_else():
    fire_into("order-1", "firstPage")
    assert CALLED == [("firstPage", ["t_import#0"])]
    assert owed() == []
    assert open_session("order-1").storage.pending_hooks() == []


def test_a_hook_whose_process_died_is_called_once_by_the_controller(monkeypatch):
    fire_and_die(monkeypatch)
    Controller().run_once()
    assert (CALLED, owed()) == ([], [("_post_fire", 0)]), "the process has time to call it itself"
    let_hooks_fall_due()
    for _ in range(2):
        Controller().run_once()
    assert CALLED == [("firstPage", ["t_import#0"])]
    assert owed() == []
    assert open_session("order-1").storage.pending_hooks() == []


def test_a_hook_that_raises_is_called_again_later(monkeypatch):
    monkeypatch.setattr(Told, "raises", True)
    fire_into("order-1", "firstPage")
    assert owed() == [("_post_fire", 1)]
    let_hooks_fall_due()
    Controller().run_once()
    assert owed() == [("_post_fire", 2)]
    monkeypatch.setattr(Told, "raises", False)
    let_hooks_fall_due()
    Controller().run_once()
    assert (len(CALLED), owed()) == (3, [])


def test_a_hook_of_a_fire_that_was_not_saved_is_not_called(monkeypatch, redis_region):
    def dies(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(redis_region, "set", dies)
        with pytest.raises(KeyboardInterrupt):
            fire_into("order-1", "unheard")
    assert owed() == [("_post_fire", 0)]
    let_hooks_fall_due()
    Controller().run_once()
    assert (CALLED, owed(), statuses()) == ([], [], {})


def test_a_hook_of_a_session_that_was_evicted_is_forgotten(monkeypatch, redis_region):
    fire_and_die(monkeypatch)
    redis_region.delete(cache.KEY_PREFIX + "order-1")
    let_hooks_fall_due()
    Controller().run_once()
    assert (CALLED, owed()) == ([], [])


def test_a_hook_whose_process_died_after_it_was_called_may_be_forgotten(monkeypatch):
    fire_and_die(monkeypatch)
    manager = open_session("order-1")
    ((token, hook, arguments),) = manager.storage.pending_hooks()
    manager.call_hook(token, hook, arguments)
    let_hooks_fall_due()
    Controller().run_once()
    assert (len(CALLED), owed()) == (1, [])


def test_a_hook_whose_manager_is_gone_is_counted(monkeypatch):
    fire_and_die(monkeypatch)
    trigger_managers.unregister("told")
    with pytest.raises(RegistryError):
        open_session("order-1")
    let_hooks_fall_due()
    Controller().run_once()
    assert owed() == [("_post_fire", 1)]


def test_a_session_that_airflow_does_not_know_of_has_its_hooks_called_by_who_fired():
    storage = CacheStorageBackend("of-nobody")
    assert storage.shared
    Told(storage).fire("x")
    assert CALLED == [("x", [])]
    assert owed() == []
