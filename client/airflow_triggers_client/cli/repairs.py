"""``triggers replay``, ``skip``, ``status``, ``metadata``, ``resolve-logs``.

Neighbours: ``twin/instances.py`` declares the commands.
"""

from __future__ import annotations

from argparse import Namespace

from airflow_triggers_client.cli.instances import instance_row
from airflow_triggers_client.cli.results import print_result
from airflow_triggers_client.cli.twin.values import merged
from airflow_triggers_client.client import TriggersClient


def triggers_replay(client: TriggersClient, args: Namespace) -> None:
    """``triggers replay``: prints the new instance."""
    clone = client.replay(args.uid, args.instance, args.kwargs, cooldown=args.cooldown)
    print_result(clone, instance_row(clone), args.output)


def triggers_skip(client: TriggersClient, args: Namespace) -> None:
    """``triggers skip``: prints the skipped instance."""
    instance = client.skip(args.uid, args.instance, cascade=args.cascade, result=args.result)
    print_result(instance, instance_row(instance), args.output)


def triggers_set_status(client: TriggersClient, args: Namespace) -> None:
    """``triggers status``: prints the instance."""
    instance = client.set_status(
        args.uid,
        args.instance,
        args.to,
        metadata=args.metadata,
        cascade=args.cascade,
        result=args.result,
    )
    print_result(instance, instance_row(instance), args.output)


def triggers_set_metadata(client: TriggersClient, args: Namespace) -> None:
    """``triggers metadata``: prints the instance."""
    instance = client.set_metadata(args.uid, args.instance, merged(args.metadata) or {})
    print_result(instance, instance_row(instance), args.output)


def triggers_resolve_logs(client: TriggersClient, args: Namespace) -> None:
    """``triggers resolve-logs``: prints the instance."""
    instance = client.resolve_logs(args.uid, args.instance)
    print_result(instance, instance_row(instance), args.output)
