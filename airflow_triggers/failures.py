"""How a failure is described: the metadata keys of a failed instance, wherever the failure happened.

Neighbours: ``task.py`` describes what a callable raised, ``manager.py`` what could not be started,
``controller/`` what Airflow says of a run.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Mapping
from typing import Any, TypeVar

EXCEPTION_KEY = "triggers_exception"
"""The XCom in which a compiled callable reports its exception."""

MAX_LENGTH = 60_000

_CONTEXT_ATTRIBUTE = "__triggers_context__"

E = TypeVar("E", bound=BaseException)


def with_context(error: E, context: Mapping[str, Any]) -> E:
    """Attach values to an exception; they reach the failed instance's ``exceptionContext``.

    :returns: the exception, for ``raise with_context(…)``.

    >>> error = with_context(ValueError("no such age"), {"age": "thirty-six"})
    >>> describe_exception(error)["exceptionContext"]
    {'age': 'thirty-six'}
    """
    attached = {**getattr(error, _CONTEXT_ATTRIBUTE, {}), **context}
    setattr(error, _CONTEXT_ATTRIBUTE, attached)
    return error


def describe_exception(error: BaseException) -> dict[str, Any]:
    """The metadata keys that describe an exception, as JSON and databases can hold them.

    :returns: ``exceptionType`` (``module.Class``), ``exceptionMessage``, ``exceptionInfo`` (the traceback,
        its end if it is long) and ``exceptionContext``.
    """
    kind = type(error)
    shown = "".join(traceback.format_exception(error))
    if len(shown) > MAX_LENGTH:
        shown = f"(the beginning is left out)\n{shown[-MAX_LENGTH:]}"
    attached = getattr(error, _CONTEXT_ATTRIBUTE, {})
    return {
        "exceptionType": f"{kind.__module__}.{kind.__qualname__}",
        "exceptionMessage": str(error)[-MAX_LENGTH:].replace("\0", "�"),
        "exceptionInfo": shown.replace("\0", "�"),
        "exceptionContext": json.loads(json.dumps(attached, default=repr)),
    }
