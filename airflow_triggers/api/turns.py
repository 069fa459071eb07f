"""Turns: only a few requests at a time take a thread to fire into the same session.

Without turns, each request waiting for a session's lock in the database keeps a thread and a connection. A popular
session then starves all others. Only the lock in the database makes fires safe: other processes have turns of their
own. Neighbours: ``dependencies.py`` gives a request its turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from airflow.configuration import conf

from airflow_triggers.errors import LockTimeout
from airflow_triggers.gateway import logins
from airflow_triggers.storages.lock_waits import LOCK_TIMEOUT

AT_ONCE = 3
"""Requests that may fire into one session at once. One holds the lock; the others read and check the rights."""


UNLIMITED = 10
"""Fires that work at once if Airflow's pool has no limit. More would only wait for this process's interpreter."""


def _room() -> int:
    """How many fires work at once: as many as Airflow's pool has connections, less those that logins take.

    A connection beyond the pool is opened for each use, and this takes longer than a fire.
    """
    size = conf.getint("database", "sql_alchemy_pool_size", fallback=5)
    return max(size - logins.AT_ONCE, 1) if size else UNLIMITED


@dataclass
class _Queue:
    """The requests for one session. ``length`` counts them, those with a turn included."""

    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    length: int = 0


class _LoopTurns:
    """The turns of one event loop."""

    def __init__(self) -> None:
        self.queues: dict[str, _Queue] = {}
        self.room = asyncio.Semaphore(_room())


class Turns:
    """A few turns at a time for each session, in the order of arrival. Different sessions work side by side."""

    def __init__(self) -> None:
        self._of_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, _LoopTurns] = WeakKeyDictionary()

    @asynccontextmanager
    async def take(self, uid: str, *, patience: float = LOCK_TIMEOUT) -> AsyncIterator[None]:
        """Wait for a turn, and keep it during the ``with`` block.

        :raises LockTimeout: when it does not come within ``patience`` seconds.
        """
        loop = asyncio.get_running_loop()
        turns = self._of_loop.get(loop)
        if turns is None:
            turns = self._of_loop[loop] = _LoopTurns()
        queue = turns.queues.setdefault(uid, _Queue())
        queue.length += 1
        try:
            await _acquire(queue.turns, uid, patience)
            try:
                async with turns.room:
                    yield
            finally:
                queue.turns.release()
        finally:
            queue.length -= 1
            # Otherwise every UID ever named would keep a queue in memory.
            if not queue.length:
                del turns.queues[uid]


async def _acquire(turns: asyncio.Semaphore, uid: str, patience: float) -> None:
    try:
        async with asyncio.timeout(patience):
            await turns.acquire()
    except TimeoutError as error:
        raise LockTimeout(
            f"Others fire into session {uid!r} for more than {patience:.0f} seconds; nothing was changed. Try again, "
            "or send fires in batches."
        ) from error
