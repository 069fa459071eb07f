"""The command ``airflow triggers clean``.

Neighbours: ``twin/sessions.py`` declares it; ``sessions/cleaning.py`` and ``sessions/bulk_acts.py`` delete; ``rows.py``
prints.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections import Counter

from airflow.utils.cli import suppress_logs_and_warning
from airflow.utils.providers_configuration_loader import providers_configuration_loaded

from airflow_triggers.cli import rows
from airflow_triggers.cli.commands import audited_command, user
from airflow_triggers.cli.hints import note_unknown_configuration
from airflow_triggers.cli.terminal import ends_with_one_line, print_text
from airflow_triggers.sessions import bulk_acts, cleaning

CONSENT = "delete sessions"
"""The words to type before anything is deleted."""


@ends_with_one_line
@audited_command
@suppress_logs_and_warning
@providers_configuration_loaded
def triggers_clean(args: Namespace) -> None:
    """``airflow triggers clean``: exits with 1 when a session could not be deleted."""
    selection = cleaning.Selection(
        before=args.before,
        configuration=args.configuration,
        prefix=args.prefix,
        unresolved=args.include_unresolved,
    )
    if not args.dry_run and not args.yes:
        _require_consent(selection)
    counts: Counter[str | None] = Counter()
    failures: dict[str, str] = {}
    size = min(args.batch_size, cleaning.MAX_BATCH_SIZE)
    try:
        for batch in cleaning.clean(selection, batch_size=size, dry_run=args.dry_run, by=user()):
            counts += batch.sessions
            failures |= batch.failures
    finally:
        # Sessions deleted before an error stay deleted, so the output counts them too.
        rows.print_rows(_rows(counts, is_deleted=not args.dry_run), args.output)
    if not counts and not failures:
        note_unknown_configuration(args.configuration)
    _clean_bulk_acts(args)
    for uid, failure in failures.items():
        print_text(f"Session {uid!r} was not deleted: {failure}", to=sys.stderr)
    if failures:
        raise SystemExit(1)


def _clean_bulk_acts(args: Namespace) -> None:
    """Delete old bulk acts too, unless only some sessions are to be cleaned: a bulk act may cover any."""
    if args.configuration is not None or args.prefix is not None:
        return
    if args.dry_run:
        number, verb = bulk_acts.count_old(args.before), "would be deleted"
    else:
        number, verb = sum(1 for _ in bulk_acts.clean(args.before, by=user())), "deleted"
    if number:
        print_text(f"Bulk acts {verb}, with their outcomes: {number}.", to=sys.stderr)


def _rows(counts: Counter[str | None], *, is_deleted: bool) -> list[rows.Row]:
    sorted_counts = sorted(counts.items(), key=lambda item: item[0] or "")
    return [
        {"configuration": name, "sessions": number, "deleted": is_deleted} for name, number in sorted_counts
    ]


def _require_consent(selection: cleaning.Selection) -> None:
    """Ask the user on the terminal to type :data:`CONSENT`.

    :raises SystemExit: when they type something else, or when stdin is no terminal.
    """
    kind = "all sessions, resolved or not," if selection.unresolved else "all resolved sessions"
    print_text(
        f"This deletes {kind} in which nothing was done since {selection.before.isoformat()}, with their histories. It "
        f"cannot be undone; --dry-run only counts them. Type '{CONSENT}' to go on.",
        to=sys.stderr,
    )
    if not sys.stdin.isatty() or input().strip() != CONSENT:
        print_text("Nothing was deleted. In scripts, give --yes.", to=sys.stderr)
        raise SystemExit(1)
