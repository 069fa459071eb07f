"""Acts on one instance: what they take, when they change something, and what is refused."""

from __future__ import annotations

import json

import pytest

from airflow_triggers.domain.acts import (
    ACTS,
    STATUSES_BY_HAND,
    ActKind,
    Need,
    Replay,
    ResolveLogs,
    SetMetadata,
    SetStatus,
    Skip,
    act_of,
)
from airflow_triggers.domain.configuration import TaskConfig
from airflow_triggers.domain.instances import InstanceStatus, TaskInstance
from airflow_triggers.errors import InvalidMetadata, InvalidStatus, InvalidTransition, InvalidTrigger


def instance(status=InstanceStatus.FAILED, **metadata):
    return TaskInstance(task=TaskConfig(name="t_x", run="dag"), number=0, status=status, metadata=metadata)


EVERY_ACT = [
    Replay(kwargs={"page": {"n": 1}}, cooldown=2.5),
    Skip(cascade=True, result={"n": 1}),
    SetStatus(status=InstanceStatus.FINISHED, metadata={"ticket": 1}, cascade=True, result={}),
    SetMetadata(metadata={"ticket": 1}),
    ResolveLogs(),
]


def test_every_kind_has_an_act():
    assert set(ACTS) == set(ActKind) == {act.kind for act in EVERY_ACT}


@pytest.mark.parametrize("act", EVERY_ACT, ids=lambda act: act.kind)
def test_an_act_comes_back_whole_from_its_arguments(act):
    assert act_of(act.kind.value, json.loads(json.dumps(act.to_arguments()))) == act


@pytest.mark.parametrize(
    ("act", "needs"),
    [
        (Replay(), {Need.CREATE_RUNS}),
        (Skip(), {Need.EDIT_TASK_INSTANCES}),
        (Skip(cascade=True), {Need.EDIT_TASK_INSTANCES, Need.CREATE_RUNS}),
        (SetStatus(status=InstanceStatus.ABANDONED), {Need.EDIT_TASK_INSTANCES}),
        (SetStatus(status=InstanceStatus.UNSTARTED), {Need.EDIT_TASK_INSTANCES, Need.CREATE_RUNS}),
        (
            SetStatus(status=InstanceStatus.SKIPPED, cascade=True),
            {Need.EDIT_TASK_INSTANCES, Need.CREATE_RUNS},
        ),
        (SetMetadata(metadata={"a": 1}), {Need.EDIT_TASK_INSTANCES}),
        (ResolveLogs(), {Need.EDIT_TASK_INSTANCES}),
    ],
    ids=lambda value: " ".join(sorted(value)) if isinstance(value, set) else repr(value),
)
def test_what_makes_runs_takes_the_right_to_create_them(act, needs):
    assert act.needs == needs


@pytest.mark.parametrize(
    ("act", "changed", "unchanged"),
    [
        (Replay(), instance(), instance(InstanceStatus.REPLAYED)),
        (Skip(), instance(), instance(InstanceStatus.SKIPPED)),
        (
            SetStatus(status=InstanceStatus.FINISHED),
            instance(InstanceStatus.RUNNING),
            instance(InstanceStatus.FINISHED),
        ),
        (SetMetadata(metadata={"a": None}), instance(), instance(a=None)),
        (ResolveLogs(), instance(logLevel=40), instance(logLevel=30)),
    ],
    ids=repr,
)
def test_an_act_knows_whether_it_changes_an_instance(act, changed, unchanged):
    assert act.changes(changed)
    assert not act.changes(unchanged)


@pytest.mark.parametrize("status", [*sorted(set(InstanceStatus) - set(STATUSES_BY_HAND)), "done", None])
def test_statuses_of_runners_and_replays_are_refused_with_the_choices(status):
    with pytest.raises(InvalidStatus, match="expected one of: unstarted, finished, failed") as refusal:
        SetStatus(status=status)
    assert str(refusal.value).startswith(f"The status to set is {status and str(status)!r}, expected")


@pytest.mark.parametrize("status", ["unstarted", "failed", "abandoned"])
def test_no_cascade_follows_a_status_that_is_no_end_of_work(status):
    with pytest.raises(InvalidStatus, match="finished or skipped"):
        SetStatus(status=status, cascade=True)


def test_a_status_is_set_once():
    with pytest.raises(InvalidTransition, match="t_x#0: it is failed, and only unstarted or scheduled"):
        SetStatus(status="failed").check(instance(), is_removed=False)


def test_an_instance_of_a_removed_task_is_not_set_back_to_wait_for_ever():
    with pytest.raises(InvalidTransition, match="removed task"):
        SetStatus(status="unstarted").check(instance(), is_removed=True)
    SetStatus(status="finished").check(instance(), is_removed=True)


def test_arguments_have_the_forms_and_limits_of_every_way_in():
    with pytest.raises(InvalidTrigger):
        Replay(kwargs={"": {}})
    with pytest.raises(InvalidTrigger):
        Skip(result={"n": float("nan")})
    for metadata in ({}, {"parent": "t_x#0"}):
        with pytest.raises(InvalidMetadata):
            SetMetadata(metadata=metadata)
