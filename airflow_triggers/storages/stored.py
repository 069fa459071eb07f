"""Column types with values that can always be read: an unreadable value becomes a marker, and the other rows stay.

A row may have been written by another version, by hand, or by a damaged database. An error while fetching a result
would lose all its other rows. Neighbours: ``tables.py`` uses the types, ``rows.py`` turns markers into values that say
so.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from airflow.utils.sqlalchemy import UtcDateTime
from sqlalchemy import JSON, Dialect, Text, cast, type_coerce
from sqlalchemy.types import TypeDecorator

from airflow_triggers.domain.metadata import UNREADABLE
from airflow_triggers.domain.validation import MAX_DEPTH, json_text

MAX_STORED_DEPTH = MAX_DEPTH + 20
"""The most levels of a stored value. A user's value lies a few levels below the top of the stored one."""

UNREADABLE_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for an unreadable moment."""


class Unreadable(dict[str, Any]):
    """Stands for JSON that cannot be read: ``{"unreadable": "<why>"}``."""

    def __init__(self, why: str) -> None:
        super().__init__({UNREADABLE: why})


def _refuse_constant(constant: str) -> float:
    raise ValueError(f"it contains {constant}, which is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else _refuse_constant(digits)


_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")
"""A surrogate, escaped as in JSON or not. Two of them make a character."""

_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)


def read_json(text: Any, *, halves: bool = False) -> Any:
    """The JSON value of a text; :class:`Unreadable` if it is no JSON, or is nested deeper than pages can show.

    :param halves: whether half of a surrogate pair is allowed: no database and no worker is sent the value again.
    """
    try:
        content = _DECODER.decode(text)
        if text.count("{") + text.count("[") > MAX_STORED_DEPTH:
            _refuse_depth(content)
        if not halves and _SURROGATE.search(text):
            _refuse_halves(content)
    except RecursionError:
        return Unreadable(f"it is nested more than {MAX_STORED_DEPTH} levels deep")
    except (TypeError, ValueError) as error:
        return Unreadable(str(error))
    return content


def _refuse_halves(content: Any) -> None:
    try:
        json_text(content).encode()
    except UnicodeEncodeError:
        raise ValueError("it contains half of a surrogate pair, which UTF-8 cannot hold") from None


def _refuse_depth(content: Any) -> None:
    level = [content]
    for _ in range(MAX_STORED_DEPTH):
        level = [part for value in level for part in _parts(value)]
        if not level:
            return
    raise RecursionError


def _parts(value: Any) -> list[Any]:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [part for part in parts if isinstance(part, (dict, list))]


class StoredJson(TypeDecorator[Any]):
    """JSON, read as text and parsed here: psycopg2 would parse a JSON column while it fetches, and raise."""

    impl = JSON
    cache_ok = True

    def column_expression(self, column: Any) -> Any:
        """The column as text, in a statement's result."""
        return type_coerce(cast(column, Text), self)

    def result_processor(self, dialect: Dialect, coltype: Any) -> Callable[[Any], Any]:
        """The conversion from text to a value."""
        return lambda text: None if text is None else read_json(text)


class StoredObject(StoredJson):
    """A JSON object; other JSON is as unreadable."""

    cache_ok = True
    halves = False
    """Whether half of a surrogate pair is allowed in the text."""

    def result_processor(self, dialect: Dialect, coltype: Any) -> Callable[[Any], Any]:
        """The conversion from text to a mapping."""
        halves = self.halves

        def mapping(text: Any) -> Any:
            content = None if text is None else read_json(text, halves=halves)
            # SQL's NULL is no value and stays None. JSON's null is a value, but no object.
            is_object = text is None or isinstance(content, dict)
            return content if is_object else Unreadable("it is no JSON object")

        return mapping


class StoredMetadata(StoredObject):
    """An instance's metadata. Earlier versions kept half of a surrogate pair there, from a task's exception, say.

    Such an instance can be shown and repaired: its metadata is never sent to Airflow.
    """

    cache_ok = True
    halves = True


class StoredMoment(UtcDateTime):
    """A moment in UTC; :data:`UNREADABLE_MOMENT` where the column has something else.

    SQLite allows any text. PostgreSQL has moments unknown to Python (``infinity``, the year 10000), and psycopg2 raises
    while it fetches one. So the column is read as text.
    """

    cache_ok = True

    def column_expression(self, column: Any) -> Any:
        """The column as text, in a statement's result."""
        return type_coerce(cast(column, Text), self)

    def result_processor(self, dialect: Dialect, coltype: Any) -> Callable[[Any], Any]:
        """The conversion from the driver's value to a moment."""
        processor = super().result_processor(dialect, coltype)

        def moment(value: Any) -> Any:
            try:
                if isinstance(value, str) and dialect.name == "postgresql":
                    value = datetime.fromisoformat(value)
                return processor(value) if processor else value
            except (OverflowError, TypeError, ValueError):
                return UNREADABLE_MOMENT

        return moment
