"""The trigger tasks of ``questionnaire.yaml``: each takes a TaskContext and returns what cascades.

The results go into a small SQLite file, named by the environment variable ``QUESTIONNAIRE_RESULTS``. Every task
writes the same row when it runs again, so replays and Airflow's own retries do no harm.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing

from airflow_triggers import TaskContext, with_context

TABLES = """
CREATE TABLE IF NOT EXISTS subject (respondent TEXT PRIMARY KEY, survey TEXT, age INTEGER, educ INTEGER,
    income INTEGER);
CREATE TABLE IF NOT EXISTS response (respondent TEXT, page INTEGER, question TEXT, answer INTEGER,
    PRIMARY KEY (respondent, page, question));
CREATE TABLE IF NOT EXISTS browser (respondent TEXT PRIMARY KEY, user_agent TEXT);
CREATE TABLE IF NOT EXISTS score (respondent TEXT PRIMARY KEY, expected TEXT, voted TEXT);
"""

CANDIDATES = {0: "Clinton", 1: "Dole"}


def results() -> closing[sqlite3.Connection]:
    """The results file, with its tables; each statement is kept at once."""
    path = os.environ.get("QUESTIONNAIRE_RESULTS", "questionnaire.sqlite")
    connection = sqlite3.connect(path, timeout=30, isolation_level=None)
    connection.executescript(TABLES)
    return closing(connection)


def import_subject(context: TaskContext) -> dict[str, object]:
    """The respondent, from the first page."""
    page = context.trigger_kwargs["firstPageReceived"]
    try:
        subject = (page["survey"], int(page["age"]), int(page["educ"]), int(page["income"]))
    except ValueError as error:
        with_context(error, {"age": page["age"]})
        raise
    with results() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO subject VALUES (?, ?, ?, ?, ?)", (context.session_uid, *subject)
        )
    return {"respondent": context.session_uid}


def import_responses(context: TaskContext) -> dict[str, object]:
    """The answers of one page."""
    answers = dict(context.trigger_kwargs["pageReceived"])
    page = answers.pop("page")
    rows = [(context.session_uid, page, question, answer) for question, answer in answers.items()]
    with results() as connection:
        connection.executemany("INSERT OR REPLACE INTO response VALUES (?, ?, ?, ?)", rows)
    return {"page": page, "answers": len(rows)}


def import_browser_metadata(context: TaskContext) -> None:
    """What the respondent used; an embedded device has nothing to tell."""
    row = (context.session_uid, context.trigger_kwargs["firstPageReceived"]["userAgent"])
    with results() as connection:
        connection.execute("INSERT OR REPLACE INTO browser VALUES (?, ?)", row)


def compute_score(context: TaskContext) -> dict[str, object]:
    """The vote that the placements on the left-right scale lead to expect, and the one that was given."""
    page = context.trigger_kwargs["lastPageReceived"]
    to_clinton = abs(page["selfLR"] - page["ClinLR"])
    to_dole = abs(page["selfLR"] - page["DoleLR"])
    expected = "either" if to_clinton == to_dole else CANDIDATES[int(to_dole < to_clinton)]
    row = (context.session_uid, expected, CANDIDATES[page["vote"]])
    with results() as connection:
        connection.execute("INSERT OR REPLACE INTO score VALUES (?, ?, ?)", row)
    return {"expected": expected, "voted": row[2]}
