"""``make chaos``: prints the acts, the outcome and every difference; the exit code is 0 when there is no difference."""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import time

from rich.console import Console
from rich.table import Table

from scripts.chaos.checker import KINDS
from scripts.chaos.run import Outcome, Size, run_chaos
from scripts.demo.airflow import ROOT, DemoError, end_as_by_control_c

FOLDER = ROOT / ".chaos"
MOST_PROBLEMS = 40


def main() -> int:
    """Run it; 0 when nothing was lost, doubled, stuck or wrong."""
    parser = argparse.ArgumentParser(prog="make chaos", description=main.__doc__)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SEED") or random.randrange(10**6)))
    parser.add_argument("--sessions", type=int, default=int(os.environ.get("SESSIONS") or 300))
    parser.add_argument("--kills", type=int, default=int(os.environ.get("KILLS") or 40))
    parser.add_argument("--restarts", type=int, default=2, help="of PostgreSQL")
    parser.add_argument("--seconds", type=float, default=420, help="over how long it is spread")
    parser.add_argument("--limit", type=float, default=1500, help="seconds until it must be over")
    options = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 130, highlight=False)
    end_as_by_control_c()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    console.print(
        f"SEED={options.seed}: {options.sessions} sessions, {options.kills} kills (everything is kept in {FOLDER})"
    )
    began = time.monotonic()
    try:
        outcome = run_chaos(
            FOLDER, Size(**vars(options)), lambda line: console.print(_with_time(line, began), markup=False)
        )
    except DemoError as error:
        console.print(f"Chaos failed by itself. {error}", markup=False, style="red")
        return 1
    except KeyboardInterrupt:
        return 130
    show(outcome, console)
    console.print(f"{time.monotonic() - began:.0f} s, SEED={options.seed}")
    return 0 if outcome.is_right else 1


def _with_time(line: str, began: float) -> str:
    return f"{time.monotonic() - began:6.0f} s  {line}"


def show(outcome: Outcome, console: Console) -> None:
    """The counts, and every difference."""
    table = Table("", "count", title="Chaos")
    for victim, count in outcome.kills.items():
        table.add_row(f"killed: {victim}", str(count))
    for component, count in outcome.ends.items():
        table.add_row(f"ended by itself, started again: {component}", str(count))
    table.add_section()
    for noun, count in outcome.verdict.counts.items():
        table.add_row(noun, str(count))
    table.add_section()
    for kind in KINDS:
        table.add_row(
            kind, str(outcome.verdict.totals[kind]), style="red" if outcome.verdict.totals[kind] else "green"
        )
    console.print(table)
    for kind, sentence in outcome.verdict.problems[:MOST_PROBLEMS]:
        console.print(f"{kind}: {sentence}", markup=False)
    for problem in outcome.problems[:MOST_PROBLEMS]:
        console.print(f"client: {problem}", markup=False)


if __name__ == "__main__":
    sys.exit(main())
