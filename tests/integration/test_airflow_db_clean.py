"""Airflow's own ``airflow db clean`` beside sessions: resolved ones keep their state, open ones fail or go on.

Airflow deletes the DAG runs, and with them task instances and XComs, that began before a moment. The latest run of each
DAG always stays.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from airflow.models.dagrun import DagRun
from airflow.models.log import Log
from airflow.utils.db_cleanup import config_dict, run_cleanup
from airflow.utils.session import create_session as airflow_session
from sqlalchemy import func, select, update

from airflow_triggers import history
from airflow_triggers.controller.loop import Controller
from airflow_triggers.sessions.describing import describe_session, fires_of
from airflow_triggers.sessions.opening import fire_into, open_session
from airflow_triggers.storages import tables
from tests.support.dags import play
from tests.support.surveys import statuses, view

LONG_AGO = datetime.now(UTC) - timedelta(days=100)


def clean_everything():
    """What ``airflow db clean --yes --skip-archive`` does with all of its tables."""
    run_cleanup(
        clean_before_timestamp=datetime.now(UTC) - timedelta(days=1),
        table_names=sorted(config_dict),
        dry_run=False,
        skip_archive=True,
        confirm=False,
        verbose=False,
    )


def our_rows():
    with airflow_session() as session:
        return {
            table.name: session.scalar(select(func.count()).select_from(table))
            for table in tables.metadata.sorted_tables
        }


def age_runs(*uids):
    """As if the runs of these sessions, and Airflow's log of them, were old."""
    with airflow_session() as session:
        of_sessions = DagRun.run_id.in_(
            [
                view_.run_id
                for uid in uids
                for view_ in describe_session(uid).instances
                if view_.run_id is not None
            ]
        )
        session.execute(
            update(DagRun)
            .where(of_sessions)
            .values(start_date=LONG_AGO, queued_at=LONG_AGO, run_after=LONG_AGO)
        )
        session.execute(update(Log).values(dttm=LONG_AGO))


@pytest.fixture
def sessions_of_all_kinds(survey, controller):
    """``done`` is resolved, ``open`` runs, ``waiting`` waits for Airflow; ``latest`` has the latest run of each DAG."""
    for uid in ("done", "open", "failed", "latest"):
        fire_into(uid, "firstPage", {"n": 1}, configuration="survey", idempotency_key="k")
    for uid in ("done", "latest"):
        for name in ("t_import#0", "t_score#0"):
            play(view(name, uid), "success", result={"id": 7})
            controller.run_once()
    play(view("t_import#0", "open"), "running")
    play(view("t_import#0", "failed"), "failed", exception={"exceptionType": "builtins.KeyError"})
    for _ in range(3):
        controller.run_once()
    return controller


def test_no_table_of_ours_is_among_those_that_airflow_cleans():
    assert [name for name in config_dict if name.startswith("triggers")] == []


def test_resolved_sessions_keep_all_that_they_know(sessions_of_all_kinds):
    controller = sessions_of_all_kinds
    before = describe_session("done")
    age_runs("done", "open", "failed")
    rows = our_rows()
    clean_everything()
    assert our_rows() == rows
    with airflow_session() as session:
        left = set(session.scalars(select(DagRun.run_id)))
    assert not {view_.run_id for view_ in before.instances} & left
    for _ in range(3):
        Controller().run_once()
        controller.run_once()
    after = describe_session("done")
    assert statuses("done") == {"t_import#0": "finished", "t_score#0": "finished"}
    assert [view_.instance for view_ in after.instances] == [view_.instance for view_ in before.instances]
    assert view("t_import#0", "done").instance.metadata["result"] == {"id": 7}
    assert after.fires == before.fires
    assert fire_into("done", "firstPage", {"n": 1}, idempotency_key="k").repeated
    assert history.history_of("done").entries
    assert history.why("done", "t_import#0").answer


def test_an_open_session_whose_run_is_deleted_fails_its_instance_which_can_be_replayed(sessions_of_all_kinds):
    controller = sessions_of_all_kinds
    age_runs("open", "done")
    clean_everything()
    for _ in range(2):
        controller.run_once()
    assert statuses("open") == {"t_import#0": "failed"}
    metadata = view("t_import#0", "open").instance.metadata
    assert metadata["exceptionType"] == "airflow_triggers.errors.RunDeleted"
    open_session("open").replay_failed_instance("t_import#0")
    assert statuses("open") == {"t_import#0": "replayed", "t_import#1": "scheduled"}
    play(view("t_import#1", "open"), "success", result={"id": 8})
    controller.run_once()
    assert statuses("open")["t_score#0"] == "scheduled"


def test_a_failed_instance_whose_run_is_deleted_can_be_replayed_and_skipped(sessions_of_all_kinds):
    controller = sessions_of_all_kinds
    age_runs("failed", "done")
    clean_everything()
    controller.run_once()
    assert statuses("failed") == {"t_import#0": "failed"}
    open_session("failed").skip_failed_instance("t_import#0", cascade=True, result={"id": 9})
    assert statuses("failed") == {"t_import#0": "skipped", "t_score#0": "scheduled"}
    assert [fire.kwargs for fire in fires_of("failed", limit=1)] == [{"id": 9}]
