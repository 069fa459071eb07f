"""What must come of an input file, derived from it alone: shares no code with the package.

Neighbours: ``__main__.py`` compares it with what the API and the results file say.
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
class Expected:
    """One session: its instances with their status in the end, and what the results file says of it."""

    statuses: dict[str, str] = field(default_factory=dict)
    subject: tuple[Any, ...] | None = None
    answers: set[tuple[Any, ...]] = field(default_factory=set)
    browser: str | None = None
    score: tuple[str, str] | None = None
    expected_vote: str = ""


def expectations(lines: list[Line]) -> dict[str, Expected]:
    """Per session, what the input demands, after the failed import was replayed and the failed score skipped."""
    sessions: dict[str, list[Line]] = {}
    for line in lines:
        sessions.setdefault(line["session"], []).append(line)
    return {session: _expected(fired) for session, fired in sorted(sessions.items())}


def _expected(fired: list[Line]) -> Expected:
    names = Counter(line["trigger"] for line in fired)
    kwargs = {line["trigger"]: line["kwargs"] for line in reversed(fired)}
    first, last = kwargs["firstPageReceived"], kwargs["lastPageReceived"]
    found = Expected()
    readable = isinstance(first["age"], int)
    found.statuses["t_importSubject#0"] = "finished" if readable else "replayed"
    if not readable:
        found.statuses["t_importSubject#1"] = "finished"
    age = first["age"] if readable else CORRECTED_AGE
    found.subject = ("anes96", age, first["educ"], first["income"])
    for number in range(names["pageReceived"]):
        found.statuses[f"t_importResponses#{number}"] = "finished"
    found.answers = {
        (page["page"], question, answer)
        for page in (line["kwargs"] for line in fired if line["trigger"] == "pageReceived")
        for question, answer in page.items()
        if question != "page"
    }
    embedded = "embeddedDevice" in names
    found.statuses["t_importBrowserMetadata#0"] = "abandoned" if embedded else "finished"
    found.browser = None if embedded else first["userAgent"]
    placed = last["ClinLR"] is not None
    found.statuses["t_computeScore#0"] = "finished" if placed else "skipped"
    found.statuses["t_notify#0"] = "finished"
    if placed:
        found.score = (_nearer(last), ("Clinton", "Dole")[last["vote"]])
        found.expected_vote = found.score[0]
    else:
        found.expected_vote = SKIPPED_RESULT["expected"]
    return found


def _nearer(page: dict[str, int]) -> str:
    clinton, dole = abs(page["selfLR"] - page["ClinLR"]), abs(page["selfLR"] - page["DoleLR"])
    return "Clinton" if clinton < dole else "Dole" if dole < clinton else "either"


def differences(expected: dict[str, Expected], sessions: dict[str, Any], results: Path) -> list[str]:
    """What is not as it must be, a sentence each; empty: all is well."""
    wrong: list[str] = []
    with closing(sqlite3.connect(results)) as connection:
        for uid, demand in expected.items():
            wrong += _statuses(uid, demand, sessions[uid]["instances"])
            wrong += [f"{uid}: {problem}" for problem in _results(uid, demand, connection)]
    return wrong


def _statuses(uid: str, demand: Expected, instances: list[dict[str, Any]]) -> list[str]:
    found = {one["name"]: one["status"] for one in instances}
    wrong = [
        f"{uid}: {name} is {found.get(name, 'missing')}, must be {demand.statuses.get(name, 'absent')}"
        for name in sorted({*found, *demand.statuses})
        if found.get(name) != demand.statuses.get(name)
    ]
    for one in instances:
        has_run = one["dag_run_id"] is not None
        if has_run == (one["status"] == "abandoned"):
            wrong.append(
                f"{uid}: {one['name']} is {one['status']} and has {'a' if has_run else 'no'} DAG run"
            )
        if one["task"] == "t_notify":
            told = (one["metadata"].get("result") or "").strip()
            if not told.endswith(f"expected to vote {demand.expected_vote}") or uid not in told:
                wrong.append(f"{uid}: the notification says {told!r}, must tell {demand.expected_vote!r}")
    return wrong


def _results(uid: str, demand: Expected, connection: sqlite3.Connection) -> list[str]:
    def rows(query: str) -> list[tuple[Any, ...]]:
        return connection.execute(query, (uid,)).fetchall()

    checks = {
        "subject": (
            rows("SELECT survey, age, educ, income FROM subject WHERE respondent = ?"),
            [demand.subject],
        ),
        "responses": (
            set(rows("SELECT page, question, answer FROM response WHERE respondent = ?")),
            demand.answers,
        ),
        "browser": (
            rows("SELECT user_agent FROM browser WHERE respondent = ?"),
            [(demand.browser,)] if demand.browser else [],
        ),
        "score": (
            rows("SELECT expected, voted FROM score WHERE respondent = ?"),
            [demand.score] if demand.score else [],
        ),
    }
    return [f"{what} is {found}, must be {must}" for what, (found, must) in checks.items() if found != must]
