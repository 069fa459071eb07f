"""``triggers replay``, ``skip``, ``status``, ``metadata``, ``resolve-logs``: for one instance, or for many.

Neighbours: ``twin/instances.py`` declares the commands; ``bulk_acts.py`` makes bulk acts.
"""

from __future__ import annotations

from argparse import Namespace

from airflow_triggers_client.cli.bulk_acts import make_bulk_act
from airflow_triggers_client.cli.instances import instance_row
from airflow_triggers_client.cli.results import print_result
from airflow_triggers_client.cli.twin.selecting import is_bulk
from airflow_triggers_client.cli.twin.values import merged
from airflow_triggers_client.client import TriggersClient
from airflow_triggers_client.models import Instance


def triggers_replay(client: TriggersClient, args: Namespace) -> int:
    """``triggers replay``: prints the new instance, or the bulk act."""
    arguments = {"kwargs": args.kwargs, "cooldown": args.cooldown}
    if is_bulk(args):
        return make_bulk_act(client, args, "replay", arguments)
    return _print(client.replay(args.uid, args.instance, **arguments), args)


def triggers_skip(client: TriggersClient, args: Namespace) -> int:
    """``triggers skip``: prints the skipped instance, or the bulk act."""
    arguments = {"cascade": args.cascade, "result": args.result}
    if is_bulk(args):
        return make_bulk_act(client, args, "skip", arguments)
    return _print(client.skip(args.uid, args.instance, **arguments), args)


def triggers_set_status(client: TriggersClient, args: Namespace) -> int:
    """``triggers status``: prints the instance, or the bulk act."""
    arguments = {"metadata": args.metadata, "cascade": args.cascade, "result": args.result}
    if is_bulk(args):
        return make_bulk_act(client, args, "set_status", {"status": args.to, **arguments})
    return _print(client.set_status(args.uid, args.instance, args.to, **arguments), args)


def triggers_set_metadata(client: TriggersClient, args: Namespace) -> int:
    """``triggers metadata``: prints the instance, or the bulk act."""
    metadata = merged(args.set) or {}
    if is_bulk(args):
        return make_bulk_act(client, args, "set_metadata", {"metadata": metadata})
    return _print(client.set_metadata(args.uid, args.instance, metadata), args)


def triggers_resolve_logs(client: TriggersClient, args: Namespace) -> int:
    """``triggers resolve-logs``: prints the instance, or the bulk act."""
    if is_bulk(args):
        return make_bulk_act(client, args, "resolve_logs", {})
    return _print(client.resolve_logs(args.uid, args.instance), args)


def _print(instance: Instance, args: Namespace) -> int:
    print_result(instance, instance_row(instance), args.output)
    return 0
