"""What of Airflow an answer may show to whoever asks. Pure: values, and what is left of them.

Airflow's auth manager decides, per DAG and per pool. What may not be shown is left out of a sentence, and the sentence
stays. Neighbours: ``api/permissions.py`` asks the auth manager; ``history.py``, ``why.py`` and ``run_waits.py`` take a
:class:`Disclosure`. Callers on the server itself (Python, the command line) see everything.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from airflow_triggers.entries import EventKind, SessionEvent
from airflow_triggers.errors import RunFailed
from airflow_triggers.types import DelayedFire, Fire, TaskInstance

IN_AIRFLOW = " in Airflow"
"""How the history writes who cleared, marked or deleted a run: ``alice in Airflow``, as the audit log has it."""

SOMEBODY = f"somebody{IN_AIRFLOW}"
ANOTHER_TASK = "a task of another DAG"

_TASK_SOURCE = re.compile(r"task .+ of (?P<dag_id>[^ ,]+), run .+", re.DOTALL)
"""Who fires by an asset event of a task, as ``gateway/asset_events.py`` writes it."""

_RUN_FAILED = f"{RunFailed.__module__}.{RunFailed.__qualname__}"

_FAILED_TASKS = re.compile(r"failed tasks: [^)]*|no task of it failed[^)]*")
"""What ``controller/apply.py`` says of the tasks of a run that failed without an exception."""


def _always(name: str) -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class Disclosure:
    """What may be shown, by the id of the DAG or the name of the pool. The default is everything.

    :param dag: a DAG itself: whether it is paused, its limits.
    :param runs: the ids of a DAG's runs.
    :param task_instances: what the tasks of a DAG's runs do.
    :param audit_log: who cleared, marked or deleted a DAG's runs.
    :param pool: a pool, and how full it is.
    :param cluster: how much is at work in all of Airflow.
    """

    dag: Callable[[str], bool] = _always
    runs: Callable[[str], bool] = _always
    task_instances: Callable[[str], bool] = _always
    audit_log: Callable[[str], bool] = _always
    pool: Callable[[str], bool] = _always
    cluster: Callable[[], bool] = lambda: True


EVERYTHING = Disclosure()


def shown_source(caller: str | None, disclosure: Disclosure) -> str | None:
    """Who fired, without the run of a DAG whose runs may not be shown.

    >>> shown_source("task load of shop, run r1", Disclosure(runs=lambda dag_id: False))
    'a task of another DAG'
    """
    source = _TASK_SOURCE.fullmatch(caller) if caller else None
    return caller if source is None or disclosure.runs(source["dag_id"]) else ANOTHER_TASK


def shown_fire(fire: Fire, disclosure: Disclosure) -> Fire:
    """The fire, as far as it may be shown."""
    source = shown_source(fire.fired_by, disclosure)
    return fire if source == fire.fired_by else replace(fire, fired_by=source)


def shown_delayed_fire(fire: DelayedFire, disclosure: Disclosure) -> DelayedFire:
    """The fire for later, as far as it may be shown."""
    source = shown_source(fire.fired_by, disclosure)
    return fire if source == fire.fired_by else replace(fire, fired_by=source)


def shown_event(event: SessionEvent, disclosure: Disclosure) -> SessionEvent:
    """The entry of the history, as far as it may be shown."""
    dag_id = event.details.get("dag_id")
    caller = shown_source(event.by, disclosure)
    if event.kind != EventKind.PROGRESS or dag_id is None:
        return event if caller == event.by else replace(event, by=caller)
    if caller and caller.endswith(IN_AIRFLOW) and not disclosure.audit_log(dag_id):
        caller = SOMEBODY
    error = str(event.details.get("error", ""))
    if error.startswith(_RUN_FAILED) and not disclosure.task_instances(dag_id):
        return replace(event, by=caller, details={**event.details, "error": without_failed_tasks(error)})
    return event if caller == event.by else replace(event, by=caller)


def shown_instance(instance: TaskInstance, dag_id: str | None, disclosure: Disclosure) -> TaskInstance:
    """The instance, as far as it may be shown.

    :param dag_id: of its run; None when it has none.
    """
    metadata = instance.metadata
    if dag_id is None or metadata.get("exceptionType") != _RUN_FAILED or disclosure.task_instances(dag_id):
        return instance
    texts = {key: metadata[key] for key in ("exceptionMessage", "exceptionInfo") if key in metadata}
    shortened = {key: without_failed_tasks(str(text)) for key, text in texts.items()}
    return replace(instance, metadata={**metadata, **shortened})


def without_failed_tasks(text: str) -> str:
    """The text without the names of the tasks that failed.

    >>> without_failed_tasks("The DAG run 'r' of 'd' failed (failed tasks: a, b).")
    "The DAG run 'r' of 'd' failed (what its tasks did is not shown)."
    """
    return _FAILED_TASKS.sub("what its tasks did is not shown", text)
