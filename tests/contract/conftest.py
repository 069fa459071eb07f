"""The storages that the contract suite runs over."""

from __future__ import annotations

from functools import partial

import pytest
from dogpile.cache import make_region

from airflow_triggers.storages.cache import CacheStorageBackend
from airflow_triggers.storages.sql import SqlStorageBackend


@pytest.fixture(params=["sqlite", "postgresql", "cache", "redis"])
def storage_of(request):
    """Makes the storage of a session by UID; every backend in turn."""
    if request.param == "cache":
        region = make_region().configure("dogpile.cache.memory")
        return partial(CacheStorageBackend, region=region)
    if request.param == "redis":
        return partial(CacheStorageBackend, region=request.getfixturevalue("redis_region"))
    request.getfixturevalue(f"{request.param}_airflow_db")
    return SqlStorageBackend
