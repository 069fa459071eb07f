"""The types of the command's arguments: each error says what was expected, and what was found.

Neighbours: ``definition.py`` names them.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from airflow_triggers_client.cli.json_text import json_value

MAX_DIGITS = 18
"""Every number of so many digits fits into a database's integers."""

SHOWN_CHARACTERS = 80


class WrongArguments(Exception):
    """Each argument is right, but not their combination."""


def count(text: str) -> int:
    """A whole number above 0, within the range of a database's integers."""
    if len(text) > MAX_DIGITS:
        raise argparse.ArgumentTypeError(f"expected at most {MAX_DIGITS} digits, found {excerpt(text)}")
    if not (text.isascii() and text.isdecimal()) or int(text) == 0:
        raise argparse.ArgumentTypeError(f"expected a whole number above 0, found {excerpt(text)}")
    return int(text)


def seconds(text: str) -> float:
    """A number of seconds, from 0."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0.0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number of seconds from 0, found {excerpt(text)}")
    return number


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


def json_object(text: str) -> dict[str, Any]:
    """A JSON object, or ``@`` and the name of a file with one."""
    origin = ""
    if text.startswith("@"):
        origin = f" in {text[1:]}"
        text = _content_of(text[1:])
    try:
        content = json_value(text)
    except (ValueError, RecursionError) as error:
        raise argparse.ArgumentTypeError(
            f"expected a JSON object, found {excerpt(text)}{origin}: {error}"
        ) from None
    if not isinstance(content, dict):
        raise argparse.ArgumentTypeError(f"expected a JSON object, found {excerpt(text)}{origin}")
    return content


def kwargs(text: str) -> dict[str, Any]:
    """A JSON object, ``@`` and the name of a file with one, or ``key=value``.

    The value is read as JSON; if it is no JSON, it is text.
    """
    if text.startswith(("{", "@", "[")):
        return json_object(text)
    key, is_given, value = text.partition("=")
    if not key or not is_given:
        raise argparse.ArgumentTypeError(f"expected a JSON object, @FILE or key=value, found {excerpt(text)}")
    try:
        return {key: json_value(value)}
    except (ValueError, RecursionError):
        return {key: value}


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
