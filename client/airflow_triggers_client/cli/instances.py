"""``triggers instances …``.

Neighbours: ``twin/instances.py`` declares the commands.
"""

from __future__ import annotations

from argparse import Namespace

from airflow_triggers_client.cli import output
from airflow_triggers_client.cli.results import print_result
from airflow_triggers_client.client import TriggersClient
from airflow_triggers_client.models import Instance


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
