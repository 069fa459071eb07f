"""``airflow triggers delayed-fires …``: fires still to come.

Neighbours: ``twin/fires.py`` declares the commands; ``sessions/delayed_fires.py`` does the work.
"""

from __future__ import annotations

import sys
from argparse import Namespace

from airflow.utils.cli import suppress_logs_and_warning
from airflow.utils.providers_configuration_loader import providers_configuration_loaded

from airflow_triggers.cli import rows
from airflow_triggers.cli.commands import audited_command, tells_of_broken_extensions, user
from airflow_triggers.cli.terminal import ends_with_one_line, print_text
from airflow_triggers.sessions import delayed_fires


@ends_with_one_line
@suppress_logs_and_warning
@providers_configuration_loaded
def list_delayed_fires(args: Namespace) -> None:
    """``airflow triggers delayed-fires list``."""
    page = delayed_fires.list_delayed_fires(
        uid=args.uid, limit=args.limit, after=args.after, parked=args.parked
    )
    fire_rows = [
        {"uid": entry.uid, "session_uid": entry.uid, **rows.of_delayed_fire(entry.fire)}
        for entry in page.fires
    ]
    if args.output in rows.STRUCTURED:
        rows.print_row({"delayed_fires": fire_rows, "next": page.next}, args.output)
        return
    rows.print_rows(fire_rows, args.output, columns=rows.DELAYED_FIRE_COLUMNS)
    if page.next:
        print_text(f"… later ones: --after {page.next}", to=sys.stderr)


@ends_with_one_line
@audited_command
@suppress_logs_and_warning
@providers_configuration_loaded
@tells_of_broken_extensions
def triggers_cancel_delayed_fire(args: Namespace) -> None:
    """``airflow triggers delayed-fires cancel``: prints the fire."""
    fire = delayed_fires.cancel(args.uid, args.id, by=user())
    rows.print_row(rows.of_delayed_fire(fire), args.output, columns=rows.DELAYED_FIRE_COLUMNS)


@ends_with_one_line
@audited_command
@suppress_logs_and_warning
@providers_configuration_loaded
@tells_of_broken_extensions
def triggers_retry_delayed_fire(args: Namespace) -> None:
    """``airflow triggers delayed-fires retry``: prints the fire."""
    fire = delayed_fires.retry(args.uid, args.id, by=user())
    rows.print_row(rows.of_delayed_fire(fire), args.output, columns=rows.DELAYED_FIRE_COLUMNS)
