"""How long the controller leaves alone what failed."""

from __future__ import annotations

from datetime import timedelta

MAX_PAUSE = timedelta(minutes=10)


def pause_after(failures: int) -> timedelta:
    """One second after the first failure in a row, then twice as long each time, ten minutes at most."""
    return min(MAX_PAUSE, timedelta(seconds=2 ** min(max(failures - 1, 0), 12)))
