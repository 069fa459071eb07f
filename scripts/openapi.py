"""Writes what is generated of the REST API: the table of reasons in ``docs/rest.md``.

``make openapi`` runs it. ``tests/unit/test_api_document.py`` compares.
"""

from __future__ import annotations

import re
from pathlib import Path

from airflow_triggers.api.problem_types import table_of_types

ROOT = Path(__file__).parents[1]
REST_PAGE = ROOT / "docs/rest.md"

BEGIN, END = "<!-- reasons: made by `make openapi` -->", "<!-- /reasons -->"


def page_with_table(page: str) -> str:
    """The page with the present table of reasons."""
    table = f"{BEGIN}\n\n{table_of_types()}\n\n{END}"
    return re.sub(f"{re.escape(BEGIN)}.*{re.escape(END)}", lambda _: table, page, flags=re.DOTALL)


def write() -> None:
    """Write the files anew."""
    REST_PAGE.write_text(page_with_table(REST_PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    write()
