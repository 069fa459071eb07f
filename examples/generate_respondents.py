"""Makes ``respondents.jsonl``: the fires of a survey application, one a line, from real survey answers.

``python examples/generate_respondents.py`` rewrites the file; the same data give the same file. Each respondent is a
session. A questionnaire has three pages; each page is fired as ``pageReceived``, the first also as
``firstPageReceived`` and the last also as ``lastPageReceived``; in the end, ``questionnaireComplete``. As in real life,
the pages arrive out of order, mixed with pages of other respondents, and some arrive twice. Some respondents use an
embedded device.
"""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SOURCE = HERE / "data" / "anes96.csv"
TARGET = HERE / "respondents.jsonl"

RESPONDENTS = 14
# Spreads the respondents over the file.
STEP = 67
BROWSERS = ("Firefox/131.0", "Chrome/130.0", "Safari/18.0")

EMBEDDED = {3, 8, 12}
TWICE = {2: "pageReceived", 5: "questionnaireComplete", 9: "pageReceived", 11: "firstPageReceived"}
UNREADABLE_AGE = 6
DECLINED_PLACEMENT = 10

Line = dict[str, Any]


def respondents() -> list[dict[str, int]]:
    """Every :data:`STEP`-th row of the survey, the columns as whole numbers."""
    with SOURCE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quotechar="'"))
    return [
        {column: int(float(value)) for column, value in row.items()} for row in rows[::STEP][:RESPONDENTS]
    ]


def pages(number: int, row: dict[str, int]) -> list[dict[str, Any]]:
    """The answers page by page, as the application sends them."""
    age: int | str = "thirty-six" if number == UNREADABLE_AGE else row["age"]
    clinton = None if number == DECLINED_PLACEMENT else row["ClinLR"]
    return [
        {"page": 1, "age": age, "educ": row["educ"], "income": row["income"], "popul": row["popul"]},
        {"page": 2, "TVnews": row["TVnews"], "PID": row["PID"]},
        {"page": 3, "selfLR": row["selfLR"], "ClinLR": clinton, "DoleLR": row["DoleLR"], "vote": row["vote"]},
    ]


def fires_of(number: int, row: dict[str, int], chance: random.Random) -> list[Line]:
    """The fires of one respondent's application, in the order of arrival."""
    session = f"respondent-{number:04d}"
    first, second, last = pages(number, row)
    browser = {"userAgent": BROWSERS[number % len(BROWSERS)]}
    arriving = [
        ("pageReceived", first),
        ("firstPageReceived", {**first, **browser}),
        ("pageReceived", second),
        ("pageReceived", last),
        ("lastPageReceived", last),
        ("questionnaireComplete", {"pages": 3}),
    ]
    if number in TWICE:
        arriving.append(next(fire for fire in arriving if fire[0] == TWICE[number]))
    chance.shuffle(arriving)
    if number in EMBEDDED:
        arriving.insert(0, ("embeddedDevice", {}))
    return [{"session": session, "trigger": trigger, "kwargs": kwargs} for trigger, kwargs in arriving]


def interleaved(queues: list[list[Line]], chance: random.Random) -> Iterator[Line]:
    """The respondents' lines in turn; the order of each respondent's own lines stays."""
    while queues:
        queue = chance.choice(queues)
        yield queue.pop(0)
        queues = [one for one in queues if one]


def lines() -> list[Line]:
    """All lines of the file."""
    chance = random.Random(1996)
    queues = [fires_of(number, row, chance) for number, row in enumerate(respondents(), start=1)]
    return list(interleaved(queues, chance))


def rendered() -> str:
    """The file's text."""
    return "".join(json.dumps(line, sort_keys=True) + "\n" for line in lines())


if __name__ == "__main__":
    TARGET.write_text(rendered(), encoding="utf-8")
