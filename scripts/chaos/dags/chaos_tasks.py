"""The executed trigger tasks: each writes its begin and its end into a file of effects."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from airflow_triggers import TaskContext


@contextmanager
def _effect(context: TaskContext) -> Iterator[None]:
    """A line before and a line after. Each is appended with one write: a killed process leaves complete lines."""
    effect = str(uuid.uuid4())
    _write(effect, "begin", context)
    yield
    _write(effect, "end", context)


def _write(effect: str, step: str, context: TaskContext) -> None:
    run_id = context.airflow["dag_run"].run_id
    line = {"effect": effect, "step": step, "session": context.session_uid, "instance": context.instance_name}
    file = os.open(os.environ["CHAOS_EFFECTS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(file, (json.dumps({**line, "run_id": run_id}) + "\n").encode())
    finally:
        os.close(file)


def open_session(context: TaskContext) -> dict[str, Any]:
    demand = context.trigger_kwargs["opened"]
    with _effect(context):
        time.sleep(demand["seconds"])
    return {"double": 2 * demand["n"]}


def call(context: TaskContext) -> dict[str, Any]:
    """Fires as often as its trigger's kwargs demand."""
    demand = context.trigger_kwargs["asked"]
    with _effect(context):
        for number in range(demand["calls"]):
            context.fire("called", {"number": number})
            time.sleep(demand["seconds"])
    return {"calls": demand["calls"]}


def risk(context: TaskContext) -> dict[str, Any]:
    demand = context.trigger_kwargs["risk"]
    with _effect(context):
        if demand["fails"]:
            raise ValueError(f"{context.session_uid} was told to fail")
    return {"value": demand["n"] + 1}
