"""For users' tests: a trigger configuration in milliseconds, without Airflow's database and without Airflow running.

``tester.py`` is where to begin (:class:`SessionTester`), ``case.py`` the same for unittest, ``pytest_plugin.py`` the
fixtures, ``contract/`` the suites for your own storage backends and runners. Importing this package loads nothing else:
pytest imports it in every run.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_triggers.testing.case import TriggersTestMixin
    from airflow_triggers.testing.stubs import Stub
    from airflow_triggers.testing.tester import SessionTester

__all__ = ["SessionTester", "Stub", "TriggersTestMixin"]

_HOMES = {
    "SessionTester": "airflow_triggers.testing.tester",
    "Stub": "airflow_triggers.testing.stubs",
    "TriggersTestMixin": "airflow_triggers.testing.case",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
