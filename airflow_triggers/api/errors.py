"""How errors become answers: one table from our errors to HTTP, one form for every error's body.

Neighbours: ``airflow_triggers/errors.py`` is the tree; ``permissions.py`` raises its :class:`~errors.Refused`;
``gate.py`` and ``bodies.py`` raise :class:`RequestRefused`.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as StarletteHTTPException

from airflow_triggers import errors
from airflow_triggers.api.paths import allowed_methods, decoded_name
from airflow_triggers.domain.validation import excerpt
from airflow_triggers.errors import Concealed, SessionNotFound, TriggersError

log = logging.getLogger(__name__)

STATUS_OF_ERROR: dict[type[TriggersError], HTTPStatus] = {
    errors.TriggersError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.ConfigurationError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.UnknownConfiguration: HTTPStatus.NOT_FOUND,
    errors.InvalidSessionUid: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.InvalidTrigger: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.InvalidMetadata: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.InvalidMaxRetries: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.InvalidCooldown: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.InvalidCursor: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.InvalidFilter: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.SessionError: HTTPStatus.CONFLICT,
    errors.SessionNotFound: HTTPStatus.NOT_FOUND,
    errors.SessionExists: HTTPStatus.CONFLICT,
    errors.SessionUnresolved: HTTPStatus.CONFLICT,
    errors.InstanceNotFound: HTTPStatus.NOT_FOUND,
    errors.TaskNotFound: HTTPStatus.NOT_FOUND,
    errors.UnreadableRow: HTTPStatus.CONFLICT,
    errors.DelayedFireNotFound: HTTPStatus.NOT_FOUND,
    errors.DelayedFireCancelled: HTTPStatus.CONFLICT,
    errors.NothingParked: HTTPStatus.NOT_FOUND,
    errors.InvalidTransition: HTTPStatus.CONFLICT,
    errors.IdempotencyConflict: HTTPStatus.CONFLICT,
    errors.Refused: HTTPStatus.FORBIDDEN,
    errors.PreviewOutdated: HTTPStatus.CONFLICT,
    errors.Concealed: HTTPStatus.NOT_FOUND,
    errors.StorageError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.UnsupportedDatabase: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.SchemaOutdated: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.DatabaseFailed: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.CannotDelete: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.CannotDelay: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.StorageNotShared: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.LockTimeout: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.StaleWrite: HTTPStatus.CONFLICT,
    errors.RunnerError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.DagUnavailable: HTTPStatus.CONFLICT,
    errors.RunIdTaken: HTTPStatus.CONFLICT,
    # A request with an unknown name was refused before. Here the server lacks the package, or the package is broken.
    errors.RegistryError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.NotRegistered: HTTPStatus.SERVICE_UNAVAILABLE,
    # A task's errors are recorded on its instance; none should reach a request.
    errors.TaskError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.InvalidResult: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.InvalidTriggerKwargs: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.InvalidAssetEvent: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.RefusedAssetEvent: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.InvalidReport: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.MaxRetriesExceeded: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.NoDatabaseInTask: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.NotATriggerRun: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.TaskProcessDied: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.ProgressNotRecorded: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.RunFailed: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.RunDeleted: HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""The HTTP status of each error. A user's subclass has the status of its base."""

REASON_OF_ERROR: dict[type[TriggersError], str] = {
    errors.Refused: "Forbidden",
    errors.Concealed: SessionNotFound.__name__,
}
"""The word for programs, if it differs from the error's name."""

HEADERS_OF_ERROR: dict[type[TriggersError], Mapping[str, str]] = {
    errors.LockTimeout: {"Retry-After": "1"},
    errors.DatabaseFailed: {"Retry-After": "5"},
}


class RequestRefused(HTTPException):
    """A request refused before its route: not authenticated, from another site's page, too large, or no JSON.

    :param reason: a word for programs, like the names of our errors.
    """

    def __init__(
        self, status: HTTPStatus, reason: str, detail: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, detail, headers=dict(headers or {}))
        self.reason = reason


class AsciiJSONResponse(JSONResponse):
    """JSON in ASCII: it can show unpaired surrogates too (a file name in a task's exception, say)."""

    def render(self, content: Any) -> bytes:
        """The body's bytes. NaN and infinity are shown as text: JSON has no such numbers."""
        try:
            text = json.dumps(content, allow_nan=False, separators=(",", ":"))
        except ValueError:
            text = json.dumps(_without_nan(content), separators=(",", ":"))
        return text.encode("ascii")


def _without_nan(content: Any) -> Any:
    if isinstance(content, float) and not math.isfinite(content):
        return repr(content)
    if isinstance(content, Mapping):
        return {key: _without_nan(part) for key, part in content.items()}
    if isinstance(content, (list, tuple)):
        return [_without_nan(part) for part in content]
    return content


def install_error_handlers(app: FastAPI) -> None:
    """Answer every error of the application in our form, Starlette's and FastAPI's too."""
    app.add_exception_handler(TriggersError, _triggers_error)
    app.add_exception_handler(Concealed, _concealed_session)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(StarletteHTTPException, _http_exception)
    app.add_exception_handler(Exception, _unexpected_error)


