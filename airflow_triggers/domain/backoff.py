"""BackOff: growing pauses between tries of what failed. Pure: the caller keeps the count and looks at the clock.

Neighbours: ``controller/``, ``storages/hooks.py`` and ``controller/process.py`` try again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

_MOST_DOUBLINGS = 32
"""More doublings give pauses too long to wait for, and in the end too long for a timedelta."""


@dataclass(frozen=True, kw_only=True)
class BackOff:
    """How long to leave a failing thing alone.

    :param first: the pause after the first failure in a row. Each further failure doubles it.
    :param longest: no pause is longer.

    >>> BackOff(first=timedelta(seconds=1), longest=timedelta(minutes=10)).pause_after(3)
    datetime.timedelta(seconds=4)
    """

    first: timedelta
    longest: timedelta

    def pause_after(self, failures: int) -> timedelta:
        """The pause after this number of failures in a row; zero if nothing failed."""
        if failures <= 0:
            return timedelta()
        return min(self.longest, self.first * (1 << min(failures - 1, _MOST_DOUBLINGS)))


ATTEMPTS = BackOff(first=timedelta(seconds=1), longest=timedelta(minutes=10))
"""The back-off of the controller's failed work: apply a run, fire a delayed fire, fire for an asset event."""
