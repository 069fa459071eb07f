"""How errors become answers: one table from our errors to HTTP, one form for every error's body.

Neighbours: ``airflow_triggers/errors.py`` is the tree; ``problems.py`` has the form; ``permissions.py`` raises
:class:`~errors.Refused`; ``gate.py`` and ``bodies.py`` raise :class:`RequestRefused`.
"""

from __future__ import annotations

import json
import logging
import math
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.types import Scope

from airflow_triggers import errors
from airflow_triggers.api.paths import allowed_methods, decoded_name
from airflow_triggers.api.problems import PROBLEM_JSON, Problem, pointer_of
from airflow_triggers.domain.acts import ActKind
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
    errors.InvalidStatus: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.InvalidRate: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.TooManyInstances: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.BulkActNotFound: HTTPStatus.NOT_FOUND,
    errors.BulkActOver: HTTPStatus.CONFLICT,
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
    errors.PreconditionFailed: HTTPStatus.PRECONDITION_FAILED,
    errors.Concealed: HTTPStatus.NOT_FOUND,
    errors.StorageError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.UnsupportedDatabase: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.SchemaOutdated: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.DatabaseFailed: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.CacheFailed: HTTPStatus.SERVICE_UNAVAILABLE,
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
    errors.CacheFailed: {"Retry-After": "5"},
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


class ProblemResponse(AsciiJSONResponse):
    """An error's answer."""

    media_type = PROBLEM_JSON


def response_to(error: TriggersError | StarletteHTTPException, scope: Scope) -> ProblemResponse:
    """The answer to one of our errors, or to an HTTP exception.

    :param scope: the scope of the request.
    """
    headers = _nearest(HEADERS_OF_ERROR, error) if isinstance(error, TriggersError) else error.headers
    return _response_with(problem_of(error), scope, headers)


def _response_with(
    problem: Problem, scope: Scope, headers: Mapping[str, str] | None = None
) -> ProblemResponse:
    return ProblemResponse(problem.body(scope), status_code=problem.status, headers=dict(headers or {}))


def problem_of(error: Exception) -> Problem:
    """The problem of an error. It shows nothing of unexpected exceptions."""
    if isinstance(error, TriggersError):
        return Problem(
            status=_nearest(STATUS_OF_ERROR, error),
            reason=_reason_of(type(error)),
            documented_reason=_reason_of(
                next(kind for kind in type(error).__mro__ if kind in STATUS_OF_ERROR)
            ),
            detail=str(error),
        )
    if isinstance(error, StarletteHTTPException):
        return _problem_of_http_exception(error)
    return Problem(
        status=HTTPStatus.INTERNAL_SERVER_ERROR,
        reason="InternalError",
        documented_reason="InternalError",
        detail="It failed unexpectedly; the API server's log says why.",
    )


def _reason_of(kind: type[TriggersError]) -> str:
    return REASON_OF_ERROR.get(kind, kind.__name__)


def _nearest(table: Mapping[type[TriggersError], Any], error: TriggersError) -> Any:
    return next((table[kind] for kind in type(error).__mro__ if kind in table), None)


def _triggers_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, TriggersError)
    response = response_to(error, request.scope)
    if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("%s %s failed: %s", request.method, request.url.path, error, exc_info=error)
    return response


def _concealed_session(request: Request, error: Exception) -> JSONResponse:
    """The caller may do nothing with the path's session: answer as if there were none."""
    return response_to(SessionNotFound(request.path_params["uid"]), request.scope)


def _http_exception(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, StarletteHTTPException)
    if not isinstance(error, RequestRefused) and error.status_code in _NO_ROUTE:
        detail = _NO_ROUTE[HTTPStatus(error.status_code)].format(
            path=decoded_name(request.url.path), method=request.method
        )
        headers = dict(error.headers or {})
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            # Several routes have this path, and Starlette names only the methods of the first.
            headers["Allow"] = ", ".join(allowed_methods(request.app.router.routes, request.scope))
        error = StarletteHTTPException(error.status_code, detail, headers=headers)
    return response_to(error, request.scope)


_NO_ROUTE = {
    HTTPStatus.NOT_FOUND: "There is nothing at {path}.",
    HTTPStatus.METHOD_NOT_ALLOWED: "{path} does not take {method}.",
}
"""The sentences for the router's own errors, which have none."""


