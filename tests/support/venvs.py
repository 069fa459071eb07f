"""A virtual environment with Airflow and our wheel, nothing else: what a user has after ``pip install``.

Neighbours: ``tests/e2e/test_wheel.py``.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.environment import ROOT, SCRATCH

AIRFLOW_VERSION = "3.3.2"
INSTALL_DEADLINE = 600
CONSTRAINTS = ROOT / "constraints.txt"


def build_wheel(folder: Path) -> Path:
    """Build the wheel from a copy of the sources, so that no earlier build's leftovers get into it.

    The build tool is the installed one, at its version in ``constraints.txt``: no network is needed.
    """
    sources = folder / "sources"
    sources.mkdir(parents=True)
    for name in ("setup.py", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copy2(ROOT / name, sources / name)
    shutil.copytree(
        ROOT / "airflow_triggers", sources / "airflow_triggers", ignore=shutil.ignore_patterns("__pycache__")
    )
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder / "dist", sources)
    (wheel,) = (folder / "dist").glob("*.whl")
    return wheel


def venv_with_airflow() -> Path:
    """A virtual environment with Airflow alone, made once per content of ``constraints.txt``."""
    key = hashlib.sha256(CONSTRAINTS.read_bytes() + sys.version.encode()).hexdigest()[:16]
    venv = SCRATCH / f"wheel-venv-{key}"
    complete = venv / "complete"
    if not complete.exists():
        for outdated in SCRATCH.glob("wheel-venv-*"):
            shutil.rmtree(outdated)
        run(sys.executable, "-m", "venv", venv)
        pip(venv, "install", "--constraint", CONSTRAINTS, f"apache-airflow=={AIRFLOW_VERSION}")
        complete.touch()
    return venv


def install_wheel(venv: Path, wheel: Path) -> None:
    """Install the wheel, and what it alone requires, in place of an earlier one."""
    pip(venv, "uninstall", "--yes", "airflow-triggers")
    pip(venv, "install", "--constraint", CONSTRAINTS, wheel)


def pip(venv: Path, *arguments: str | Path) -> None:
    """Run the environment's own pip."""
    run(venv / "bin/python", "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments)


def run(*command: str | Path) -> str:
    """Run a command, and show what it printed if it fails."""
    finished = subprocess.run(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=INSTALL_DEADLINE,
        check=False,
    )
    assert finished.returncode == 0, f"{command} ended with {finished.returncode}:\n{finished.stdout}"
    return finished.stdout
