"""Reads what became of the DAG run that executes an instance: its state, what its tasks left behind, who acted on it.

Reading is apart from applying, because a session kept elsewhere is written with no transaction open. Neighbours:
``observe.py`` finds the runs to look at, ``decide.py`` says what a change means; after it, ``apply.py`` has the manager
record the events.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sqlalchemy.orm import Session

from airflow_triggers import gateway, metrics
from airflow_triggers.controller.cause import is_by_hand
from airflow_triggers.controller.decide import is_past
from airflow_triggers.domain.instances import TaskInstance
from airflow_triggers.domain.names import COMPILED_TASK_ID, RunKind, run_kind
from airflow_triggers.domain.runs import Binding, RunKey, SeenRun
from airflow_triggers.gateway.run_moments import RunMoments, read_moments
from airflow_triggers.gateway.waiting import last_actor
from airflow_triggers.runners import bindings

log = logging.getLogger(__name__)

_END_STATES = ("success", "failed")


@dataclass(frozen=True, kw_only=True)
class ObservedRun:
    """The DAG run that executes an instance, as it is now.

    :param instance: the instance, as it was when the run was looked at.
    :param seen_run: the run as it was last seen.
    :param now: the run as Airflow has it now; None when it was deleted.
    :param xcoms: what its tasks left behind, if it has ended.
    :param task_states: the states of its task instances by task id, if it has ended.
    :param is_waived: whether it succeeded because its tasks skipped themselves.
    :param moments: when its work began and ended; None where metrics are off.
    :param actor: the person who acted on it in Airflow, if there is one and Airflow knows who.
    """

    key: RunKey
    instance: TaskInstance
    seen_run: SeenRun
    now: SeenRun | None
    xcoms: gateway.RunXComs = field(default_factory=gateway.RunXComs)
    task_states: Mapping[str, str] = field(default_factory=dict)
    is_waived: bool = False
    moments: RunMoments | None = None
    actor: str | None = None

    @property
    def latest(self) -> SeenRun:
        """The run as it is now; for a deleted one, as it was last seen."""
        return self.now or self.seen_run


def observe_run(session: Session, instance: TaskInstance, binding: Binding) -> ObservedRun:
    """Look at the run of an instance. If the run no longer concerns the instance, only its state is read."""
    seen_run = bindings.seen_of(instance, binding)
    now = _run_now(session, binding, seen_run)
    run = ObservedRun(key=binding.key, instance=instance, seen_run=seen_run, now=now)
    if is_past(instance.status, seen_run=seen_run, now=now):
        return run
    if is_by_hand(instance.status, seen_run=seen_run, now=now):
        run = replace(run, actor=last_actor(session, *run.key, since=instance.last_modified))
    if now is not None and now.state in _END_STATES:
        run = _with_outcome(session, run)
    if now is not None and metrics.are_on():
        run = replace(run, moments=read_moments(session, *run.key, is_compiled=binding.is_compiled))
    return run


def _run_now(session: Session, binding: Binding, seen_run: SeenRun) -> SeenRun | None:
    """The run as it is. If it was cleared just as Airflow ended it, it is queued first, as the clear intended."""
    now = gateway.see_run(session, *binding.key, is_compiled=binding.is_compiled)
    # Only a clear raises the number. A half cleared run does not run again without help.
    if now is None or not now.half_cleared or now.clear_number == seen_run.clear_number:
        return now
    log.warning(
        "Run %s of %s was cleared as Airflow ended it; it is queued now", binding.run_id, binding.dag_id
    )
    return gateway.finish_clearing(session, *binding.key)


def _with_outcome(session: Session, run: ObservedRun) -> ObservedRun:
    """Add what the tasks of an ended run left behind."""
    task = run.instance.task
    task_id: str | None = COMPILED_TASK_ID
    if run_kind(task.run) is RunKind.DAG:
        task_id = task.airflow.get("result_task_id")
    states = gateway.task_states(session, *run.key)
    return replace(
        run,
        xcoms=gateway.read_xcoms(session, *run.key, task_id=task_id),
        task_states=states,
        # When somebody marks a run as success, Airflow skips its tasks, too: that waives nothing.
        is_waived=set(states.values()) == {"skipped"} and gateway.skipped_itself(session, *run.key),
    )
