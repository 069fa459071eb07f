"""``triggers sessions migrate``: moves sessions page by page.

Neighbours: ``twin/sessions.py`` declares it.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator

from airflow_triggers_client.cli import output
from airflow_triggers_client.cli.results import print_results
from airflow_triggers_client.cli.twin.terminal import print_text
from airflow_triggers_client.client import TriggersClient
from airflow_triggers_client.models import MigrationOutcome, SessionMigration

PAGE = 100
MOST_REPORTED = 10_000
"""The report names at most this many sessions. It counts all of them."""


def triggers_migrate_sessions(client: TriggersClient, args: Namespace) -> int:
    """``triggers sessions migrate``: the exit code is 1 when a session was refused."""
    counts: Counter[str] = Counter()
    report: list[SessionMigration] = []
    for migration in _migrations(client, args):
        counts[str(migration.outcome)] += 1
        if migration.outcome != MigrationOutcome.UNCHANGED and len(report) < MOST_REPORTED:
            report.append(migration)
    print_results(report, [_row_of(migration) for migration in report], args.output)
    would = "would be " if args.dry_run else ""
    summary = ", ".join(f"{counts[outcome.value]} {would}{outcome.value}" for outcome in MigrationOutcome)
    print_text(f"Sessions of {args.configuration}: {summary}.", to=sys.stderr)
    return 1 if counts[MigrationOutcome.REFUSED.value] else 0


def _migrations(client: TriggersClient, args: Namespace) -> Iterator[SessionMigration]:
    after: str | None = args.after
    while True:
        page = client.migrate_sessions(
            args.configuration,
            prefix=args.prefix,
            history=args.history,
            replace_own_tasks=args.replace_own_tasks,
            dry_run=args.dry_run,
            after=after,
            limit=PAGE,
        )
        yield from page.sessions
        if page.next is None:
            return
        after = page.next


def _row_of(migration: SessionMigration) -> output.Row:
    effect = migration.effect
    return {
        "uid": migration.uid,
        "outcome": str(migration.outcome),
        "why": migration.why,
        "removed_tasks": migration.removed_tasks,
        "created": effect.created if effect else 0,
        "scheduled": effect.scheduled if effect else 0,
        "changed": effect.changed if effect else 0,
        "abandoned": effect.abandoned if effect else 0,
    }
