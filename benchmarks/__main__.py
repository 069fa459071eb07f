"""Runs the benchmarks: ``python -m benchmarks [ROW …]``; without rows all of them, and the docs are updated.

Neighbours: ``GROUPS`` names the module of each row; ``bench.py`` is what they get.
"""

from __future__ import annotations

import argparse
import importlib
import os
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from tests.support.environment import SCRATCH, enter_airflow_environment

enter_airflow_environment()  # before anything imports Airflow, which reads it at import
os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "WARNING"  # neither side of a ratio is slowed by a terminal

from benchmarks.bench import Bench, Group  # noqa: E402
from benchmarks.page import update_page  # noqa: E402
from benchmarks.plainsql import Missing  # noqa: E402
from benchmarks.row import Goal, Row  # noqa: E402
from benchmarks.table import keep, one_line, show  # noqa: E402

GROUPS = {
    1: "fires:against_plain_sql",
    2: "fires:against_session_size",
    3: "fires:against_session_count",
    4: "fires:against_create_dagrun",
}
RESULTS = SCRATCH / "bench"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, show, keep; returns 0 also where goals are missed: the table says so."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=main.__doc__)
    parser.add_argument(
        "rows", nargs="*", type=int, choices=[*GROUPS, []], help="numbers of rows; all of them"
    )
    chosen: list[int] = sorted(set(parser.parse_args(arguments).rows)) or list(GROUPS)
    console = Console()
    console.width = max(console.width, 140)
    begun = time.monotonic()
    RESULTS.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=RESULTS)))
        bench = Bench(folder, lambda line: console.print(f"  {line}", style="dim"), stack)
        for number in chosen:
            console.print(f"row {number} …")
            rows += measure(number, bench, console)
    show(rows, console)
    keep(rows, RESULTS / "results.json")
    if chosen == list(GROUPS):
        update_page(rows, bench.curves)
    console.print(f"{time.monotonic() - begun:.0f} s; rows in {RESULTS / 'results.json'}", style="dim")
    return 0


def measure(number: int, bench: Bench, console: Console) -> list[Row]:
    """The rows of a number. A boundary: what one group cannot measure is said in its row, and the others go on."""
    module, name = GROUPS[number].split(":")
    rows: list[Row] = []
    try:
        group: Group = getattr(importlib.import_module(f"benchmarks.{module}"), name)
        for row in group(bench):
            rows.append(row)
            console.print(f"  {one_line(row)}")
    except Missing as error:
        rows.append(_unmeasured(number, name, str(error)))
    except Exception as error:  # noqa: BLE001  (a boundary)
        console.print_exception()
        rows.append(_unmeasured(number, name, f"{type(error).__name__}: {error}"))
    return rows


def _unmeasured(number: int, name: str, why: str) -> Row:
    return Row(number=str(number), measured=name, against="", goal=Goal(limit=0), note=why)


if __name__ == "__main__":
    raise SystemExit(main())
