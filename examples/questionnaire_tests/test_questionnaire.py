"""Tests of ``dags/questionnaire.yaml``, with pytest: no Airflow runs, and no database is there."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

FIRST_PAGE = {"page": 1, "age": 41, "educ": 3, "income": 5, "userAgent": "Mozilla/5.0"}
LAST_PAGE = {"page": 3, "selfLR": 2, "ClinLR": 3, "DoleLR": 6, "vote": 0}


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    """The results file of the tasks, a new one for each test."""
    path = tmp_path / "results.sqlite"
    monkeypatch.setenv("QUESTIONNAIRE_RESULTS", str(path))
    return path


@pytest.fixture
def respondent(triggers_tester):
    """A respondent's session: ``dags/questionnaire.yaml``, with the mail that nobody is to get stubbed."""
    triggers_tester.configure("questionnaire")
    triggers_tester.stub("t_notify")
    return triggers_tester


def rows(path, query):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def test_a_subject_is_imported_once_the_first_page_and_completion_are_there(respondent, results):
    respondent.fire("firstPageReceived", FIRST_PAGE)
    respondent.assert_unstarted("t_importSubject#0", missing={"questionnaireComplete"})

    respondent.fire("questionnaireComplete")
    respondent.run("t_importSubject")

    respondent.assert_finished("t_importSubject#0", result={"respondent": "session"})
    assert rows(results, "SELECT survey, age FROM subject") == [("anes96", 41)]


def test_pages_wait_for_the_subject_and_then_each_is_imported(respondent, results):
    for page in (1, 2):
        respondent.fire("pageReceived", {"page": page, "q": page * 10})
    respondent.assert_unstarted("t_importResponses#1", missing={"t_importSubject"})

    respondent.fire("firstPageReceived", FIRST_PAGE)
    respondent.fire("questionnaireComplete")
    respondent.run()

    for number in (0, 1):
        respondent.assert_finished(f"t_importResponses#{number}", result={"page": number + 1, "answers": 1})
    assert rows(results, "SELECT page, answer FROM response ORDER BY page") == [(1, 10), (2, 20)]


def test_an_embedded_device_has_no_browser(respondent):
    respondent.fire("embeddedDevice")
    respondent.fire("firstPageReceived", FIRST_PAGE)
    respondent.fire("questionnaireComplete")
    respondent.run()
    respondent.assert_abandoned("t_importBrowserMetadata#0")


def test_a_failed_import_is_replayed_with_a_corrected_age(respondent):
    respondent.fire("firstPageReceived", {**FIRST_PAGE, "age": "forty-one"})
    respondent.fire("questionnaireComplete")
    respondent.run()
    failed = respondent.assert_failed("t_importSubject#0", ValueError, match="forty-one")
    assert failed.metadata["exceptionContext"] == {"age": "forty-one"}

    respondent.replay("t_importSubject#0", {"firstPageReceived": FIRST_PAGE})
    respondent.run()

    respondent.assert_replayed("t_importSubject#0", by="t_importSubject#1")
    respondent.assert_finished("t_importSubject#1")
    respondent.assert_finished("t_importBrowserMetadata#0")


def test_a_score_that_cannot_be_computed_is_skipped_and_the_notice_goes_out(respondent):
    notify = respondent.stub("t_notify")
    respondent.stub("t_computeScore", raises=ConnectionError("the scoring service is away"))
    for trigger, kwargs in {"firstPageReceived": FIRST_PAGE, "lastPageReceived": LAST_PAGE}.items():
        respondent.fire(trigger, kwargs)
    respondent.fire("questionnaireComplete")
    respondent.run()
    respondent.assert_failed("t_computeScore#0", ConnectionError)
    respondent.assert_no_instance("t_notify")

    respondent.skip("t_computeScore#0", cascade=True, result={"expected": "not asked"})
    respondent.run()

    respondent.assert_skipped("t_computeScore#0", cascade=True)
    assert notify.contexts[0].trigger_kwargs == {"t_computeScore": {"expected": "not asked"}}
    respondent.assert_unresolved_instances("t_importResponses#0")  # no page came
