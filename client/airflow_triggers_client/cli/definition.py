"""The parser of the command ``triggers``.

Neighbours: ``twin/table.py`` has the commands; ``main.py`` parses with :func:`parser`; the module of a command is
imported when it runs.
"""

from __future__ import annotations

import argparse
from typing import Any

from airflow_triggers_client.cli.twin.commands import Command, Place
from airflow_triggers_client.cli.twin.grammar import EXIT_CODES, Parser, add_commands
from airflow_triggers_client.cli.twin.table import COMMANDS, NOUNS
from airflow_triggers_client.cli.twin.values import READERS, seconds

DESCRIPTION = """\
Fire triggers into sessions of airflow-triggers over REST, look at sessions, repair them.

The server and the credentials come from a profile (see 'triggers profiles --help'), or from the environment:
TRIGGERS_URL with TRIGGERS_TOKEN, or with TRIGGERS_USERNAME and TRIGGERS_PASSWORD.
"""


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line; its result has ``command``: the module and the function to run."""
    top = Parser(prog=Place.CLIENT.value, description=DESCRIPTION, epilog=EXIT_CODES)
    top.add_argument("--version", action=_Version, help="Print the version of this client")
    add_commands(top, COMMANDS, NOUNS, place=Place.CLIENT, readers=READERS, setup=_setup)
    return top


class _Version(argparse.Action):
    """Prints the version; the package is imported only then."""

    def __init__(self, **options: Any) -> None:
        super().__init__(nargs=0, **options)

    def __call__(self, caller: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import version

        print(f"airflow-triggers-client {version('airflow-triggers-client')}")
        caller.exit()


def _setup(command_parser: Parser, command: Command) -> None:
    command_parser.set_defaults(command=command.runs, needs_server=command.needs_server)
    if command.needs_server:
        command_parser.add_argument(
            "--profile", metavar="NAME", help="The profile that names the server (see 'triggers profiles')"
        )
        command_parser.add_argument(
            "--patience",
            type=seconds,
            default=30.0,
            metavar="SECONDS",
            help="How long to try again while the server is away (default: 30)",
        )
