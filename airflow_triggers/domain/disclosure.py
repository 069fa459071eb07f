"""What of Airflow an answer may show to its reader. Pure: values, and the visible part of them.

Airflow's auth manager decides, per DAG and per pool. A hidden part is left out of a sentence, and the sentence stays.
Neighbours: ``api/permissions.py`` asks the auth manager; ``history/``, ``history/reasons.py`` and
``history/run_reasons.py`` take a :class:`Disclosure`. Callers on the server itself (Python, the command line) see
everything.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from airflow_triggers.domain.events import Detail, EventKind, SessionEvent
from airflow_triggers.domain.fires import DelayedFire, Fire
from airflow_triggers.domain.instances import TaskInstance
from airflow_triggers.domain.metadata import EXCEPTION_INFO, EXCEPTION_MESSAGE, EXCEPTION_TYPE
from airflow_triggers.errors import DagUnavailable, RunFailed

IN_AIRFLOW = " in Airflow"
"""The history's suffix for a user who cleared, marked or deleted a run: ``alice in Airflow``, from the audit log."""

SOMEBODY = f"somebody{IN_AIRFLOW}"
ANOTHER_TASK = "a task of another DAG"

_TASK_SOURCE = re.compile(r"task .+ of (?P<dag_id>[^ ,]+), run .+", re.DOTALL)
"""The author of a fire by a task's asset event, as written by ``gateway/asset_events.py``."""

_RUN_FAILED = f"{RunFailed.__module__}.{RunFailed.__qualname__}"
_DAG_UNAVAILABLE = f"{DagUnavailable.__module__}.{DagUnavailable.__qualname__}"

_FAILED_TASKS = re.compile(r"failed tasks: [^)]*|no task of it failed[^)]*")
"""The words of ``controller/apply.py`` about a run's tasks, if the run failed without an exception."""

_NEAR_DAG = re.compile(r" Did you mean '(?P<dag_id>[^']+)(?:'\?|'?$)")
"""The hint of ``gateway/runs.py`` for a DAG that is not deployed. It names another DAG, of any owner.

A list may have cut the text off in the middle of the hint.
"""


def _always(name: str) -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class Disclosure:
    """What may be shown, by the id of the DAG or the name of the pool. The default shows everything.

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
    """Who fired, without the run of a DAG with hidden runs.

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
    dag_id = event.details.get(Detail.DAG_ID)
    caller = shown_source(event.by, disclosure)
    if event.kind != EventKind.PROGRESS:
        return event if caller == event.by else replace(event, by=caller)
    if dag_id and caller and caller.endswith(IN_AIRFLOW) and not disclosure.audit_log(dag_id):
        caller = SOMEBODY
    error = event.details.get(Detail.ERROR)
    kind = str(error).partition(":")[0]
    failure = error and shown_failure(str(error), kind=kind, dag_id=dag_id, disclosure=disclosure)
    if (caller, failure) == (event.by, error):
        return event
    return replace(
        event, by=caller, details={**event.details, Detail.ERROR: failure} if error else event.details
    )


def shown_instance(instance: TaskInstance, dag_id: str | None, disclosure: Disclosure) -> TaskInstance:
    """The instance, as far as it may be shown.

    :param dag_id: of its run; None when it has none.
    """
    metadata = instance.metadata
    kind = metadata.get(EXCEPTION_TYPE)
    if kind not in (_RUN_FAILED, _DAG_UNAVAILABLE):
        return instance
    texts = {key: str(metadata[key]) for key in (EXCEPTION_MESSAGE, EXCEPTION_INFO) if key in metadata}
    failure = {
        key: shown_failure(text, kind=kind, dag_id=dag_id, disclosure=disclosure)
        for key, text in texts.items()
    }
    return instance if failure == texts else replace(instance, metadata={**metadata, **failure})


def shown_problem(text: str, disclosure: Disclosure) -> str:
    """The sentence about a problem of a configuration, without the hint at a hidden DAG."""
    return _NEAR_DAG.sub(lambda hint: hint[0] if disclosure.dag(hint["dag_id"]) else "", text)


def shown_failure(text: str, *, kind: str, dag_id: str | None, disclosure: Disclosure) -> str:
    """The text of a failure, without the hidden acts of the DAG's tasks and without hidden DAGs.

    :param kind: the class of the exception, as :func:`airflow_triggers.domain.failures.describe_exception` has it.
    :param dag_id: the DAG of the failed run; None: there is none.

    >>> hidden = Disclosure(task_instances=lambda dag_id: False)
    >>> text = "The DAG run 'r' of 'd' failed (failed tasks: a, b)."
    >>> shown_failure(text, kind="airflow_triggers.errors.RunFailed", dag_id="d", disclosure=hidden)
    "The DAG run 'r' of 'd' failed (what its tasks did is not shown)."
    """
    if kind == _RUN_FAILED and dag_id is not None and not disclosure.task_instances(dag_id):
        return _FAILED_TASKS.sub("what its tasks did is not shown", text)
    if kind == _DAG_UNAVAILABLE:
        return shown_problem(text, disclosure)
    return text
