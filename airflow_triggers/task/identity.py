"""Whose run a task executes: an instance's, or nobody's, because somebody made the run by hand.

Neighbours: ``runners/airflow.py`` writes the conf for this module; for a run made by hand, ``configuration/form.py``
has Airflow ask for it. ``context.py`` gives the result to the task.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from airflow_triggers.domain.configuration import TaskConfig
from airflow_triggers.errors import NotATriggerRun

IDENTITY = frozenset({"instance_name", "number", "session_uid", "task_name"})
"""The required keys of a run's ``conf["triggers"]``, besides its ``run_id``. They name the run's instance."""

KWARGS_TEXT = "trigger_kwargs_json"
"""The key of ``conf["triggers"]`` for the kwargs as JSON text, if ``jsonb`` would not keep them exactly."""

TASK_TEXT = "task_json"
"""The same for the task's directives."""

BY_HAND = -1
"""The instance number in a run made by hand. No instance has this number."""


def identity_of(dag_run: Any) -> dict[str, Any]:
    """The arguments of a ``TaskContext``, from a run's conf.

    A run belongs to an instance only if it was made for it. So a run with the conf of another run counts as made by
    hand: the conf names the other run's id.

    :raises NotATriggerRun: when it was made by hand, and for no session.
    """
    conf = dag_run.conf or {}
    section = conf.get("triggers")
    identity = section if isinstance(section, Mapping) and section.keys() >= IDENTITY else {}
    kwargs = conf.get("trigger_kwargs") or {}
    if identity.get("run_id") != dag_run.run_id:
        uid = conf.get("session_uid") or getattr(dag_run, "partition_key", None)
        return {**_by_hand(dag_run, uid), "trigger_kwargs": kwargs}
    name, directives = str(identity["task_name"]), _exact(identity.get(TASK_TEXT), identity.get("task") or {})
    has_directives = isinstance(directives, Mapping) and "run" in directives
    return {
        "trigger_kwargs": _exact(identity.get(KWARGS_TEXT), kwargs),
        "manager_name": identity.get("manager") or "default",
        "task": TaskConfig.from_directives(name, directives) if has_directives else None,
        "metadata": identity.get("metadata") or {},
        **{key: identity.get(key) for key in (*IDENTITY, "configuration")},
    }


def instance_identity_of(dag_run: Any) -> dict[str, Any] | None:
    """The arguments of a ``TaskContext``, as from :func:`identity_of`; None for a run made by hand."""
    try:
        identity = identity_of(dag_run)
    except NotATriggerRun:
        return None
    return None if identity["number"] == BY_HAND else identity


def _exact(text: Any, content: Any) -> Any:
    """The content of the JSON text; without a text, the content as the database keeps it.

    There is no text when the database keeps the content exactly, and in runs of earlier versions.
    """
    return json.loads(text) if isinstance(text, str) else content


def _by_hand(dag_run: Any, session_uid: Any) -> dict[str, Any]:
    if not isinstance(session_uid, str) or not session_uid:
        raise NotATriggerRun(
            f"The run {dag_run.run_id!r} of {dag_run.dag_id!r} belongs to no session, so there is nothing to do. "
            "To have a trigger task run, fire its triggers into a session, over REST or with 'airflow triggers fire', "
            "or replay a failed instance. To call it by hand, give 'session_uid' and 'trigger_kwargs' in the form by "
            "which Airflow triggers the DAG: it is called with them, and no session is changed."
        )
    configuration, _, task_name = str(dag_run.dag_id).rpartition(".")
    return {
        "session_uid": session_uid,
        "task_name": task_name,
        "number": BY_HAND,
        "instance_name": f"{task_name}#{BY_HAND}",
        "configuration": configuration or None,
    }
