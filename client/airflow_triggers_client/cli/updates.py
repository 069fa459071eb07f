"""``triggers sessions update``: adds tasks to a session's rules, or replaces them.

Neighbours: ``twin/sessions.py`` declares the command.
"""

from __future__ import annotations

from argparse import Namespace

from airflow_triggers_client.cli.results import print_result
from airflow_triggers_client.client import TriggersClient

COLUMNS = ("created", "scheduled", "changed", "abandoned")
SHORT_VERSION = 12
"""The digits shown of a hash."""


def triggers_update_session(client: TriggersClient, args: Namespace) -> None:
    """``triggers sessions update``: prints what it did, or would do, to the session's instances."""
    update = client.update_configuration(args.uid, args.tasks, history=args.history, preview=args.dry_run)
    names = {column: getattr(update, column) for column in COLUMNS}
    print_result(update, {"version": update.version[:SHORT_VERSION], **names}, args.output)
