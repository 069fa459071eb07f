"""A compiled run's only task tells before the run that it has succeeded; a completion counts once all the same."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from airflow.models.taskinstance import clear_task_instances
from airflow.utils.session import create_session as airflow_session
from airflow.utils.state import DagRunState
from sqlalchemy import select, text, update

from airflow_triggers.controller import observe
from airflow_triggers.controller.loop import Controller
from airflow_triggers.sessions.describing import fires_of
from airflow_triggers.sessions.opening import create_session, fire_into, open_session
from airflow_triggers.storages import cache, tables
from tests.conftest import REDIS_URL
from tests.support.dags import play, run_of
from tests.support.surveys import plain_dags, statuses, view

CASCADED = {"t_import#0": "finished", "t_score#0": "scheduled"}


@pytest.fixture(params=["sql", "cache"])
def order(request, survey, redis_region, monkeypatch):
    """A session of the survey, in either storage."""
    monkeypatch.setattr(cache, "default_region", lambda: redis_region)
    monkeypatch.setenv("AIRFLOW__TRIGGERS__CACHE_URL", REDIS_URL)
    create_session("order-1", configuration="survey", storage=request.param)
    fire_into("order-1", "firstPage")
    return "order-1"


def succeed_early(controller, result):
    """The task has succeeded, and the scheduler has not looked at the run since."""
    play(view("t_import#0"), "running")
    controller.run_once()
    play(view("t_import#0"), "running", task_state="success", result=result)
    controller.run_once()


def passes(*controllers):
    """As many as would find anything, the look at settled runs included."""
    for one in (*controllers, Controller()):
        one.run_once()


def watched():
    """The tasks whose runs are watched."""
    with airflow_session() as session:
        return set(session.scalars(select(tables.run.c.task_name).where(tables.run.c.watched)))


def run_state(seen):
    """What Airflow says of the run, and of its only task."""
    with airflow_session() as session:
        run = run_of(session, seen)
        return run.state, run.task_instances[0].state


def clear(seen):
    """As Airflow's API and command line do."""
    with airflow_session() as session:
        clear_task_instances(run_of(session, seen).task_instances, session)


def half_clear(seen, *, counted=True):
    """What is left of a clear that met the end of the run."""
    with airflow_session() as session:
        run = run_of(session, seen)
        run.task_instances[0].state = None
        run.clear_number += counted


def await_blocked(session):
    """Wait until another transaction waits for what this one holds."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    )
    deadline = time.monotonic() + 30
    while not session.scalar(waiting):
        assert time.monotonic() < deadline, "nobody waits"
        time.sleep(0.02)


def cascades():
    return [fire.kwargs for fire in fires_of("order-1") if fire.trigger_name == "t_import"]


def test_the_instance_finishes_before_its_run_and_cascades_once(order, controller):
    succeed_early(controller, {"id": 7})
    assert statuses() == CASCADED
    passes(controller)
    play(view("t_import#0"), "success")
    passes(controller)
    assert statuses() == CASCADED
    assert cascades() == [{"id": 7}]


def test_nothing_is_left_to_do_and_the_run_is_watched_until_it_says_so(order, controller):
    succeed_early(controller, {"id": 7})
    assert controller.run_once() == 0
    assert Controller().run_once() == 0
    assert watched() == {"t_import", "t_score"}
    play(view("t_import#0"), "success")
    assert controller.run_once() == 0
    assert watched() == {"t_score"}


def test_a_task_that_was_never_seen_to_run_finishes_its_instance_early(order, controller):
    play(view("t_import#0"), "running", task_state="success")
    controller.run_once()
    assert statuses() == CASCADED


def test_a_run_that_times_out_after_its_task_succeeded_fails_the_instance(order, controller):
    succeed_early(controller, {"id": 7})
    play(view("t_import#0"), "failed", task_state="success")
    controller.run_once()
    assert statuses()["t_import#0"] == "failed"
    assert cascades() == [{"id": 7}]


def test_a_task_that_is_marked_failed_after_all_fails_the_instance(order, controller):
    succeed_early(controller, {"id": 7})
    play(view("t_import#0"), "running", task_state="failed")
    controller.run_once()
    assert statuses()["t_import#0"] == "running"
    play(view("t_import#0"), "failed")
    controller.run_once()
    assert statuses()["t_import#0"] == "failed"
    assert cascades() == [{"id": 7}]


@pytest.mark.parametrize("seen_between", [True, False])
def test_a_task_that_is_cleared_before_its_run_ended_and_succeeds_again_is_a_new_completion(
    order, controller, seen_between
):
    succeed_early(controller, {"id": 7})
    play(view("t_import#0"), "running", task_state="queued", clear=True)
    if seen_between:
        controller.run_once()
        assert statuses()["t_import#0"] == "running"
    play(view("t_import#0"), "running", task_state="success", result={"id": 8})
    controller.run_once()
    play(view("t_import#0"), "success")
    passes(controller)
    assert statuses()["t_import#0"] == "finished"
    assert cascades() == [{"id": 8}, {"id": 7}]


def test_a_run_that_is_cleared_while_the_scheduler_ends_it_runs_again(postgresql_survey, controller):
    """The scheduler's transaction is open when somebody clears the run: Airflow keeps the end and the clear."""
    fire_into("order-1", "firstPage", configuration="survey")
    succeed_early(controller, {"id": 7})
    cleared = view("t_import#0")
    with ThreadPoolExecutor(1) as pool:
        with airflow_session() as scheduler:
            run_of(scheduler, cleared).set_state(DagRunState.SUCCESS)
            scheduler.flush()
            clearing = pool.submit(clear, cleared)
            await_blocked(scheduler)
        clearing.result()
    assert run_state(cleared) == ("success", None)
    passes(controller)
    assert run_state(cleared) == ("queued", None)
    assert statuses()["t_import#0"] == "scheduled"
    assert cascades() == [{"id": 7}]


