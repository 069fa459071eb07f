"""What the commands write to a terminal: text of others, without what a terminal would obey.

Names, kwargs and exceptions come from whoever fires. A control character among them would move the cursor, hide lines
or change the title; an override of the text's direction would show them in another order. Neighbours: ``rows.py``,
``history.py`` and ``commands.py`` print through this; JSON and YAML escape for themselves.
"""

from __future__ import annotations

import re
import sys
from typing import TextIO

_OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Controls (C0 without the line feed, DEL, C1), marks and overrides of direction, line separators, lone surrogates."""


def escaped(text: str) -> str:
    r"""The text with escape sequences in place of what a terminal obeys; line feeds stay.

    >>> print(escaped("a\x1b[31mb"))
    a\x1b[31mb
    """
    return _OBEYED.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def print_text(text: object, *, to: TextIO | None = None, indent: str = "") -> None:
    """Print text that is no table.

    :param to: where; None: stdout.
    :param indent: of its further lines (a traceback's), so that none of them looks like a line of ours.
    """
    print(escaped(str(text)).replace("\n", f"\n{indent}"), file=to or sys.stdout)
