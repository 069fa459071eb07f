"""The storage of this package passes the suite that every storage of airflow-triggers passes.

It needs a Redis of its own, whose keys it deletes: ``SURVEY_REDIS_URL=redis://localhost:6379/1 pytest``.
"""

from __future__ import annotations

import os

import pytest
import redis

from airflow_triggers.testing.contract import ImpatientLockContract, StorageContract
from survey_managers.redis_storage import URL_VARIABLE, RedisStorageBackend

# dogpile.cache still calls what redis-py would have called otherwise.
pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")


class TestRedisStorage(StorageContract, ImpatientLockContract):
    @pytest.fixture(autouse=True)
    def empty_store(self):
        with redis.Redis.from_url(os.environ[URL_VARIABLE]) as server:
            server.flushdb()

    def storage_of(self, uid):
        return RedisStorageBackend(uid)
