"""Why an instance has not run, as a table of what is known and what is answered."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from airflow_triggers.domain.configuration import TaskConfig
from airflow_triggers.domain.events import SessionEvent
from airflow_triggers.domain.fires import DelayedFire, Fire
from airflow_triggers.domain.instances import InstanceStatus, TaskInstance
from airflow_triggers.history.reasons import Evidence, explain, similar_names

NOON = datetime(2026, 5, 17, 12, tzinfo=UTC)
TASK = TaskConfig(
    name="t_score", after=("t_import", "paid"), and_every="page", unless=("embedded",), run="dag"
)
S = InstanceStatus


def instance(status=S.UNSTARTED, *taken, **metadata):
    moments = {"timestamps": {status.value: NOON.isoformat()}}
    return TaskInstance(
        task=TASK,
        number=0,
        status=status,
        kwargs={name: {} for name in taken},
        metadata={**moments, **metadata},
    )


def fire(trigger, fire_id=7, by="ann"):
    return Fire(fire_id=fire_id, trigger_name=trigger, kwargs={}, fired_at=NOON, fired_by=by)


def known(one=None, **more):
    return Evidence(task=TASK, instance=one, now=NOON, **more)


def codes(explanation):
    return [reason.code for reason in explanation.reasons]


def texts(explanation):
    return " ".join(reason.text for reason in explanation.reasons)


def requirement(explanation, trigger):
    (found,) = [one for one in explanation.requirements if one.trigger == trigger]
    return found


def test_the_answer_names_what_is_missing_and_who_brought_what_has_arrived():
    found = explain(known(instance(S.UNSTARTED, "paid"), taken={"paid": fire("paid")}))
    assert found.answer == "t_score#0 waits for t_import and page."
    assert found.rule.startswith("After t_import and paid have fired, and every time page fires")
    assert [(one.trigger, one.role, one.arrived) for one in found.requirements] == [
        ("t_import", "after", False),
        ("paid", "after", True),
        ("page", "andEvery", False),
        ("embedded", "unless", False),
    ]
    assert requirement(found, "paid").fire == fire("paid")
    assert codes(found) == ["missing_trigger", "missing_trigger"]


def test_a_trigger_with_a_like_name_that_no_task_uses_may_have_been_meant():
    misspelt = fire("Pagee")
    found = explain(known(instance(), unused=frozenset({"Pagee", "unrelated"}), latest={"Pagee": misspelt}))
    assert requirement(found, "page").similar == (misspelt,)
    assert requirement(found, "paid").similar == ()
    assert "'Pagee', which no task uses, was fired at 2026-05-17 12:00:00 UTC by ann (fire 7)" in texts(found)
    assert "Was 'page' meant?" in texts(found)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("pageRecieved", ("pageReceived",)),
        ("PAGERECEIVED", ("pageReceived",)),
        ("page_received", ("pageReceived",)),
        ("paid", ()),
        ("", ()),
    ],
)
def test_names_resemble_each_other_whatever_their_case(name, near):
    assert similar_names(name, ["pageReceived", "orderShipped"]) == near


def test_a_fire_that_is_still_to_come_is_named_with_what_went_wrong_with_it():
    due = NOON + timedelta(hours=1)
    later = DelayedFire(trigger_name="page", kwargs={}, fire_at=due, error="closed on Mondays")
    found = explain(known(instance(), delayed=(later, replace(later, trigger_name="other"))))
    assert requirement(found, "page").expected == (later,)
    assert "'page' is to be fired at 2026-05-17 13:00:00 UTC; it could not be fired: closed on" in texts(
        found
    )


def test_a_task_without_an_instance_says_that_an_earlier_fire_counts_later():
    found = explain(known(latest={"paid": fire("paid")}))
    assert found.answer.startswith("t_score has no instance yet")
    assert (found.status, requirement(found, "paid").arrived) == (None, False)
    assert "'paid' is missing: it fired before the session had this task, and counts once" in texts(found)


def test_an_instance_does_not_take_what_fired_before_its_task_asked_for_it():
    found = explain(known(instance(), latest={"paid": fire("paid")}))
    assert "'paid' is missing: it fired before the instance asked for it: its next fire counts" in texts(
        found
    )


@pytest.mark.parametrize(
    ("status", "doing"),
    [
        (None, "and has no instance yet"),
        (S.UNSTARTED, "t_import#0 waits for triggers itself"),
        (S.RUNNING, "t_import#0 is running"),
        (S.FAILED, "t_import#0 failed: replay it, or skip it with a cascade"),
        (S.SKIPPED, "t_import#0 was skipped without a cascade"),
        (S.ABANDONED, "t_import#0 was abandoned, so it never fires"),
    ],
)
def test_of_a_task_whose_end_is_waited_for_it_is_said_what_it_does(status, doing):
    other = TaskConfig(name="t_import", after=("x",), run="dag")
    instances = (TaskInstance(task=other, number=0, status=status),) if status else ()
    assert doing in texts(explain(known(instance(), instances={"t_import": instances})))


def test_an_instance_that_lacks_nothing_waits_for_a_look():
    found = explain(known(instance(S.UNSTARTED, "t_import", "paid", "page")))
    assert "is looked at by the next fire that concerns its task" in found.answer
    assert found.reasons == ()


EVENT = SessionEvent(event_id=1, kind="skip", instance="t_score#0", at=NOON, by="bob", details={})


@pytest.mark.parametrize(
    ("one", "event", "code", "text"),
    [
        (
            instance(S.FAILED, exceptionType="builtins.ValueError", exceptionMessage="no\nage"),
            replace(EVENT, details={"cause": "its DAG run failed"}),
            "failed",
            "It failed at 2026-05-17 12:00:00 UTC (its DAG run failed): ValueError: no …",
        ),
        (instance(S.FAILED), None, "failed", "no exception is known"),
        (
            instance(S.SKIPPED),
            EVENT,
            "skipped",
            "It was skipped by bob at 2026-05-17 12:00:00 UTC, and its name",
        ),
        (
            instance(S.SKIPPED, cascade=True),
            EVENT,
            "skipped",
            "It was skipped by bob at 2026-05-17 12:00:00 UTC.",
        ),
        (
            instance(S.SKIPPED),
            replace(EVENT, details={"event": "waive"}),
            "skipped",
            "All of its work was skipped",
        ),
        (
            instance(S.REPLAYED),
            replace(EVENT, details={"replay": "t_score#3"}),
            "replayed",
            "replayed by bob at 2026-05-17 12:00:00 UTC as t_score#3.",
        ),
        (instance(S.FINISHED), None, "finished", "It finished at 2026-05-17 12:00:00 UTC."),
        (
            replace(instance(S.ABANDONED), unless_seen=frozenset({"embedded"})),
            None,
            "abandoned",
            "Before it was scheduled, embedded had fired",
        ),
    ],
)
def test_what_became_of_an_instance_is_told_with_who_and_when(one, event, code, text):
    found = explain(known(one, settled_by=event))
    assert found.reasons[0].code == code
    assert text in found.reasons[0].text


@pytest.mark.parametrize("status", [S.SCHEDULED, S.RUNNING])
def test_an_instance_of_another_runner_has_no_dag_run(status):
    assert codes(explain(known(instance(status)))) == ["no_run"]


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (S.FINISHED, "t_score#0 was set to finished by hand."),
        (S.FAILED, "t_score#0 was set to failed by hand, and waits for somebody to replay or skip it."),
        (S.ABANDONED, "t_score#0 was set to abandoned by hand."),
    ],
)
@pytest.mark.parametrize(("by", "by_phrase"), [("bob", " by bob"), (None, "")])
def test_a_status_set_by_hand_is_told_as_such_and_not_as_what_happened_before(status, answer, by, by_phrase):
    before = {"exceptionType": "builtins.ValueError", "exceptionMessage": "no age"}
    event = replace(EVENT, kind="status", by=by, details={"from": "unstarted", "to": status.value})
    explanation = explain(known(instance(status, **before), settled_by=event))
    assert explanation.answer == answer
    assert explanation.reasons[0].code == status.value
    assert (
        explanation.reasons[0].text
        == f"Its status was set to {status.value}{by_phrase} at 2026-05-17 12:00:00 UTC."
    )
