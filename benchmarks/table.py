"""The table of ratios with its goals: for the terminal, for the docs, and as JSON.

Neighbours: ``row.py`` is one line of it, ``page.py`` puts it into the docs.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.curves import Curve
from benchmarks.row import Row

HEADINGS = ("#", "measured", "against", "goal", "median", "quartiles", "met", "rounds", "the two sides")


def cells(row: Row) -> tuple[str, ...]:
    """The cells of one line, as text."""
    value, spread, verdict = row.note or "not measured", "", ""
    if row.value is not None:
        value, verdict = f"{row.value:.3g} {row.goal.unit}", "yes" if row.met else "NO"
        if row.low is not None and row.high is not None:
            spread = f"{row.low:.3g} – {row.high:.3g}"
    sides = " / ".join(side for side in row.sides if side)
    goal, rounds = str(row.goal), str(row.rounds or "")
    return row.number, row.measured, row.against, goal, value, spread, verdict, rounds, sides


def one_line(row: Row) -> str:
    """A row as one line of text."""
    return " · ".join(cell for cell in cells(row) if cell)


def show(rows: Sequence[Row], console: Console) -> None:
    """Print the table."""
    table = Table(title="Ratios, and what they should be", title_justify="left")
    for heading in HEADINGS:
        table.add_column(heading, overflow="fold", min_width=4)
    for row in rows:
        style = {True: None, False: "bold red", None: "dim"}[row.met]
        table.add_row(*cells(row), style=style)
    console.print(table)
    for row in rows:
        if row.note and row.value is not None:
            console.print(f"{row.number}: {row.note}", style="dim")


def as_markdown(rows: Sequence[Row]) -> str:
    """The table for the docs."""
    lines = [" | ".join(HEADINGS), " | ".join("---" for _ in HEADINGS)]
    lines += [" | ".join(cells(row)) for row in rows]
    notes = [f"{row.number}: {row.note}" for row in rows if row.note and row.value is not None]
    return "\n".join([*(f"| {line} |" for line in lines), "", *(f"- {note}" for note in notes)]).strip()


def keep(rows: Sequence[Row], curves: Sequence[Curve], path: Path) -> None:
    """Write the rows, goals in words, and the curves as JSON."""
    content = {
        "rows": [{**asdict(row), "goal": str(row.goal), "met": row.met} for row in rows],
        "curves": [asdict(curve) for curve in curves],
    }
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
