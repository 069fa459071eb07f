"""A Python environment with this package as it was at an earlier commit: a row may compare the code with its past.

Nothing is downloaded: Git has the code, and the other packages are links to those of this environment. Neighbours:
``environments.py`` makes environments likewise, ``live.py`` starts an API server in one.
"""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from benchmarks.environments import environment
from benchmarks.plainsql import Missing
from scripts.demo.airflow import ROOT

PACKAGE = ("airflow_triggers", "setup.py", "README.md", "LICENSE")
"""What of the commit is needed to install the package."""


def environment_of(commit: str, folder: Path) -> Path:
    """Make the environment in the folder, and return its interpreter.

    :raises Missing: when Git is not installed, or has no such commit (a shallow clone, say).
    """
    source = folder / "source"
    _unpack(commit, source)
    python = environment(folder / "environment", with_plugin=False)
    (packages,) = (folder / "environment").glob("lib/python*/site-packages")
    # The metadata names the entry points by which Airflow finds the plugin; the code stays where it is.
    metadata = [str(python), "setup.py", "-q", "egg_info", "--egg-base", str(packages)]
    subprocess.run(metadata, cwd=source, check=True, capture_output=True)
    (packages / "airflow_triggers.pth").write_text(f"{source}\n", encoding="utf-8")
    return python


def _unpack(commit: str, folder: Path) -> None:
    git = shutil.which("git")
    if git is None:
        raise Missing("This row needs Git, to unpack the code of an earlier commit.")
    with tempfile.TemporaryFile() as archive:
        archived = subprocess.run(
            [git, "archive", "--format=tar", commit, *PACKAGE],
            cwd=ROOT,
            stdout=archive,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if archived.returncode:
            raise Missing(f"Git does not have the commit {commit}: {archived.stderr.strip()}")
        archive.seek(0)
        with tarfile.open(fileobj=archive) as tar:
            tar.extractall(folder, filter="data")
