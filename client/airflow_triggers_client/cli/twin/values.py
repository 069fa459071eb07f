"""Readers of arguments: each error says what was expected, and what was found.

Neighbours: ``grammar.py`` gives them to argparse by name; a distribution may replace some by readers of its own.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

MAX_DIGITS = 18
"""Every number of so many digits fits into a database's integers."""

SHOWN_CHARACTERS = 80

Reader = Callable[[str], Any]


class WrongArguments(Exception):
    """Each argument is right, but not their combination."""


class CommandFailed(Exception):
    """A command could not do its work; the text is one sentence for people."""


def condition(text: str) -> str:
    """The text of a condition. An empty one narrows nothing, and may come from a variable that is not set."""
    if not text:
        raise argparse.ArgumentTypeError(f"expected a text that is not empty, found {excerpt(text)}")
    return text


def count(text: str) -> int:
    """A whole number above 0, within the range of a database's integers."""
    if len(text) > MAX_DIGITS:
        raise argparse.ArgumentTypeError(f"expected at most {MAX_DIGITS} digits, found {excerpt(text)}")
    if not (text.isascii() and text.isdecimal()) or int(text) == 0:
        raise argparse.ArgumentTypeError(f"expected a whole number above 0, found {excerpt(text)}")
    return int(text)


def seconds(text: str) -> float:
    """A number of seconds, from 0."""
    return _number(text, "a number of seconds from 0", lambda number: number >= 0.0)


def positive_seconds(text: str) -> float:
    """A number of seconds above 0."""
    return _number(text, "a number of seconds above 0", lambda number: number > 0.0)


def rate(text: str) -> float:
    """A number per second, above 0."""
    return _number(text, "a number per second above 0", lambda number: number > 0.0)


def _number(text: str, form: str, fits: Callable[[float], bool]) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not fits(number) or number == float("inf"):
        raise argparse.ArgumentTypeError(f"expected {form}, found {excerpt(text)}")
    return number


def yes_or_no(text: str) -> bool:
    """True for ``yes``, False for ``no``."""
    if text not in ("yes", "no"):
        raise argparse.ArgumentTypeError(f"expected yes or no, found {excerpt(text)}")
    return text == "yes"


def profile_name(text: str) -> str:
    """A name for a section of the profiles file."""
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,80}", text):
        raise argparse.ArgumentTypeError(f"expected a name of letters, digits and _.-, found {excerpt(text)}")
    return text


def moment(text: str) -> datetime:
    """A moment with its offset from UTC."""
    # Python 3.10 does not know Z.
    iso_text = f"{text[:-1]}+00:00" if text[-1:] in ("Z", "z") else text
    try:
        result = datetime.fromisoformat(iso_text)
    except ValueError:
        result = None
    if result is None or result.utcoffset() is None:
        raise argparse.ArgumentTypeError(
            f"expected a moment in ISO 8601 with its offset from UTC (2031-05-17T08:00:00+02:00), found {excerpt(text)}"
        )
    return result


def json_value(text: str | bytes) -> Any:
    """The value of a JSON text written by people: nothing is silently left out.

    :param text: bytes are UTF-8.
    :raises ValueError: when it is no JSON, or an object has a key twice; RecursionError for deep nesting.
    """
    # From bytes, json.loads would also take UTF-16, which has other line feeds.
    characters = text if isinstance(text, str) else text.decode()
    return json.loads(characters, object_pairs_hook=_without_doubles, parse_constant=_no_number)


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        double = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"it has the key {double!r} twice")
    return content


def _no_number(constant: str) -> Any:
    raise ValueError(f"{constant} is no number of JSON")


def json_object(text: str, read: Reader = json_value) -> dict[str, Any]:
    """A JSON object, or ``@`` and the name of a file with one."""
    origin = ""
    if text.startswith("@"):
        origin = f" in {text[1:]}"
        text = _content_of(text[1:])
    content = _read(text, "a JSON object", read, origin)
    if not isinstance(content, dict):
        raise argparse.ArgumentTypeError(f"expected a JSON object, found {excerpt(text)}{origin}")
    return content


def kwargs(text: str, read: Reader = json_value) -> dict[str, Any]:
    """A JSON object, ``@`` and the name of a file with one, or ``key=value``.

    A value that begins with ``{``, ``[`` or a quote must be JSON. Any other value is JSON if it can be read so, else
    text.
    """
    if text.startswith(("{", "@", "[")):
        return json_object(text, read)
    key, is_given, value = text.partition("=")
    if not key or not is_given:
        raise argparse.ArgumentTypeError(f"expected a JSON object, @FILE or key=value, found {excerpt(text)}")
    if value.startswith(("{", "[", '"')):
        return {key: _read(value, f"JSON as the value of {key}", read)}
    try:
        return {key: read(value)}
    except (ValueError, RecursionError, argparse.ArgumentTypeError):
        return {key: value}


def _read(text: str, expected: str, read: Reader, origin: str = "") -> Any:
    try:
        return read(text)
    except (ValueError, RecursionError) as error:
        raise argparse.ArgumentTypeError(
            f"expected {expected}, found {excerpt(text)}{origin}: {error}"
        ) from None


def merged(parts: Sequence[dict[str, Any]] | None) -> dict[str, Any] | None:
    """The kwargs of all ``--kwargs`` of a command; a later one takes precedence. None: none was given."""
    if parts is None:
        return None
    return {key: value for part in parts for key, value in part.items()}


def excerpt(text: str) -> str:
    """The text for an error, quoted and cut."""
    return repr(text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…")


def _content_of(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"the file {name!r} cannot be read: {error}") from None


READERS: dict[str, Reader] = {
    "condition": condition,
    "count": count,
    "json": json_object,
    "kwargs": kwargs,
    "moment": moment,
    "positive_seconds": positive_seconds,
    "profile": profile_name,
    "rate": rate,
    "seconds": seconds,
    "yes_or_no": yes_or_no,
}
"""The readers by the name that the table has for them."""
