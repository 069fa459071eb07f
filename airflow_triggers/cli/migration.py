"""``airflow triggers sessions migrate``: moves sessions page by page, with a progress bar and a report.

Neighbours: ``twin/sessions.py`` declares the command; ``sessions/migration.py`` moves the sessions.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from airflow.utils.cli import suppress_logs_and_warning
from airflow.utils.providers_configuration_loader import providers_configuration_loaded
from rich.console import Console
from rich.progress import Progress

from airflow_triggers.cli import rows
from airflow_triggers.cli.commands import audited_command, tells_of_broken_extensions, user
from airflow_triggers.cli.terminal import ends_with_one_line, print_text
from airflow_triggers.sessions.migration import (
    Migration,
    MigrationOutcome,
    SessionMigration,
    count_sessions,
    migrate_sessions,
)

PAGE = 100
"""Sessions per page. Each page reads the deployed rules again."""

MOST_REPORTED = 10_000
"""The report names at most this many sessions. It counts all of them."""


@ends_with_one_line
@audited_command
@suppress_logs_and_warning
@providers_configuration_loaded
@tells_of_broken_extensions
def triggers_migrate_sessions(args: Namespace) -> None:
    """``airflow triggers sessions migrate``."""
    migration = Migration(
        configuration=args.configuration,
        prefix=args.prefix,
        history=args.history,
        dry_run=args.dry_run,
        replaces_own_tasks=args.replace_own_tasks,
        by=user(),
    )
    counts: Counter[MigrationOutcome] = Counter()
    shown_rows: list[rows.Row] = []
    with _progress(migration) as progress:
        for session in _migrations(migration, args.after):
            counts[session.outcome] += 1
            if session.outcome is not MigrationOutcome.UNCHANGED and len(shown_rows) < MOST_REPORTED:
                shown_rows.append(_row_of(session))
            progress()
    rows.print_rows(shown_rows, args.output, columns=rows.MIGRATION_COLUMNS)
    verb = "would be " if args.dry_run else ""
    summary = ", ".join(f"{counts[outcome]} {verb}{outcome.value}" for outcome in MigrationOutcome)
    print_text(f"Sessions of {args.configuration}: {summary}.", to=sys.stderr)
    if counts[MigrationOutcome.REFUSED]:
        raise SystemExit(1)


def _migrations(migration: Migration, after_uid: str | None) -> Iterator[SessionMigration]:
    while True:
        page = migrate_sessions(migration, limit=PAGE, after_uid=after_uid)
        yield from page.sessions
        if page.next is None:
            return
        after_uid = page.next


@contextmanager
def _progress(migration: Migration) -> Iterator[Any]:
    """Give a function to call after each session. If stderr is a terminal, it shows a progress bar there."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Migrating", total=count_sessions(migration))
        yield lambda: bar.advance(task)


def _row_of(session: SessionMigration) -> rows.Row:
    diff = session.diff
    effect = {
        "created": len(diff.create) if diff else 0,
        "scheduled": len(diff.starting) if diff else 0,
        "changed": len(diff.change) if diff else 0,
        "abandoned": len(diff.abandon) if diff else 0,
    }
    return {
        "uid": session.uid,
        "outcome": session.outcome.value,
        "why": session.why,
        "removed_tasks": list(session.removed),
        **effect,
        "effect": effect if diff else None,
    }