def test_a_run_that_is_half_cleared_is_queued_and_ends_once_more(order, controller):
    succeed_early(controller, {"id": 7})
    play(view("t_import#0"), "success")
    passes(controller)
    half_clear(view("t_import#0"))
    passes(controller)
    assert run_state(view("t_import#0")) == ("queued", None)
    assert statuses()["t_import#0"] == "scheduled"
    play(view("t_import#0"), "success", result={"id": 8})
    passes(controller)
    assert statuses()["t_import#0"] == "finished"
    assert cascades() == [{"id": 8}, {"id": 7}]


def test_what_was_cleared_without_its_run_is_left_to_who_did_so(order, controller):
    """Airflow's ``reset_dag_runs: false``: it does not count as a clear of the run."""
    play(view("t_import#0"), "success", clear=True)
    passes(controller)
    half_clear(view("t_import#0"), counted=False)
    passes(controller)
    assert run_state(view("t_import#0")) == ("success", None)
    assert statuses()["t_import#0"] == "finished"


def test_a_run_that_is_deleted_after_its_task_succeeded_changes_nothing(order, controller):
    succeed_early(controller, {"id": 7})
    with airflow_session() as session:
        session.delete(run_of(session, view("t_import#0")))
    passes(controller)
    assert statuses() == CASCADED


@pytest.mark.parametrize("status", ["finished", "failed", "scheduled", "running"])
def test_a_status_set_by_hand_after_an_early_end_is_not_undone_by_the_run(order, controller, status):
    succeed_early(controller, {"id": 7})
    open_session("order-1").update_instance_status("t_import#0", status, by="ann")
    passes(controller)
    play(view("t_import#0"), "success")
    passes(controller)
    assert statuses()["t_import#0"] == status
    assert cascades() == [{"id": 7}]
    assert watched() == {"t_score"}
    play(view("t_import#0"), "running", task_state="success", result={"id": 8}, clear=True)
    passes(controller)
    assert statuses()["t_import#0"] == "finished"
    assert cascades() == [{"id": 8}, {"id": 7}]


def test_a_status_set_by_hand_before_its_task_succeeds_is_not_undone_by_that(order, controller):
    play(view("t_import#0"), "running")
    controller.run_once()
    open_session("order-1").update_instance_status("t_import#0", "failed", by="ann")
    play(view("t_import#0"), "running", task_state="success", result={"id": 7})
    passes(controller)
    play(view("t_import#0"), "success")
    passes(controller)
    assert statuses() == {"t_import#0": "failed"}


def test_what_the_row_of_a_run_does_not_know_yet_is_not_counted_again(order, controller):
    """As if the process had died after the session was saved in its cache, and before the row was."""
    succeed_early(controller, {"id": 7})
    if open_session("order-1").storage.name == "cache":
        with airflow_session() as session:
            mine = update(tables.run).where(tables.run.c.task_name == "t_import")
            session.execute(mine.values(seen_state="running"))
    passes(controller)
    assert cascades() == [{"id": 7}]


def test_one_task_of_several_tells_nothing_of_its_run(airflow_db, controller):
    plain_dags("run", "load")
    with airflow_session() as session:
        run = run_of(session, view("t_etl#0"))
        run.set_state(DagRunState.RUNNING)
        next(it for it in run.task_instances if it.task_id == "run").state = "success"
    passes(controller)
    assert statuses() == {"t_etl#0": "running"}
    assert controller.run_once() == 0


# -- more runs than one pass compares -------------------------------------------------------------------------


def test_every_watched_run_is_compared_sooner_or_later(survey, controller, monkeypatch):
    monkeypatch.setattr(observe, "SLICE", 2)
    uids = [f"order-{number}" for number in range(5)]
    for uid in uids:
        fire_into(uid, "firstPage", configuration="survey")
        play(view("t_import#0", uid), "success")
    handled = [controller.run_once() for _ in range(3)]
    assert handled == [2, 2, 1]
    assert [statuses(uid)["t_import#0"] for uid in uids] == ["finished"] * 5


def test_a_run_that_ended_is_found_among_many_that_did_not(survey, controller, monkeypatch):
    monkeypatch.setattr(observe, "SLICE", 2)
    for number in range(5):
        fire_into(f"order-{number}", "firstPage", configuration="survey")
    play(view("t_import#0", "order-3"), "success")
    assert sum(controller.run_once() for _ in range(4)) == 1
    assert statuses("order-3")["t_import#0"] == "finished"


def test_a_run_that_was_named_is_looked_at_alone(survey, controller):
    for uid in ("order-1", "order-2"):
        fire_into(uid, "firstPage", configuration="survey")
        play(view("t_import#0", uid), "running", task_state="success")
    named = view("t_import#0", "order-2")
    assert controller.look_at([(named.dag_id, named.run_id), ("survey.t_import", "unknown")]) == 1
    assert statuses("order-1") == {"t_import#0": "scheduled"}
    assert statuses("order-2") == CASCADED
    assert controller.look_at([(named.dag_id, named.run_id)]) == 0


def test_a_run_that_is_backed_off_is_not_looked_at_when_it_is_named(survey, controller):
    fire_into("order-1", "firstPage", configuration="survey")
    play(view("t_import#0"), "success")
    with airflow_session() as session:
        session.execute(update(tables.run).values(retry_at=datetime(2999, 1, 1, tzinfo=UTC)))
    named = view("t_import#0")
    assert controller.look_at([(named.dag_id, named.run_id)]) == 0
    assert statuses() == {"t_import#0": "scheduled"}
