"""The wheel, installed into a fresh virtual environment with Airflow and nothing else."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.environment import airflow_environment
from tests.support.venvs import build_wheel, install_wheel, venv_with_airflow

# Installing Airflow the first time takes a minute or more; it is kept in .test afterwards.
pytestmark = pytest.mark.timeout(900)

COMMAND_DEADLINE = 120


@dataclass(frozen=True)
class InstalledAirflow:
    """Airflow's command line in the fresh environment.

    :param home: its ``AIRFLOW_HOME``.
    """

    venv: Path
    home: Path

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ``airflow`` with the arguments, all Python warnings shown."""
        inherited = {
            name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ
        }
        return subprocess.run(
            [str(self.venv / "bin/airflow"), *arguments],
            env={**inherited, **airflow_environment(self.home), "PYTHONWARNINGS": "always"},
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=COMMAND_DEADLINE,
            check=False,
        )

    @property
    def tables(self) -> set[str]:
        """The names of the tables in its metadata database."""
        with sqlite3.connect(self.home / "airflow.db") as connection:
            return {
                name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            }


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed_airflow(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> InstalledAirflow:
    venv = venv_with_airflow()
    install_wheel(venv, wheel)
    return InstalledAirflow(venv, tmp_path_factory.mktemp("airflow"))


@pytest.fixture(scope="module")
def migration(installed_airflow: InstalledAirflow) -> subprocess.CompletedProcess[str]:
    return installed_airflow("db", "migrate")


# Airflow's command line logs to its standard output; Python's own warnings go to the other.
COMPLAINT = re.compile(r"\[(warning|error|critical) |Warning: |Error: ")
ABOUT_US = re.compile(r"airflow[_-]triggers|plugin triggers")


def assert_succeeded_without_complaint_about_us(finished: subprocess.CompletedProcess[str]) -> None:
    printed = finished.stdout + finished.stderr
    assert finished.returncode == 0, printed
    complaints = [line for line in printed.splitlines() if COMPLAINT.search(line) and ABOUT_US.search(line)]
    assert not complaints, printed


def answered(finished: subprocess.CompletedProcess[str]) -> list[dict[str, str]]:
    """What a command with ``--output json`` printed, after what it logged."""
    answer: list[dict[str, str]] = json.loads(finished.stdout.splitlines()[-1])
    return answer


def test_the_wheel_holds_the_sources_and_every_file_that_they_read(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    sources = Path(__file__).parents[2] / "airflow_triggers"
    expected = {
        f"airflow_triggers/{path.relative_to(sources)}"
        for path in sources.rglob("*")
        if path.suffix in {".py", ".json", ".ini", ".mako", ".typed", ".js", ".svg"}
    }

    assert {name for name in names if not name.startswith("airflow_triggers-")} == expected


def test_the_wheel_names_its_licence_and_its_entry_points(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    described = {
        Path(name).name: archive.read(name).decode() for name in archive.namelist() if ".dist-info/" in name
    }

    assert "License-Expression: Apache-2.0" in described["METADATA"]
    assert "Apache License" in described["LICENSE"]
    for group in (
        "airflow.plugins",
        "apache_airflow_provider",
        "triggers.managers",
        "triggers.storages",
        "triggers.runners",
    ):
        assert f"[{group}]" in described["entry_points.txt"]


def test_airflow_db_migrate_alone_creates_the_tables(
    installed_airflow: InstalledAirflow, migration: subprocess.CompletedProcess[str]
) -> None:
    assert_succeeded_without_complaint_about_us(migration)

    assert {"triggers_session", "triggers_alembic_version"} <= installed_airflow.tables


def test_airflow_lists_the_plugin_without_an_import_error(
    installed_airflow: InstalledAirflow, migration: subprocess.CompletedProcess[str]
) -> None:
    plugins = installed_airflow("plugins", "--output", "json")

    assert_succeeded_without_complaint_about_us(plugins)
    assert "triggers" in {plugin["name"] for plugin in answered(plugins)}


def test_airflow_lists_the_provider(
    installed_airflow: InstalledAirflow, migration: subprocess.CompletedProcess[str]
) -> None:
    providers = installed_airflow("providers", "list", "--output", "json")

    assert_succeeded_without_complaint_about_us(providers)
    assert "airflow-triggers" in {provider["package_name"] for provider in answered(providers)}


def test_the_command_line_explains_itself(
    installed_airflow: InstalledAirflow, migration: subprocess.CompletedProcess[str]
) -> None:
    explained = installed_airflow("triggers", "--help")

    assert_succeeded_without_complaint_about_us(explained)
    assert "controller" in explained.stdout
