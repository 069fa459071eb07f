"""Cursors of pages that stay right while rows change: a place in an order, as an opaque text.

A row that does not change meanwhile is on exactly one page. Neighbours: ``instances.py`` and ``listing.py`` make their
pages with these.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, literal, tuple_

from airflow_triggers.domain.configuration import MAX_ID
from airflow_triggers.domain.validation import EARLIEST_MOMENT, LATEST_MOMENT
from airflow_triggers.errors import InvalidCursor

MAX_CURSOR_LENGTH = 2000


def encode(place: Sequence[Any]) -> str:
    """The cursor for a place: moments, numbers and texts."""
    values = [value.isoformat() if isinstance(value, datetime) else value for value in place]
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def decode(cursor: str, kinds: Sequence[type]) -> tuple[Any, ...]:
    """The place of a cursor.

    :param kinds: the types of its values.
    :raises InvalidCursor: when the cursor is of no such list.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        values = json.loads(base64.b64decode(padded.encode(), altchars=b"-_", validate=True))
        if not isinstance(values, list) or len(cursor) > MAX_CURSOR_LENGTH:
            raise ValueError(cursor)
        return tuple(_value(value, kind) for value, kind in zip(values, kinds, strict=True))
    except (OverflowError, RecursionError, TypeError, ValueError):
        raise InvalidCursor(
            f"'after' is the 'next' of another page of the same list; found {cursor[:60]!r}."
        ) from None


def _value(value: Any, kind: type) -> Any:
    if kind is datetime:
        moment = datetime.fromisoformat(value)
        if moment.utcoffset() is None or not EARLIEST_MOMENT <= moment <= LATEST_MOMENT:
            raise ValueError(value)
        return moment
    if type(value) is not kind:
        raise ValueError(value)
    if isinstance(value, int) and abs(value) > MAX_ID:
        raise ValueError(value)
    if isinstance(value, str) and not value.isprintable():
        raise ValueError(value)
    return value


def beyond(
    columns: Sequence[Column[Any]] | Sequence[ColumnElement[Any]], place: Sequence[Any], *, descending: bool
) -> ColumnElement[bool]:
    """The condition for the rows after a place, in the order of these columns."""
    values = [literal(value, type_=column.type) for value, column in zip(place, columns, strict=True)]
    here, there = tuple_(*columns), tuple_(*values)
    return here < there if descending else here > there
