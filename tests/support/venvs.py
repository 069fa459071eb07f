"""Virtual environments with Airflow and our wheel, nothing else: like a user's environment after ``pip install``.

Neighbours: ``tests/e2e/test_wheel.py``; ``tests/e2e/test_extensions.py`` adds other packages.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.support.environment import ROOT, SCRATCH

AIRFLOW_VERSION = "3.3.2"
INSTALL_DEADLINE = 600
CONSTRAINTS = ROOT / "constraints.txt"


def build_wheel(folder: Path) -> Path:
    """Build the wheel from a copy of the sources: files of earlier builds cannot get into it.

    It uses the installed build tool, with its version in ``constraints.txt``: no network is needed.
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


def build_example_wheel(example: Path, folder: Path) -> Path:
    """Build the wheel of a package in ``examples/``, likewise from a copy."""
    sources = shutil.copytree(
        example, folder / example.name, ignore=shutil.ignore_patterns("__pycache__", "build", "*.egg-info")
    )
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder / "dist", sources)
    (wheel,) = (folder / "dist").glob("*.whl")
    return wheel


def build_client_wheel(folder: Path) -> Path:
    """Build the wheel of the client in ``client/``, likewise from a copy."""
    return build_example_wheel(ROOT / "client", folder)


def client_venv(python: Path, venv: Path, wheel: Path) -> Path:
    """A virtual environment of the interpreter with the client's wheel and its requirements, without Airflow."""
    run(python, "-m", "venv", venv)
    pip(venv, "install", "--constraint", CONSTRAINTS, wheel)
    return venv


def write_wheel(
    folder: Path, name: str, entry_points: dict[str, dict[str, str]], modules: dict[str, str]
) -> Path:
    """Write the wheel of a package of single modules, without a build; pip installs it like any other wheel.

    :param entry_points: group → name → value.
    :param modules: module name → source.
    """
    info = f"{name}-1.0.dist-info"
    declared = [
        line
        for group, entries in entry_points.items()
        for line in (f"[{group}]", *(f"{entry} = {value}" for entry, value in entries.items()))
    ]
    files = {
        **{f"{module}.py": source for module, source in modules.items()},
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "\n".join(declared),
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    wheel = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return wheel


def venv_upon(base: Path, folder: Path) -> Path:
    """A virtual environment with everything in ``base``, pip included; new packages go only into the new one."""
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    (own,) = folder.glob("lib/python*/site-packages")
    (below,) = base.glob("lib/python*/site-packages")
    (own / "base.pth").write_text(f"{below}\n", encoding="utf-8")
    return folder


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
    """Install the wheel with its own requirements, in place of an earlier one."""
    pip(venv, "uninstall", "--yes", "airflow-triggers")
    pip(venv, "install", "--constraint", CONSTRAINTS, wheel)


def pip(venv: Path, *arguments: str | Path) -> None:
    """Run the environment's own pip."""
    run(venv / "bin/python", "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments)


def run(*command: str | Path) -> str:
    """Run a command, and show its output if it fails."""
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
