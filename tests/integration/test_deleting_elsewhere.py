"""Sessions in other storages are deleted only as they are seen there: not unseen, not made anew, not unauthorized."""

from __future__ import annotations

import socket
import threading
from datetime import UTC, datetime, timedelta

import pytest
from airflow.api_fastapi.app import purge_cached_app
from airflow.cli.cli_parser import get_parser
from dogpile.cache import make_region

from airflow_triggers.errors import Refused, SessionUnresolved, StorageError, StorageNotShared
from airflow_triggers.manager.manager import TriggerManager
from airflow_triggers.sessions.cleaning import Selection, clean
from airflow_triggers.sessions.deleting import delete_elsewhere, delete_session
from airflow_triggers.sessions.describing import list_sessions
from airflow_triggers.sessions.opening import create_session, fire_into, open_session
from airflow_triggers.sessions.records import record_of
from airflow_triggers.storages import cache, storage_backends
from airflow_triggers.storages.anchors import anchor
from airflow_triggers.storages.cache import CacheStorageBackend
from airflow_triggers.storages.transaction import transaction
from tests.conftest import REDIS_URL
from tests.support.api import mounted_api
from tests.support.dags import dag, deploy, play
from tests.support.surveys import statuses, view

IN_FUTURE = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture
def in_redis(survey, redis_region, monkeypatch):
    monkeypatch.setattr(cache, "default_region", lambda: redis_region)
    monkeypatch.setenv("AIRFLOW__TRIGGERS__CACHE_URL", REDIS_URL)
    return redis_region


@pytest.fixture
def cached(in_redis):
    """An unresolved session in Redis."""
    create_session("order-1", configuration="survey", storage="cache")
    fire_into("order-1", "firstPage")
    return CacheStorageBackend("order-1")


def cleaned(**options):
    """The counts and the failures of cleaning all sessions, resolved or not."""
    batches = list(clean(Selection(before=IN_FUTURE, unresolved=True), **options))
    failures = {uid: why for batch in batches for uid, why in batch.failures.items()}
    return sum(batch.sessions.total() for batch in batches), failures


def uids():
    return [summary.uid for summary in list_sessions()]


# -- the cache cannot be seen -----------------------------------------------------------------------------------


@pytest.fixture
def unseen(cached, monkeypatch):
    """The session in Redis, seen by a process without ``[triggers] cache_url``."""
    memory = make_region().configure("dogpile.cache.memory")
    monkeypatch.setattr(cache, "default_region", lambda: memory)
    monkeypatch.delenv("AIRFLOW__TRIGGERS__CACHE_URL")
    return cached


@pytest.mark.parametrize("force", [False, True])
def test_a_session_whose_cache_is_not_seen_here_is_not_deleted(unseen, force):
    with pytest.raises(StorageNotShared, match=r"'order-1'.*the memory of this process.*Nothing was deleted"):
        delete_session("order-1", force=force)
    assert uids() == ["order-1"]
    assert unseen.exists


@pytest.mark.parametrize("dry_run", [True, False])
def test_cleaning_reports_a_session_whose_cache_is_not_seen_here(unseen, dry_run):
    count, failures = cleaned(dry_run=dry_run)
    assert count == 0
    assert failures.keys() == {"order-1"}
    assert "the memory of this process" in failures["order-1"]
    assert uids() == ["order-1"]
    assert unseen.exists


def test_a_dry_run_counts_the_row_of_an_evicted_session_as_the_real_run_does(cached, in_redis):
    in_redis.delete(cache.KEY_PREFIX + "order-1")
    selection = Selection(before=IN_FUTURE)
    counts = [
        sum(batch.sessions.total() for batch in clean(selection, dry_run=dry_run))
        for dry_run in (True, False)
    ]
    assert counts == [1, 1]
    assert uids() == []


# -- the session is made anew meanwhile -------------------------------------------------------------------------


def after_the_deletion_in_the_cache(monkeypatch, act):
    """Act once the cache has deleted the session and freed its lock; the row in Airflow's database is still there."""
    release = CacheStorageBackend._release

    def release_then_act(self):
        release(self)
        if self._work.is_deleted:
            monkeypatch.setattr(CacheStorageBackend, "_release", release)
            act()

    monkeypatch.setattr(CacheStorageBackend, "_release", release_then_act)


def test_a_session_made_anew_during_its_deletion_stays(cached, controller, monkeypatch):
    after_the_deletion_in_the_cache(
        monkeypatch,
        lambda: create_session("order-1", configuration="survey", storage="cache", metadata={"new": True}),
    )
    delete_session("order-1", force=True)
    assert uids() == ["order-1"]
    assert open_session("order-1").storage.metadata == {"new": True}
    assert fire_into("order-1", "firstPage").scheduled == ("t_import#0",)
    play(view("t_import#0"), "success", result={})
    controller.run_once()
    assert statuses() == {"t_import#0": "finished", "t_score#0": "scheduled"}


