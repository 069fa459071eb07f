"""Two copies of this Python environment: the plugin is installed in one of them only.

Nothing is downloaded: each is a virtual environment with links to the packages of this one. Neighbours:
``footprints.py`` and ``schedulers.py`` compare processes in the one with processes in the other.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

PLUGIN_ENTRIES = ("airflow_triggers", "__editable__.airflow_triggers", "__editable___airflow_triggers")


@dataclass(frozen=True)
class Environments:
    """The interpreters of both environments."""

    with_plugin: Path
    without_plugin: Path


def make_environments(folder: Path) -> Environments:
    """Make both environments in the folder."""
    return Environments(
        environment(folder / "with", with_plugin=True), environment(folder / "without", with_plugin=False)
    )


def environment(folder: Path, *, with_plugin: bool) -> Path:
    """Make one environment in the folder, and return its interpreter."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if with_plugin or not entry.name.startswith(PLUGIN_ENTRIES):
            (packages / entry.name).symlink_to(entry)
    return folder / "bin/python"
