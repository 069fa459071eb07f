"""Rows 13 and 14: the memory and the start time added to a process by the plugin.

Neighbours: ``environments.py`` makes the environments with and without the plugin.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx

from benchmarks.bench import Bench
from benchmarks.database import MetadataDatabase
from benchmarks.environments import make_environments
from benchmarks.processes import await_that, ended_afterwards, memory
from benchmarks.rounds import Rounds, interleave, quartiles
from benchmarks.row import Goal, Row, sides_in_unit
from tests.support.api_server import running_api_server
from tests.support.environment import ROOT

BARE_PROGRAM = """
import sys, time
from airflow.__main__ import main
sys.argv = ["airflow", "jobs", "check", "--allow-multiple", "--limit", "10"]
try:
    main()
except SystemExit:
    pass
open(sys.argv_ready, "w").close()
time.sleep(600)
"""
"""An ``airflow`` command that asks the database something, kept from ending."""

PLUGIN_IMPORT = """
import time
import airflow.sdk.execution_time.task_runner as task_runner
from airflow.sdk.plugins_manager import integrate_macros_plugins
begun = time.perf_counter()
integrate_macros_plugins()
task_runner.get_listener_manager()
print("seconds", time.perf_counter() - begun)
"""
"""What a task's process does about plugins when it starts."""


def memory_rows(bench: Bench) -> Iterator[Row]:
    """Row 13."""
    environments = make_environments(bench.scratch("memory"))
    with bench.databases.loan() as database:
        database.enter()
        servers = interleave(
            {
                "with": partial(_api_server_memory, bench, database, environments.with_plugin),
                "without": partial(_api_server_memory, bench, database, environments.without_plugin),
            },
            rounds=3,
            warm_up=0,
        ).compare("with", "without")
        yield _difference(
            servers,
            unit="MB",
            number="13a",
            subject="memory of the API server with the plugin",
            against="without it",
            goal=Goal(limit=12, unit="MB"),
        )
        controllers = interleave(
            {
                "controller": partial(_controller_memory, bench, environments.with_plugin),
                "bare": partial(_bare_memory, bench, environments.without_plugin),
            },
            rounds=3,
            warm_up=0,
        )
    yield Row.of(
        controllers.compare("controller", "bare"),
        unit="MB",
        number="13b",
        measured="memory of the controller",
        against="a bare airflow process (airflow jobs check)",
        goal=Goal(limit=1.2),
    )


def _difference(rounds: Rounds, *, unit: str, number: str, subject: str, against: str, goal: Goal) -> Row:
    factor = {"MB": 1e-6, "ms": 1e3}[unit]
    differences = [difference * factor for difference in rounds.differences]
    low, high = quartiles(differences)
    return Row(
        number=number,
        measured=subject,
        against=against,
        goal=goal,
        value=statistics.median(differences),
        low=low,
        high=high,
        rounds=len(differences),
        sides=sides_in_unit(rounds, unit),
    )


def _api_server_memory(bench: Bench, database: MetadataDatabase, python: Path) -> float:
    """Bytes of a server after some requests, also to our API: without the plugin the server does not know it."""
    with running_api_server(bench.scratch("api-server"), database.url, python=python) as server:
        headers = {"Authorization": f"Bearer {server.token('admin')}"}
        with httpx.Client(base_url=server.url, headers=headers, timeout=60) as client:
            client.get("/api/v2/dags").raise_for_status()
            client.post("/api/v2/dags/none/dagRuns", json={"logical_date": None})
            client.get("/triggers/api/v1/sessions")
            client.post("/triggers/api/v1/sessions/none/fires", json={"trigger": "none", "kwargs": {}})
        return memory(server.pid)


def _controller_memory(bench: Bench, python: Path) -> float:
    log = bench.scratch_file("controller.log")
    command = [str(python), "-m", "airflow", "triggers", "controller"]
    with ended_afterwards(_process(command, bench, log=log)) as process:
        await_that("the controller watches", lambda: "watching" in log.read_text(), process)
        # A few passes: modules loaded in the first pass must count.
        time.sleep(3)
        return memory(process.pid)


def _bare_memory(bench: Bench, python: Path) -> float:
    ready = bench.scratch_file("ready", exists=False)
    program = BARE_PROGRAM.replace("sys.argv_ready", repr(str(ready)))
    with ended_afterwards(_process([str(python), "-c", program], bench)) as process:
        await_that("the process has asked", ready.exists, process)
        return memory(process.pid)


def _process(command: list[str], bench: Bench, *, log: Path | None = None) -> subprocess.Popen[bytes]:
    path = log or bench.scratch_file("process.log")
    environment = {**os.environ, "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO"}
    with path.open("wb") as output:
        return subprocess.Popen(
            command,
            env=environment,
            cwd=bench.folder,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def start_rows(bench: Bench) -> Iterator[Row]:
    """Row 14."""
    environments = make_environments(bench.scratch("starts"))
    with bench.databases.loan() as database:
        database.enter()
        helps = interleave(
            {
                name: partial(_seconds, environments.with_plugin, "-m", "airflow", name, "--help")
                for name in ("triggers", "dags")
            },
            rounds=40,
        )
        yield Row.of(
            helps.compare("triggers", "dags"),
            unit="s",
            number="14a",
            measured="airflow triggers --help",
            against="airflow dags --help",
            goal=Goal(limit=1.05),
        )
        imports = interleave(
            {
                "with": partial(_plugin_import, environments.with_plugin),
                "without": partial(_plugin_import, environments.without_plugin),
            },
            rounds=8,
        )
    yield _difference(
        imports.compare("with", "without"),
        unit="ms",
        number="14b",
        subject="loading plugins in a task's process, with ours",
        against="without ours",
        goal=Goal(limit=30, unit="ms"),
    )


def _seconds(python: Path, *arguments: str) -> float:
    start = time.perf_counter()
    subprocess.run([str(python), *arguments], check=True, cwd=ROOT / "docs", capture_output=True)
    return time.perf_counter() - start


def _plugin_import(python: Path) -> float:
    process = subprocess.run(
        [str(python), "-c", PLUGIN_IMPORT], check=True, cwd=ROOT / "docs", capture_output=True, text=True
    )
    return float(process.stdout.rsplit("seconds", 1)[1])
