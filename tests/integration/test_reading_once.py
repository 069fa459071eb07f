"""An instance is read by its key, and its session's row once to authorize and once to answer; nothing else is read."""

from __future__ import annotations

import pytest
from airflow.api_fastapi.app import purge_cached_app

from airflow_triggers.domain.states import Event
from airflow_triggers.sessions import fire_into, open_session
from tests.support.api import mounted_api
from tests.support.dags import deploy_configuration
from tests.support.statements import statements

INSTANCE = "api/v1/sessions/order-1/instances/t_page%2317"


@pytest.fixture
def client(airflow_db, monkeypatch):
    """A session with 40 instances, of which one has failed."""
    deploy_configuration(
        "survey", t_page={"after": [], "andEvery": "page"}, t_score={"after": ["completion"]}
    )
    for _ in range(40):
        fire_into("order-1", "page", configuration="survey")
    fire_into("order-1", "completion", fired_by="ann")
    manager = open_session("order-1")
    manager.record_progress("t_page#17", Event.FAIL, metadata={"exceptionType": "builtins.ValueError"})
    yield mounted_api(monkeypatch).client("admin")
    purge_cached_app()


def sent_by(client, path, method="get", body=None):
    with statements() as sent:
        answer = client.request(method, path, json=body)
    assert answer.status_code == 200, answer.text
    return [" ".join(statement.split()) for statement in sent]


def reads_of(table, sent):
    """What reads rows of the table; not what picks them by a row of another one."""
    return [statement for statement in sent if statement.startswith(f"SELECT {table}.")]


def whole_reads(sent):
    """What reads more than one instance, but for the named ones of a chain of replays."""
    single_row_conditions = (".number = ", ".number) IN (", "LIMIT ")
    return [
        statement
        for statement in reads_of("triggers_instance", sent)
        if not any(condition in statement for condition in single_row_conditions)
    ]


@pytest.mark.parametrize("path", [INSTANCE, f"{INSTANCE}/why", INSTANCE.replace("%2317", "/why")])
def test_one_instance_is_read_and_no_other(client, path):
    sent = sent_by(client, path)

    assert whole_reads(sent) == []
    assert len(reads_of("triggers_session", sent)) == 2


@pytest.mark.parametrize(("act", "body"), [("replay", {}), ("skip", {"cascade": True})])
def test_a_repair_reads_no_other_instance(client, act, body):
    assert whole_reads(sent_by(client, f"{INSTANCE}/{act}", "post", body)) == []
