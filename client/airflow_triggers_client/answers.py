"""Reads answers: as a result of a type, or as an error.

Errors have the form ``{"reason": …, "detail": …}``, or RFC 9457's ``application/problem+json`` with or without
``reason``. A proxy's answer has neither form. Neighbours: ``errors.py`` has the tree.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from functools import lru_cache
from http import HTTPStatus
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from airflow_triggers_client.errors import ApiError, Problem, ServerError, UnexpectedAnswer
from airflow_triggers_client.exchange import Answer

T = TypeVar("T")

SHOWN_CHARACTERS = 200
"""How much of an answer that cannot be read an error shows."""


def result_of(answer: Answer, model: type[T]) -> T:
    """The answer's body as the type. :raises UnexpectedAnswer: when it has another shape."""
    try:
        # Not validate_json: kwargs may hold halves of surrogate pairs, and only Python's reader accepts these.
        content = json.loads(answer.content)
    except ValueError as error:
        raise UnexpectedAnswer(
            f"Expected JSON of the triggers API, found {_excerpt(answer.content)} (status {answer.status}). "
            "Is the URL that of an Airflow API server with airflow-triggers?"
        ) from error
    return parse(content, model)


def parse(content: Any, model: type[T]) -> T:
    """The content as the type. :raises UnexpectedAnswer: when it has another shape."""
    try:
        adapter: TypeAdapter[T] = _adapter_of(cast("Any", model))
        return adapter.validate_python(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the body"
        raise UnexpectedAnswer(
            f"The server's answer is not of the expected form ({model.__name__}): {place}: {first['msg']}. "
            "Use a client of the server's version."
        ) from error


@lru_cache(maxsize=64)
def _adapter_of(model: Any) -> TypeAdapter[Any]:
    """The type's reader. Making one takes longer than reading a result."""
    return TypeAdapter(model)


def error_of(answer: Answer) -> ApiError | UnexpectedAnswer:
    """The error of an answer without success."""
    if answer.status < HTTPStatus.BAD_REQUEST:
        return UnexpectedAnswer(_redirection(answer))
    try:
        body = json.loads(answer.content)
    except ValueError:
        body = None
    retry_after = seconds_of(answer.headers.get("retry-after"), now=datetime.now(timezone.utc))
    return api_error(answer.status, body if isinstance(body, dict) else {}, retry_after=retry_after)


def api_error(status: int, body: Mapping[str, Any], *, retry_after: float | None = None) -> ApiError:
    """The error of a status and a body, as :class:`ApiError` or the most exact subclass."""
    problem = Problem(
        status=status,
        reason=_reason(status, body),
        detail=_detail(status, body),
        errors=tuple(error for error in _list(body.get("errors")) if isinstance(error, dict)),
        retry_after=retry_after,
        body=body,
    )
    return _class_of(problem)(problem)


def seconds_of(retry_after: str | None, *, now: datetime) -> float | None:
    """The seconds of a header ``Retry-After`` (seconds or a date); None when it is missing or has another form."""
    if retry_after is None:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        moment = parsedate_to_datetime(retry_after)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max(0.0, (moment - now).total_seconds())


def _class_of(problem: Problem) -> type[ApiError]:
    by_status = next((kind for kind in _kinds(ApiError) if problem.status in kind.statuses), None)
    if by_status is None:
        return ServerError if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR else ApiError
    return next((kind for kind in _kinds(by_status) if problem.reason in kind.reasons), by_status)


def _kinds(kind: type[ApiError]) -> Iterator[type[ApiError]]:
    for subclass in kind.__subclasses__():
        # Parents come first: a subclass for reasons inherits the statuses, but only its parent stands for the status
        # alone.
        yield subclass
        yield from _kinds(subclass)


def _reason(status: int, body: Mapping[str, Any]) -> str:
    """``reason``; else the end of ``type``, as a word; else the status's phrase, as a word."""
    if isinstance(body.get("reason"), str) and body["reason"]:
        return str(body["reason"])
    kind = body.get("type")
    if isinstance(kind, str) and kind != "about:blank":
        word = _word(kind.rstrip("/#").rpartition("/")[2].rpartition("#")[2].rpartition(":")[2])
        if word:
            return word
    try:
        return _word(HTTPStatus(status).phrase)
    except ValueError:
        return f"Status{status}"


def _word(text: str) -> str:
    """``session-not-found`` and ``Session Not Found`` as ``SessionNotFound``."""
    parts = text.replace("-", " ").replace("_", " ").split()
    return "".join(part[:1].upper() + part[1:] for part in parts)


def _detail(status: int, body: Mapping[str, Any]) -> str:
    for key in ("detail", "title"):
        if isinstance(body.get(key), str) and body[key]:
            return str(body[key])
    if isinstance(body.get("detail"), (dict, list)):
        # Airflow's own routes (the login) answer in this form.
        return f"The server answered with status {status}: {_excerpt(json.dumps(body['detail']).encode())}"
    return f"The server, or a proxy before it, answered with status {status} and without a reason."


def _redirection(answer: Answer) -> str:
    target = answer.headers.get("location")
    where = f", a redirection to {target}" if target else ""
    return f"The server answered with status {answer.status}{where}. Give the URL that the API server has itself."


def _excerpt(content: bytes) -> str:
    text = content.decode(errors="replace")
    return repr(text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
