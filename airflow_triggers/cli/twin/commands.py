"""A command of the table: its name, arguments, help and examples, as plain values.

Neighbours: ``table.py`` lists the commands, ``grammar.py`` makes parsers of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Any


class Place(Enum):
    """Which command line has the command or the argument."""

    BOTH = "both"
    AIRFLOW = "airflow triggers"
    CLIENT = "triggers"


@dataclass(frozen=True)
class Argument:
    """An argument of a command.

    :param flags: the name of a positional argument, or an option's flags.
    :param help: a phrase without a full stop.
    :param kind: the name of a reader of ``values.py``.
    :param choices: the allowed values.
    :param default: the value if the argument is left out.
    :param is_switch: whether the option has no value: given or not.
    :param is_repeatable: whether the option may be given several times; the values become a list.
    :param nargs: the number of values, in argparse's form.
    :param implied: the value of an option that is given without one; only with ``nargs="?"``.
    """

    flags: tuple[str, ...]
    help: str
    kind: str = "text"
    metavar: str | None = None
    choices: tuple[str, ...] = ()
    default: Any = None
    is_switch: bool = False
    is_repeatable: bool = False
    is_required: bool = False
    nargs: str | None = None
    implied: Any = None
    place: Place = Place.BOTH

    @property
    def is_option(self) -> bool:
        """Whether it is named by a flag, not by its position."""
        return self.flags[0].startswith("-")

    def on(self, place: Place) -> Argument:
        """The same argument on one command line only."""
        return replace(self, place=place)

    def saying(self, text: str) -> Argument:
        """The same argument with another help."""
        return replace(self, help=text)

    def optional(self) -> Argument:
        """The same positional argument, which may be left out."""
        return replace(self, nargs="?")


def option(*flags: str, **fields: Any) -> Argument:
    """An option with these flags; ``fields`` are those of :class:`Argument`."""
    return Argument(flags, **fields)


def condition(flag: str, text: str, metavar: str) -> Argument:
    """An option that narrows what a command is about, by a text."""
    return Argument((flag,), text, kind="condition", metavar=metavar)


def switch(flag: str, text: str) -> Argument:
    """An option without a value."""
    return Argument((flag,), text, is_switch=True)


def positional(name: str, text: str, **fields: Any) -> Argument:
    """A positional argument; ``fields`` are those of :class:`Argument`."""
    return Argument((name,), text, **fields)


@dataclass(frozen=True)
class Command:
    """A command.

    :param name: its words: ``sessions list``.
    :param runs: the module below ``cli`` and the function in it: ``sessions:list_sessions``; both
        distributions have it.
    :param summary: one phrase, without a full stop.
    :param examples: command lines without the program's name. A line with a pipe has ``{}`` in its place.
    :param description: further sentences.
    :param needs_server: whether the client's command asks a server.
    """

    name: str
    runs: str
    summary: str
    arguments: tuple[Argument, ...] = ()
    examples: tuple[str, ...] = ()
    description: str = ""
    place: Place = Place.BOTH
    needs_server: bool = True

    def arguments_on(self, place: Place) -> list[Argument]:
        """The arguments that the command has on one of the command lines."""
        return [argument for argument in self.arguments if argument.place in (Place.BOTH, place)]
