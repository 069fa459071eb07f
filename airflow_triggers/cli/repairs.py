"""``airflow triggers replay``, ``skip``, ``status``, ``metadata``, ``resolve-logs``.

Neighbours: ``twin/instances.py`` declares the commands; ``sessions/repairs.py`` repairs; ``instances.py`` prints.
"""

from __future__ import annotations

from argparse import Namespace

from airflow.utils.cli import suppress_logs_and_warning
from airflow.utils.providers_configuration_loader import providers_configuration_loaded

from airflow_triggers.cli.commands import audited_command, tells_of_broken_extensions, user
from airflow_triggers.cli.instances import print_instance
from airflow_triggers.cli.terminal import ends_with_one_line
from airflow_triggers.cli.twin.values import merged
from airflow_triggers.sessions import repairs


@ends_with_one_line
@audited_command
@suppress_logs_and_warning
@providers_configuration_loaded
@tells_of_broken_extensions
def triggers_replay(args: Namespace) -> None:
    """``airflow triggers replay``: prints the new instance."""
    clone = repairs.replay(args.uid, args.instance, args.kwargs, cooldown=args.cooldown, by=user())
    print_instance(args, clone.name)


@ends_with_one_line
@audited_command
@suppress_logs_and_warning
@providers_configuration_loaded
@tells_of_broken_extensions
def triggers_skip(args: Namespace) -> None:
    """``airflow triggers skip``: prints the skipped instance."""
    instance = repairs.skip(args.uid, args.instance, args.cascade, args.result, by=user())
    print_instance(args, instance.name)


@ends_with_one_line
@audited_command
@suppress_logs_and_warning
@providers_configuration_loaded
@tells_of_broken_extensions
def triggers_set_status(args: Namespace) -> None:
    """``airflow triggers status``: prints the instance."""
    instance = repairs.set_status(
        args.uid,
        args.instance,
        args.to,
        metadata=args.metadata,
        cascade=args.cascade,
        result=args.result,
        by=user(),
    )
    print_instance(args, instance.name)


@ends_with_one_line
@audited_command
@suppress_logs_and_warning
@providers_configuration_loaded
@tells_of_broken_extensions
def triggers_set_metadata(args: Namespace) -> None:
    """``airflow triggers metadata``: prints the instance."""
    instance = repairs.set_metadata(args.uid, args.instance, merged(args.metadata) or {}, by=user())
    print_instance(args, instance.name)


@ends_with_one_line
@audited_command
@suppress_logs_and_warning
@providers_configuration_loaded
@tells_of_broken_extensions
def triggers_resolve_logs(args: Namespace) -> None:
    """``airflow triggers resolve-logs``: prints the instance."""
    instance = repairs.resolve_logs(args.uid, args.instance, by=user())
    print_instance(args, instance.name)
