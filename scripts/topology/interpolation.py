"""Variables of a Compose file and of the file ``.env``, by the Compose specification.

Neighbours: ``services.py`` reads the file with it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from scripts.demo.processes import DemoError

NAME = r"[A-Za-z_][A-Za-z0-9_]*"
VARIABLE = re.compile(
    rf"\$(?:(?P<escaped>\$)|(?P<bare>{NAME})|\{{(?P<braced>{NAME})(?:(?P<operator>:?[-?])(?P<operand>[^{{}}]*))?\}})?"
)


def read_variables(path: Path) -> dict[str, str]:
    """The variables of a file like ``.env``: one NAME=value a line, and comments."""
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


def interpolated(text: str, variables: Mapping[str, str]) -> str:
    """The text with its variables replaced.

    :raises DemoError: when a variable without default is missing, or a dollar stands alone.
    """

    def value_of(match: re.Match[str]) -> str:
        if match["escaped"]:
            return "$"
        name = match["bare"] or match["braced"]
        if not name:
            raise DemoError(f"{text!r} has a '$' that begins no variable. Write '$$' for a dollar.")
        operator, operand = match["operator"] or "", match["operand"] or ""
        value = variables.get(name)
        if value is not None and (value or not operator.startswith(":")):
            return value
        if operator.endswith("-"):
            return operand
        raise DemoError(f"The variable {name} {operand or 'is not set'} (in {text!r}).")

    return VARIABLE.sub(value_of, text)
