"""``airflow triggers replay`` and ``airflow triggers skip``.

Neighbours: ``twin/instances.py`` declares the commands; ``sessions/repairs.py`` repairs; ``instances.py`` prints.
"""

from __future__ import annotations

from argparse import Namespace

from airflow.utils.cli import suppress_logs_and_warning
from airflow.utils.providers_configuration_loader import providers_configuration_loaded

from airflow_triggers.cli.commands import audited_command, tells_of_broken_extensions, user
from airflow_triggers.cli.instances import print_instance
from airflow_triggers.cli.terminal import ends_with_one_line
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
