"""What the command writes to a terminal: text of others, without what a terminal would obey.

Names, kwargs and exceptions come from whoever fires. A control character among them would move the cursor, hide lines
or change the title. Neighbours: ``output.py`` and the commands print through this.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from typing import TextIO

OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Controls (C0 without the line feed, DEL, C1), marks and overrides of direction, line separators, lone surrogates."""


def escaped(text: str) -> str:
    r"""The text with escape sequences in place of what a terminal obeys; line feeds stay.

    >>> print(escaped("a\x1b[31mb"))
    a\x1b[31mb
    """
    return OBEYED.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def print_text(text: object, *, to: TextIO | None = None, indent: str = "") -> None:
    """Print text that is no table.

    :param to: where; None: stdout.
    :param indent: of its further lines (a traceback's), so that none of them looks like a line of ours.
    """
    print(escaped(str(text)).replace("\n", f"\n{indent}"), file=to or sys.stdout)


def width(text: str) -> int:
    """The columns that the text takes: characters of East Asian scripts take two, combining ones none."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )
