"""Runs the benchmarks: ``python -m benchmarks [ROW …]``; without rows, it runs all of them and updates the docs.

``GROUPS`` names the module of each row. Neighbours: every group gets a ``Bench`` of ``bench.py``.
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

import sqlalchemy as sa
from rich.console import Console

from tests.support.environment import SCRATCH, enter_airflow_environment

# Before any import of Airflow: Airflow reads the environment when it is imported.
enter_airflow_environment()
# The output to a terminal must slow neither side of a ratio.
os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "WARNING"

from benchmarks.bench import Bench, Group  # noqa: E402
from benchmarks.estimate import worked_estimate  # noqa: E402
from benchmarks.page import update_page  # noqa: E402
from benchmarks.plainsql import Missing  # noqa: E402
from benchmarks.row import Goal, Row  # noqa: E402
from benchmarks.table import keep, one_line, show  # noqa: E402
from scripts.demo.airflow import end_as_by_control_c  # noqa: E402
from tests.support.databases import POSTGRES_URL  # noqa: E402

GROUPS = {
    "fires:against_plain_sql": (1,),
    "fires:against_session_size": (2,),
    "fires:against_session_count": (3,),
    "fires:against_create_dagrun": (4,),
    "controllers:in_flight": (10,),
    "footprints:memory_rows": (13,),
    "footprints:start_rows": (14,),
    "schedulers:loop_rows": (12,),
    "crowds:against_before": (16,),
    "readings:of_a_session": (17,),
    "readings:of_all_sessions": (18,),
    "rest:rest_rows": (5, 6, 7),
    "crowds:crowd_rows": (15,),
    "clients:many_fires": (19,),
    "latency:accepted_to_running": (8,),
    "latency:task_to_task": (9,),
    "completions:completion_rows": (11,),
}
"""What measures which rows, in the order of a run: those that want the machine for themselves before Airflow runs."""

ALL = sorted(number for numbers in GROUPS.values() for number in numbers)
RESULTS = SCRATCH / "bench"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, show, keep; returns 0 also where goals are missed: the table says so."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=main.__doc__)
    parser.add_argument("rows", nargs="*", type=int, metavar="ROW", help="which rows; without any, all")
    parser.add_argument(
        "--small",
        action="store_true",
        help="show that rows 16 to 19 work: 100 times fewer sessions and instances, two rounds; needs ROWs",
    )
    options = parser.parse_args(arguments)
    if options.small and not options.rows:
        parser.error("--small measures nothing for the docs: name the rows, such as 17 18")
    groups = set(options.rows) or set(ALL)
    if unknown := groups - set(ALL):
        parser.error(f"there are no rows {sorted(unknown)}; there are {ALL[0]} to {ALL[-1]}")
    if missing := _missing_postgresql():
        parser.exit(2, f"{missing}\n")
    end_as_by_control_c()
    console = Console()
    console.width = max(console.width, 140)
    start, load = time.monotonic(), os.getloadavg()[0]
    RESULTS.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=RESULTS)))
        bench = Bench(folder, lambda line: console.print(f"  {line}", style="dim"), stack, options.small)
        rows = [
            row
            for name, numbers in GROUPS.items()
            if groups & {*numbers}
            for row in measure(name, bench, console)
        ]
    rows = sorted((row for row in rows if row.group in groups), key=lambda row: (row.group, row.number))
    show(rows, console)
    keep(rows, bench.curves, RESULTS / "results.json")
    if groups == set(ALL):
        update_page(rows, bench.curves, worked_estimate(bench.costs), load=load)
    console.print(f"{time.monotonic() - start:.0f} s; also in {RESULTS / 'results.json'}", style="dim")
    return 0


def measure(name: str, bench: Bench, console: Console) -> list[Row]:
    """The rows of a group. This is a boundary: after an error the group's rows tell it, and other groups go on."""
    module, function = name.split(":")
    console.print(f"rows {', '.join(map(str, GROUPS[name]))} …")
    rows: list[Row] = []
    try:
        group: Group = getattr(importlib.import_module(f"benchmarks.{module}"), function)
        for row in group(bench):
            rows.append(row)
            console.print(f"  {one_line(row)}")
    except Missing as error:
        rows += _unmeasured_rows(name, str(error))
    except Exception as error:  # noqa: BLE001  (a boundary)
        console.print_exception()
        rows += _unmeasured_rows(name, f"{type(error).__name__}: {error}")
    return rows


def _missing_postgresql() -> str | None:
    """What to do if there is no PostgreSQL; None: there is one."""
    try:
        sa.create_engine(POSTGRES_URL, poolclass=sa.NullPool).connect().close()
    except sa.exc.OperationalError as error:
        return (
            f"The benchmarks need PostgreSQL, and there is none: {error.orig}"
            "Start one, or name another in TRIGGERS_TEST_POSTGRES_URL (see CONTRIBUTING.md)."
        )
    return None


def _unmeasured_rows(name: str, why: str) -> list[Row]:
    return [
        Row(number=str(number), measured=name, against="", goal=Goal(limit=0), note=why)
        for number in GROUPS[name]
    ]


if __name__ == "__main__":
    raise SystemExit(main())
