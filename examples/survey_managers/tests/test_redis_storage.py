"""The storage of this package passes the suite of all storages of airflow-triggers.

It needs its own Redis, because it deletes all keys: ``SURVEY_REDIS_URL=redis://localhost:6379/1 pytest``.
"""

from __future__ import annotations

import os

import pytest
import redis

from airflow_triggers.testing.contract import ImpatientLockContract, StorageContract
from survey_managers.redis_storage import URL_VARIABLE, RedisStorageBackend

# dogpile.cache still calls a method that redis-py has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")


class TestRedisStorage(StorageContract, ImpatientLockContract):
    @pytest.fixture(autouse=True)
    def empty_store(self):
        with redis.Redis.from_url(os.environ[URL_VARIABLE]) as server:
            server.flushdb()

    def storage_of(self, uid):
        return RedisStorageBackend(uid)
