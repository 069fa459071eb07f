"""The wheel of the client in virtual environments without Airflow, and its command against a real API server."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from airflow_triggers.domain.states import Event
from airflow_triggers.sessions.describing import fires_of
from airflow_triggers.sessions.opening import open_session
from scripts.demo.processes import wait_for
from tests.support.api_server import running_api_server
from tests.support.dags import deploy_configuration
from tests.support.environment import ROOT
from tests.support.venvs import build_client_wheel, client_venv

pytestmark = pytest.mark.timeout(900)

COMMAND_DEADLINE = 120
OLDEST = subprocess.run(
    [ROOT / "scripts/ci/pythons", "3.10"], check=True, stdout=subprocess.PIPE, text=True
).stdout.strip()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return build_client_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def venv(wheel, tmp_path_factory):
    return client_venv(Path(sys.executable), tmp_path_factory.mktemp("venv"), wheel)


@pytest.fixture(scope="module")
def server(postgresql_airflow_database, tmp_path_factory):
    postgresql_airflow_database.enter()
    postgresql_airflow_database.empty()
    deploy_configuration(
        "survey", t_import={"after": ["firstPage"]}, t_score={"after": ["t_import", "scored"]}
    )
    with running_api_server(tmp_path_factory.mktemp("server"), postgresql_airflow_database.url) as running:
        yield running


def credentials_of(server):
    return {"TRIGGERS_URL": server.url, "TRIGGERS_USERNAME": "admin", "TRIGGERS_PASSWORD": "admin"}


@pytest.fixture
def triggers(server, venv, tmp_path):
    """Runs the command as a user of another machine does."""

    def run(*arguments, code=0, **variables):
        finished = command(venv, *arguments, cwd=tmp_path, **{**credentials_of(server), **variables})
        assert finished.returncode == code, f"{finished.stdout}\n{finished.stderr}"
        assert "Traceback" not in finished.stderr
        return finished

    return run


def command(venv, *arguments, cwd, **environment):
    inherited = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    return subprocess.run(
        [venv / "bin/triggers", *arguments],
        env={**inherited, "HOME": str(cwd), "PYTHONWARNINGS": "error", **environment},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=COMMAND_DEADLINE,
        check=False,
    )


def test_the_wheel_holds_the_sources_and_its_licence(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    sources = ROOT / "client/airflow_triggers_client"
    expected = {
        f"airflow_triggers_client/{path.relative_to(sources)}"
        for path in sources.rglob("*")
        if path.suffix in {".py", ".typed"}
    }

    assert {name for name in names if ".dist-info/" not in name} == expected
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_wheel_needs_httpx_and_pydantic_and_nothing_else(wheel):
    archive = zipfile.ZipFile(wheel)
    (name,) = [name for name in archive.namelist() if name.endswith("/METADATA")]
    lines = archive.read(name).decode().splitlines()
    required = {match[1] for line in lines if (match := re.match(r"Requires-Dist: ([\w-]+)", line))}

    assert required == {"httpx", "pydantic"}
    assert "Requires-Python: >=3.10" in lines
    assert "License-Expression: Apache-2.0" in lines


@pytest.mark.parametrize("python", [sys.executable, OLDEST], ids=["this", "3.10"])
def test_it_works_where_there_is_no_airflow(python, wheel, tmp_path):
    if not python:
        pytest.skip("This machine has no Python 3.10.")
    venv = client_venv(Path(python), tmp_path / "venv", wheel)
    script = (
        "import importlib.util, sys, airflow_triggers_client as c\n"
        "assert importlib.util.find_spec('airflow') is None\n"
        "assert importlib.util.find_spec('airflow_triggers') is None\n"
        "c.TriggersClient('http://localhost:8080', token='t').close()\n"
    )
    # Not from the repository's folder, where Python would find the package.
    subprocess.run(
        [venv / "bin/python", "-W", "error", "-c", script], check=True, timeout=COMMAND_DEADLINE, cwd=tmp_path
    )
    explained = command(venv, "--help", cwd=tmp_path)
    away = command(
        venv,
        "sessions",
        "list",
        "--patience",
        "0",
        cwd=tmp_path,
        TRIGGERS_URL="http://127.0.0.1:1",
        TRIGGERS_TOKEN="t",
    )

    assert (explained.returncode, explained.stderr) == (0, "")
    assert (away.returncode, away.stderr.count("\n")) == (1, 1)


def test_a_trigger_is_fired_and_what_it_did_is_shown_in_every_format(triggers):
    fire = [
        "fire",
        "order-1",
        "firstPage",
        "--kwargs",
        "page=3",
        "--configuration",
        "survey",
        "--idempotency-key",
        "k",
    ]
    tables = {form: triggers(*fire, "--output", form).stdout for form in ("table", "plain", "json", "yaml")}
    again = json.loads(tables["json"])

    assert "scheduled" in tables["table"].splitlines()[0]
    assert "t_import#0" in tables["table"]
    assert "|" not in tables["plain"]
    assert (again["repeated"], again["touched"]) == (True, ["t_import#0"])
    assert yaml.safe_load(tables["yaml"]) == again
    shown = json.loads(triggers("sessions", "show", "order-1", "-o", "json").stdout)
    assert shown["latest_triggers"] == {"firstPage": {"page": 3}}
    assert "t_import#0 | scheduled" in triggers("sessions", "show", "order-1").stdout


def test_every_command_reads_and_repairs(triggers):
    triggers("fire", "order-2", "firstPage", "--configuration", "survey")
    triggers("fire", "order-2", "scored")
    triggers("fire", "order-2", "pagee")
    triggers("fire", "order-2", "reminder", "--fire-at", "2931-01-01T00:00:00Z")
    manager = open_session("order-2")
    manager.record_progress("t_import#0", Event.START)
    manager.record_progress("t_import#0", Event.FAIL)

    assert "order-2" in triggers("sessions", "list", "--prefix", "order-2").stdout
    assert triggers("sessions", "list", "--prefix", "nowhere").stdout == "No data found\n"
    why = triggers("why", "order-2", "t_score").stdout
    assert why.splitlines()[0].startswith("t_score#0 waits for")
    assert "after     t_import  missing" in why
    history = triggers("history", "order-2").stdout
    assert history.index("firstPage") < history.index("pagee")
    assert json.loads(triggers("history", "order-2", "--limit", "2", "-o", "json").stdout)["next"]
    assert "pagee" in triggers("unheard", "--trigger", "pagee").stdout
    assert triggers("hooks", "list", "--uid", "order-2").stdout == "No data found\n"
    (delayed,) = json.loads(triggers("delayed-fires", "list", "--uid", "order-2", "-o", "json").stdout)[
        "delayed_fires"
    ]
    retried = triggers("delayed-fires", "retry", "order-2", str(delayed["id"]), code=1)
    assert "has not failed" in retried.stderr
    cancelled = triggers("delayed-fires", "cancel", "order-2", str(delayed["id"]), "-o", "json").stdout
    assert json.loads(cancelled)["cancelled_by"] == "admin"
    assert (
        "t_import#1"
        in triggers("replay", "order-2", "t_import#0", "--kwargs", '{"firstPage": {"n": 2}}').stdout
    )
    manager.record_progress("t_import#1", Event.START)
    manager.record_progress("t_import#1", Event.FAIL)
    assert "skipped" in triggers("skip", "order-2", "t_import#1", "--cascade", "--result", '{"a": 1}').stdout


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["sessions", "show", "nowhere"], "There is no session 'nowhere'."),
        (["fire", "nowhere", "paid"], "There is no session 'nowhere'."),
        (
            ["fire", "order-3", "paid", "--configuration", "nothing"],
            "There is no deployed configuration 'nothing'.",
        ),
        (["replay", "order-1", "t_none#0"], "no instance 't_none#0'"),
        (["history", "order-1", "--before", "never"], "must be the 'next' of another page"),
        (["hooks", "call", "order-1", "7"], "7"),
    ],
)
def test_what_the_server_refuses_is_told_in_one_sentence_and_the_exit_code_is_1(
    triggers, arguments, complaint
):
    triggers("fire", "order-1", "firstPage", "--configuration", "survey", "--idempotency-key", "first")
    refused = triggers(*arguments, code=1)

    assert complaint in refused.stderr
    assert (refused.stdout, refused.stderr.count("\n")) == ("", 1)


def test_a_profile_is_used(triggers, server, venv, tmp_path):
    file = tmp_path / "profiles.ini"
    subprocess.run(
        [venv / "bin/triggers", "profiles", "set", "mine", "--url", server.url],
        env={**os.environ, "TRIGGERS_PROFILES_FILE": str(file)},
        input=f"{server.token('viewer')}\n",
        text=True,
        check=True,
        timeout=COMMAND_DEADLINE,
    )
    refused = triggers(
        "fire", "order-1", "scored", "--profile", "mine", code=1, TRIGGERS_PROFILES_FILE=str(file)
    )

    assert refused.stderr.count("\n") == 1


def test_a_file_of_fires_is_fired_once_however_often_it_is_run(triggers, tmp_path):
    file = tmp_path / "events.jsonl"
    lines = [
        json.dumps({"session_uid": f"file-{number % 5}", "trigger": "page", "kwargs": {"n": number}})
        for number in range(1100)
    ]
    lines[7], lines[9] = "{", json.dumps({"session_uid": "file/1/2", "trigger": "page"})
    file.write_text("\n".join(lines))
    run = ["fire", "--file", "events.jsonl", "--configuration", "survey", "--output", "json"]

    first = triggers(*run, code=1)
    again = triggers(*run, code=1)

    assert json.loads(first.stdout) == {
        "fired": 1098,
        "fired_before": 0,
        "refused": 2,
        "report": "events.jsonl.report",
    }
    assert "line 8: it cannot be read" in first.stderr
    assert "line 10: " in first.stderr
    assert json.loads(again.stdout)["fired_before"] == 1098
    (tmp_path / "events.jsonl.report").rename(tmp_path / "lost")
    assert len(triggers("history", "file-1", "--limit", "500", "-o", "plain").stdout.splitlines()) >= 219
    shown = json.loads(
        triggers("history", "file-1", "--limit", "500", "--trigger", "page", "-o", "json").stdout
    )
    assert [entry["kwargs"]["n"] for entry in shown["entries"]][::-1] == list(range(1, 1100, 5))


def test_a_file_of_fires_goes_on_where_the_command_was_killed(triggers, server, venv, tmp_path):
    count, uids = 4000, [f"killed-{number}" for number in range(4)]
    (tmp_path / "events.jsonl").write_text(
        "".join(
            f"{json.dumps({'session_uid': uids[number % 4], 'trigger': 'page', 'kwargs': {'n': number}})}\n"
            for number in range(count)
        )
    )
    run = ["fire", "--file", "events.jsonl", "--configuration", "survey", "--output", "json"]
    report = tmp_path / "events.jsonl.report"
    environment = {**os.environ, "HOME": str(tmp_path), **credentials_of(server)}
    with subprocess.Popen([venv / "bin/triggers", *run], env=environment, cwd=tmp_path) as process:

        def check_alive():
            assert process.poll() is None, "It ended before it was killed."

        wait_for(
            "some lines are fired",
            lambda: report.exists() and report.read_bytes().count(b"fired") > 100,
            seconds=COMMAND_DEADLINE,
            alive=check_alive,
            every=0.01,
        )
        check_alive()
        process.kill()
    assert not all(len(fires_of(uid, limit=count)) == count / 4 for uid in uids)

    account = json.loads(triggers(*run).stdout)
    assert (account["fired"] + account["fired_before"], account["refused"]) == (count, 0)
    assert account["fired_before"] >= 100
    for place, uid in enumerate(uids):
        numbers = [fire.kwargs["n"] for fire in fires_of(uid, limit=count)]
        assert numbers[::-1] == list(range(place, count, 4))
