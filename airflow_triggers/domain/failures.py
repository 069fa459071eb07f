"""How a failure is described: the metadata keys of a failed instance, wherever the failure happened.

Neighbours: ``task/`` describes exceptions of callables, ``manager/manager.py`` failed starts, ``controller/`` failed
runs in Airflow.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from airflow_triggers.domain.metadata import (
    EXCEPTION_CONTEXT,
    EXCEPTION_INFO,
    EXCEPTION_MESSAGE,
    EXCEPTION_TYPE,
)
from airflow_triggers.domain.validation import json_object

MAX_LENGTH = 60_000
"""The most characters of a traceback."""

MAX_VALUE_LENGTH = 4_000
"""The most characters of a message, or of one attached value."""

_CONTEXT_ATTRIBUTE = "__triggers_context__"

E = TypeVar("E", bound=BaseException)


def with_context(error: E, context: Mapping[str, Any]) -> E:
    """Attach values to an exception; they reach the failed instance's ``exceptionContext``.

    :returns: the exception, for ``raise with_context(…)``.

    >>> error = with_context(ValueError("no such age"), {"age": "thirty-six"})
    >>> describe_exception(error)["exceptionContext"]
    {'age': 'thirty-six'}
    """
    values = {**attached_context(error), **context}
    setattr(error, _CONTEXT_ATTRIBUTE, values)
    return error


def attached_context(error: BaseException) -> dict[str, Any]:
    """The values attached to the exception by :func:`with_context`."""
    return dict(getattr(error, _CONTEXT_ATTRIBUTE, {}))


def describe_exception(error: BaseException) -> dict[str, Any]:
    """The metadata keys for an exception, in a form that JSON and databases can hold.

    :returns: ``exceptionType`` (``module.Class``), ``exceptionMessage``, ``exceptionInfo`` (the traceback,
        its end if it is long) and ``exceptionContext``.
    """
    kind = type(error)
    return {
        EXCEPTION_TYPE: f"{kind.__module__}.{kind.__qualname__}",
        EXCEPTION_MESSAGE: _end_of(_text_of(error, str), MAX_VALUE_LENGTH),
        EXCEPTION_INFO: _end_of("".join(traceback.format_exception(error)), MAX_LENGTH),
        EXCEPTION_CONTEXT: _json_context(attached_context(error)),
    }


def failure_in_short(metadata: Mapping[str, Any]) -> str | None:
    """A failed instance's exception on one line, from its metadata; None when there is none.

    >>> failure_in_short(describe_exception(ValueError("no such age")))
    'ValueError: no such age'
    """
    if EXCEPTION_TYPE not in metadata:
        return None
    first, *further_lines = str(metadata.get(EXCEPTION_MESSAGE, "")).splitlines() or [""]
    kind = str(metadata[EXCEPTION_TYPE]).removeprefix("builtins.")
    text = f"{_end_of(first, MAX_VALUE_LENGTH)}{' …' if further_lines else ''}".strip()
    return f"{kind}: {text}" if text else kind


def reported_exception(report: Mapping[str, Any]) -> dict[str, Any]:
    """A worker's report in the form of :func:`describe_exception`: its four keys, of their types and lengths.

    Any code in a worker can write the report, and it becomes an instance's metadata.
    """
    lengths = {
        EXCEPTION_TYPE: MAX_VALUE_LENGTH,
        EXCEPTION_MESSAGE: MAX_VALUE_LENGTH,
        EXCEPTION_INFO: MAX_LENGTH,
    }
    context = report.get(EXCEPTION_CONTEXT)
    values = context if isinstance(context, Mapping) else {}
    return {
        **{key: _end_of(str(report.get(key, "")), length) for key, length in lengths.items()},
        EXCEPTION_CONTEXT: _json_context(values),
    }


def _json_context(context: Mapping[Any, Any]) -> dict[str, Any]:
    return {_end_of(str(name), MAX_VALUE_LENGTH): _as_json(value) for name, value in context.items()}


def _text_of(value: Any, show: Callable[[Any], str]) -> str:
    try:
        return show(value)
    # A user's class: its own error must not hide the failure.
    except Exception as error:  # noqa: BLE001
        return f"({type(value).__name__} cannot be shown: {type(error).__name__})"


def _end_of(text: str, length: int) -> str:
    """The text as databases can keep it; the end of a long one, where a traceback says what happened."""
    text = text.replace("\0", "�").encode(errors="replace").decode()
    return text if len(text) <= length else f"(the beginning is left out)\n{text[-length:]}"


def _as_json(value: Any) -> Any:
    """The value if it is short, and JSON and databases can hold it; else its ``repr``."""
    try:
        text = json.dumps(
            value, allow_nan=False, ensure_ascii=False, default=lambda part: _text_of(part, repr)
        )
        if len(text) <= MAX_VALUE_LENGTH:
            return json_object({"value": json.loads(text)})["value"]
    except (TypeError, ValueError, RecursionError):
        pass
    return _end_of(_text_of(value, repr), MAX_VALUE_LENGTH)
