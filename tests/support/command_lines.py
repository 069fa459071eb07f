"""The two command lines as their parsers define them, and right values for their arguments.

Tests of wrong arguments go through whatever the parsers have, so a new command or argument needs a value here.
Neighbours: ``tests/unit/test_wrong_arguments.py`` parses, ``tests/integration/test_wrong_names.py`` runs.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from functools import cache

from airflow.cli.cli_parser import get_parser

from airflow_triggers_client.cli.definition import parser as client_parser

AIRFLOW, CLIENT = "airflow triggers", "triggers"
AIRFLOWS_OWN = frozenset({"--verbose", "--pid", "--daemon", "--stdout", "--stderr", "--log-file"})
"""Options that Airflow defines."""

RIGHT_VALUES = {
    "uid": "order-1",
    "trigger": "page",
    "instance": "t_import#0",
    "id": "7",
    "why name": "t_score",
    "configurations show name": "survey",
    "configurations explain name": "survey",
    "configurations graph name": "survey",
    "configurations validate file": "survey.yaml",
    "profiles set name": "ci",
    "profiles remove name": "ci",
    "check folder": ".",
    "--before": "2031-01-01T00:00:00Z",
    "--configuration": "survey",
    "--set": "a=1",
    "--to": "skipped",
    "--tasks": '{"t_late": {"after": ["page"], "run": "survey.t_import"}}',
    "--url": "http://127.0.0.1:1",
}
"""Right values of positional arguments and required options, by name; after a command's name, for this command."""


@cache
def commands_of(place: str) -> dict[str, argparse.ArgumentParser]:
    """The parsers of a command line's commands, by name."""
    if place == CLIENT:
        return dict(_leaves(client_parser()))
    group = next(action for action in get_parser()._actions if isinstance(action, argparse._SubParsersAction))
    return dict(_leaves(group.choices["triggers"]))


def _leaves(
    parser: argparse.ArgumentParser, names: tuple[str, ...] = ()
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                yield from _leaves(below, (*names, name))
            return
    yield " ".join(names), parser


def arguments_of(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """The arguments that we define, in their order."""
    return [
        action
        for action in parser._actions
        if not AIRFLOWS_OWN & set(action.option_strings) and not isinstance(action, argparse._HelpAction)
    ]


def name_of(action: argparse.Action) -> str:
    """An option's long flag; a positional argument's name as the usage line has it."""
    return action.option_strings[-1] if action.option_strings else str(action.metavar or action.dest)


def kind_of(action: argparse.Action) -> str:
    """The name of the argument's reader; ``text`` without one, ``switch`` for an option that takes no value."""
    if action.nargs == 0:
        return "switch"
    return "text" if action.type is None else action.type.__name__.lstrip("_")


def line_without(command: str, parser: argparse.ArgumentParser, argument: argparse.Action) -> list[str]:
    """The command with a right value for each other positional argument and each other required option.

    Positional arguments behind the one left out are missing, too: else they would stand for it.
    """
    arguments = arguments_of(parser)
    later = [action for action in arguments[arguments.index(argument) :] if not action.option_strings]
    left_out = [argument] if argument.option_strings else later
    return _line(command, parser, dict.fromkeys(left_out))


def line_with(
    command: str,
    parser: argparse.ArgumentParser,
    argument: argparse.Action,
    value: str,
    *,
    has_optional_names: bool = True,
) -> list[str]:
    """The command with this value of the argument, and a right value for each other that is needed.

    :param has_optional_names: whether it also has the positional arguments that may be left out.
    """
    return _line(command, parser, {argument: value}, has_optional_names=has_optional_names)


def right_line(command: str, parser: argparse.ArgumentParser) -> list[str]:
    """The command with a right value for each positional argument and each required option."""
    return _line(command, parser, {})


def _line(
    command: str,
    parser: argparse.ArgumentParser,
    values: Mapping[argparse.Action, str | None],
    *,
    has_optional_names: bool = True,
) -> list[str]:
    line = command.split()
    for action in arguments_of(parser):
        value = values.get(action)
        is_wanted = action.required or (not action.option_strings and has_optional_names)
        if action not in values and is_wanted:
            value = _right_value(command, action)
        if value is not None:
            line += [*action.option_strings[-1:], value]
    return line


def _right_value(command: str, action: argparse.Action) -> str:
    name = action.option_strings[-1] if action.option_strings else action.dest
    specific = f"{command} {name}"
    return RIGHT_VALUES[specific] if specific in RIGHT_VALUES else RIGHT_VALUES[name]
