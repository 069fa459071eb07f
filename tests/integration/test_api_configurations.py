"""``/api/v1/configurations``: what is deployed, and what is posted to be checked."""

from __future__ import annotations

import pytest
from airflow.api_fastapi.app import purge_cached_app

from tests.support.api import Allowed, mounted_api
from tests.support.dags import deploy_configuration

SESSIONS = "api/v1/sessions"


@pytest.fixture
def api(airflow_db, monkeypatch):
    deploy_configuration(
        "survey",
        t_import={"after": ["firstPage"], "andEvery": "page"},
        t_score={"after": ["t_import", "completion"], "unless": ["embedded"]},
    )
    yield mounted_api(monkeypatch)
    purge_cached_app()


@pytest.fixture
def client(api):
    return api.client("admin")


def test_an_unknown_configuration_gets_the_similar_one_that_the_user_may_know_of(api, client):
    deploy_configuration("survey_of_all", t_other={"after": ["a"]})
    new = {"uid": "order-1", "configuration": "survey_of_al"}
    assert "Did you mean 'survey_of_all'?" in client.post(SESSIONS, json=new).json()["detail"]
    api.let("ann", Allowed(dag_ids={"survey.t_import", "survey.t_score"}))
    assert "Did you mean 'survey'?" in api.client("ann").post(SESSIONS, json=new).json()["detail"]
    fire_batch = {"fires": [{"session_uid": "order-1", "trigger": "a", "configuration": "survey_of_al"}]}
    (result,) = api.client("ann").post("api/v1/fires", json=fire_batch).json()["results"]
    assert "Did you mean 'survey'?" in result["detail"]
    api.let("bob", Allowed(dag_ids={"others"}))
    assert "Did you mean" not in api.client("bob").post(SESSIONS, json=new).json()["detail"]
