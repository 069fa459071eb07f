"""The default cache for sessions without a region of their own, the locks of caches without locks, errors of caches.

Neighbours: ``cache.py`` keeps sessions there.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from weakref import WeakValueDictionary

from airflow.configuration import conf
from dogpile.cache import CacheRegion, make_region

from airflow_triggers.errors import CacheFailed
from airflow_triggers.sentences import error_in_short, sentence

LOCK_LIFE = 120
"""Seconds until Redis frees a lock, for example one of a dead holder."""


@cache
def default_region() -> CacheRegion:
    """The cache for sessions without a region: the Redis of ``[triggers] cache_url``, else this process's memory."""
    region = make_region("airflow_triggers")
    if not (url := cache_url()):
        return region.configure("dogpile.cache.memory")
    arguments = {"url": url, "distributed_lock": True, "thread_local_lock": False, "lock_timeout": LOCK_LIFE}
    return region.configure("dogpile.cache.redis", arguments=arguments)


def cache_url() -> str:
    """The Redis for sessions without a region; "" for none."""
    return str(conf.get("triggers", "cache_url", fallback="") or "")


@contextmanager
def translated_errors(uid: str) -> Iterator[None]:
    """Turn the cache's errors into ours, chained. Every cache has errors of its own, so the except is broad.

    :raises CacheFailed: when the cache failed.
    """
    try:
        yield
    except Exception as error:
        raise CacheFailed(
            sentence(f"The cache that keeps session {uid!r} failed", error_in_short(error))
            + " See that it can be reached, for Redis at [triggers] cache_url, and try again."
        ) from error


class Mutex:
    """A lock of this process, for caches without locks of their own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def acquire(self, wait: bool = True) -> bool:
        """Take the lock; without ``wait`` only if it is free."""
        return self._lock.acquire(blocking=wait)

    def release(self) -> None:
        """Let the next holder have it."""
        self._lock.release()


_mutexes: WeakValueDictionary[tuple[int, str], Mutex] = WeakValueDictionary()
_mutexes_guard = threading.Lock()


def mutex_of(region: CacheRegion, uid: str) -> Mutex:
    """The lock of a session in this process: the same one for every storage object of the session."""
    with _mutexes_guard:
        return _mutexes.setdefault((id(region), uid), Mutex())
