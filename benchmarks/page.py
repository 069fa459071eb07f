"""The generated part of ``docs/performance.md``, and the drawings beside it.

Neighbours: ``__main__.py`` calls it after a run of all rows; the page around the generated part is written by hand.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from benchmarks.curves import Curve, draw
from benchmarks.row import Row
from benchmarks.table import as_markdown

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/performance.md"
DRAWINGS = ROOT / "docs/performance"
BEGIN = "<!-- written by make bench: begin -->"
END = "<!-- written by make bench: end -->"


def update_page(rows: Sequence[Row], curves: Sequence[Curve]) -> None:
    """Write table and drawings into the docs in place of the last ones."""
    DRAWINGS.mkdir(exist_ok=True)
    for curve in curves:
        (DRAWINGS / f"{curve.name}.svg").write_text(draw(curve), encoding="utf-8")
    images = [f"![{curve.title}]({DRAWINGS.name}/{curve.name}.svg)" for curve in curves]
    block = "\n\n".join([BEGIN, _where(), as_markdown(rows), *images, END])
    page = PAGE.read_text(encoding="utf-8")
    replaced, count = re.subn(f"{re.escape(BEGIN)}.*{re.escape(END)}", lambda _: block, page, flags=re.DOTALL)
    if count != 1:
        raise RuntimeError(f"{PAGE} should have the lines {BEGIN!r} and {END!r} once; found {count}.")
    PAGE.write_text(replaced, encoding="utf-8")


def _where() -> str:
    machine = f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    return f"Last run of all rows: {date.today():%Y-%m-%d}; everything on one machine: {machine}."
