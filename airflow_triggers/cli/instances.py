"""``airflow triggers instances …``.

Neighbours: ``twin/instances.py`` declares the commands; ``rows.py`` prints.
"""

from __future__ import annotations

from argparse import Namespace

from airflow.utils.cli import suppress_logs_and_warning
from airflow.utils.providers_configuration_loader import providers_configuration_loaded

from airflow_triggers import sessions
from airflow_triggers.cli import rows
from airflow_triggers.cli.terminal import ends_with_one_line


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
