"""Trigger tasks of the benchmarks: they write down when they begin or end."""

from __future__ import annotations

from bench_marks import await_moment, mark

from airflow_triggers import TaskContext


def nothing(context: TaskContext) -> None:
    """Nothing."""


def begins(context: TaskContext) -> None:
    """Write down the task's start, with the number in the fire's kwargs."""
    ((_, kwargs),) = context.trigger_kwargs.items()
    mark(f"{kwargs['kind']}-{kwargs['number']}-begins")


def ends(context: TaskContext) -> dict[str, object]:
    """Write down the task's end, and return the kwargs with the number."""
    ((_, kwargs),) = context.trigger_kwargs.items()
    await_moment(kwargs["until"])
    mark(f"{kwargs['kind']}-{kwargs['number']}-ends")
    return dict(kwargs)
