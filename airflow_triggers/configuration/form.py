"""The form for triggering a trigger task's DAG by hand in Airflow: for which session, and with which kwargs.

Neighbours: ``compile.py`` gives it to the DAGs, ``task/identity.py`` reads the answers. The runs of instances have the
same keys in their conf. So ``{{ params.session_uid }}`` is right in both.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import Param

from airflow_triggers.domain.configuration import MAX_NAME_LENGTH, TaskConfig
from airflow_triggers.domain.states import merge_under

_SESSION = (
    "The UID of a session. The task is called as for this session; no session is changed by it: the run is no "
    "instance, and what it returns cascades nowhere. To run it as an instance, fire its triggers instead."
)
_KWARGS = "What the task is given: trigger → kwargs."


def trigger_form(task: TaskConfig | None = None) -> dict[str, Param]:
    """The params of the DAG, by name.

    :param task: the form is filled with its triggers and their static kwargs; None: the form is empty.
    """
    begin: dict[str, Any] = {}
    if task is not None:
        names = dict.fromkeys((*task.after, *((task.and_every,) if task.and_every else ())))
        begin = merge_under(task.with_params, {name: {} for name in names})
    return {
        "session_uid": Param(
            None, _SESSION, type=["null", "string"], title="Session", minLength=1, maxLength=MAX_NAME_LENGTH
        ),
        "trigger_kwargs": Param(begin, _KWARGS, type="object", title="Trigger kwargs"),
    }
