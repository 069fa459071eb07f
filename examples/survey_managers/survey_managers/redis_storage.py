"""A storage for short sessions, which nobody needs afterwards: in Redis, until they expire."""

from __future__ import annotations

import os
from functools import cache

from dogpile.cache import CacheRegion, make_region

from airflow_triggers import CacheStorageBackend
from airflow_triggers.errors import StorageError

URL_VARIABLE = "SURVEY_REDIS_URL"
KEPT_SECONDS = 30 * 24 * 3600
LOCK_SECONDS = 120
"""After which a holder that died holds nothing any more."""


class RedisStorageBackend(CacheStorageBackend):
    """Keeps the session in the Redis of the environment variable ``SURVEY_REDIS_URL``, 30 days from its last change.

    :raises StorageError: when the variable is not set.
    """

    name = "redis"

    def __init__(self, uid: str) -> None:
        super().__init__(uid, region=_region(os.environ.get(URL_VARIABLE)))
        self.shared = (
            True  # every process of this Airflow has the variable: its runs and REST find the session
        )


@cache
def _region(url: str | None) -> CacheRegion:
    """One pool of connections for all sessions of this process."""
    if not url:
        raise StorageError(
            f"Sessions are kept in Redis: set {URL_VARIABLE}, such as redis://localhost:6379/0."
        )
    arguments = {
        "url": url,
        "distributed_lock": True,  # or two processes would overwrite each other's fires
        "thread_local_lock": False,
        "lock_timeout": LOCK_SECONDS,
        "redis_expiration_time": KEPT_SECONDS,
    }
    return make_region("survey_managers").configure("dogpile.cache.redis", arguments=arguments)
