"""``airflow triggers instances …``.

Neighbours: ``twin/instances.py`` declares the commands; ``rows.py`` prints.
"""

from __future__ import annotations

import sys
from argparse import Namespace

from airflow.utils.cli import suppress_logs_and_warning
from airflow.utils.providers_configuration_loader import providers_configuration_loaded

from airflow_triggers import sessions
from airflow_triggers.answers.instance_lists import InstanceSummaryAnswer, counts_answer
from airflow_triggers.cli import rows
from airflow_triggers.cli.hints import note_unknown_configuration
from airflow_triggers.cli.terminal import ends_with_one_line, print_text
from airflow_triggers.cli.twin.selecting import filter_of
from airflow_triggers.domain.selection import InstanceFilter
from airflow_triggers.sessions import instance_counts, instances
from airflow_triggers.sessions.instance_counts import GroupBy

LIST_COLUMNS = ("session_uid", "name", "status", "changed_at", "error_type", "error_message", "stuck")
COUNT_COLUMNS = ("count", "since", "latest", "replays", "message")


@ends_with_one_line
@suppress_logs_and_warning
@providers_configuration_loaded
def list_instances(args: Namespace) -> None:
    """``airflow triggers instances list``."""
    selection = InstanceFilter.from_dict(filter_of(args))
    page = instances.list_instances(selection, limit=args.limit, after=args.after)
    if not page.instances:
        note_unknown_configuration(args.configuration)
    instance_rows = [rows.of_answer(InstanceSummaryAnswer.of(summary)) for summary in page.instances]
    if args.output in rows.STRUCTURED:
        rows.print_row({"instances": instance_rows, "next": page.next}, args.output)
        return
    for row in instance_rows:
        row["stuck"] = row["stuck"] and row["stuck"]["code"]
    rows.print_rows(instance_rows, args.output, columns=LIST_COLUMNS)
    if page.next:
        print_text(f"… earlier changes: --after {page.next}", to=sys.stderr)


@ends_with_one_line
@suppress_logs_and_warning
@providers_configuration_loaded
def count_instances(args: Namespace) -> None:
    """``airflow triggers instances counts``."""
    group_by = [GroupBy(name) for name in args.group_by or ()]
    selection = InstanceFilter.from_dict(filter_of(args))
    counts = instance_counts.count_instances(selection, group_by=group_by)
    if not counts.total:
        note_unknown_configuration(args.configuration)
    row = rows.plain(counts_answer(counts))
    if args.output in rows.STRUCTURED:
        rows.print_row(row, args.output)
        return
    rows.print_rows(row["groups"], args.output, columns=(*dict.fromkeys(group_by), *COUNT_COLUMNS))
    more = "" if row["is_complete"] else ", of the newest ones"
    print_text(f"{row['total']} instances{more}.", to=sys.stderr)


@ends_with_one_line
@suppress_logs_and_warning
@providers_configuration_loaded
def show_instance(args: Namespace) -> None:
    """``airflow triggers instances show``."""
    print_instance(args, args.instance)


def print_instance(args: Namespace, name: str) -> None:
    """Print the instance of this name, as it is now."""
    view = sessions.describe_instance(args.uid, name).view
    rows.print_row(rows.of_instance(view), args.output, columns=rows.INSTANCE_COLUMNS)
