"""DAGs with params: a conf that does not fit those of somebody's DAG is refused, ours is not even looked at."""

from __future__ import annotations

import pytest
from airflow.sdk import Param, PartitionedAtRuntime
from airflow.serialization.definitions.param import SerializedParam
from airflow.utils.session import create_session as airflow_session

from airflow_triggers import gateway
from airflow_triggers.configuration.form import trigger_form
from airflow_triggers.sessions.opening import create_session, fire_into
from tests.support.dags import dag, deploy, run_of
from tests.support.surveys import statuses, view


@pytest.fixture(autouse=True)
def _nothing_deserialized(monkeypatch):
    monkeypatch.setattr(gateway.runs, "_dags", {})


def test_a_conf_that_does_not_fit_the_params_of_a_dag_fails_the_instance(airflow_db):
    deploy(dag("etl", params={"trigger_kwargs": Param({}, type="object", required=["y"])}))
    create_session("order-1", configuration={"t_etl": {"after": ["x"], "run": "etl"}})
    fire_into("order-1", "x")
    assert statuses() == {"t_etl#0": "failed"}
    metadata = view("t_etl#0").instance.metadata
    assert metadata["exceptionType"] == "airflow_triggers.errors.DagUnavailable"
    assert "'y' is a required property" in metadata["exceptionMessage"]


def test_the_run_of_a_compiled_dag_is_made_without_validating_its_conf(airflow_db, monkeypatch):
    deploy(dag("survey.t_x", schedule=PartitionedAtRuntime(), params=trigger_form()))
    create_session("order-1", configuration={"t_x": {"after": ["x"], "run": "survey.t_x"}})
    monkeypatch.setattr(SerializedParam, "resolve", None)
    fire_into("order-1", "x", {"n": 1})
    assert statuses() == {"t_x#0": "scheduled"}
    with airflow_session() as session:
        assert run_of(session, view("t_x#0")).conf["trigger_kwargs"] == {"x": {"n": 1}}
