"""Corrects what Schemathesis generates where it reads a documented form only nearly; ``schemathesis.toml`` names it.

It knows Unicode's classes in patterns (``\\p{C}``) for some letters only, and JSON Schema has no words for the integers
that a worker can be sent. A request that is meant to be valid is made so here, or left out.
"""

from __future__ import annotations

import unicodedata
from typing import Any
from urllib.parse import unquote

import schemathesis
from schemathesis.core.parameters import ParameterLocation

UNKNOWN = {"Cf", "Cn", "Co", "Zl", "Zp", "Zs"}
"""The classes of letters that the document excludes and that are generated all the same."""


@schemathesis.hook
def map_case(context: schemathesis.HookContext, case: schemathesis.Case) -> schemathesis.Case:
    """Put another letter or number in the place of what the document excludes."""
    for location, part in ((ParameterLocation.QUERY, "query"), (ParameterLocation.BODY, "body")):
        content = getattr(case, part)
        if _is_valid(case, location) and (corrected := _corrected(content)) != content:
            setattr(case, part, corrected)
    if case.headers and isinstance(case.body, dict) and case.body.get("idempotency_key") is not None:
        # It is to be the same as the body's: a schema has no words for that.
        case.headers.pop("Idempotency-Key", None)
    return case


@schemathesis.hook
def filter_case(context: schemathesis.HookContext, case: schemathesis.Case) -> bool:
    """Whether a path that is meant to be valid is; it is percent-encoded already. And whether no number is a tag: it is
    meant to be invalid, but counts as valid text once it is a header.
    """
    if any(str((case.headers or {}).get(name, "")).isdecimal() for name in ("If-Match", "If-None-Match")):
        return False
    names = map(str, (case.path_parameters or {}).values())
    return not _is_valid(case, ParameterLocation.PATH) or not any(
        _is_unknown(c) for c in unquote("".join(names))
    )


def _is_valid(case: schemathesis.Case, location: ParameterLocation) -> bool:
    return case.meta is not None and not case.meta.is_negative_at(location)


def _corrected(value: Any) -> Any:
    if isinstance(value, dict):
        return {_corrected(key): _corrected(content) for key, content in value.items()}
    if isinstance(value, list):
        return [_corrected(content) for content in value]
    if isinstance(value, str):
        return "".join("é" if _is_unknown(letter) else letter for letter in value)
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return value % 2**63
    return value


def _is_unknown(letter: str) -> bool:
    return letter != " " and unicodedata.category(letter) in UNKNOWN
