"""``triggers instances …``.

Neighbours: ``twin/instances.py`` declares the commands.
"""

from __future__ import annotations

import sys
from argparse import Namespace

from airflow_triggers_client.cli import output
from airflow_triggers_client.cli.hints import note_unknown_configuration
from airflow_triggers_client.cli.results import print_result
from airflow_triggers_client.cli.twin.selecting import filter_of
from airflow_triggers_client.cli.twin.terminal import print_text
from airflow_triggers_client.client import TriggersClient
from airflow_triggers_client.models import Instance, InstanceFilter


def list_instances(client: TriggersClient, args: Namespace) -> None:
    """``triggers instances list``."""
    page = client.instances(instance_filter_of(args), after=args.after).first(args.limit)
    if not page.items:
        note_unknown_configuration(client, args.configuration)
    rows = [instance.model_dump(mode="json") for instance in page.items]
    if args.output in output.STRUCTURED:
        output.print_value({"instances": rows, "next": page.next}, args.output)
        return
    columns = ("session_uid", "name", "status", "changed_at", "error_type", "error_message")
    output.print_rows(
        [
            {**{column: row[column] for column in columns}, "stuck": row["stuck"] and row["stuck"]["code"]}
            for row in rows
        ],
        args.output,
    )
    if page.next:
        print_text(f"… earlier changes: --after {page.next}", to=sys.stderr)


def count_instances(client: TriggersClient, args: Namespace) -> None:
    """``triggers instances counts``."""
    group_by = list(dict.fromkeys(args.group_by or ()))
    counts = client.instance_counts(instance_filter_of(args), group_by=group_by)
    if not counts.total:
        note_unknown_configuration(client, args.configuration)
    if args.output in output.STRUCTURED:
        output.print_value(counts.model_dump(mode="json", exclude_unset=True), args.output)
        return
    columns = (*group_by, "count", "since", "latest", "replays", "message")
    rows = [group.model_dump(mode="json") for group in counts.groups]
    output.print_rows([{column: row[column] for column in columns} for row in rows], args.output)
    more = "" if counts.is_complete else ", of the newest ones"
    print_text(f"{counts.total} instances{more}.", to=sys.stderr)


def instance_filter_of(args: Namespace) -> InstanceFilter:
    """The filter that the arguments give."""
    return InstanceFilter(**{name: getattr(args, name) for name in filter_of(args)})


def show_instance(client: TriggersClient, args: Namespace) -> None:
    """``triggers instances show``."""
    instance = client.instance(args.uid, args.instance)
    print_result(instance, instance_row(instance), args.output)


def instance_row(instance: Instance) -> output.Row:
    """The instance as a row of a table."""
    return {
        "instance": instance.name,
        "status": str(instance.status),
        "missing": instance.missing,
        "dag_id": instance.dag_id,
        "dag_run_id": instance.dag_run_id,
    }