def _problem_of_http_exception(error: StarletteHTTPException) -> Problem:
    status = HTTPStatus(error.status_code)
    if isinstance(error, RequestRefused):
        return Problem(
            status=status, reason=error.reason, documented_reason=error.reason, detail=str(error.detail)
        )
    if status is HTTPStatus.BAD_REQUEST:
        # FastAPI's own error for a body which is not UTF-8, or is nested too deep to be read.
        return Problem(
            status=HTTPStatus.UNPROCESSABLE_ENTITY,
            reason="InvalidBody",
            documented_reason="InvalidBody",
            detail="The body is not JSON that can be read.",
        )
    reason = status.phrase.title().replace(" ", "")
    documented_reason = reason if status in _NO_ROUTE else None
    return Problem(
        status=status, reason=reason, documented_reason=documented_reason, detail=str(error.detail)
    )


def _unexpected_error(request: Request, error: Exception) -> JSONResponse:
    """A bug or a broken database: Starlette logs the traceback, the caller sees none of it."""
    return _response_with(problem_of(error), request.scope)


def _validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    flaws = [_as_sent(flaw, error.body) for flaw in error.errors()]
    return _response_with(problem_of_invalid(flaws), request.scope)


MAX_PLACES = 20
"""The most invalid parts of a request that an answer shows: it would otherwise grow with the request."""

_SHOWN_IN_DETAIL = 3


def problem_of_invalid(errors: Sequence[Mapping[str, Any]]) -> Problem:
    """The problem of pydantic's errors.

    :param errors: the ``loc`` of each begins with ``body``, ``query``, ….
    """
    places = [_place(error) for error in errors[:MAX_PLACES]]
    detail = "; ".join(
        f"{place['field']}: {place['problem']}, found {place['found']}" for place in places[:_SHOWN_IN_DETAIL]
    )
    if (others := len(errors) - _SHOWN_IN_DETAIL) > 0:
        detail += f"; and {others} more"
    reason = _REASON_OF_PLACE.get(places[0]["in"], "InvalidQuery")
    return Problem(
        status=HTTPStatus.UNPROCESSABLE_ENTITY,
        reason=reason,
        documented_reason=reason,
        detail=f"The {places[0]['in']} is not valid. {detail}.",
        places=places,
    )


_REASON_OF_PLACE = {"body": "InvalidBody", "header": "InvalidHeader"}

_NOTHING_FOUND = frozenset({"missing", "union_tag_not_found", "json_invalid"})

_WORDING = {
    "extra_forbidden": "there is no such field",
    "missing": "this is required",
    "union_tag_not_found": "this is required",
    "model_type": "expected a JSON object",
    "model_attributes_type": "expected a JSON object, sent with the header 'Content-Type: application/json'",
}


def _as_sent(error: Mapping[str, Any], body: object) -> Mapping[str, Any]:
    """The error with the place and the input as they were sent.

    If a member of the body chooses its model (:data:`_TAG`), pydantic puts the member's value into the place, where the
    body has nothing; but it does not put the member there when the value itself is wrong.
    """
    where, context = error["loc"], error.get("ctx", {})
    if where[0] == "path":
        return {**error, "input": decoded_name(error["input"])}
    if error["type"] == "union_tag_not_found":
        return {**error, "loc": (*where, _TAG)}
    if error["type"] == "union_tag_invalid":
        # Pydantic writes members of an enumeration as Python does.
        names = _ENUM_MEMBER.sub(r"\1", context["expected_tags"])
        message = f"expected one of {names}"
        return {**error, "msg": message, "loc": (*where, _TAG), "input": context["tag"]}
    if len(where) > 1 and where[1] in _TAGS and isinstance(body, Mapping) and where[1] == body.get(_TAG):
        return {**error, "loc": (where[0], *where[2:])}
    return error


_ENUM_MEMBER = re.compile(r"<[\w.]+: ('[^']*')>")

_TAG = "act"
"""The member of a body that chooses its model."""

_TAGS = frozenset(ActKind)
"""Its values."""


def _place(error: Mapping[str, Any]) -> dict[str, str]:
    """One invalid part of the request: where, the expected value, and the (shortened) input."""
    where: Sequence[Any] = error["loc"]
    is_part = error["type"] != "json_invalid"
    field = ".".join(str(part) for part in where[1:]) if is_part else ""
    wording = _WORDING.get(error["type"]) or str(error["msg"]).removeprefix("Value error, ")
    if not is_part:
        wording = f"this is not JSON: {error['ctx']['error']} at character {where[-1]}"
    input_text = "nothing" if error["type"] in _NOTHING_FOUND else excerpt(error["input"])
    if error["type"] == "value_error" and "; found " in wording:
        # Our own validators say it more exactly.
        wording, input_text = wording.removesuffix(".").split("; found ", 1)
    place = {"in": str(where[0]), "field": field or str(where[0]), "problem": wording, "found": input_text}
    return {**place, "pointer": pointer_of(where[1:] if is_part else ())} if where[0] == "body" else place
