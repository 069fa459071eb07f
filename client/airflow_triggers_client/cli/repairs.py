"""``triggers replay`` and ``triggers skip``.

Neighbours: ``twin/instances.py`` declares the commands.
"""

from __future__ import annotations

from argparse import Namespace

from airflow_triggers_client.cli.instances import instance_row
from airflow_triggers_client.cli.results import print_result
from airflow_triggers_client.client import TriggersClient


def triggers_replay(client: TriggersClient, args: Namespace) -> None:
    """``triggers replay``: prints the new instance."""
    clone = client.replay(args.uid, args.instance, args.kwargs, cooldown=args.cooldown)
    print_result(clone, instance_row(clone), args.output)


def triggers_skip(client: TriggersClient, args: Namespace) -> None:
    """``triggers skip``: prints the skipped instance."""
    instance = client.skip(args.uid, args.instance, cascade=args.cascade, result=args.result)
    print_result(instance, instance_row(instance), args.output)
