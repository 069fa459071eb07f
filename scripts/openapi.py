"""Writes what is generated of the REST API: ``docs/openapi.json``, and the table of reasons in ``docs/rest.md``.

``make openapi`` runs it. ``tests/unit/test_api_document.py`` compares.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
REST_PAGE = ROOT / "docs/rest.md"
DOCUMENT = ROOT / "docs/openapi.json"

BEGIN, END = "<!-- reasons: made by `make openapi` -->", "<!-- /reasons -->"


def page_with_table(page: str, table: str) -> str:
    """The page with this table of reasons."""
    block = f"{BEGIN}\n\n{table}\n\n{END}"
    return re.sub(f"{re.escape(BEGIN)}.*{re.escape(END)}", lambda _: block, page, flags=re.DOTALL)


def text_of(document: dict[str, Any]) -> str:
    """The document as the file has it: mounted at ``/triggers``."""
    return json.dumps({**document, "servers": [{"url": "/triggers"}]}, indent=1, ensure_ascii=False) + "\n"


def write() -> None:
    """Write the files anew."""
    # These import Airflow, which writes into its home.
    from airflow_triggers.api.app import create_app
    from airflow_triggers.api.problem_types import table_of_types

    page = REST_PAGE.read_text(encoding="utf-8")
    REST_PAGE.write_text(page_with_table(page, table_of_types()), encoding="utf-8")
    DOCUMENT.write_text(text_of(create_app().openapi()), encoding="utf-8")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        os.environ["AIRFLOW_HOME"] = home
        write()
