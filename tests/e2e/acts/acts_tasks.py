"""Trigger tasks that fail, wait or end as their trigger's kwargs ask."""

import os
import time
from pathlib import Path


def obey(kwargs, session_uid, try_number):
    """Fail in the first tries, or wait until the session is released; the result says which try it is."""
    if try_number <= kwargs.get("fails", 0):
        raise ValueError(f"try {try_number} fails")
    deadline = time.monotonic() + 120
    while kwargs.get("waits") and not (Path(os.environ["ACTS_FOLDER"]) / session_uid).exists():
        if time.monotonic() > deadline:
            raise TimeoutError(f"nobody released {session_uid}")
        time.sleep(0.1)
    return {"try": try_number}


def work(context):
    (kwargs,) = context.trigger_kwargs.values()
    return obey(kwargs, context.session_uid, context.airflow["ti"].try_number)


def skip(context):
    raise context.skip({"why": "nothing to do"})
