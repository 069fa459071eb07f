"""`make demo` as a user has it: what it prints can be copied, and Ctrl-C, once or often, leaves no process."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from scripts.demo.airflow import PASSWORDS, ROOT, free_ports
from scripts.demo.client import API, Client
from tests.support.doc_blocks import RUN, Shell, blocks_of

pytestmark = pytest.mark.timeout(500)

DEADLINE = 240


@pytest.fixture
def demo(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-m", "scripts.demo", "--port", str(free_ports()), "--folder", tmp_path],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        yield process
        process.kill()
        for remaining in processes_of(tmp_path):
            remaining.kill()


def lines_until(demo, text):
    """What it prints until a line with the text, this line included."""
    lines = []
    for line in demo.stdout:
        lines.append(line.rstrip("\n"))
        if text in line:
            return lines
    raise AssertionError(f"{text!r} was not printed:\n" + "\n".join(lines))


def processes_of(folder):
    """Every process of the demo's Airflow: they all work in its folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and process.cwd() == str(folder / "airflow"):
                found.append(process)
        except psutil.Error:
            continue
    return found


def await_fires(folder, demo):
    """Wait until it plays."""
    deadline = time.monotonic() + DEADLINE
    while True:
        assert demo.poll() is None
        assert time.monotonic() < deadline
        with closing(
            sqlite3.connect(f"file:{folder / 'airflow/airflow.db'}?mode=ro", uri=True)
        ) as connection:
            if connection.execute("SELECT count(*) FROM triggers_fire").fetchone()[0]:
                return
        time.sleep(0.1)


def in_a_shell(lines):
    """Copied into a shell that knows nothing of the demo."""
    environment = {name: os.environ[name] for name in ("HOME", "LANG", "PATH") if name in os.environ}
    return subprocess.run(
        ["bash", "-euc", "\n".join(lines)],
        env=environment,
        cwd="/",
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout


def run_the_docs(printed, folder):
    """Every shell block of README and docs, as printed, but for the demo's port and folder, which are the test's."""
    url = re.search(r"http://127\.0\.0\.1:\d+", printed)[0]
    working_folder = folder / "docs"
    working_folder.mkdir()
    (working_folder / "dags").symlink_to(ROOT / "dags")
    shell = Shell(
        working_folder,
        replacements={
            "http://127.0.0.1:28793": url,
            "$PWD/.demo/airflow": str(folder / "airflow"),
            "$PWD/.venv/bin": str(Path(sys.executable).parent),
        },
        environment={"TRIGGERS_PROFILES_FILE": str(working_folder / "profiles.ini")},
    )
    blocks = [block for page in RUN for block in blocks_of(page) if block.reason_not_to_run is None]
    with Client(url, password=PASSWORDS["admin"]) as client:
        for block in blocks:
            shell.run(block)
            await_rest(client)


def is_in_motion(client, uid):
    """Whether something of the session, if there is one, is scheduled or runs."""
    answer = client.request("GET", f"{API}/sessions/{uid}")
    instances = answer.json()["instances"] if answer.status_code == 200 else []
    return any(instance["status"] in ("scheduled", "running") for instance in instances)


def await_rest(client):
    """As a reader waits for what runs."""
    deadline = time.monotonic() + DEADLINE
    while any(is_in_motion(client, f"respondent-{number}") for number in range(17, 21)):
        assert time.monotonic() < deadline
        time.sleep(0.3)


def test_what_it_prints_can_be_copied_and_control_c_ends_it(demo, tmp_path):
    lines = lines_until(demo, "Press Ctrl-C to stop.")
    text = "\n".join(lines)
    assert "instances are as the input demands" in text
    assert "viewer, password viewer" in text
    assert f"The scores are in {tmp_path / 'airflow/questionnaire.sqlite'}" in text
    firing = lines.index("Fire a trigger, in another shell:") + 1
    asking = lines.index("Ask this Airflow on the command line:") + 1
    answer = json.loads(in_a_shell(lines[firing : asking - 1]))
    assert (answer["trigger"], answer["repeated"]) == ("firstPageReceived", False)
    listing = in_a_shell(lines[asking : lines.index("Press Ctrl-C to stop.")])
    assert "mine" in listing
    assert "respondent-0001" in listing
    run_the_docs(text, tmp_path)
    demo.send_signal(signal.SIGINT)
    assert demo.wait(60) == 0
    assert processes_of(tmp_path) == []


def test_control_c_again_and_again_while_it_plays_leaves_no_process(demo, tmp_path):
    lines_until(demo, "Airflow is ready")
    await_fires(tmp_path, demo)
    assert processes_of(tmp_path) != []
    demo.send_signal(signal.SIGINT)
    demo.send_signal(signal.SIGINT)
    lines_until(demo, "Stopping Airflow")
    demo.send_signal(signal.SIGINT)
    demo.wait(60)
    assert processes_of(tmp_path) == []
