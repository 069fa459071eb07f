"""Texts with a prefix, as a range of the column's index.

``LIKE`` uses no index under most collations of PostgreSQL, and on SQLite it takes ``a`` for ``A``. Neighbours:
``tables.py`` has the columns in the order of code points, which a range needs; ``sessions/`` lists by UID.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, ColumnElement

FIRST_SURROGATE, LAST_SURROGATE = 0xD800, 0xDFFF
LAST_CODE_POINT = 0x10FFFF


def begins_with(column: Column[Any], prefix: str) -> list[ColumnElement[bool]]:
    """The conditions for rows with this prefix. Every character stands for itself: there are no wildcards.

    :param column: of the type :data:`tables.CodePointText`.
    """
    end = end_of_range(prefix)
    return [column >= prefix] if end is None else [column >= prefix, column < end]


def end_of_range(prefix: str) -> str | None:
    """The first text, by code points, after all texts with the prefix; None when nothing comes after them."""
    for length in range(len(prefix), 0, -1):
        following = ord(prefix[length - 1]) + 1
        if FIRST_SURROGATE <= following <= LAST_SURROGATE:
            following = LAST_SURROGATE + 1
        if following <= LAST_CODE_POINT:
            return prefix[: length - 1] + chr(following)
    return None
