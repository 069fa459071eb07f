"""The rooms of the package: documented imports work from where they were documented, and docstrings name real files."""

from __future__ import annotations

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest

from tests.support.environment import ROOT

PACKAGE = ROOT / "airflow_triggers"
SOURCES = sorted(PACKAGE.rglob("*.py"))

DOCUMENTED = {
    "airflow_triggers": (
        "CacheStorageBackend Configuration FireResult FireTriggerOperator InstanceStatus SqlStorageBackend "
        "TaskConfig TaskContext TaskInstance TriggerManager configuration_dags trigger_asset trigger_dags "
        "trigger_task with_context"
    ),
    "airflow_triggers.errors": "ConfigurationError IdempotencyConflict RunnerError StorageError",
    "airflow_triggers.history": "history_of vain_fires why",
    "airflow_triggers.manager": "TriggerManager trigger_managers",
    "airflow_triggers.runners": "AirflowTaskRunner BaseTaskRunner Start ThreadingTaskRunner task_runners",
    "airflow_triggers.runners.inprocess": "path_of_run perform",
    "airflow_triggers.sessions": (
        "create_session describe_session fire_into list_sessions open_session deployed_configuration"
    ),
    "airflow_triggers.states": "Event",
    "airflow_triggers.storages": "BaseStorageBackend storage_backends",
    "airflow_triggers.testing": "TriggersTestMixin",
    "airflow_triggers.testing.contract": "ImpatientLockContract RunnerContract StorageContract",
    "airflow_triggers.types": (
        "Configuration DelayedFire Fire FireResult InstanceStatus TaskConfig TaskInstance"
    ),
}
"""What README, docs and examples import, and what users rely on, by the address that they were told."""


@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module, names in DOCUMENTED.items() for name in names.split()]
)
def test_a_documented_import_works(module, name):
    assert hasattr(import_module(module), name)


def relative(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_every_file_that_a_docstring_names_exists(path):
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""

    for name in re.findall(r"``([\w/]+(?:\.py|/))``", docstring):
        places = (path.parent / name, PACKAGE / name, ROOT / name)
        assert any(place.exists() for place in places), f"{name} does not exist"


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_no_file_asks_for_the_class_of_a_storage(path):
    """Users have storages of their own: what a storage can do, its contract says."""
    assert not re.search(r"isinstance\([^)]*StorageBackend", path.read_text(encoding="utf-8"))