def response_to(error: TriggersError | StarletteHTTPException) -> JSONResponse:
    """The answer to one of our errors, or to an HTTP exception."""
    status, content = answer_to(error)
    headers = _nearest(HEADERS_OF_ERROR, error) if isinstance(error, TriggersError) else error.headers
    return AsciiJSONResponse(content, status_code=status, headers=dict(headers or {}))


def answer_to(error: Exception) -> tuple[int, dict[str, Any]]:
    """The status and the body for an error. The body shows nothing of unexpected exceptions."""
    if isinstance(error, TriggersError):
        reason = REASON_OF_ERROR.get(type(error), type(error).__name__)
        return _nearest(STATUS_OF_ERROR, error), {"reason": reason, "detail": str(error)}
    if isinstance(error, StarletteHTTPException):
        status, reason, detail = _read_http_exception(error)
        return status, {"reason": reason, "detail": detail}
    detail = "It failed unexpectedly; the API server's log says why."
    return HTTPStatus.INTERNAL_SERVER_ERROR, {"reason": "InternalError", "detail": detail}


def _nearest(table: Mapping[type[TriggersError], Any], error: TriggersError) -> Any:
    return next((table[kind] for kind in type(error).__mro__ if kind in table), None)


def _triggers_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, TriggersError)
    response = response_to(error)
    if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("%s %s failed: %s", request.method, request.url.path, error, exc_info=error)
    return response


def _concealed_session(request: Request, error: Exception) -> JSONResponse:
    """The caller may do nothing with the path's session: answer as if there were none."""
    return response_to(SessionNotFound(request.path_params["uid"]))


def _http_exception(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, StarletteHTTPException)
    if not isinstance(error, RequestRefused) and error.status_code in _NO_ROUTE:
        detail = _NO_ROUTE[HTTPStatus(error.status_code)].format(
            path=decoded_name(request.url.path), method=request.method
        )
        headers = dict(error.headers or {})
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            # Several routes have this path, and Starlette names only the methods of the first.
            headers["Allow"] = ", ".join(allowed_methods(request.app.routes, request.scope))
        error = StarletteHTTPException(error.status_code, detail, headers=headers)
    return response_to(error)


_NO_ROUTE = {
    HTTPStatus.NOT_FOUND: "There is nothing at {path}.",
    HTTPStatus.METHOD_NOT_ALLOWED: "{path} does not take {method}.",
}
"""The sentences for the router's own errors, which have none."""


def _read_http_exception(error: StarletteHTTPException) -> tuple[int, str, str]:
    if isinstance(error, RequestRefused):
        return error.status_code, error.reason, str(error.detail)
    if error.status_code == HTTPStatus.BAD_REQUEST:
        # FastAPI's own error for a body which is not UTF-8, or is nested too deep to be read.
        return HTTPStatus.UNPROCESSABLE_ENTITY, "InvalidBody", "The body is not JSON that can be read."
    reason = HTTPStatus(error.status_code).phrase.title().replace(" ", "")
    return error.status_code, reason, str(error.detail)


def _unexpected_error(request: Request, error: Exception) -> JSONResponse:
    """A bug or a broken database: Starlette logs the traceback, the caller sees none of it."""
    status, content = answer_to(error)
    return AsciiJSONResponse(content, status_code=status)


def _validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    status, content = answer_to_invalid(error.errors())
    return AsciiJSONResponse(content, status_code=status)


def answer_to_invalid(errors: Sequence[Mapping[str, Any]]) -> tuple[int, dict[str, Any]]:
    """The status and the body for pydantic's errors.

    :param errors: the ``loc`` of each begins with ``body``, ``query``, ….
    """
    problems = [_problem(error) for error in errors]
    detail = "; ".join(
        f"{problem['field']}: {problem['problem']}, found {problem['found']}" for problem in problems[:3]
    )
    return HTTPStatus.UNPROCESSABLE_ENTITY, {
        "reason": "InvalidBody" if problems[0]["in"] == "body" else "InvalidQuery",
        "detail": f"The {problems[0]['in']} is not valid. {detail}.",
        "errors": problems,
    }


_WORDING = {
    "extra_forbidden": "there is no such field",
    "missing": "this is required",
    "model_type": "expected a JSON object",
    "model_attributes_type": "expected a JSON object, sent with the header 'Content-Type: application/json'",
}


def _problem(error: Mapping[str, Any]) -> dict[str, str]:
    """One problem: where, the expected value, and the (shortened) input."""
    where: Sequence[Any] = error["loc"]
    field = ".".join(str(part) for part in where[1:]) if error["type"] != "json_invalid" else ""
    wording = _WORDING.get(error["type"]) or str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "json_invalid":
        wording = f"this is not JSON: {error['ctx']['error']} at character {where[-1]}"
    input_text = "nothing" if error["type"] in {"missing", "json_invalid"} else excerpt(error["input"])
    if error["type"] == "value_error" and "; found " in wording:
        # Our own validators say it more exactly.
        wording, input_text = wording.removesuffix(".").split("; found ", 1)
    return {"in": str(where[0]), "field": field or str(where[0]), "problem": wording, "found": input_text}
