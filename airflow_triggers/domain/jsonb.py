"""What PostgreSQL's ``jsonb`` makes of JSON. Airflow keeps the conf of runs and XComs in it.

It orders an object's keys by length. It knows numbers and not their notation (``1e16`` returns as an integer). It has
no ``-0.0``. Neighbours: ``runners/airflow.py`` and ``report.py`` send JSON text along for such values.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from airflow_triggers.domain.validation import MAX_INTEGER, MIN_INTEGER


def survives(value: Any) -> bool:
    """Whether a JSON value returns from ``jsonb`` exactly as it is.

    >>> survives({"a": 0.1, "bb": [1, None]}), survives({"bb": 1, "a": 2}), survives(1e16), survives(-0.0)
    (True, False, False, False)
    """
    if isinstance(value, float):
        return "e+" not in repr(value) and not (value == 0 and math.copysign(1, value) < 0)
    if isinstance(value, Mapping):
        keys = [key.encode() for key in value]
        in_order = sorted(keys, key=lambda key: (len(key), key))
        return keys == in_order and all(map(survives, value.values()))
    if isinstance(value, (list, tuple)):
        return all(map(survives, value))
    return True


def sendable(value: Any) -> Any:
    """The value, with text for each float that ``jsonb`` would return as an integer too large for a worker.

    >>> sendable({"a": [1e16, 1e20]})
    {'a': [1e+16, '1e+20']}
    """
    if isinstance(value, float):
        # The number as written counts: for -2.0**63 these are digits of an integer below -2**63.
        return (
            value
            if not value.is_integer() or MIN_INTEGER <= Decimal(repr(value)) <= MAX_INTEGER
            else repr(value)
        )
    if isinstance(value, Mapping):
        return {key: sendable(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [sendable(part) for part in value]
    return value


def restored(value: Any) -> Any:
    """A worker's value after ``jsonb``: an integer too large for any worker was a float.

    >>> restored({"a": 10**300})
    {'a': 1e+300}
    """
    if isinstance(value, int) and not MIN_INTEGER <= value <= MAX_INTEGER:
        try:
            return float(value)
        except OverflowError:
            # Too large for a float, too: somebody wrote it into the database.
            return value
    if isinstance(value, Mapping):
        return {key: restored(part) for key, part in value.items()}
    if isinstance(value, list):
        return [restored(part) for part in value]
    return value


def may_be_same(value: Any, counterpart: Any) -> bool:
    """Whether two JSON values may be the same one, before and after ``jsonb``.

    >>> (
    ...     may_be_same({"a": 1e16, "b": -0.0}, {"b": 0.0, "a": 10**16}),
    ...     may_be_same([1], [2]),
    ...     may_be_same(1, True),
    ... )
    (True, False, False)
    """
    if isinstance(value, Mapping) and isinstance(counterpart, Mapping):
        return value.keys() == counterpart.keys() and all(
            may_be_same(value[key], counterpart[key]) for key in value
        )
    if isinstance(value, list) and isinstance(counterpart, list):
        return len(value) == len(counterpart) and all(map(may_be_same, value, counterpart))
    if isinstance(value, float) or isinstance(counterpart, float):
        numbers = isinstance(value, (int, float)) and isinstance(counterpart, (int, float))
        return numbers and float(value) == float(counterpart)
    return type(value) is type(counterpart) and bool(value == counterpart)
