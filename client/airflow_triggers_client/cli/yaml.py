"""Writes JSON values as YAML. The client has no YAML library, and reads no YAML.

Neighbours: ``output.py``. A string is written plain only if no reader can take it for something else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from airflow_triggers_client.cli.twin.terminal import OBEYED

PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./@#-]*")
NOT_TEXT = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
"""Words that YAML 1.1 takes for booleans or null, in lower case."""


def yaml_text(value: Any) -> str:
    """The value in block style, with a line feed at its end.

    >>> print(yaml_text({"touched": ["t_x#0"], "kwargs": {}}), end="")
    touched:
    - t_x#0
    kwargs: {}
    """
    return "".join(f"{line}\n" for line in _lines(value))


def _lines(value: Any) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key, part in value.items():
            yield from _entry(f"{_scalar(str(key))}:", part)
    elif isinstance(value, list) and value:
        for part in value:
            first, *more_lines = _lines(part)
            yield f"- {first}"
            yield from (f"  {line}" for line in more_lines)
    else:
        yield _scalar(value)


def _entry(key: str, value: Any) -> Iterator[str]:
    lines = _lines(value)
    if isinstance(value, dict) and value:
        yield key
        yield from (f"  {line}" for line in lines)
    elif isinstance(value, list) and value:
        yield key
        yield from lines
    else:
        yield f"{key} {next(lines)}"


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return value if PLAIN.fullmatch(value) and value.lower() not in NOT_TEXT else _literal(value)
    if isinstance(value, float):
        # YAML 1.1 reads 1e+16 as text.
        return re.sub(r"^(-?\d+)e", r"\1.0e", repr(value))
    return json.dumps(value)


def _literal(text: str) -> str:
    # A pair of surrogate escapes is one character in JSON, but two in YAML. So characters are not escaped.
    literal = json.dumps(text.encode(errors="replace").decode(), ensure_ascii=False)
    return OBEYED.sub(lambda match: f"\\u{ord(match[0]):04x}", literal)
