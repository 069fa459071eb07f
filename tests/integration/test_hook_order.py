"""The order of hooks against commits and cascades, where the controller brings in what the DAG runs came to.

At each hook, another connection to the database says what is kept by then: a hook that came before its commit would
see less. In one process the contract suite asserts the same, over every storage.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session as airflow_session
from sqlalchemy import select, update

from airflow_triggers.manager.manager import TriggerManager, trigger_managers
from airflow_triggers.sessions.opening import create_session, fire_into, open_session
from airflow_triggers.storages import tables
from tests.support.dags import play
from tests.support.surveys import statuses, view

TRACE = []


class Ordered(TriggerManager):
    """Keeps a trace of its hooks, each with the instances and the runs that are kept by then."""

    name = "ordered"

    def note(self, hook, name):
        with airflow_session() as session:
            runs = session.scalars(select(DagRun.run_id).order_by(DagRun.id)).all()
        TRACE.append((hook, name, statuses(), [run.partition("~")[2] for run in runs]))

    def _post_fire(self, trigger_name, tasks_scheduled):
        self.note("fire", trigger_name)

    def _post_replay(self, task_instance):
        self.note("replay", task_instance.name)

    def _post_skip(self, task_instance, cascade):
        self.note("skip", task_instance.name)


@pytest.fixture(autouse=True)
def ordered(survey):
    TRACE.clear()
    trigger_managers.register("ordered", Ordered)
    create_session("order-1", configuration="survey", manager="ordered")
    yield
    trigger_managers.unregister("ordered")


def taken():
    trace = list(TRACE)
    TRACE.clear()
    return trace


def test_a_completion_its_fires_its_cascade_and_the_run_that_follows_are_kept_before_any_hook(controller):
    fire_into("order-1", "firstPage")
    assert taken() == [("fire", "firstPage", {"t_import#0": "scheduled"}, ["t_import~0"])]
    play(view("t_import#0"), "running")
    controller.run_once()
    assert taken() == [], "a start fires nothing"
    report = {"fires": [{"trigger_name": "counted"}]}
    play(view("t_import#0"), "success", result={"id": 7}, report=report)
    controller.run_once()
    kept = ({"t_import#0": "finished", "t_score#0": "scheduled"}, ["t_import~0", "t_score~0"])
    assert taken() == [("fire", "counted", *kept), ("fire", "t_import", *kept)]
    controller.run_once()
    assert taken() == []


def test_a_replay_that_a_task_asked_for_and_a_skip_with_its_cascade_are_kept_before_their_hooks(controller):
    fire_into("order-1", "firstPage")
    exception = {"exceptionType": "builtins.ValueError"}
    play(view("t_import#0"), "failed", report={"exception": exception, "retry": {"retries": 1}})
    taken()
    controller.run_once()
    replayed = {"t_import#0": "replayed", "t_import#1": "scheduled"}
    assert taken() == [("replay", "t_import#1", replayed, ["t_import~0", "t_import~1"])]
    play(view("t_import#1"), "failed")
    controller.run_once()
    assert taken() == [], "a failure fires nothing"
    open_session("order-1").skip_failed_instance("t_import#1", cascade=True)
    kept = (
        {**replayed, "t_import#1": "skipped", "t_score#0": "scheduled"},
        ["t_import~0", "t_import~1", "t_score~0"],
    )
    assert taken() == [("fire", "t_import", *kept), ("skip", "t_import#1", *kept)]


def test_hooks_whose_process_died_are_called_in_the_order_in_which_they_were_promised(
    controller, monkeypatch
):
    fire_into("order-1", "firstPage")
    play(view("t_import#0"), "failed")
    controller.run_once()
    taken()
    with monkeypatch.context() as dying:
        dying.setattr(Ordered, "call_hook", lambda *_, **__: None)
        open_session("order-1").skip_failed_instance("t_import#0", cascade=True)
    assert taken() == []
    with airflow_session() as session:
        session.execute(update(tables.hook).values(due=datetime.now(UTC)))
    controller.run_once()
    assert [(hook, name) for hook, name, *_ in taken()] == [("fire", "t_import"), ("skip", "t_import#0")]
