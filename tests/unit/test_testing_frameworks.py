"""The tester in pytest and in unittest, as users run them: in a process of its own, without a database.

Airflow is pointed at a home without a database, and at a server that does not exist.
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from importlib.metadata import entry_points

import pytest

from tests.support.environment import ROOT

DEADLINE = 100

CONFIGURATION = """
t_import: {after: [received, complete], run: survey_tasks_of_a_test.import_subject}
t_notify: {after: [t_import], run: a_dag}
"""

TASKS = """
def import_subject(context):
    return {"age": int(context.trigger_kwargs["received"]["age"])}
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "dags").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "home").mkdir()
    (tmp_path / "dags/survey.yaml").write_text(CONFIGURATION)
    (tmp_path / "dags/survey_tasks_of_a_test.py").write_text(TASKS)
    return tmp_path


def run(project, *arguments, content):
    (project / "tests/test_survey.py").write_text(textwrap.dedent(content))
    (project / "pytest.ini").write_text("[pytest]\n")
    # Without CI: there pytest tells a failure's whole text a second time, in its summary.
    inherited = {
        name: it
        for name, it in os.environ.items()
        if not name.startswith(("AIRFLOW_", "PYTEST_")) and name not in ("CI", "BUILD_NUMBER")
    }
    connection = "postgresql+psycopg2://nobody:nothing@127.0.0.1:1/nowhere"
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=project,
        env=inherited
        | {
            "AIRFLOW_HOME": str(project / "home"),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": connection,
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )


def run_pytest(project, *options, content):
    return run(project, "-m", "pytest", "-p", "no:cacheprovider", *options, content=content)


def made_databases(project):
    return [path.name for path in (project / "home").rglob("*.db")]


def test_the_plugin_is_found_by_its_entry_point():
    (found,) = entry_points(group="pytest11", name="airflow_triggers")
    assert found.value == "airflow_triggers.testing.pytest_plugin"


