"""Sessions that are kept in Redis and whose instances are DAG runs: the same promises, over two stores.

A process that dies between the two is played by an exception, or by a step that is left out.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session as airflow_session
from sqlalchemy import func, select, update

from airflow_triggers.controller import loop
from airflow_triggers.controller.loop import Controller
from airflow_triggers.errors import (
    ConfigurationError,
    InvalidTransition,
    SessionExists,
    SessionNotFound,
    StorageError,
)
from airflow_triggers.manager.manager import TriggerManager
from airflow_triggers.runners import promises
from airflow_triggers.sessions.describing import fires_of, list_sessions
from airflow_triggers.sessions.opening import create_session, fire_into, open_session
from airflow_triggers.sessions.records import records_of
from airflow_triggers.storages import cache, storage_backends, tables
from airflow_triggers.storages.cache import CacheStorageBackend
from airflow_triggers.storages.sql import SqlStorageBackend
from tests.conftest import REDIS_URL
from tests.support.dags import dag, deploy, play, run_of
from tests.support.surveys import statuses, view


@pytest.fixture
def in_redis(redis_region, monkeypatch):
    """Sessions in caches are in Redis, as if ``[triggers] cache_url`` said so, under keys of this test."""
    monkeypatch.setattr(cache, "default_region", lambda: redis_region)
    monkeypatch.setenv("AIRFLOW__TRIGGERS__CACHE_URL", REDIS_URL)


@pytest.fixture
def cached(survey, in_redis):
    """A session of the survey in Redis."""
    manager, created = create_session(
        "order-1", configuration="survey", storage="cache", metadata={"shop": 3}
    )
    assert created
    return manager


def runs():
    with airflow_session() as session:
        return session.scalar(select(func.count()).select_from(DagRun))


def promised():
    with airflow_session() as session:
        return [row.promised is not None for row in session.execute(select(tables.run))]


def let_promises_fall_due():
    with airflow_session() as session:
        session.execute(update(tables.run).values(retry_at=datetime.now(UTC)))


def test_airflows_processes_find_the_session_and_all_that_is_in_it(cached):
    assert not create_session("order-1", configuration="survey", storage="cache")[1]
    assert type(open_session("order-1").storage) is CacheStorageBackend
    (summary,) = list_sessions(configuration="survey")
    assert (summary.uid, summary.storage, summary.configuration) == ("order-1", "cache", "survey")
    assert open_session("order-1").storage.metadata == {"shop": 3}
    assert fire_into("order-1", "firstPage", {"n": 1}).scheduled == ("t_import#0",)
    assert [fire.kwargs for fire in fires_of("order-1")] == [{"n": 1}]
    found = view("t_import#0")
    assert found.run_id == "triggers__order-1~t_import~0"
    with airflow_session() as session:
        run = run_of(session, found)
        assert run.conf["trigger_kwargs"] == {"firstPage": {"lang": "en", "n": 1}}
        assert (run.state, run.partition_key) == ("queued", "order-1")


def test_the_controller_follows_its_runs_to_the_end(cached, controller):
    fire_into("order-1", "firstPage", {"n": 1})
    play(view("t_import#0"), "running")
    controller.run_once()
    assert statuses() == {"t_import#0": "running"}
    report = {"fires": [{"trigger_name": "extra"}], "log_level": 40}
    play(view("t_import#0"), "success", result={"id": 7}, report=report)
    controller.run_once()
    assert statuses() == {"t_import#0": "finished", "t_score#0": "scheduled"}
    assert view("t_score#0").instance.kwargs == {"t_import": {"id": 7}}
    assert [fire.trigger_name for fire in fires_of("order-1")] == ["t_import", "extra", "firstPage"]
    for _ in range(2):
        Controller().run_once()
    assert len(fires_of("order-1")) == 3
    assert runs() == 2


def test_failures_are_replayed_and_skipped(cached, controller):
    fire_into("order-1", "firstPage")
    play(view("t_import#0"), "failed")
    controller.run_once()
    manager = open_session("order-1")
    manager.replay_failed_instance("t_import#0", {"firstPage": {"n": 2}}, cooldown=3600, by="ann")
    with airflow_session() as session:
        assert "replayed by `ann`" in run_of(session, view("t_import#0")).note
        clone = run_of(session, view("t_import#1"))
        assert clone.run_after - clone.queued_at > timedelta(minutes=59)
    play(view("t_import#1"), "failed")
    controller.run_once()
    play(view("t_import#1"), "queued", clear=True)
    with pytest.raises(InvalidTransition, match="queued in Airflow meanwhile"):
        manager.skip_failed_instance("t_import#1")
    play(view("t_import#1"), "failed")
    manager.skip_failed_instance("t_import#1", cascade=True, result={"id": 0})
    with airflow_session() as session:
        assert run_of(session, view("t_import#1")).state == "success"
    for _ in range(2):
        Controller().run_once()
    assert statuses() == {"t_import#0": "replayed", "t_import#1": "skipped", "t_score#0": "scheduled"}
    assert [fire.kwargs for fire in fires_of("order-1", limit=1)] == [{"id": 0}]


def test_a_missing_dag_fails_its_instance_with_the_fire(cached):
    with airflow_session() as session:
        session.execute(update(tables.configuration).values(name="survey"))
        from airflow.models.dag import DagModel

        session.execute(update(DagModel).where(DagModel.dag_id == "survey.t_import").values(is_stale=True))
    fire_into("order-1", "firstPage")
    assert statuses() == {"t_import#0": "failed"}
    assert "no deployed DAG 'survey.t_import'" in view("t_import#0").instance.metadata["exceptionMessage"]
    assert promised() == []


# -- a process dies between the two stores --------------------------------------------------------------------


def test_a_fire_that_was_not_saved_starts_nothing_and_can_be_repeated(
    cached, controller, redis_region, monkeypatch
):
    def dies(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(redis_region, "set", dies)
    with pytest.raises(KeyboardInterrupt):
        fire_into("order-1", "firstPage")
    monkeypatch.undo()
    monkeypatch.setattr(cache, "default_region", lambda: redis_region)
    monkeypatch.setenv("AIRFLOW__TRIGGERS__CACHE_URL", REDIS_URL)
    assert (statuses(), promised(), runs()) == ({}, [True], 0)
    assert controller.run_once() == 0
    let_promises_fall_due()
    controller.run_once()
    assert (promised(), runs()) == ([], 0)
    fire_into("order-1", "firstPage")
    assert (statuses(), promised(), runs()) == ({"t_import#0": "scheduled"}, [False], 1)


def test_a_fire_that_was_saved_is_started_once_by_the_controller(cached, controller, monkeypatch):
    with monkeypatch.context() as dying:
        dying.setattr(promises, "fulfil", lambda *_: None)
        fire_into("order-1", "firstPage", {"n": 1})
    assert (statuses(), promised(), runs()) == ({"t_import#0": "scheduled"}, [True], 0)
    let_promises_fall_due()
    for _ in range(3):
        controller.run_once()
    assert (statuses(), promised(), runs()) == ({"t_import#0": "scheduled"}, [False], 1)
    play(view("t_import#0"), "success")
    controller.run_once()
    assert statuses()["t_import#0"] == "finished"


def test_a_promise_whose_dag_has_gone_fails_its_instance(cached, controller, monkeypatch):
    with monkeypatch.context() as dying:
        dying.setattr(promises, "fulfil", lambda *_: None)
        fire_into("order-1", "firstPage")
    with airflow_session() as session:
        from airflow.models.dag import DagModel

        session.execute(update(DagModel).values(is_stale=True))
    let_promises_fall_due()
    controller.run_once()
    assert (statuses(), promised()) == ({"t_import#0": "failed"}, [])


@pytest.mark.parametrize("clear", [False, True])
def test_a_completion_counts_once_though_the_controller_dies_before_it_notes_it(cached, monkeypatch, clear):
    fire_into("order-1", "firstPage")
    if clear:
        play(view("t_import#0"), "success", result={"id": 1})
        Controller().run_once()
    play(view("t_import#0"), "success", result={"id": 2}, clear=clear)
    with monkeypatch.context() as dying:
        dying.setattr(loop, "after_saving", lambda *_: None)
        Controller().run_once()
    before = len(fires_of("order-1"))
    for _ in range(3):
        Controller().run_once()
    assert len(fires_of("order-1")) == before == 2 + clear
    assert fires_of("order-1")[0].kwargs == {"id": 2}


def test_a_session_that_was_evicted_is_not_found_and_its_promises_are_withdrawn(
    cached, controller, redis_region, monkeypatch
):
    with monkeypatch.context() as dying:
        dying.setattr(promises, "fulfil", lambda *_: None)
        fire_into("order-1", "firstPage")
    redis_region.delete(cache.KEY_PREFIX + "order-1")
    with pytest.raises(SessionNotFound):
        view("t_import#0")
    with pytest.raises(SessionNotFound):
        fire_into("order-1", "firstPage")
    let_promises_fall_due()
    controller.run_once()
    assert (promised(), runs()) == ([], 0)


# -- what cannot be -------------------------------------------------------------------------------------------


def test_a_cache_of_one_process_is_refused_with_the_reason(survey, redis_region):
    deploy(dag("etl"))
    for storage, reason in (
        (CacheStorageBackend("order-1"), "its cache is the memory of this process"),
        (
            CacheStorageBackend("order-1", region=redis_region),
            "its region is one that only this process knows",
        ),
    ):
        with pytest.raises(
            ConfigurationError, match=rf"the tasks 't_x' run as DAG runs.*{reason}.*cache_url"
        ):
            TriggerManager(storage).update_configuration({"t_x": {"after": ["x"], "run": "etl"}})
        assert not storage.exists
    with pytest.raises(
        StorageError, match="'cache' cannot be used here: its cache is the memory of this process"
    ):
        create_session("order-1", configuration="survey", storage="cache")
    assert list_sessions() == []


def test_a_uid_belongs_to_one_storage(cached, survey):
    with pytest.raises(SessionExists, match="kept by the storage 'cache', not by 'sql'"):
        create_session("order-1", configuration="survey")
    with pytest.raises(SessionExists, match="kept by the storage 'cache', not by 'sql'"):
        TriggerManager(SqlStorageBackend("order-1")).fire("x")
    create_session("order-2", configuration="survey")
    with pytest.raises(SessionExists, match="kept by the storage 'sql', not by 'cache'"):
        create_session("order-2", configuration="survey", storage="cache")


def test_another_storage_that_is_shared_is_used_likewise(survey, in_redis, controller, redis_region):
    class Own(CacheStorageBackend):
        name = "own"

        def __init__(self, uid):
            super().__init__(uid, region=redis_region)
            self.shared = True

    storage_backends.register("own", Own)
    try:
        create_session("order-1", configuration="survey", storage="own")
        fire_into("order-1", "firstPage")
        play(view("t_import#0"), "success")
        controller.run_once()
        assert statuses() == {"t_import#0": "finished", "t_score#0": "scheduled"}
    finally:
        storage_backends.unregister("own")


def test_lists_know_the_configuration_as_it_was_last_updated(cached):
    deploy(dag("other"))
    cached.update_configuration({"t_score": {"after": ["t_import"], "run": "other"}})
    current = open_session("order-1").storage.configuration
    assert current["t_score"].run == "other"
    assert records_of(["order-1"])["order-1"].configuration == current
    assert [one.uid for one in list_sessions(configuration_hashes=[current.content_hash])] == ["order-1"]
