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
from pathlib import Path

import pytest

from tests.support.api_server import running_api_server
from tests.support.contents import make_everything

HERE = Path(__file__).with_name("openapi")
EXAMPLES = int(os.environ.get("TRIGGERS_SCHEMATHESIS_EXAMPLES", "4"))
DEADLINE = 600 + 30 * EXAMPLES

pytestmark = pytest.mark.timeout(DEADLINE + 180)


@pytest.fixture
def server(postgresql_airflow_db, tmp_path):
    """A server whose sessions have something of everything that a request may name; see the dictionaries there."""
    make_everything()
    with running_api_server(tmp_path, postgresql_airflow_db.url) as running:
        yield running


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
