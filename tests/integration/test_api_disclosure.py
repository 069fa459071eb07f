"""What answers show of Airflow: to each user what Airflow would show them; on the server, everything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from airflow.api_fastapi.app import purge_cached_app
from airflow.models.asset import AssetEvent, AssetModel
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.log import Log
from airflow.models.pool import Pool
from airflow.models.taskinstance import TaskInstance
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG
from airflow.utils.session import create_session as airflow_session
from sqlalchemy import delete, select, update

from airflow_triggers import history, trigger_asset
from airflow_triggers.controller.loop import Controller
from airflow_triggers.sessions.opening import fire_into
from tests.support.api import Allowed, mounted_api
from tests.support.dags import dag, deploy, deploy_configuration, play
from tests.support.surveys import view

SESSION = "api/v1/sessions/order-1"
SOURCE = "task load of shop.etl, run secret_run"
PAGES = [
    "",
    "/fires",
    "/history",
    "/instances/t_import%230",
    "/instances/t_import/why",
    "/instances/t_plain/why",
    "/instances/t_score/why",
]
OWN_DAGS = {"plain", "survey.t_import", "survey.t_score"}


def reading(*entities):
    """The right to read these of the session's own DAGs."""
    return Allowed(methods={"GET"}, entities=set(entities), dag_ids=OWN_DAGS)


MINIMUM = reading("RUN", "XCOM")
WHOLE = Allowed(methods={"GET"})


@pytest.fixture
def api(sqlite_airflow_db, monkeypatch):
    deploy_configuration(
        "survey",
        t_import={"after": ["firstPage"]},
        t_score={"after": ["t_import", "never"]},
        t_plain={"after": ["firstPage"], "run": "plain"},
    )
    deploy(dag("plain", "secret_task", "other_task"))
    with airflow_session() as session:
        session.execute(update(DagModel).values(is_paused=True))
        session.execute(delete(Pool).where(Pool.pool == "secret_pool"))
        session.add(Pool(pool="secret_pool", slots=0, include_deferred=False))
    fire_into("order-1", "firstPage", configuration="survey", fired_by=SOURCE)
    fire_into("order-1", "unheard", fired_by=SOURCE)
    fire_into("order-1", "never", fired_by=SOURCE, fire_at=datetime.now(UTC) + timedelta(days=9))
    finish_and_clear()
    fail_plain()
    wait_for_pool()
    yield mounted_api(monkeypatch)
    purge_cached_app()
    with airflow_session() as session:
        session.execute(delete(Pool).where(Pool.pool == "secret_pool"))


def finish_and_clear():
    play(view("t_import#0"), "success")
    Controller().run_once()
    with airflow_session() as session:
        run_id = "triggers__order-1~t_import~0"
        session.add(Log(event="clear_dag_run", owner="carol", dag_id="survey.t_import", run_id=run_id))
    play(view("t_import#0"), "running", clear=True)
    Controller().run_once()


def fail_plain():
    with airflow_session() as session:
        of_plain = update(TaskInstance).where(TaskInstance.dag_id == "plain")
        session.execute(of_plain.values(state="success"))
        session.execute(of_plain.where(TaskInstance.task_id == "secret_task").values(state="failed"))
        session.execute(update(DagRun).where(DagRun.dag_id == "plain").values(state="failed"))
    Controller().run_once()


def wait_for_pool():
    with airflow_session() as session:
        waiting = {"state": "scheduled", "pool": "secret_pool", "start_date": None}
        session.execute(
            update(TaskInstance).where(TaskInstance.dag_id == "survey.t_import").values(**waiting)
        )


def pages(api, *rights):
    """All that a user sees of the session, and of fires in vain, by path."""
    api.let("reader", *rights)
    client = api.client("reader")
    answers = {path: client.get(SESSION + path) for path in PAGES}
    answers["unheard"] = client.get("api/v1/fires?touched=nothing")
    assert {answer.status_code for answer in answers.values()} == {200}
    return {path: answer.text for path, answer in answers.items()}


DETAILS = {
    "secret_run": Allowed(methods={"GET"}, entities={"RUN"}, dag_ids={"shop.etl"}),
    "carol": reading("AUDIT_LOG"),
    "secret_task": reading("TASK_INSTANCE"),
    "is paused": reading("DAG"),
}


def test_who_may_read_no_more_than_the_session_sees_nothing_else_of_airflow(api):
    shown = pages(api, MINIMUM)
    for path, text in shown.items():
        for detail in (*DETAILS, "secret_pool"):
            assert detail not in text, path
    assert "somebody in Airflow" in shown["/history"]
    for path in ("", "/fires", "/history", "/instances/t_import/why", "unheard"):
        assert "a task of another DAG" in shown[path], path
    assert "What its tasks do is shown to who may read its task instances" in shown["/instances/t_import/why"]
    assert "failed (what its tasks did is not shown)" in shown["/instances/t_plain/why"]


@pytest.mark.parametrize("detail", DETAILS)
def test_a_detail_is_shown_to_who_may_read_it_in_airflow(api, detail):
    shown = pages(api, MINIMUM, DETAILS[detail])
    assert any(detail in text for text in shown.values())
    for other in DETAILS.keys() - {detail}:
        assert not any(other in text for text in shown.values()), other


def test_a_pool_is_shown_to_who_may_read_its_task_instances_and_the_pool(api):
    pool = Allowed(methods={"GET"}, entities={"POOL"}, dag_ids={"secret_pool"})
    why = "/instances/t_import/why"
    assert "secret_pool" not in pages(api, MINIMUM, pool)[why]
    without = pages(api, MINIMUM, reading("TASK_INSTANCE"))[why]
    assert "pool_too_small" in without
    assert "takes more slots than its pool has" in without
    assert "secret_pool" not in without
    assert "secret_pool" in pages(api, MINIMUM, reading("TASK_INSTANCE"), pool)[why]


def test_who_may_read_all_sees_what_is_shown_on_the_server(api):
    shown = pages(api, WHOLE)
    for detail in (*DETAILS, "secret_pool"):
        assert any(detail in text for text in shown.values()), detail
    explanation = history.why("order-1", "t_import")
    for reason in explanation.reasons:
        assert reason.text.replace('"', '\\"') in shown["/instances/t_import/why"]
    assert "secret_pool" in str(explanation)
    entries = str(history.history_of("order-1").entries)
    assert all(detail in entries for detail in ("carol", "secret_run", "secret_task"))


def test_the_task_of_another_dag_whose_event_fired_is_shown_to_who_may_read_its_runs(api):
    asset = trigger_asset("firstPage", configuration="survey")
    with DAG("shop.etl", schedule=None) as etl:
        EmptyOperator(task_id="load", outlets=[asset])
    deploy(etl)
    with airflow_session() as session:
        event = AssetEvent(
            asset_id=session.scalar(select(AssetModel.id).where(AssetModel.uri == asset.uri)),
            source_dag_id="shop.etl",
            source_task_id="load",
            source_run_id="secret_run_of_event",
            source_map_index=2,
            partition_key="order-2",
        )
        session.add(event)
    Controller().run_once()
    source = "task load[2] of shop.etl, run secret_run_of_event"
    for rights, fired_by in (((MINIMUM,), "a task of another DAG"), ((WHOLE,), source)):
        api.let("reader", *rights)
        (fire,) = api.client("reader").get("api/v1/sessions/order-2/fires").json()["fires"]
        assert fire["fired_by"] == fired_by
