"""Writes text to a terminal safely: other people's text, with control characters escaped.

Anybody who fires chooses names, kwargs and exceptions. A control character in them could move the cursor, hide lines
or change the title; an override of the text's direction would change their order. Neighbours: every command prints
through this; JSON and YAML escape for themselves.
"""

from __future__ import annotations

import re
import sys
from typing import TextIO

OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Controls (C0 without the line feed, DEL, C1), marks and overrides of direction, line separators, lone surrogates."""


def escaped(text: str) -> str:
    r"""The text with escape sequences in place of control characters; line feeds stay.

    >>> print(escaped("a\x1b[31mb"))
    a\x1b[31mb
    """
    return OBEYED.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def print_text(text: object, *, to: TextIO | None = None, indent: str = "") -> None:
    """Print text outside a table.

    :param to: the stream; None for stdout.
    :param indent: the indent of its further lines (a traceback's): none of them can look like a line of ours.
    """
    print(escaped(str(text)).replace("\n", f"\n{indent}"), file=to or sys.stdout)
