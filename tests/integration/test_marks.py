"""What people mark in Airflow, as its API server does it: seen by the next pass, and told from what tasks did."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from airflow.jobs.job import Job
from airflow.models.dagrun import DagRun
from airflow.models.taskinstancehistory import TaskInstanceHistory
from airflow.utils.session import create_session as airflow_session
from airflow.utils.state import DagRunState
from sqlalchemy import select

from airflow_triggers.listener import TriggersListener
from airflow_triggers.runners import bindings
from airflow_triggers.sessions.describing import fires_of
from airflow_triggers.sessions.opening import fire_into
from airflow_triggers.storages import tables
from tests.support.dags import play, run_of
from tests.support.surveys import failed_import, statuses, view


@pytest.fixture
def finished(survey, controller):
    """A settled instance; the controller has looked at all settled runs, and will not soon again."""
    fire_into("order-1", "firstPage", configuration="survey")
    play(view("t_import#0"), "success", result={"id": 7})
    controller.run_once()
    assert not watched()


def mark(state, *, listener=None, run_id=None):
    """As ``airflow.api_fastapi.core_api.services.public.dag_run.patch_dag_run_state`` does it."""
    hooks = listener or TriggersListener()
    with airflow_session() as session:
        run = session.scalar(select(DagRun).where(DagRun.run_id == (run_id or view("t_import#0").run_id)))
        run.state = DagRunState(state)
        if state == "success":
            hooks.on_dag_run_success(dag_run=run)
        else:
            hooks.on_dag_run_failed(dag_run=run)


def watched():
    with airflow_session() as session:
        mine = tables.run.c.run_id == view("t_import#0").run_id
        return session.scalar(select(tables.run.c.watched).where(mine))


def test_a_finished_run_that_is_marked_failed_is_seen_by_the_next_pass(finished, controller):
    mark("failed")
    assert controller.run_once() == 1
    assert statuses()["t_import#0"] == "failed"
    assert (
        "no task of it failed; it timed out or was marked failed"
        in view("t_import#0").instance.metadata["exceptionMessage"]
    )
    mark("success")
    assert controller.run_once() == 1
    assert statuses()["t_import#0"] == "finished"
    assert [fire.kwargs for fire in fires_of("order-1")] == [{"id": 7}, {"id": 7}, {}]


def test_a_mark_that_is_not_kept_is_not_seen(finished, controller):
    with airflow_session() as session:
        run = run_of(session, view("t_import#0"))
        run.state = DagRunState.FAILED
        TriggersListener().on_dag_run_failed(dag_run=run)
        session.rollback()
    assert not watched()
    assert controller.run_once() == 0


def test_a_mark_that_changes_nothing_has_nothing_looked_at(finished):
    mark("success")
    assert not watched()


def test_where_a_component_runs_the_ends_of_its_runs_are_not_looked_at(finished):
    listener = TriggersListener()
    job = Job()
    listener.on_starting(job)
    mark("failed", listener=listener)
    assert not watched()
    listener.before_stopping(job)


def test_a_mark_stands_though_the_controller_cannot_be_told(finished, controller, monkeypatch, caplog):
    def broken(session, *_):
        session.execute(select(tables.run.c.run_id).where(tables.run.c.run_id == tables.metadata))

    monkeypatch.setattr(bindings, "watch", broken)
    mark("failed")
    assert "the controller cannot be told" in caplog.text
    with airflow_session() as session:
        assert run_of(session, view("t_import#0")).state == "failed"


def test_a_run_that_is_marked_success_keeps_nothing_of_its_failure(survey, controller):
    fire_into("order-1", "firstPage", configuration="survey")
    exception = {"exceptionType": "builtins.ValueError", "exceptionMessage": "no age", "exceptionInfo": "…"}
    play(view("t_import#0"), "failed", exception=exception)
    controller.run_once()
    play(view("t_import#0"), "success", task_state="failed")
    controller.run_once()
    metadata = view("t_import#0").instance.metadata
    assert statuses()["t_import#0"] == "finished"
    assert not any(key.startswith("exception") for key in metadata)


def test_a_cleared_run_that_is_marked_failed_before_it_begins_does_not_fail_for_its_earlier_reason(
    survey, controller
):
    fire_into("order-1", "firstPage", configuration="survey")
    exception = {"exceptionType": "builtins.ValueError", "exceptionMessage": "no age", "exceptionInfo": "…"}
    play(view("t_import#0"), "failed", exception=exception)
    controller.run_once()
    play(view("t_import#0"), "queued", clear=True)
    controller.run_once()
    play(view("t_import#0"), "failed", task_state="skipped", executed=False)
    controller.run_once()
    metadata = view("t_import#0").instance.metadata
    assert metadata["exceptionType"] == "airflow_triggers.errors.RunFailed"


def test_a_run_that_is_marked_success_before_it_begins_is_finished_and_not_skipped(survey, controller):
    fire_into("order-1", "firstPage", configuration="survey")
    play(view("t_import#0"), "success", task_state="skipped", executed=False)
    controller.run_once()
    assert statuses() == {"t_import#0": "finished", "t_score#0": "scheduled"}


def test_a_cleared_run_that_is_marked_success_before_it_begins_is_finished_and_not_skipped(
    survey, controller
):
    failed_import(controller)
    with airflow_session() as session:
        (task,) = run_of(session, view("t_import#0")).task_instances
        TaskInstanceHistory.record_ti(task, session=session)  # as a clear does
    play(view("t_import#0"), "success", task_state="skipped", clear=True, executed=False)
    controller.run_once()
    assert statuses()["t_import#0"] == "finished"


def test_a_task_that_was_cleared_and_skips_itself_then_skips_its_instance(survey, controller):
    failed_import(controller)
    with airflow_session() as session:
        (task,) = run_of(session, view("t_import#0")).task_instances
        task.start_date = datetime(2026, 1, 1, tzinfo=UTC)
        TaskInstanceHistory.record_ti(task, session=session)
    play(view("t_import#0"), "success", task_state="skipped", clear=True)
    controller.run_once()
    assert statuses()["t_import#0"] == "skipped"
