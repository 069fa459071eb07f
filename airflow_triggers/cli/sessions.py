"""``airflow triggers sessions …``: list, show, create, delete.

Neighbours: ``twin/sessions.py`` declares the commands; ``migration.py`` has ``sessions migrate``; ``rows.py`` prints.
"""

from __future__ import annotations

import sys
from argparse import Namespace

from airflow.utils.cli import suppress_logs_and_warning
from airflow.utils.providers_configuration_loader import providers_configuration_loaded

from airflow_triggers import sessions
from airflow_triggers.cli import rows
from airflow_triggers.cli.commands import audited_command, tells_of_broken_extensions, user
from airflow_triggers.cli.hints import note_unknown_configuration
from airflow_triggers.cli.terminal import ends_with_one_line, print_text
from airflow_triggers.cli.twin.selecting import ORDERS
from airflow_triggers.sessions.listing import SessionFilter, SessionOrder, list_page


@ends_with_one_line
@suppress_logs_and_warning
@providers_configuration_loaded
def list_sessions(args: Namespace) -> None:
    """``airflow triggers sessions list``."""
    selection = SessionFilter(
        configuration=args.configuration,
        version=args.version,
        prefix=args.prefix,
        contains=args.contains,
        has_failed=args.has_failed,
        is_open=args.open,
        is_resolved=args.resolved,
        waiting_for=args.waiting_for,
        idle_for=args.idle_for,
    )
    page = list_page(selection, order=SessionOrder(ORDERS[args.order_by]), limit=args.limit, after=args.after)
    if not page.sessions:
        note_unknown_configuration(args.configuration)
    session_rows = [rows.of_session(summary) for summary in page.sessions]
    if args.output in rows.STRUCTURED:
        rows.print_row({"sessions": session_rows, "next": page.next}, args.output)
        return
    rows.print_rows(
        [rows.with_short_version(row) for row in session_rows], args.output, columns=rows.SESSION_COLUMNS
    )
    if page.next:
        print_text(f"… further ones: --after {page.next}", to=sys.stderr)


@ends_with_one_line
@suppress_logs_and_warning
@providers_configuration_loaded
def show_session(args: Namespace) -> None:
    """``airflow triggers sessions show``."""
    description = sessions.describe_session(args.uid, bounds=sessions.WHOLE)
    if args.output in rows.STRUCTURED:
        rows.print_row(rows.of_description(description), args.output)
    else:
        instance_rows = [rows.of_instance(view) for view in description.instances]
        rows.print_rows(instance_rows, args.output, columns=rows.INSTANCE_COLUMNS)


@ends_with_one_line
@audited_command
@suppress_logs_and_warning
@providers_configuration_loaded
@tells_of_broken_extensions
def triggers_create_session(args: Namespace) -> None:
    """``airflow triggers sessions create``: prints the session, and whether it is new."""
    options = {name: value for name in ("manager", "storage") if (value := getattr(args, name)) is not None}
    _, is_new = sessions.create_session(
        args.uid, configuration=args.configuration, metadata=args.metadata, by=user(), **options
    )
    description = sessions.describe_session(args.uid)
    if args.output in rows.STRUCTURED:
        rows.print_row({**rows.of_description(description), "is_new": is_new}, args.output)
    else:
        row = rows.with_short_version(rows.of_session(description.summary))
        rows.print_row({**row, "is_new": is_new}, args.output, columns=(*rows.SESSION_COLUMNS, "is_new"))


@ends_with_one_line
@audited_command
@suppress_logs_and_warning
@providers_configuration_loaded
def triggers_delete_session(args: Namespace) -> None:
    """``airflow triggers sessions delete``."""
    sessions.delete_session(args.uid, force=args.force, by=user())
    rows.print_row({"uid": args.uid, "deleted": True}, args.output)
