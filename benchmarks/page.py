"""The generated parts of ``docs/performance.md``, and the drawings beside it.

Neighbours: ``__main__.py`` calls it after a run of all rows; the page around them is written by hand.
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


def update_page(rows: Sequence[Row], curves: Sequence[Curve], estimate: str, *, load: float) -> None:
    """Replace the table, the drawings and the estimate in the docs.

    :param load: the machine's load average before the run.
    """
    DRAWINGS.mkdir(exist_ok=True)
    for curve in curves:
        (DRAWINGS / f"{curve.name}.svg").write_text(draw(curve), encoding="utf-8")
    images = [f"![{curve.title}]({DRAWINGS.name}/{curve.name}.svg)" for curve in curves]
    page = PAGE.read_text(encoding="utf-8")
    page = _page_with(page, "figures", "\n\n".join([_where(load), as_markdown(rows), *images]))
    page = _page_with(page, "estimate", estimate)
    PAGE.write_text(page, encoding="utf-8")


def _page_with(page: str, part: str, content: str) -> str:
    begin, end = (
        f"<!-- make bench writes the {part}: begin -->",
        f"<!-- make bench writes the {part}: end -->",
    )
    pattern = f"{re.escape(begin)}.*{re.escape(end)}"
    block = f"{begin}\n\n{content}\n\n{end}"
    page, count = re.subn(pattern, lambda _: block, page, flags=re.DOTALL)
    if count != 1:
        raise RuntimeError(f"{PAGE} should have {begin!r} and {end!r} once; found {count}.")
    return page


def _where(load: float) -> str:
    machine = f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    return (
        f"Last run of all rows: {date.today():%Y-%m-%d}, everything on one machine ({machine}), whose load was "
        f"{load:.1f} before the run began."
    )
