"""``airflow triggers controller``: runs a controller, or checks the health of controllers.

A container runs the check every few seconds, so it must start fast. Neighbours: ``twin/upkeep.py`` declares the
command; ``running.py`` runs the controller, and is imported only then.
"""

from __future__ import annotations

import sys
from argparse import Namespace

from airflow.cli.cli_config import lazy_load_command
from airflow.utils.cli import suppress_logs_and_warning

from airflow_triggers.cli.terminal import ends_with_one_line, print_text
from airflow_triggers.controller.health import read_health
from airflow_triggers.controller.process import check_database

_run = lazy_load_command("airflow_triggers.cli.running.triggers_controller")


def triggers_controller(args: Namespace) -> None:
    """``airflow triggers controller``.

    With ``--check`` or ``--local`` it only checks. It exits with 1 and says what to do, unless controllers are healthy.
    """
    if args.check or args.local:
        check_controller(args)
    else:
        _run(args)


@ends_with_one_line
@suppress_logs_and_warning
def check_controller(args: Namespace) -> None:
    """Print one sentence on the controllers' health. It writes nothing, not even into the audit log."""
    check_database()
    health = read_health(local=args.local)
    print_text(health.sentence, to=sys.stdout if health.is_healthy else sys.stderr)
    if not health.is_healthy:
        raise SystemExit(1)
