"""The demanded outcome of an input file, derived from the file alone. It shares no code with the package.

Neighbours: ``play.py`` compares it with the API and the results file.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CORRECTED_AGE = 36
SKIPPED_RESULT = {"expected": "not asked", "voted": "unknown"}

Line = dict[str, Any]


@dataclass
class Expectation:
    """One session: its instances with their final status, and its content in the results file."""

    statuses: dict[str, str] = field(default_factory=dict)
    subject: tuple[Any, ...] | None = None
    answers: set[tuple[Any, ...]] = field(default_factory=set)
    browser: str | None = None
    score: tuple[str, str] | None = None
    expected_vote: str = ""


def expectations(lines: list[Line]) -> dict[str, Expectation]:
    """By session, the outcome demanded by the input, after the replay of the failed import and the skip of the failed
    score.
    """
    sessions: dict[str, list[Line]] = {}
    for line in lines:
        sessions.setdefault(line["session"], []).append(line)
    return {session: _expectation(fires) for session, fires in sorted(sessions.items())}


def _expectation(fires: list[Line]) -> Expectation:
    names = Counter(line["trigger"] for line in fires)
    kwargs = {line["trigger"]: line["kwargs"] for line in reversed(fires)}
    first, last = kwargs["firstPageReceived"], kwargs["lastPageReceived"]
    expectation = Expectation()
    readable = isinstance(first["age"], int)
    expectation.statuses["t_importSubject#0"] = "finished" if readable else "replayed"
    if not readable:
        expectation.statuses["t_importSubject#1"] = "finished"
    age = first["age"] if readable else CORRECTED_AGE
    expectation.subject = ("anes96", age, first["educ"], first["income"])
    for number in range(names["pageReceived"]):
        expectation.statuses[f"t_importResponses#{number}"] = "finished"
    expectation.answers = {
        (page["page"], question, answer)
        for page in (line["kwargs"] for line in fires if line["trigger"] == "pageReceived")
        for question, answer in page.items()
        if question != "page"
    }
    is_embedded = "embeddedDevice" in names
    expectation.statuses["t_importBrowserMetadata#0"] = "abandoned" if is_embedded else "finished"
    expectation.browser = None if is_embedded else first["userAgent"]
    has_placement = last["ClinLR"] is not None
    expectation.statuses["t_computeScore#0"] = "finished" if has_placement else "skipped"
    expectation.statuses["t_notify#0"] = "finished"
    if has_placement:
        expectation.score = (_nearer(last), ("Clinton", "Dole")[last["vote"]])
        expectation.expected_vote = expectation.score[0]
    else:
        expectation.expected_vote = SKIPPED_RESULT["expected"]
    return expectation


def _nearer(page: dict[str, int]) -> str:
    clinton, dole = abs(page["selfLR"] - page["ClinLR"]), abs(page["selfLR"] - page["DoleLR"])
    return "Clinton" if clinton < dole else "Dole" if dole < clinton else "either"


def differences(
    expectation_by_session: dict[str, Expectation], sessions: dict[str, Any], results: Path | None
) -> list[str]:
    """The differences from the demanded outcome, a sentence each; empty: everything is right.

    :param results: the file of the trigger tasks' results; None where this machine cannot read it.
    """
    wrong: list[str] = []
    for uid, expectation in expectation_by_session.items():
        wrong += _statuses(uid, expectation, sessions[uid]["instances"])
    if results is not None:
        with closing(sqlite3.connect(results)) as connection:
            for uid, expectation in expectation_by_session.items():
                wrong += [f"{uid}: {problem}" for problem in _results(uid, expectation, connection)]
    return wrong


def _statuses(uid: str, expectation: Expectation, instances: list[dict[str, Any]]) -> list[str]:
    actual_statuses = {instance["name"]: instance["status"] for instance in instances}
    wrong = [
        f"{uid}: {name} is {actual_statuses.get(name, 'missing')}, must be {expectation.statuses.get(name, 'absent')}"
        for name in sorted({*actual_statuses, *expectation.statuses})
        if actual_statuses.get(name) != expectation.statuses.get(name)
    ]
    for instance in instances:
        has_run = instance["dag_run_id"] is not None
        if has_run == (instance["status"] == "abandoned"):
            wrong.append(
                f"{uid}: {instance['name']} is {instance['status']} and has {'a' if has_run else 'no'} DAG run"
            )
        if instance["task"] == "t_notify":
            notification = (instance["metadata"].get("result") or "").strip()
            if (
                not notification.endswith(f"expected to vote {expectation.expected_vote}")
                or uid not in notification
            ):
                wrong.append(
                    f"{uid}: the notification says {notification!r}, must tell {expectation.expected_vote!r}"
                )
    return wrong


def _results(uid: str, expectation: Expectation, connection: sqlite3.Connection) -> list[str]:
    def rows(query: str) -> list[tuple[Any, ...]]:
        return connection.execute(query, (uid,)).fetchall()

    checks = {
        "subject": (
            rows("SELECT survey, age, educ, income FROM subject WHERE respondent = ?"),
            [expectation.subject],
        ),
        "responses": (
            set(rows("SELECT page, question, answer FROM response WHERE respondent = ?")),
            expectation.answers,
        ),
        "browser": (
            rows("SELECT user_agent FROM browser WHERE respondent = ?"),
            [(expectation.browser,)] if expectation.browser else [],
        ),
        "score": (
            rows("SELECT expected, voted FROM score WHERE respondent = ?"),
            [expectation.score] if expectation.score else [],
        ),
    }
    return [
        f"{noun} is {actual}, must be {demand}"
        for noun, (actual, demand) in checks.items()
        if actual != demand
    ]
