"""Prints answers in Airflow's output formats: table, JSON, YAML, plain.

Neighbours: the commands choose the columns; ``twin/terminal.py`` escapes, ``yaml.py`` writes YAML.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from airflow_triggers_client.cli.twin.terminal import escaped
from airflow_triggers_client.cli.yaml import yaml_text

FORMATS = ("table", "json", "yaml", "plain")
STRUCTURED = frozenset({"json", "yaml"})
"""The formats that keep types and nested values; the others are tables of text."""

Row = Mapping[str, Any]


def print_value(value: Any, output: str) -> None:
    """Print a value of JSON in a structured format."""
    sys.stdout.write(f"{json.dumps(value)}\n" if output == "json" else yaml_text(value))


def print_rows(rows: Sequence[Row], output: str) -> None:
    """Print rows as a table, or plain: without lines, for other programs."""
    if not rows:
        print("No data found")
        return
    # The columns of the first row come first; columns of other rows follow.
    columns = list(dict.fromkeys(column for row in rows for column in row))
    lines = [columns, *([_cell(row.get(column)) for column in columns] for row in rows)]
    widths = [max(width(line[place]) for line in lines) for place in range(len(columns))]
    between, rule = (" | ", "=+=") if output == "table" else ("  ", None)
    for number, line in enumerate(lines):
        cells = [cell + " " * (widths[place] - width(cell)) for place, cell in enumerate(line)]
        print(between.join(cells).rstrip())
        if rule and number == 0:
            print(rule.join("=" * column_width for column_width in widths))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (list, tuple)):
        value = ", ".join(map(str, value))
    return escaped(str(value)).replace("\n", "\\n")


def width(text: str) -> int:
    """The width of the text in columns: East Asian characters take two, combining ones none."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )
