"""Captures the statements of the product, and sends them again by pgbench.

Neighbours: ``fires.py`` compares a fire with its own statements.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

PGBENCH = "pgbench"
DEADLINE = 120


class Missing(Exception):
    """Something needed for a row is not installed; the message says what to do."""


@contextmanager
def captured_statements(engine: sa.Engine) -> Iterator[list[str]]:
    """The statements sent inside the block, with their values filled in, as PostgreSQL gets them."""
    statements: list[str] = []

    def note(_connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        statements.append(cursor.mogrify(statement, parameters).decode())

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


def write_script(folder: Path, statements: list[str]) -> Path:
    """A pgbench script of one transaction with these statements."""
    script = folder / "transaction.sql"
    lines = ["BEGIN", *(" ".join(statement.split("\n")) for statement in statements), "COMMIT"]
    script.write_text("".join(f"{line};\n" for line in lines), encoding="utf-8")
    return script


def seconds_each(script: Path, url: str, *, transactions: int) -> float:
    """Run the script by pgbench with one client, and return the average seconds of a transaction.

    It uses the simple protocol, like Airflow's driver here (psycopg2). Prepared statements would measure another way of
    sending, which the product does not use.

    :raises Missing: when there is no pgbench.
    """
    program = shutil.which(PGBENCH)
    if program is None:
        raise Missing(
            "There is no pgbench on the PATH. It comes with PostgreSQL: apt-get install postgresql-contrib or "
            "postgresql (Debian, Ubuntu), brew install postgresql (macOS)."
        )
    server = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    options = ["--no-vacuum", "--client=1", "--protocol=simple", f"--transactions={transactions}"]
    process = subprocess.run(
        [program, *options, f"--file={script}", server],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    latency = re.search(r"latency average = ([\d.]+) ms", process.stdout)
    all_processed = re.search(rf"actually processed: {transactions}/{transactions}", process.stdout)
    if process.returncode or not latency or not all_processed:
        raise RuntimeError(f"pgbench ended with {process.returncode}:\n{process.stdout}{process.stderr}")
    return float(latency[1]) / 1e3
