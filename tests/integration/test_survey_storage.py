"""The example package's storage, in a real Redis."""

from __future__ import annotations

import os
import secrets

import pytest
import redis

from airflow_triggers.controller.loop import Controller
from airflow_triggers.errors import StorageError
from airflow_triggers.manager.manager import trigger_managers
from airflow_triggers.sessions.describing import describe_session
from airflow_triggers.sessions.opening import create_session, fire_into
from airflow_triggers.storages import storage_backends
from airflow_triggers.storages.cache import KEY_PREFIX
from survey_managers.finalizing import FinalizingManager
from survey_managers.redis_storage import KEPT_SECONDS, URL_VARIABLE, RedisStorageBackend, _region
from tests.conftest import REDIS_URL
from tests.support.dags import deploy_configuration, play
from tests.support.installed import install
from tests.support.runners import RecordingRunner, registered


@pytest.fixture
def installed(monkeypatch, tmp_path):
    install(
        monkeypatch,
        tmp_path,
        "survey-managers",
        storages={"redis": "survey_managers.redis_storage:RedisStorageBackend"},
    )
    yield
    _region.cache_clear()


@pytest.fixture
def uid(installed, monkeypatch, redis_region):
    """A session's UID of this test alone; what is kept of it is deleted afterwards."""
    monkeypatch.setenv(URL_VARIABLE, REDIS_URL)
    uid = f"test-{os.getpid()}-{secrets.token_hex(4)}"
    yield uid
    with redis.Redis.from_url(REDIS_URL) as server:
        server.delete(KEY_PREFIX + uid)
    backend = _region(REDIS_URL).actual_backend
    backend.reader_client.close()
    backend.writer_client.close()


# dogpile.cache still calls what redis-py would have called otherwise.
@pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")
def test_a_session_in_redis_is_found_by_name_shared_and_expires(uid):
    registered(RecordingRunner())
    manager = FinalizingManager(storage_backends.get("redis", uid=uid))
    manager.update_configuration(
        {"t_end": {"after": ["sessionFinalized"], "run": "a_dag", "using": "recording"}}
    )
    manager.fire("started")
    other = storage_backends.get("redis", uid=uid)
    assert isinstance(other, RedisStorageBackend)
    assert {name: one.status.value for name, one in other.instances.items()} == {"t_end#0": "scheduled"}
    assert other.manager_name == "finalizing"
    with redis.Redis.from_url(REDIS_URL) as server:
        assert 0 < server.ttl(KEY_PREFIX + uid) <= KEPT_SECONDS


@pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")
def test_a_session_in_redis_runs_deployed_tasks_and_its_manager_finalizes_it(
    sqlite_airflow_db, uid, finalizing
):
    deploy_configuration("survey", t_score={"after": ["last"]}, t_thank={"after": ["sessionFinalized"]})
    create_session(uid, configuration="survey", manager="finalizing", storage="redis")
    fire_into(uid, "last")
    Controller().run_once()
    play(describe_session(uid).instances[0], "success", result={"score": 4})
    Controller().run_once()
    described = describe_session(uid)
    assert {one.instance.name: one.instance.status.value for one in described.instances} == {
        "t_score#0": "finished",
        "t_thank#0": "scheduled",
    }
    assert [fire.trigger_name for fire in described.fires] == ["sessionFinalized", "t_score", "last"]


@pytest.fixture
def finalizing():
    trigger_managers.register("finalizing", FinalizingManager)
    yield
    trigger_managers.unregister("finalizing")


def test_without_a_redis_the_storage_says_what_to_set(installed, monkeypatch):
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    with pytest.raises(StorageError, match="set SURVEY_REDIS_URL, such as redis://localhost:6379/0"):
        storage_backends.get("redis", uid="a")
