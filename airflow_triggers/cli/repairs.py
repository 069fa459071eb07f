"""``airflow triggers replay``, ``skip``, ``status``, ``metadata``, ``resolve-logs``.

Neighbours: ``twin/instances.py`` declares the commands; ``sessions/repairs.py`` repairs; ``instances.py`` prints.
"""

from __future__ import annotations

from argparse import Namespace

from airflow.utils.cli import suppress_logs_and_warning
from airflow.utils.providers_configuration_loader import providers_configuration_loaded

from airflow_triggers.cli.bulk_acts import make_bulk_act
from airflow_triggers.cli.commands import audited_command, tells_of_broken_extensions, user
from airflow_triggers.cli.instances import print_instance
from airflow_triggers.cli.terminal import ends_with_one_line
from airflow_triggers.cli.twin.selecting import is_bulk
from airflow_triggers.cli.twin.values import merged
from airflow_triggers.domain.acts import InstanceAct, Replay, ResolveLogs, SetMetadata, SetStatus, Skip
from airflow_triggers.sessions import repairs


@ends_with_one_line
@audited_command
@suppress_logs_and_warning
@providers_configuration_loaded
@tells_of_broken_extensions
def triggers_replay(args: Namespace) -> None:
    """``airflow triggers replay``: prints the new instance, or the bulk act."""
    _act(args, Replay(kwargs=args.kwargs, cooldown=args.cooldown))


@ends_with_one_line
@audited_command
@suppress_logs_and_warning
@providers_configuration_loaded
@tells_of_broken_extensions
def triggers_skip(args: Namespace) -> None:
    """``airflow triggers skip``: prints the skipped instance, or the bulk act."""
    _act(args, Skip(cascade=args.cascade, result=args.result))


@ends_with_one_line
@audited_command
@suppress_logs_and_warning
@providers_configuration_loaded
@tells_of_broken_extensions
def triggers_set_status(args: Namespace) -> None:
    """``airflow triggers status``: prints the instance, or the bulk act."""
    act = SetStatus(status=args.to, metadata=args.metadata or {}, cascade=args.cascade, result=args.result)
    _act(args, act)


@ends_with_one_line
@audited_command
@suppress_logs_and_warning
@providers_configuration_loaded
@tells_of_broken_extensions
def triggers_set_metadata(args: Namespace) -> None:
    """``airflow triggers metadata``: prints the instance, or the bulk act."""
    _act(args, SetMetadata(metadata=merged(args.set) or {}))


@ends_with_one_line
@audited_command
@suppress_logs_and_warning
@providers_configuration_loaded
@tells_of_broken_extensions
def triggers_resolve_logs(args: Namespace) -> None:
    """``airflow triggers resolve-logs``: prints the instance, or the bulk act."""
    _act(args, ResolveLogs())


def _act(args: Namespace, act: InstanceAct) -> None:
    """Do the act to one instance, or make a bulk act of it."""
    if is_bulk(args):
        make_bulk_act(args, act)
    else:
        print_instance(args, repairs.act_on(args.uid, args.instance, act, by=user()).name)
