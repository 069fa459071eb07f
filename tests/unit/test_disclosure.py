"""What of Airflow an answer shows to whom: a sentence is shortened, and never missing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from airflow_triggers.domain.configuration import TaskConfig
from airflow_triggers.domain.disclosure import (
    EVERYTHING,
    Disclosure,
    shown_delayed_fire,
    shown_event,
    shown_fire,
    shown_instance,
)
from airflow_triggers.domain.events import EventKind, SessionEvent
from airflow_triggers.domain.failures import describe_exception, failure_in_short
from airflow_triggers.domain.fires import DelayedFire, Fire
from airflow_triggers.domain.instances import InstanceStatus, TaskInstance
from airflow_triggers.domain.runs import DagInAirflow, PoolInAirflow, RunInAirflow, TaskInAirflow
from airflow_triggers.errors import DagUnavailable, RunFailed
from airflow_triggers.history.reasons import Evidence, explain
from airflow_triggers.history.run_reasons import reasons_of_run

NOON = datetime(2026, 5, 17, 12, tzinfo=UTC)
SOURCE = "task load[3] of shop.orders, run manual__2026-05-17, twice"
TASK = TaskConfig(name="t_x", run="survey.t_x", after=("paid",))
RUN = RunInAirflow(
    dag_id="survey.t_x",
    run_id="r",
    state="running",
    dag=DagInAirflow(paused=True, stale=False, import_errors=False, max_active_runs=3, max_active_tasks=7),
    slots=32,
    busy_slots=31,
    task_count=1,
    tasks=(
        TaskInAirflow(
            task_id="secret_task",
            map_index=-1,
            state="scheduled",
            since=NOON,
            pool="secret_pool",
            pool_slots=5,
            queue=None,
            try_number=1,
            pool_state=PoolInAirflow(slots=9, open=4),
        ),
    ),
)


def without(*members):
    """Everything but these, and those for another DAG or pool."""
    hidden = {"dag": "survey.t_x", "runs": "shop.orders", "task_instances": "survey.t_x"}
    hidden |= {"audit_log": "survey.t_x", "pool": "secret_pool"}
    return Disclosure(
        **{
            member: (lambda: False) if member == "cluster" else lambda name, of=member: name != hidden[of]
            for member in members
        }
    )


def event(**changes):
    entry = SessionEvent(
        event_id=1,
        kind=EventKind.PROGRESS,
        instance="t_x#0",
        at=NOON,
        by="alice in Airflow",
        details={"event": "fail", "from": "running", "to": "failed", "dag_id": "survey.t_x", "run_id": "r"},
    )
    return replace(entry, **changes)


def reasons(disclosure, run=RUN, status=InstanceStatus.RUNNING):
    return {
        reason.code: reason.text for reason in reasons_of_run(run, status, now=NOON, disclosure=disclosure)
    }


@pytest.mark.parametrize(
    ("caller", "shown"),
    [
        (SOURCE, "a task of another DAG"),
        ("task load of shop.orders, run r", "a task of another DAG"),
        ("task load of other.dag, run r", "task load of other.dag, run r"),
        ("alice", "alice"),
        ("t_x#0", "t_x#0"),
        (None, None),
    ],
)
def test_who_fired_is_shown_without_the_runs_of_a_dag_that_may_not_be_read(caller, shown):
    fire = Fire(trigger_name="paid", kwargs={}, fired_at=NOON, fired_by=caller)
    delayed = DelayedFire(trigger_name="paid", kwargs={}, fire_at=NOON, fired_by=caller)
    hidden = without("runs")
    assert shown_fire(fire, hidden).fired_by == shown
    assert shown_delayed_fire(delayed, hidden).fired_by == shown
    assert shown_event(event(kind=EventKind.ASSET_EVENT, by=caller), hidden).by == shown
    assert shown_fire(fire, EVERYTHING) is fire


@pytest.mark.parametrize(
    ("entry", "by"),
    [
        (event(), "somebody in Airflow"),
        (event(by="controller"), "controller"),
        (event(by=None), None),
        (event(details={"dag_id": "other", "to": "failed", "from": "running"}), "alice in Airflow"),
        (event(kind=EventKind.SKIP, details={"cascade": True}, by="alice in Airflow"), "alice in Airflow"),
    ],
)
def test_who_acted_in_airflow_is_shown_to_who_may_read_the_audit_log(entry, by):
    assert shown_event(entry, without("audit_log")).by == by
    assert shown_event(entry, EVERYTHING) is entry


def test_why_names_who_marked_a_run_and_who_fired_only_to_who_may_know():
    instance = TaskInstance(task=TASK, number=0, status=InstanceStatus.SKIPPED, kwargs={"paid": {}})
    fire = Fire(trigger_name="paid", kwargs={}, fired_at=NOON, fired_by=SOURCE)
    evidence = Evidence(
        task=TASK,
        instance=instance,
        now=NOON,
        taken={"paid": fire},
        settled_by=event(),
        disclosure=EVERYTHING,
    )
    whole = explain(evidence)
    assert "by alice in Airflow" in whole.reasons[0].text
    assert whole.requirements[0].fire.fired_by == SOURCE
    shortened = explain(replace(evidence, disclosure=without("audit_log", "runs")))
    assert "by somebody in Airflow" in shortened.reasons[0].text
    assert shortened.requirements[0].fire.fired_by == "a task of another DAG"


def test_the_tasks_of_a_run_are_shown_to_who_may_read_its_task_instances():
    assert "pool_full" in reasons(EVERYTHING)
    shortened = reasons(without("task_instances"))
    assert shortened.keys() == {"dag_paused", "run_running"}
    assert "secret" not in str(shortened)


@pytest.mark.parametrize(
    ("state", "code", "whole"),
    [
        (PoolInAirflow(slots=9, open=4), "pool_full", "'secret_pool': 4 of 9 are free, and it takes 5"),
        (PoolInAirflow(slots=2, open=2), "pool_too_small", "'secret_pool' has 2 in all"),
        (None, "pool_missing", "'secret_pool': there is none"),
    ],
)
def test_a_pool_is_shown_to_who_may_read_it(state, code, whole):
    run = replace(RUN, tasks=(replace(RUN.tasks[0], pool_state=state),))
    assert whole in reasons(EVERYTHING, run)[code]
    shortened = reasons(without("pool"), run)[code]
    assert "'secret_task'" in shortened
    assert "pool" in shortened
    assert not any(detail in shortened for detail in ("secret_pool", "of 9", "takes 5", "has 2"))


def test_a_dags_state_and_limits_are_shown_to_who_may_read_the_dag():
    run = replace(RUN, tasks=(replace(RUN.tasks[0], pool_state=PoolInAirflow(slots=9, open=9)),))
    busy = replace(run, dag=replace(run.dag, max_active_tasks=0))
    queued = replace(run, state="queued", dag=replace(run.dag, active_count=3, active_runs=("a", "b", "c")))
    hidden = without("dag")
    assert "max_active_tasks is 0." in reasons(EVERYTHING, busy)["max_active_tasks"]
    assert "max_active_tasks allows no more." in reasons(hidden, busy)["max_active_tasks"]
    assert "max_active_runs is 3: a, b, c." in reasons(EVERYTHING, queued)["max_active_runs"]
    assert "max_active_runs allows no more: a, b, c." in reasons(hidden, queued)["max_active_runs"]
    assert "dag_paused" in reasons(EVERYTHING, queued)
    assert "dag_paused" not in reasons(hidden, queued)


def test_how_much_is_at_work_in_airflow_is_shown_to_who_may_see_its_activity():
    pool = PoolInAirflow(slots=9, open=9)
    run = replace(RUN, busy_slots=32, tasks=(replace(RUN.tasks[0], pool_state=pool),))
    assert "32 tasks are at work in all of Airflow" in reasons(EVERYTHING, run)["parallelism"]
    assert "32" not in reasons(without("cluster"), run)["parallelism"]


def test_which_tasks_of_a_run_failed_is_shown_to_who_may_read_its_task_instances():
    error = RunFailed(
        "The DAG run 'r' of 'survey.t_x' failed (failed tasks: secret_task, b). Their logs say why."
    )
    metadata = describe_exception(error)
    instance = TaskInstance(task=TASK, number=0, status=InstanceStatus.FAILED, metadata=metadata)
    entry = event(details={**event().details, "error": failure_in_short(metadata)})
    hidden = without("task_instances")
    assert "secret_task" in str(shown_instance(instance, "survey.t_x", EVERYTHING).metadata)
    assert "secret_task" in str(shown_instance(instance, "other", hidden).metadata)
    assert "secret_task" not in str(shown_instance(instance, "survey.t_x", hidden).metadata)
    assert "secret_task" not in str(shown_event(entry, hidden).details)
    evidence = Evidence(task=TASK, instance=instance, now=NOON, settled_by=entry, disclosure=hidden)
    assert "secret_task" not in str(explain(evidence))
    assert "failed (what its tasks did is not shown)" in explain(evidence).reasons[0].text


def test_a_dag_that_may_have_been_meant_is_named_to_who_may_read_it():
    error = DagUnavailable(
        "There is no deployed DAG 'survy'. Did you mean 'secret_dag'? Deploy it, then replay."
    )
    metadata = describe_exception(error)
    instance = TaskInstance(task=TASK, number=0, status=InstanceStatus.FAILED, metadata=metadata)
    details = {"event": "fail", "from": "scheduled", "to": "failed", "error": failure_in_short(metadata)}
    entry = event(by="ann", details=details)
    hidden = Disclosure(dag=lambda dag_id: dag_id != "secret_dag")
    for disclosure, named in ((EVERYTHING, True), (hidden, False)):
        evidence = Evidence(task=TASK, instance=instance, now=NOON, settled_by=entry, disclosure=disclosure)
        shown = shown_instance(instance, None, disclosure)
        for answer in (shown.metadata, shown_event(entry, disclosure).details, explain(evidence)):
            assert ("secret_dag" in str(answer)) is named
            assert "There is no deployed DAG 'survy'." in str(answer)


def test_what_a_task_raised_itself_is_shown_whole():
    metadata = describe_exception(ValueError("failed tasks: mine)"))
    instance = TaskInstance(task=TASK, number=0, status=InstanceStatus.FAILED, metadata=metadata)
    assert shown_instance(instance, "survey.t_x", without("task_instances")) is instance
