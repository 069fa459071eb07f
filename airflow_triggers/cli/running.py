"""Runs a triggers controller in this process, or as a daemon.

Neighbours: ``controller.py`` has the command, and imports this module only when a controller runs.
"""

from __future__ import annotations

from argparse import Namespace

from airflow import settings
from airflow.cli.commands.daemon_utils import run_command_with_daemon_option
from airflow.utils.providers_configuration_loader import providers_configuration_loaded

from airflow_triggers.cli.commands import audited_command
from airflow_triggers.cli.terminal import ends_with_one_line
from airflow_triggers.controller import process


@ends_with_one_line
@audited_command
@providers_configuration_loaded
def triggers_controller(args: Namespace) -> None:
    """``airflow triggers controller``."""
    if settings.engine is not None:
        # A daemon closes every file: no connection may be open by then.
        settings.engine.dispose()
    run_command_with_daemon_option(
        args=args,
        process_name="triggers-controller",
        callback=lambda: process.run_controller(interval=args.interval),
        should_setup_logging=True,
    )
