"""What docstrings say of the source tree is true."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("airflow_triggers", "benchmarks", "client", "examples", "scripts", "tests")
MODULES = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]

# ``storages/base.py`` or ``scripts/demo``, but not ``tests.support`` nor an expression
PATH = re.compile(r"``((?:[\w.-]+/)+[\w.-]*|[\w-]+\.(?:py|md|json|yaml|csv))``")


def named_paths(docstring: str) -> list[str]:
    """The files and folders that the part after "Neighbours" names."""
    _, _, neighbours = docstring.partition("Neighbours")
    return PATH.findall(neighbours)


def is_there(path: str, module: Path) -> bool:
    """Whether a path exists, from the module's folder, a folder above it or the package."""
    folders = [folder for folder in module.parents if folder.is_relative_to(ROOT)]
    return any((folder / path).exists() for folder in [*folders, ROOT / "airflow_triggers"])


def test_neighbours_are_found_in_the_docstrings_of_most_rooms():
    rooms = {
        path.relative_to(ROOT).parts[1]
        for path in MODULES
        if path.is_relative_to(ROOT / "airflow_triggers") and named_paths(_docstring(path))
    }
    assert {"api", "controller", "domain", "gateway", "runners", "sessions", "storages"} <= rooms


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_file_named_after_neighbours_exists(folder):
    missing = [
        f"{module.relative_to(ROOT)}: {path}"
        for module in MODULES
        if module.is_relative_to(ROOT / folder)
        for path in named_paths(_docstring(module))
        if not is_there(path, module)
    ]
    assert missing == []


def _docstring(module: Path) -> str:
    return ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or ""
