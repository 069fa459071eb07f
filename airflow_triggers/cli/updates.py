"""``airflow triggers sessions update``: adds tasks to a session's rules, or replaces them.

Neighbours: ``twin/sessions.py`` declares the command; ``sessions/updates.py`` updates.
"""

from __future__ import annotations

from argparse import Namespace

from airflow.utils.cli import suppress_logs_and_warning
from airflow.utils.providers_configuration_loader import providers_configuration_loaded

from airflow_triggers.answers.updates import UpdateAnswer
from airflow_triggers.cli import rows
from airflow_triggers.cli.commands import audited_command, tells_of_broken_extensions, user
from airflow_triggers.cli.terminal import ends_with_one_line
from airflow_triggers.sessions.updates import Update, preview_update, update_session

COLUMNS = ("version", "created", "scheduled", "changed", "abandoned")


@ends_with_one_line
@audited_command
@suppress_logs_and_warning
@providers_configuration_loaded
@tells_of_broken_extensions
def triggers_update_session(args: Namespace) -> None:
    """``airflow triggers sessions update``: prints what it did, or would do, to the session's instances."""
    # In this process no work can run on: it ends.
    update = Update(tasks=args.tasks, history=args.history, by=user(), in_airflow_only=True)
    effect = preview_update(args.uid, update) if args.dry_run else update_session(args.uid, update)
    row = rows.of_answer(UpdateAnswer.of(effect, preview=args.dry_run))
    if args.output in rows.STRUCTURED:
        rows.print_row(row, args.output)
    else:
        short_version = row["version"][: rows.SHORT_VERSION]
        rows.print_row({**row, "version": short_version}, args.output, columns=COLUMNS)
