"""Which of Airflow's modules each module may import; the layers among ours are import-linter's (pyproject.toml)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.support.environment import ROOT

PACKAGE = ROOT / "airflow_triggers"
SOURCES = sorted(PACKAGE.rglob("*.py"))

# Airflow's internals around DAG runs: they change from release to release, so one package adapts to them.
INTERNALS = (
    "airflow.models",
    "airflow.serialization",
    "airflow.jobs",
    "airflow.ti_deps",
    "airflow.dag_processing",
)

# What runs in DAG processors and workers, which have no database, keeps to what DAG files may import.
FOR_DAG_FILES = ("airflow.sdk", "airflow.providers.standard", "airflow.exceptions")
AUTHORING = ("configuration/", "task/", "operators/", "hooks/")


def airflow_imports(path: Path) -> set[str]:
    """Every module of Airflow that the file imports, at its top or in a function."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in names if name.split(".")[0] == "airflow"}


def relative(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_only_the_gateway_imports_airflows_internals(path: Path) -> None:
    internals = {it for it in airflow_imports(path) if it.startswith(INTERNALS)}

    assert relative(path).startswith("gateway/") or not internals


@pytest.mark.parametrize("path", [it for it in SOURCES if relative(it).startswith(AUTHORING)], ids=relative)
def test_what_runs_without_a_database_imports_only_what_dag_files_may(path: Path) -> None:
    beyond = {it for it in airflow_imports(path) if not it.startswith(FOR_DAG_FILES)}

    assert not beyond
