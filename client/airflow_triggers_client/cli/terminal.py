"""Writes text to a terminal safely: control characters are escaped.

Names, kwargs and exceptions come from other people. A control character in them could move the cursor, hide lines or
change the title. Neighbours: ``output.py`` and the commands print through this.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from typing import TextIO

OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Controls (C0 without the line feed, DEL, C1), marks and overrides of direction, line separators, lone surrogates."""


def escaped(text: str) -> str:
    r"""The text with its control characters as visible escape sequences; line feeds stay.

    >>> print(escaped("a\x1b[31mb"))
    a\x1b[31mb
    """
    return OBEYED.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def print_text(text: object, *, to: TextIO | None = None, indent: str = "") -> None:
    """Print text other than a table.

    :param to: the stream; None: stdout.
    :param indent: the indent of further lines (of a traceback): none of them looks like a line of the command.
    """
    print(escaped(str(text)).replace("\n", f"\n{indent}"), file=to or sys.stdout)


def width(text: str) -> int:
    """The width of the text in columns: East Asian characters take two, combining ones none."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )
