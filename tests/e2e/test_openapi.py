"""A generator of requests reads the OpenAPI document of a real API server, and finds no answer that is not in it.

Schemathesis (``openapi/schemathesis.toml``) sends what the document allows, and what it forbids, and compares each
answer with it: no 5xx, no other status, media type, header or shape, nothing refused that is valid, nothing taken that
is not, no method that is not there. The requests are the same in every run.
``TRIGGERS_SCHEMATHESIS_EXAMPLES=200`` sends more.
"""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from airflow.utils.session import create_session as airflow_session
from sqlalchemy import insert, select

from airflow_triggers.domain.states import Event
from airflow_triggers.sessions.opening import create_session, fire_into, open_session
from airflow_triggers.storages import tables
from tests.support.api_server import running_api_server
from tests.support.dags import deploy_configuration

HERE = Path(__file__).with_name("openapi")
EXAMPLES = int(os.environ.get("TRIGGERS_SCHEMATHESIS_EXAMPLES", "4"))
INSTANCES = 12
LATER = datetime(2931, 1, 1, tzinfo=UTC)
DEADLINE = 600 + 30 * EXAMPLES

pytestmark = pytest.mark.timeout(DEADLINE + 180)


@pytest.fixture
def server(postgresql_airflow_db, tmp_path):
    """A server whose sessions have something of everything that a request may name; see the dictionaries there."""
    deploy_configuration(
        "survey",
        t_import={"after": ["firstPage"], "andEvery": "page"},
        t_score={"after": ["t_import"], "unless": ["embedded"]},
        t_notify={"after": ["never"]},
    )
    deploy_configuration("orders", t_pay={"after": ["paid"]})
    create_session("order-1", configuration="orders", metadata={"country": "NL"})
    for uid in ("survey-1", "survey-2"):
        play_survey(uid)
    promise_hooks("survey-1")
    with running_api_server(tmp_path, postgresql_airflow_db.url) as running:
        yield running


def play_survey(uid):
    """Instances of every status that a person can bring about without Airflow's scheduler."""
    fire_into(uid, "firstPage", {"n": 1}, configuration="survey", fired_by="admin", idempotency_key="first")
    manager = open_session(uid)
    for page in range(INSTANCES):
        manager.fire("page", {"page": page})
    manager.fire("pgae")
    manager.fire("reminder", fire_at=LATER)
    for number in range(INSTANCES - 2):
        manager.record_progress(f"t_import#{number}", Event.START)
        manager.record_progress(f"t_import#{number}", Event.FINISH if number == 0 else Event.FAIL)
    manager.skip_failed_instance("t_import#1", True, {"rows": 7}, by="admin")
    manager.replay_failed_instance("t_import#2", by="admin")


def promise_hooks(uid):
    """Hooks that are still to be called, with the ids that the dictionary has."""
    promise = {"hook": "_post_fire", "arguments": {"trigger_name": "page", "scheduled": []}, "attempts": 20}
    with airflow_session() as session:
        session_id = session.scalar(select(tables.session.c.id).where(tables.session.c.uid == uid))
        rows = [{"id": number, **promise, "session_id": session_id, "due": LATER} for number in range(1, 9)]
        session.execute(insert(tables.hook), rows)


def test_a_generator_of_requests_finds_nothing_undocumented(server, tmp_path):
    command = [
        str(Path(sys.executable).with_name("st")),
        *("--config-file", str(HERE / "schemathesis.toml")),
        *("run", f"{server.url}/triggers/openapi.json", "--no-color"),
        *("--header", f"Authorization: Bearer {server.token('admin')}"),
        *("--max-examples", str(EXAMPLES)),
    ]
    environment = {**os.environ, "PYTHONPATH": str(HERE), "TRIGGERS_TOKEN": server.token("admin")}
    account = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=DEADLINE
    )
    assert account.returncode == 0, f"{account.stdout}\n{account.stderr}\n{log_of_errors(tmp_path)}"


def log_of_errors(folder):
    """The end of the server's log, where the tracebacks of a 5xx are."""
    return (folder / "api-server.log").read_text()[-5000:]
