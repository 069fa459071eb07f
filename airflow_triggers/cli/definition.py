"""The command ``airflow triggers`` for Airflow's parser.

Every call of ``airflow``, whatever the command, imports this module: it must stay light. Airflow's own definitions know
neither examples nor near matches, so the command is one of Airflow's with one argument. This argument makes the parsers
of ``twin/table.py`` below it. Neighbours: ``provider_info.py`` names :func:`get_triggers_cli_commands`; the module of a
command is imported when it runs.
"""

from __future__ import annotations

import argparse
from datetime import datetime
from typing import Any

from airflow.cli.cli_config import (
    ARG_DAEMON,
    ARG_LOG_FILE,
    ARG_PID,
    ARG_STDERR,
    ARG_STDOUT,
    ARG_VERBOSE,
    ActionCommand,
    Arg,
    lazy_load_command,
)

from airflow_triggers.cli.twin.commands import Command, Place
from airflow_triggers.cli.twin.grammar import Parser, add_commands
from airflow_triggers.cli.twin.table import COMMANDS, NOUNS
from airflow_triggers.cli.twin.values import READERS, Reader, json_object, kwargs

DAEMON_ARGUMENTS = (ARG_PID, ARG_DAEMON, ARG_STDOUT, ARG_STDERR, ARG_LOG_FILE)


def get_triggers_cli_commands() -> list[ActionCommand]:
    """The commands that Airflow adds to its command line."""
    return [
        ActionCommand(
            name="triggers",
            help="Fire triggers into sessions, look at sessions, repair them",
            func=lazy_load_command("airflow_triggers.cli.definition.missing_command"),
            args=(_Commands(),),
        )
    ]


def missing_command(_: argparse.Namespace) -> None:
    """Airflow wants a function for ``airflow triggers`` alone. The parser refuses that first.

    :raises SystemExit: always.
    """
    raise SystemExit(2)


class _Commands(Arg):
    """The argument COMMAND: adds the parsers of all our commands."""

    def __init__(self) -> None:
        super().__init__(("COMMAND",))  # type: ignore[no-untyped-call]

    def add_to_parser(self, parser: argparse.ArgumentParser) -> None:
        """Called by Airflow with the parser of ``airflow triggers``."""
        from rich_argparse import RawDescriptionRichHelpFormatter

        class Formatter(RawDescriptionRichHelpFormatter):
            """Airflow's look. A bracket in a text is no markup."""

            text_markup = False
            help_markup = False

        # Airflow's parser would answer a misspelt command with the whole help on stdout.
        parser.__class__ = Parser
        add_commands(
            parser, COMMANDS, NOUNS, place=Place.AIRFLOW, readers=_READERS, setup=_setup, formatter=Formatter
        )


def _setup(parser: Parser, command: Command) -> None:
    for argument in (*(DAEMON_ARGUMENTS if command.name == "controller" else ()), ARG_VERBOSE):
        argument.add_to_parser(parser)
    module, _, function = command.runs.partition(":")
    parser.set_defaults(func=lazy_load_command(f"airflow_triggers.cli.{module}.{function}"))


def _json_value(text: str) -> Any:
    from airflow_triggers.domain.validation import JsonFlaw, parse_json

    try:
        return parse_json(text)
    except JsonFlaw as flaw:
        raise argparse.ArgumentTypeError(f"it {flaw}") from None


def _json_object(text: str) -> dict[str, Any]:
    return json_object(text, _json_value)


def _kwargs(text: str) -> dict[str, Any]:
    return kwargs(text, _json_value)


def _moment(text: str) -> datetime:
    from airflow_triggers.domain.validation import parse_moment
    from airflow_triggers.errors import InvalidTrigger

    try:
        return parse_moment(text)
    except InvalidTrigger as error:
        # The error is worded for a fire; here any option may have a moment.
        raise argparse.ArgumentTypeError(str(error).replace("'fire_at'", "the moment")) from None


_READERS: dict[str, Reader] = {**READERS, "json": _json_object, "kwargs": _kwargs, "moment": _moment}
