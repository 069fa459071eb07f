"""The output of the demo: progress while it works, a table of every instance, the results file.

Neighbours: ``__main__.py`` calls it; everything is printed with rich, and readable without a terminal.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from contextlib import closing
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

COLOURS = {
    "finished": "green",
    "skipped": "magenta",
    "replayed": "cyan",
    "abandoned": "bright_black",
    "failed": "red",
}


def print_instances(console: Console, sessions: dict[str, Any]) -> None:
    """Session, instance, status, DAG run: one row an instance."""
    table = Table(title="What came of it", title_justify="left")
    for column in ("session", "instance", "status", "DAG run"):
        table.add_column(column, no_wrap=True, overflow="ignore")
    for uid, session in sorted(sessions.items()):
        for position, instance in enumerate(session["instances"]):
            colour = COLOURS.get(instance["status"], "yellow")
            table.add_row(
                uid if position == 0 else "",
                instance["name"],
                f"[{colour}]{instance['status']}[/]",
                instance["dag_run_id"] or "none needed",
                end_section=position + 1 == len(session["instances"]),
            )
    console.print(table)


def print_results(console: Console, results: Path, sessions: Collection[str]) -> None:
    """The table of scores written by the trigger tasks for these sessions."""
    table = Table(title=f"Scores in {results.name}", title_justify="left")
    for column in ("respondent", "age", "answers", "browser", "expected vote", "voted"):
        table.add_column(column)
    query = """
        SELECT subject.respondent, age, (SELECT count(*) FROM response WHERE respondent = subject.respondent),
            user_agent, expected, voted
        FROM subject LEFT JOIN browser USING (respondent) LEFT JOIN score USING (respondent)
        ORDER BY subject.respondent
    """
    with closing(sqlite3.connect(results)) as connection:
        for row in connection.execute(query):
            if row[0] not in sessions:
                continue
            table.add_row(*("-" if value is None else str(value) for value in row))
    console.print(table)
