"""A small deployed survey, and a controller that a test drives pass by pass."""

from __future__ import annotations

import pytest

from airflow_triggers.controller.loop import Controller
from tests.support.dags import deploy_configuration


@pytest.fixture
def survey(airflow_db):
    return deployed_survey()


@pytest.fixture
def postgresql_survey(postgresql_airflow_db):
    return deployed_survey()


def deployed_survey():
    return deploy_configuration(
        "survey",
        t_import={"after": ["firstPage"], "withParams": {"firstPage": {"lang": "en"}}},
        t_score={"after": ["t_import"]},
    )


@pytest.fixture
def controller():
    return Controller()
