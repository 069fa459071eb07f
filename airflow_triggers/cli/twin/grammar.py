"""Makes argparse's parsers of the table of commands.

An error is one sentence on stderr; a misspelling gets a near match. Neighbours:
``table.py`` has the commands; each distribution calls :func:`add_commands` with its readers of arguments.
"""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn

from airflow_triggers.cli.twin.commands import Argument, Command, Place
from airflow_triggers.cli.twin.terminal import escaped
from airflow_triggers.cli.twin.values import Reader

WRONG_ARGUMENTS = 2

PROGRAM = "{}"
"""Stands for the program's name in an example that does not begin with it."""

LINE = 100
"""The most characters in a line of a description."""

EXIT_CODES = """\
exit codes:
  0  it was done
  1  it was not, or not all of it; stderr says why
  2  the arguments are wrong
  130  you ended it with Ctrl-C
"""

ARGPARSES_VALUE_OF_A_SWITCH = ("ignored explicit argument", "it takes no value, found")
"""argparse's words for a switch with a value, and ours: argparse does not say what it expected."""

Setup = Callable[["Parser", Command], None]
"""Gives a command's parser what only one distribution has."""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence, with a near match of what was misspelt."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            **{"formatter_class": argparse.RawDescriptionHelpFormatter, **options}, allow_abbrev=False
        )

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and where the help is."""
        sentence = " ".join(message.split()).replace(*ARGPARSES_VALUE_OF_A_SWITCH)
        end = "" if sentence.endswith((".", "?")) else "."
        self.exit(WRONG_ARGUMENTS, escaped(f"{self.prog}: {sentence}{end} See '{self.prog} --help'.\n"))

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """Parse; an argument that this command does not know is an error here, where its near match is known."""
        result, rest = super().parse_known_args(args, namespace)
        rest = self._filled(result, rest)
        if rest:
            self.error(self._surplus(rest))
        return result, rest

    def _filled(self, result: Any, rest: list[str]) -> list[str]:
        """Give optional positional arguments what comes behind an option, and return what nobody takes.

        argparse leaves them out at the first option (``fire order-1 --kwargs n=1 paid``).
        """
        for action in self._actions:
            is_optional = not action.option_strings and action.nargs == argparse.OPTIONAL
            if is_optional and getattr(result, action.dest) is None and rest and not rest[0].startswith("-"):
                setattr(result, action.dest, rest[0])
                rest = rest[1:]
        return rest

    def _surplus(self, rest: Sequence[str]) -> str:
        flags = [flag for action in self._actions for flag in action.option_strings]
        name = next((text for text in rest if text.startswith("-")), None)
        if name is None:
            return f"unexpected arguments: {' '.join(rest)}"
        return f"there is no option {name.partition('=')[0]}.{near(name.partition('=')[0], flags)}"

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        choices = [str(choice) for choice in action.choices]
        if isinstance(action, argparse._SubParsersAction):
            hint = near(str(value), choices) or f" Expected one of {', '.join(sorted(choices))}."
            self.error(f"there is no command {str(value)!r}.{hint}")
        hint = near(str(value), choices)
        expected = f"expected one of {', '.join(choices)}, found {str(value)!r}"
        raise argparse.ArgumentError(action, f"{expected}.{hint}" if hint else expected)


def near(name: str, names: Iterable[str]) -> str:
    """`` Did you mean …?`` with the name that resembles most; empty if none does."""
    # Only a mistake needs it: it costs the start of no command.
    from difflib import get_close_matches

    matches = get_close_matches(name, sorted(names), n=1)
    return f" Did you mean {matches[0]}?" if matches else ""


def add_commands(
    parser: argparse.ArgumentParser,
    commands: Iterable[Command],
    nouns: Mapping[str, tuple[str, str]],
    *,
    place: Place,
    readers: Mapping[str, Reader],
    setup: Setup,
    formatter: Any = argparse.RawDescriptionHelpFormatter,
) -> None:
    """Give a parser the commands of one command line.

    :param nouns: by noun, its summary and further sentences.
    :param readers: by an argument's ``kind``.
    :param setup: gives each command what only this command line has, such as the function to run.
    """
    options = {"formatter_class": formatter}
    verbs = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=Parser)
    verbs_of_noun: dict[str, Any] = {}
    for command in commands:
        if command.place not in (Place.BOTH, place):
            continue
        noun, _, verb = command.name.rpartition(" ")
        if noun and noun not in verbs_of_noun:
            summary, more = nouns[noun]
            noun_parser = verbs.add_parser(
                noun, help=summary, description=description_of(summary, more), **options
            )
            verbs_of_noun[noun] = noun_parser.add_subparsers(
                metavar="COMMAND", required=True, parser_class=Parser
            )
        command_parser = (verbs_of_noun[noun] if noun else verbs).add_parser(
            verb,
            help=command.summary,
            description=description_of(command.summary, command.description),
            epilog=epilog_of(command, place),
            **options,
        )
        for argument in command.arguments_on(place):
            command_parser.add_argument(*argument.flags, **_options_of(argument, readers))
        setup(command_parser, command)


def epilog_of(command: Command, place: Place) -> str:
    """The examples and the exit codes of a command, for its help."""
    lines = "".join(f"\n  {example_of(example, place)}" for example in command.examples)
    return f"examples:{lines}\n\n{EXIT_CODES}"


def example_of(example: str, place: Place) -> str:
    """The example with the program's name."""
    if PROGRAM in example:
        return example.replace(PROGRAM, place.value)
    return f"{place.value} {example}"


def description_of(summary: str, more: str) -> str:
    """The summary and further sentences, in lines for a terminal."""
    paragraphs = [f"{summary}.", *filter(None, more.split("\n\n"))]
    return "\n\n".join(textwrap.fill(" ".join(paragraph.split()), LINE) for paragraph in paragraphs)


def _options_of(argument: Argument, readers: Mapping[str, Reader]) -> dict[str, Any]:
    """The argument as argparse's ``add_argument`` takes it."""
    options: dict[str, Any] = {"help": argument.help.replace("%", "%%")}
    if argument.is_switch:
        return {**options, "action": "store_true"}
    if argument.is_repeatable:
        options["action"] = "append"
    if argument.kind != "text":
        options["type"] = readers[argument.kind]
    if argument.is_option and argument.is_required:
        options["required"] = True
    if argument.implied is not None:
        options["const"] = argument.implied
    value_options = {"metavar": argument.metavar, "choices": argument.choices, "nargs": argument.nargs}
    options |= {name: value for name, value in value_options.items() if value}
    return {**options, "default": argument.default}
