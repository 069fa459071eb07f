"""The storages that the contract suites run over: each is mixed into the classes that pytest collects."""

from __future__ import annotations

import pytest
from dogpile.cache import make_region

from airflow_triggers.storages.cache import CacheStorageBackend
from airflow_triggers.storages.sql import SqlStorageBackend


class InSql:
    """Airflow's metadata database."""

    def storage_of(self, uid):
        return SqlStorageBackend(uid)


class OnSqlite(InSql):
    @pytest.fixture(autouse=True)
    def store(self, sqlite_airflow_db):
        return sqlite_airflow_db


class OnPostgresql(InSql):
    @pytest.fixture(autouse=True)
    def store(self, postgresql_airflow_db):
        return postgresql_airflow_db


class InMemory:
    """A cache in this process."""

    @pytest.fixture(autouse=True)
    def store(self):
        self.region = make_region().configure("dogpile.cache.memory")

    def storage_of(self, uid):
        return CacheStorageBackend(uid, region=self.region)


class InRedis(InMemory):
    @pytest.fixture(autouse=True)
    def store(self, redis_region):
        self.region = redis_region
