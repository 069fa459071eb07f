"""A test of ``dags/questionnaire.yaml`` with unittest: ``python -m unittest discover examples/questionnaire_tests``."""

from __future__ import annotations

import unittest
from datetime import UTC, datetime
from pathlib import Path

from airflow_triggers.testing import TriggersTestMixin

DAGS = Path(__file__).parents[2] / "dags"


class QuestionnaireTest(TriggersTestMixin, unittest.TestCase):
    configuration = "questionnaire"
    configuration_folders = (DAGS,)
    session_uid = "respondent-17"
    session_now = datetime(2026, 3, 4, 8, tzinfo=UTC)

    def test_an_import_is_tried_again_five_minutes_after_it_was_replayed(self):
        self.stub("t_importSubject", raises=TimeoutError)
        self.fire("firstPageReceived", {"age": 41})
        self.fire("questionnaireComplete")
        self.run_tasks()
        self.assert_failed("t_importSubject#0", TimeoutError)

        self.stub("t_importSubject", result={"respondent": 17})
        self.replay("t_importSubject#0", cooldown=300)
        assert self.run_tasks() == []
        self.advance(minutes=5)
        assert self.run_tasks("t_importSubject") == ["t_importSubject#1"]
        self.assert_finished("t_importSubject#1", result={"respondent": 17})
        self.assert_fired("t_importSubject", times=1, kwargs={"respondent": 17})


if __name__ == "__main__":
    unittest.main()
