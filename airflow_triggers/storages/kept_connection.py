"""A connection of Airflow's pool, kept for a moment between two uses by this process.

Neighbours: ``transaction.py`` takes it and keeps it; ``gateway/logins.py`` says when connections are kept.
"""

from __future__ import annotations

import os
import threading
import time
from typing import NamedTuple

from sqlalchemy import Engine, PoolProxiedConnection, QueuePool


class _Kept(NamedTuple):
    """An idle connection. ``until`` is on the monotonic clock."""

    driver: PoolProxiedConnection
    engine: Engine
    until: float


class KeptConnection:
    """At most one idle connection for the next use, of any thread.

    Airflow's pool pings a connection each time it lends it, and a ping takes as long as a look. A connection that was
    used a moment ago needs none. It is kept for :data:`KEPT_SECONDS` at most, so others need not wait for it.

    Nothing is kept until :meth:`open`: whoever opens must :meth:`shut` it, too.
    """

    KEPT_SECONDS = 1.0

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: _Kept | None = None
        self._is_open = False
        self._inherited: _Kept | None = None

    def open(self) -> None:
        """Let connections be kept from now on."""
        with self._lock:
            self._is_open = True

    def shut(self) -> PoolProxiedConnection | None:
        """Let none be kept any more. Returns the kept one, for the caller to close."""
        with self._lock:
            self._is_open, kept, self._kept = False, self._kept, None
        return None if kept is None else kept.driver

    def take(self, engine: Engine) -> PoolProxiedConnection | None:
        """The kept connection to this database, if there is one. It may have been lost meanwhile."""
        with self._lock:
            kept, self._kept = self._kept, None
        if kept is None:
            return None
        if kept.engine is engine and time.monotonic() <= kept.until:
            return kept.driver
        kept.driver.close()
        return None

    def keep(self, engine: Engine, driver: PoolProxiedConnection) -> bool:
        """Keep a connection that has just been used, and is in no transaction. False: give it back to the pool."""
        # The only connection of a pool might be waited for. SQLite's connections are cheap, and its files have locks.
        is_only_one = isinstance(engine.pool, QueuePool) and engine.pool.size() == 1
        if is_only_one or engine.dialect.name != "postgresql" or not driver.is_valid:
            return False
        with self._lock:
            if not self._is_open or self._kept is not None:
                return False
            self._kept = _Kept(driver, engine, time.monotonic() + self.KEPT_SECONDS)
        return True

    def forget(self) -> None:
        """Forget the kept connection: in a forked process, it is the parent's, and must not be closed here."""
        self._lock, self._is_open = threading.Lock(), False
        self._inherited, self._kept = self._kept, None


kept_connection = KeptConnection()
os.register_at_fork(after_in_child=kept_connection.forget)
