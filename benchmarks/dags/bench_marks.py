"""How a task writes down when it begins or ends."""

from __future__ import annotations

import os
import time
from pathlib import Path


def mark(name: str) -> None:
    """Keep the moment in a file of that name, at once and whole."""
    path = Path(os.environ["BENCH_MARKS"]) / name
    path.with_suffix(".new").write_text(repr(time.time()), encoding="utf-8")
    path.with_suffix(".new").rename(path)


def await_moment(moment: float) -> None:
    """Work until that moment, in seconds since the epoch."""
    time.sleep(max(0.0, moment - time.time()))
