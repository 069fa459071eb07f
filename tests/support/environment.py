"""The environment of Airflow in every test process, set before Airflow is imported.

Neighbours: ``tests/conftest.py`` applies it to the test process itself; ``databases.py`` and the end-to-end tests give
it to their Airflow processes.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
SCRATCH = ROOT / ".test"
IN_CI = bool(os.environ.get("CI"))


def airflow_environment(home: Path) -> dict[str, str]:
    """The variables of an Airflow that shares nothing with the developer's own Airflow."""
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(home / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__FERNET_KEY": "dGhlLXRlc3RzLW93bi1rZXktbmV2ZXItYS1zZWNyZXQ=",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "AIRFLOW__API_AUTH__JWT_SECRET": "a-secret-of-the-tests-" * 4,
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }


def enter_airflow_environment() -> Path:
    """Give this process a fresh ``AIRFLOW_HOME`` and drop the inherited Airflow settings.

    Each process has its own home: two test runs in one clone do not collide. Homes of ended processes are removed.
    """
    _remove_homes_of_ended_processes()
    home = SCRATCH / f"home-{os.getpid()}"
    (home / "dags").mkdir(parents=True)
    for name in [name for name in os.environ if name.startswith("AIRFLOW_")]:
        del os.environ[name]
    os.environ.update(airflow_environment(home))
    return home


def _remove_homes_of_ended_processes() -> None:
    for home in SCRATCH.glob("home-*"):
        if not psutil.pid_exists(int(home.name.removeprefix("home-"))):
            shutil.rmtree(home, ignore_errors=True)