def test_an_evicted_session_that_somebody_is_making_anew_stays(cached, in_redis, monkeypatch):
    in_redis.delete(cache.KEY_PREFIX + "order-1")
    exists = CacheStorageBackend.exists
    has_row, looked_up = threading.Event(), threading.Event()

    def make_anew():
        manager = TriggerManager(CacheStorageBackend("order-1"))
        with manager.storage.acquire_lock(create=True):
            create_session_row(manager.storage)
            has_row.set()
            looked_up.wait(30)

    def exists_then_go_on(self):
        answer = exists.fget(self)
        looked_up.set()
        return answer

    thread = threading.Thread(target=make_anew)
    thread.start()
    try:
        assert has_row.wait(30)
        monkeypatch.setattr(CacheStorageBackend, "exists", property(exists_then_go_on))
        storage = CacheStorageBackend("order-1")
        with pytest.raises(SessionUnresolved, match="made it anew"):
            delete_elsewhere(record_of("order-1"), storage, force=True, by=None)
    finally:
        looked_up.set()
        thread.join(30)
    assert uids() == ["order-1"]
    assert cached.exists


def create_session_row(storage):
    with transaction() as session:
        anchor(session, storage, configuration=storage.configuration)


# -- the rights change meanwhile --------------------------------------------------------------------------------


def test_a_deletion_elsewhere_is_authorized_again_when_the_rules_have_changed(cached):
    deploy(dag("secret"))
    asked = []

    def authorize(configuration):
        asked.append(sorted(configuration.tasks))
        if "t_secret" in configuration.tasks:
            raise Refused("Not the secret DAG.")
        open_session("order-1").update_configuration({"t_secret": {"after": ["x"], "run": "secret"}})

    with pytest.raises(Refused, match="Not the secret DAG"):
        delete_session("order-1", force=True, authorize=authorize)
    assert asked == [["t_import", "t_score"], ["t_import", "t_score", "t_secret"]]
    assert cached.exists
    assert uids() == ["order-1"]


# -- the cache is away ------------------------------------------------------------------------------------------


@pytest.fixture
def away(cached, monkeypatch):
    """The session in Redis, while nothing listens at the address of its cache."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"redis://127.0.0.1:{unused.getsockname()[1]}/0"
        arguments = {"url": url, "distributed_lock": True, "thread_local_lock": False}
        region = make_region().configure("dogpile.cache.redis", arguments=arguments)
        monkeypatch.setattr(cache, "default_region", lambda: region)
        yield cached
        region.actual_backend.reader_client.close()
        region.actual_backend.writer_client.close()


def test_a_cache_that_is_away_is_an_error_of_ours_in_one_sentence(away):
    words = r"(?s)The cache that keeps session 'order-1' failed: ConnectionError: .*try again\.$"
    with pytest.raises(StorageError, match=words):
        delete_session("order-1")
    with pytest.raises(StorageError, match=words):
        fire_into("order-1", "firstPage")
    assert uids() == ["order-1"]


def test_a_cache_that_is_away_is_answered_over_rest_and_by_the_command(away, monkeypatch, capsys):
    answer = mounted_api(monkeypatch).client("admin").delete("api/v1/sessions/order-1")
    purge_cached_app()
    assert (answer.status_code, answer.json()["reason"]) == (503, "CacheFailed")
    assert "The cache that keeps session 'order-1' failed" in answer.json()["detail"]
    arguments = get_parser().parse_args(["triggers", "sessions", "delete", "order-1"])
    with pytest.raises(SystemExit) as end:
        arguments.func(arguments)
    assert end.value.code == 1
    assert "The cache that keeps session 'order-1' failed" in capsys.readouterr().err


def test_a_cache_that_is_away_does_not_stop_the_cleaning_of_other_storages(away, in_redis):
    class Own(CacheStorageBackend):
        name = "own"

        def __init__(self, uid):
            super().__init__(uid, region=in_redis)
            self.shared = True

    storage_backends.register("own", Own)
    try:
        create_session("order-2", configuration="survey", storage="own")
        count, failures = cleaned()
    finally:
        storage_backends.unregister("own")
    assert (count, failures.keys()) == (1, {"order-1"})
    assert "The cache that keeps session 'order-1' failed" in failures["order-1"]


def test_an_unforeseen_error_in_one_session_does_not_stop_the_cleaning(cached, monkeypatch, caplog):
    create_session("order-2", configuration="survey", storage="cache")
    deleting = CacheStorageBackend.delete

    def delete(self):
        if self.uid == "order-1":
            raise RuntimeError("unforeseen")
        deleting(self)

    monkeypatch.setattr(CacheStorageBackend, "delete", delete)
    assert cleaned() == (1, {"order-1": "It failed unexpectedly; the log says why."})
    assert "Session order-1 could not be deleted" in caplog.text
