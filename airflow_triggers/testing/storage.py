"""The storage of a tested session: the tester's own cache, with the tester's time.

Neighbours: ``bench.py`` has the cache and the clock; ``storages/cache.py`` does the keeping; ``delayed_fires.py`` has
the fires for later, which a cache in production does not keep.
"""

from __future__ import annotations

from datetime import datetime

from dogpile.cache import CacheRegion

from airflow_triggers.domain.fires import DelayedFire
from airflow_triggers.storages.cache import CacheStorageBackend
from airflow_triggers.testing.clock import Clock
from airflow_triggers.testing.delayed_fires import DelayedFireList

DELAYED_FIRES = "delayed_fires"
"""The key of the fires for later in the session's content."""


class TesterStorage(CacheStorageBackend):
    """A session in memory with the clock's time and fires for later; it collects the errors of hooks."""

    # pytest must not collect it as a test, though its name begins with Test.
    __test__ = False

    def __init__(self, uid: str, *, region: CacheRegion, clock: Clock) -> None:
        super().__init__(uid, region=region)
        self._clock = clock
        self._delayed_count = 0
        self.broken_hooks: list[tuple[str, str]] = []
        """The name and traceback of each hook that raised, until somebody removes them."""

    def now(self) -> datetime:
        """See :meth:`BaseStorageBackend.now`."""
        return self._clock.now

    # -- fires for later --------------------------------------------------------------------------------------

    def delay_fire(self, fire: DelayedFire) -> DelayedFire:
        """Save a fire for later; ``advance`` makes it come."""
        self._delayed_count += 1
        entries = self._writing.setdefault(DELAYED_FIRES, [])
        return DelayedFireList(entries).add(fire, delayed_id=self._delayed_count)

    def find_delayed_fire(self, idempotency_key: str) -> DelayedFire | None:
        """See :meth:`BaseStorageBackend.find_delayed_fire`."""
        return next((fire for fire in self._delayed_fires if fire.idempotency_key == idempotency_key), None)

    def get_delayed_fire(self, delayed_id: int) -> DelayedFire | None:
        """See :meth:`BaseStorageBackend.get_delayed_fire`."""
        return self._delayed_fires.get(delayed_id)

    def cancel_delayed_fire(self, delayed_id: int, *, by: str | None) -> None:
        """See :meth:`BaseStorageBackend.cancel_delayed_fire`."""
        self._delayed_fires.change(delayed_id, cancelled_at=self.now(), cancelled_by=by)

    def take_delayed_fire(self, delayed_id: int) -> DelayedFire | None:
        """See :meth:`BaseStorageBackend.take_delayed_fire`."""
        return self._delayed_fires.take(delayed_id)

    def delayed_fires(self, *, limit: int | None = None) -> list[DelayedFire]:
        """See :meth:`BaseStorageBackend.delayed_fires`."""
        return self._delayed_fires.pending[:limit]

    @property
    def _delayed_fires(self) -> DelayedFireList:
        return DelayedFireList(self._content.get(DELAYED_FIRES, []))

    # -- hooks ------------------------------------------------------------------------------------------------

    def hook_failed(self, token: int, error: str) -> None:
        """See :meth:`BaseStorageBackend.hook_failed`."""
        super().hook_failed(token, error)
        self.broken_hooks += [(hook.hook, error) for hook in self.hooks() if hook.token == token]
