"""Prints results: whole in a structured format, as rows of some columns otherwise.

Neighbours: the modules of the commands use this; ``output.py`` has the formats. The structured formats have the REST
API's answers; the columns of tables are those of ``airflow triggers``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from airflow_triggers_client.cli import output
from airflow_triggers_client.cli.twin.terminal import print_text
from airflow_triggers_client.models import Page, Result


def content_of(result: Result) -> object:
    """The result as the API returned it, for the structured formats: without what this answer has not."""
    return result.model_dump(mode="json", exclude_unset=True)


def print_result(result: Result, row: output.Row, form: str) -> None:
    """Print one result: the whole result in a structured format, else a row."""
    if form in output.STRUCTURED:
        output.print_value(content_of(result), form)
    else:
        output.print_rows([row], form)


def print_page(page: Page[Any], rows: Sequence[output.Row], form: str, *, name: str, further: str) -> None:
    """Print a page of a list: REST's answer in a structured format, else the rows, and on stderr how to go on.

    :param name: the list's key in REST's answer.
    :param further: what there is further, and the option for the cursor: "later ones: --after".
    """
    if form in output.STRUCTURED:
        output.print_value({name: [content_of(result) for result in page.items], "next": page.next}, form)
        return
    output.print_rows(rows, form)
    if page.next:
        print_text(f"… {further} {page.next}", to=sys.stderr)


def print_results(results: Sequence[Result], rows: Sequence[output.Row], form: str) -> None:
    """Print a list of results."""
    if form in output.STRUCTURED:
        output.print_value([content_of(result) for result in results], form)
    else:
        output.print_rows(rows, form)
