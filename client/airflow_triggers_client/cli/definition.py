"""The parser of the command ``triggers``.

Neighbours: ``twin/table.py`` has the commands; ``main.py`` parses with :func:`parser`; the module of a command is
imported when it runs.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
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

PATIENCE = 30.0
"""Seconds of ``--patience`` if it is not given."""


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line; its result has ``command``: the module and the function to run."""
    top = Parser(prog=Place.CLIENT.value, description=DESCRIPTION, epilog=EXIT_CODES)
    top.add_argument("--version", action=_Version, help="Print the version of this client")
    _add_server_options(top, profile=None, patience=PATIENCE)
    add_commands(top, COMMANDS, NOUNS, place=Place.CLIENT, readers=READERS, setup=_setup)
    for noun in _nouns_with_server(top):
        _add_server_options(noun, profile=argparse.SUPPRESS, patience=argparse.SUPPRESS)
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
        _add_server_options(command_parser, profile=argparse.SUPPRESS, patience=argparse.SUPPRESS)


def _nouns_with_server(top: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    names = {command.name.rpartition(" ")[0] for command in COMMANDS if command.needs_server}
    for action in top._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from (noun for name, noun in action.choices.items() if name in names)


def _add_server_options(
    place: argparse.ArgumentParser, *, profile: str | None, patience: str | float
) -> None:
    """Add the options that say which server, and for how long.

    The top of the command has their defaults. An option further down that is not given must not replace one above.
    """
    place.add_argument(
        "--profile",
        default=profile,
        metavar="NAME",
        help="The profile that names the server (see 'triggers profiles')",
    )
    place.add_argument(
        "--patience",
        type=seconds,
        default=patience,
        metavar="SECONDS",
        help=f"How long to try again while the server is away (default: {PATIENCE:g})",
    )