def test_the_fixtures_need_no_database(project):
    finished = run_pytest(
        project,
        content="""
        def test_one(triggers_tester):
            triggers_tester.configure("survey")
            triggers_tester.stub("t_notify", result={"mails": 1})
            triggers_tester.fire("received", {"age": "41"})
            triggers_tester.assert_unstarted("t_import#0", missing={"complete"})
            triggers_tester.fire("complete")
            assert triggers_tester.run() == ["t_import#0", "t_notify#0"]
            triggers_tester.assert_finished("t_import#0", result={"age": 41})

        def test_another_has_a_session_of_its_own(triggers_tester_factory):
            tester = triggers_tester_factory("dags/survey.yaml", metadata={"n": 1})
            assert tester.statuses == {}
            assert tester.storage.metadata == {"n": 1}
        """,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "2 passed" in finished.stdout
    assert made_databases(project) == []


def test_a_run_that_does_not_use_the_fixtures_imports_nothing_of_airflow(project):
    content = """
        import sys

        def test_nothing_was_imported():
            names = {name.split(".")[0] for name in sys.modules}
            ours = {name for name in sys.modules if name.startswith("airflow_triggers")}
            assert not names & {"airflow", "sqlalchemy", "dogpile", "pydantic", "structlog", "fastapi"}
            assert ours == {"airflow_triggers", "airflow_triggers.testing", "airflow_triggers.testing.pytest_plugin"}
        """
    finished = run_pytest(project, content=content)
    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_a_failed_assertion_shows_the_tests_own_line_and_the_story_once(project):
    finished = run_pytest(
        project,
        content="""
        def test_one(triggers_tester):
            triggers_tester.configure("survey").fire("recieved", {"age": "41"})
            triggers_tester.assert_finished("t_import#0")
        """,
    )
    told = finished.stdout
    assert finished.returncode == 1
    assert '>       triggers_tester.assert_finished("t_import#0")' in told
    assert (
        "E       AssertionError: There is no instance 't_import#0'. t_import has none: nothing that" in told
    )
    assert "no task names it. Did you mean 'received'?" in told
    assert told.count("The story of session") == 1
    assert "assertions.py" not in told


def test_any_other_failure_is_followed_by_the_story_of_each_session(project):
    finished = run_pytest(
        project,
        content="""
        def test_one(triggers_tester):
            triggers_tester.configure("survey").fire("received")
            triggers_tester.session("other").fire("complete")
            assert triggers_tester.statuses == {}

        def test_that_passes(triggers_tester):
            pass
        """,
    )
    told = finished.stdout
    assert finished.returncode == 1
    assert told.count("--- Triggers session session ---") == told.count("--- Triggers session other ---") == 1
    assert told.count("The story of session") == 2


def test_the_folders_of_configurations_are_a_setting(project):
    (project / "dags").rename(project / "airflow-dags")
    content = """
        def test_one(triggers_tester):
            assert set(triggers_tester.configure("survey").storage.tasks) == {"t_import", "t_notify"}
        """
    assert run_pytest(project, content=content).returncode == 1
    finished = run_pytest(project, "-o", "triggers_folders=airflow-dags", content=content)
    assert finished.returncode == 0, finished.stdout + finished.stderr


UNITTEST = """
    import unittest
    from datetime import UTC, datetime

    from airflow_triggers.manager import TriggerManager
    from airflow_triggers.testing import TriggersTestMixin


    class SurveyManager(TriggerManager):
        name = "survey"


    class Prepared(unittest.TestCase):
        def setUp(self):
            self.prepared = True


    class SurveyTest(TriggersTestMixin, Prepared):
        configuration = "survey"
        trigger_manager = SurveyManager
        session_metadata = {"survey": 7}
        session_uid = "respondent-1"
        session_now = datetime(2026, 1, 31, tzinfo=UTC)
        configuration_folders = ["dags"]

        def test_a_subject_is_imported(self):
            self.stub("t_notify", raises=ConnectionError("no mail"))
            self.fire("received", {"age": "41"})
            self.assert_unstarted("t_import#0", missing={"complete"})
            self.fire("complete")
            self.assertEqual(self.run_next().name, "t_import#0")
            self.assertEqual(self.run_tasks(), ["t_notify#0"])
            self.assert_failed("t_notify#0", OSError, match="no mail")
            self.replay("t_notify#0", cooldown=60)
            self.advance(minutes=1)
            self.stub("t_notify", result="sent")
            self.run_tasks()
            self.assert_finished("t_notify#1", result="sent")
            self.assert_unresolved_tasks()
            self.assertTrue(self.prepared)
            self.assertEqual(self.manager.name, "survey")
            self.assertEqual(self.storage.uid, "respondent-1")
            self.assertEqual(self.storage.metadata, {"survey": 7})
            self.assertEqual(self.now, datetime(2026, 1, 31, 0, 1, tzinfo=UTC))

        def test_every_test_has_a_session_of_its_own(self):
            self.assertEqual(self.statuses, {})
            other = self.session("respondent-2")
            other.fire("received")
            other.assert_unstarted("t_import#0")
            self.assertEqual(self.statuses, {})

        def test_that_fails(self):
            self.fire("received")
            self.assert_finished("t_import#0")
    """


def test_the_mixin_gives_unittest_the_same_without_pytest_and_a_database(project):
    content = UNITTEST + "\n\n    if __name__ == '__main__':\n        unittest.main()\n"
    no_pytest = "import sys, runpy; sys.modules['pytest'] = None\n"
    no_pytest += "runpy.run_path('tests/test_survey.py', run_name='__main__')"
    finished = run(project, "-c", no_pytest, content=content)
    told = finished.stderr
    assert finished.returncode == 1, told
    assert "Ran 3 tests" in told
    assert "FAILED (failures=1)" in told
    assert "FAIL: test_that_fails" in told
    assert "AssertionError: t_import#0 is unstarted, lacks complete; expected finished.\n" in told
    assert "The story of session 'respondent-1' (manager 'survey', configuration 'survey'):\n" in told
    assert "assertions.py" not in told
    assert made_databases(project) == []


def test_pytest_runs_the_mixin_too(project):
    finished = run_pytest(project, content=UNITTEST)
    assert "1 failed, 2 passed" in finished.stdout, finished.stdout + finished.stderr
