"""The time of a test: it stands still until the test moves it.

Neighbours: ``storage.py`` takes every timestamp from here; ``runner.py`` compares with it to find due instances.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clock:
    """A moment that moves forward only by :meth:`advance`.

    :param now: the first moment, with a time zone; None: the present moment.
    :raises ValueError: when the moment has no time zone.

    >>> clock = Clock(datetime(2026, 1, 31, 12, tzinfo=UTC))
    >>> clock.advance(timedelta(minutes=5)).isoformat()
    '2026-01-31T12:05:00+00:00'
    """

    def __init__(self, now: datetime | None = None) -> None:
        moment = now or datetime.now(UTC)
        if moment.tzinfo is None:
            raise ValueError(
                f"The moment {moment.isoformat()} has no time zone; write datetime(…, tzinfo=UTC)."
            )
        self.now = moment.astimezone(UTC)

    def advance(self, duration: timedelta) -> datetime:
        """Move forward and return the new moment.

        :raises ValueError: when the duration is negative.
        """
        if duration < timedelta():
            raise ValueError(f"Time does not run backwards; found {duration.total_seconds():g} seconds.")
        self.now += duration
        return self.now
