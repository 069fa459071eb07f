"""What the commands of ``airflow triggers`` have in common: decorators, and the name of the user.

Neighbours: the modules of the commands (``sessions.py``, ``firing.py``, …) use them.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from functools import wraps

from airflow.utils.cli import action_cli
from airflow.utils.platform import getuser

from airflow_triggers import metrics
from airflow_triggers.cli.terminal import Command, print_text
from airflow_triggers.errors import TriggersError
from airflow_triggers.manager.installed import extension_problems


def audited_command(command: Command) -> Command:
    """Decorate a command with changes to make: the database must be migrated, and its metrics are sent.

    Airflow's decorator puts ``cli_<function's name>`` into the audit log.
    """

    @wraps(command)
    def wrapper(args: Namespace) -> None:
        metrics.initialize()
        command(args)

    logged_command: Command = action_cli(wrapper)
    return logged_command


def tells_of_broken_extensions(command: Command) -> Command:
    """Decorate a command that opens a session: it reports broken managers, storages and runners on stderr.

    The command itself goes on. If one of these problems then ends it, this problem is not reported twice.
    """

    @wraps(command)
    def wrapper(args: Namespace) -> None:
        problems = extension_problems()
        try:
            command(args)
        except TriggersError as error:
            problems = [problem for problem in problems if problem not in str(error)]
            raise
        finally:
            for problem in problems:
                print_text(problem, to=sys.stderr)

    return wrapper


def user() -> str:
    """The user of the command line, for histories."""
    return f"cli:{getuser()}"
