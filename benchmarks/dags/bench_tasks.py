"""Trigger tasks of the benchmarks: they write down when they begin or end."""

from __future__ import annotations

import os
import time
from pathlib import Path

from airflow_triggers import TaskContext


def mark(name: str) -> None:
    """Keep the moment in a file of that name, at once and whole."""
    path = Path(os.environ["BENCH_MARKS"]) / name
    path.with_suffix(".new").write_text(repr(time.time()), encoding="utf-8")
    path.with_suffix(".new").rename(path)


def nothing(context: TaskContext) -> None:
    """Nothing."""


def begins(context: TaskContext) -> None:
    """Note when the task began, by the number that it was fired with."""
    ((_, kwargs),) = context.trigger_kwargs.items()
    mark(f"{kwargs['kind']}-{kwargs['number']}-begins")


def ends(context: TaskContext) -> dict[str, object]:
    """Note when the task ended, and hand on the number."""
    ((_, kwargs),) = context.trigger_kwargs.items()
    mark(f"{kwargs['kind']}-{kwargs['number']}-ends")
    return dict(kwargs)
