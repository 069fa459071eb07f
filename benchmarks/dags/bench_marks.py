"""Lets a task write down the moment of its start or end."""

from __future__ import annotations

import os
import time
from pathlib import Path


def mark(name: str) -> None:
    """Write the present moment into a file with this name, atomically."""
    path = Path(os.environ["BENCH_MARKS"]) / name
    path.with_suffix(".new").write_text(repr(time.time()), encoding="utf-8")
    path.with_suffix(".new").rename(path)


def await_moment(moment: float) -> None:
    """Sleep until this moment, in seconds since the epoch."""
    time.sleep(max(0.0, moment - time.time()))
