"""The fixtures for pytest, found by the entry point ``pytest11`` if the package is installed.

pytest loads this in every run. So it imports nothing of Airflow and of this package until a test uses a fixture.
Neighbours: ``tester.py`` is what the fixtures make.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from airflow_triggers.testing.tester import SessionTester

FOLDERS = "triggers_folders"

_testers: pytest.StashKey[list[SessionTester]] = pytest.StashKey()

pytest.register_assert_rewrite("airflow_triggers.testing.contract")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The setting ``triggers_folders``."""
    parser.addini(
        FOLDERS,
        type="paths",
        default=[],
        help="folders of the YAML files that trigger configurations are read from (default: 'dags', '.', and the "
        "folder of the test)",
    )


@pytest.fixture
def triggers_tester_factory(request: pytest.FixtureRequest) -> Callable[..., SessionTester]:
    """Makes a tested session: ``triggers_tester_factory("questionnaire", manager=FinalizingManager)``.

    It takes the arguments of ``airflow_triggers.testing.SessionTester``. It looks for YAML files in the folders of the
    setting ``triggers_folders``.
    """
    from airflow_triggers.testing.tester import SessionTester

    root = request.config.rootpath
    folders = request.config.getini(FOLDERS) or [root / "dags", root, request.path.parent]
    testers = request.node.stash.setdefault(_testers, [])

    def make(configuration: Any = None, **options: Any) -> SessionTester:
        tester = SessionTester(configuration, **{"folders": folders, **options})
        testers.append(tester)
        return tester

    return make


@pytest.fixture
def triggers_tester(triggers_tester_factory: Callable[..., SessionTester]) -> SessionTester:
    """A tested session: ``triggers_tester.configure("questionnaire")`` gives it tasks."""
    return triggers_tester_factory()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Print the story of each session of a failed test, unless the failure itself contains it."""
    report = yield
    if report.when == "call" and report.failed:
        for tester in item.stash.get(_testers, []):
            for session in tester.sessions:
                story = session.story()
                if story.splitlines()[0] not in report.longreprtext:
                    report.sections.append((f"Triggers session {session.uid}", story))
    return report
