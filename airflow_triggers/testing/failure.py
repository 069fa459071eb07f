"""The text of a failed assertion: the expected and the actual value, the instance, the session's story.

Neighbours: ``assertions.py`` raises it.
"""

from __future__ import annotations

import difflib
import pprint
from collections.abc import Iterator, Mapping
from typing import Any

from airflow_triggers.domain.instances import TaskInstance
from airflow_triggers.domain.metadata import EXCEPTION_INFO
from airflow_triggers.testing.near import listing
from airflow_triggers.testing.session import TestedSession

TEXTS = (EXCEPTION_INFO,)
"""Metadata with text of several lines."""


def failure(session: TestedSession, problem: str, instance: TaskInstance | None = None) -> AssertionError:
    """The error with the problem, the instance and the session's story.

    :param problem: what was expected, and what was found.
    :param instance: the instance concerned, if any.
    """
    parts = [problem, *([describe(instance)] if instance else ()), session.story()]
    return AssertionError("\n\n".join(parts))


def describe(instance: TaskInstance) -> str:
    """Everything about an instance, its traceback as a traceback."""
    lines = [f"{instance.name}:", f"  status: {instance.status.value}"]
    lines += [f"  lacks: {listing(instance.missing)}"] if instance.missing else []
    lines += [f"  kwargs: {_block(dict(instance.kwargs))}"]
    lines += [f"  {key}: {_block(value)}" for key, value in instance.metadata.items() if key not in TEXTS]
    for key in TEXTS:
        if instance.metadata.get(key):
            lines += [f"  {key}:", *(f"    {line}" for line in str(instance.metadata[key]).splitlines())]
    return "\n".join(lines)


def difference(expectation: Any, actual: Any) -> str:
    """The difference of two values, line by line; empty when each value is one line."""
    expected_lines, actual_lines = (
        pprint.pformat(value, width=80).splitlines() for value in (expectation, actual)
    )
    if isinstance(expectation, Mapping) and isinstance(actual, Mapping):
        expected_lines, actual_lines = list(_entries(expectation)), list(_entries(actual))
    if len(expected_lines) + len(actual_lines) <= 2:
        return ""
    lines = (
        line.rstrip("\n") for line in difflib.ndiff(expected_lines, actual_lines) if not line.startswith("?")
    )
    return "\n" + "\n".join(f"  {line}" for line in lines) + "\n  (- expected, + found)"


def _entries(mapping: Mapping[Any, Any]) -> Iterator[str]:
    for key in sorted(mapping, key=str):
        first_line, *other_lines = pprint.pformat(mapping[key], width=70).splitlines()
        yield f"{key!r}: {first_line}"
        yield from (f"    {line}" for line in other_lines)


def _block(value: Any) -> str:
    lines = (
        value if isinstance(value, str) else pprint.pformat(value, width=96, sort_dicts=False)
    ).splitlines()
    return lines[0] if len(lines) == 1 else "".join(f"\n    {line}" for line in lines)
