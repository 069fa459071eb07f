"""The trigger tasks that are executed: each writes down that it began and that it ended, in a file of effects."""

import json
import os
import time
import uuid
from contextlib import contextmanager


@contextmanager
def _effect(context):
    """A line before and a line after: appended with one write each, so that a killed process leaves whole lines."""
    effect = str(uuid.uuid4())
    _write(effect, "begin", context)
    yield
    _write(effect, "end", context)


def _write(effect, step, context):
    run_id = context.airflow["dag_run"].run_id
    line = {"effect": effect, "step": step, "session": context.session_uid, "instance": context.instance_name}
    file = os.open(os.environ["CHAOS_EFFECTS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(file, (json.dumps({**line, "run_id": run_id}) + "\n").encode())
    finally:
        os.close(file)


def open_session(context):
    asked = context.trigger_kwargs["opened"]
    with _effect(context):
        time.sleep(asked["seconds"])
    return {"double": 2 * asked["n"]}


def call(context):
    """Fires as often as it is asked to."""
    asked = context.trigger_kwargs["asked"]
    with _effect(context):
        for number in range(asked["calls"]):
            context.fire("called", {"number": number})
            time.sleep(asked["seconds"])
    return {"calls": asked["calls"]}


def risk(context):
    asked = context.trigger_kwargs["risk"]
    with _effect(context):
        if asked["fails"]:
            raise ValueError(f"{context.session_uid} was told to fail")
    return {"value": asked["n"] + 1}
