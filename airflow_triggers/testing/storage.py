"""The storage of a tested session: the tester's own cache, with the tester's time.

Neighbours: ``bench.py`` has the cache and the clock; ``storages/cache.py`` does the keeping.
"""

from __future__ import annotations

from datetime import datetime

from dogpile.cache import CacheRegion

from airflow_triggers.storages.cache import CacheStorageBackend
from airflow_triggers.testing.clock import Clock


class TesterStorage(CacheStorageBackend):
    """A session in memory with the clock's time; it collects the errors of hooks."""

    # pytest must not collect it as a test, though its name begins with Test.
    __test__ = False

    def __init__(self, uid: str, *, region: CacheRegion, clock: Clock) -> None:
        super().__init__(uid, region=region)
        self._clock = clock
        self.broken_hooks: list[tuple[str, str]] = []
        """The name and traceback of each hook that raised, until somebody removes them."""

    def now(self) -> datetime:
        """See :meth:`BaseStorageBackend.now`."""
        return self._clock.now

    def hook_failed(self, token: int, error: str) -> None:
        """See :meth:`BaseStorageBackend.hook_failed`."""
        super().hook_failed(token, error)
        self.broken_hooks += [(hook.hook, error) for hook in self.hooks() if hook.token == token]
