"""The triggers API of one server for the operations: adds credentials, and tries failed requests again.

Neighbours: ``operations/`` build requests for it; ``client.py`` and ``async_client.py`` make one each.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import quote

from airflow_triggers_client.answers import error_of, result_of
from airflow_triggers_client.credentials import Credentials
from airflow_triggers_client.errors import (
    AnswerLost,
    ConnectionFailed,
    InvalidArgument,
    ServerUnreachable,
    TriggersClientError,
)
from airflow_triggers_client.exchange import Answer, Loss, Pause, Reply, Request, Steps
from airflow_triggers_client.models.base import TaggedResult
from airflow_triggers_client.retries import Retries, may_repeat, retry_after_of

T = TypeVar("T")
Tagged = TypeVar("Tagged", bound=TaggedResult)

API = "triggers/api/v1"
"""The path of the API below the server's URL."""

MAX_BODY_BYTES = 8 * 1024 * 1024
"""The largest body that the server takes, that of a batch."""


@dataclass
class Attempts:
    """The tries of one request so far."""

    retries: Retries
    clock: Callable[[], float]
    chance: Callable[[], float]
    count: int = 0
    began: float = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.clock()

    def pause(self, retry_after: float | None = None) -> float | None:
        """Seconds before the next try; None: there is none."""
        duration = self.clock() - self.began
        pause = self.retries.pause(
            self.count, elapsed=duration, chance=self.chance(), retry_after=retry_after
        )
        self.count += 1
        return pause


@dataclass(frozen=True)
class Service:
    """The tools of every operation.

    :param credentials: the user's credentials.
    :param retries: how long a request is tried.
    :param clock: the seconds of a monotonic clock.
    :param chance: a random number from 0 to 1.
    """

    credentials: Credentials
    retries: Retries = field(default_factory=Retries)
    clock: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random

    def call(self, request: Request, model: type[T]) -> Steps[T]:
        """Send the request to the API, again if this is safe, and read the answer.

        :raises TriggersClientError: an error of ``errors.py``, when no successful answer comes.
        """
        answer = yield from self.exchange(replace(request, path=f"{API}/{request.path}"))
        return result_of(answer, model)

    def call_tagged(self, request: Request, model: type[Tagged]) -> Steps[Tagged]:
        """As :meth:`call`. The result has the answer's ``ETag``."""
        answer = yield from self.exchange(replace(request, path=f"{API}/{request.path}"))
        return result_of(answer, model).model_copy(update={"etag": answer.headers.get("etag")})

    def order(self, request: Request) -> Steps[None]:
        """As :meth:`call`, for requests with an empty answer."""
        yield from self.exchange(replace(request, path=f"{API}/{request.path}"))

    def attempts(self) -> Attempts:
        """A new series of tries, which begins now."""
        return Attempts(self.retries, self.clock, self.chance)

    def exchange(self, request: Request, *, with_token: bool = True) -> Steps[Answer]:
        """Send the request, with a token, until a successful answer comes or the tries are used up."""
        attempts = self.attempts()
        refused_token: str | None = None
        while True:
            token = None
            if with_token:
                token = yield from self.credentials.token(self._login, refused_token=refused_token)
            reply = yield replace(request, token=token)
            if isinstance(reply, Answer) and reply.is_success:
                return reply
            if self._is_to_renew(reply, token, refused_token):
                refused_token = token
                continue
            error = _error_of(reply, request)
            pause = None
            if may_repeat(error, repeatable=request.repeatable):
                pause = attempts.pause(retry_after_of(error))
            if pause is None:
                raise error from (reply.cause if isinstance(reply, Loss) else None)
            yield Pause(pause)

    def _login(self, request: Request) -> Steps[Answer]:
        return self.exchange(request, with_token=False)

    def _is_to_renew(self, reply: Reply, token: str | None, refused_token: str | None) -> bool:
        is_refused = isinstance(reply, Answer) and reply.status == HTTPStatus.UNAUTHORIZED
        return is_refused and token is not None and refused_token is None and self.credentials.can_renew


def _error_of(reply: Reply, request: Request) -> TriggersClientError:
    if isinstance(reply, Answer):
        return error_of(reply)
    assert isinstance(reply, Loss)
    return _connection_error(reply, request)


def _connection_error(loss: Loss, request: Request) -> ConnectionFailed:
    cause = f"{type(loss.cause).__name__}: {loss.cause}".rstrip(": ")
    if not loss.was_sent:
        return ServerUnreachable(f"The API server cannot be reached; nothing was done. {cause}.")
    note = (
        "It may be sent again: it counts once."
        if request.repeatable
        else "Look whether it was carried out before you send it again."
    )
    return AnswerLost(f"No answer to {request.method} {request.path} came. {note} {cause}.")


def path(*segments: str) -> str:
    """A path of these names, each percent-encoded.

    :raises InvalidArgument: for a name that no path can have: an empty one, ``.``, ``..``, or what is no text.
    """
    return "/".join(_segment(segment) for segment in segments)


def _segment(name: str) -> str:
    if checked_text(name, "A name") in ("", ".", ".."):
        raise InvalidArgument(f"A name is not empty, and not '.' or '..'; found {name!r}.")
    try:
        return quote(name, safe="")
    except UnicodeEncodeError as error:
        raise InvalidArgument(f"A name is text that UTF-8 can encode; found {name!r}.") from error


def identifier(number: object) -> str:
    """An id as a segment of a path.

    :raises InvalidArgument: when it is no whole number.
    """
    if not isinstance(number, int) or isinstance(number, bool):
        raise InvalidArgument(f"An id is a whole number; found {number!r}.")
    return str(number)


def checked_text(value: object, subject: str) -> str:
    """The value, if it is text: ``None`` and ``17`` must not become names of sessions.

    :param subject: begins the error's sentence.
    :raises InvalidArgument: when it is none.
    """
    if not isinstance(value, str):
        raise InvalidArgument(f"{subject} is text; found {value!r}.")
    return value


def body(content: Mapping[str, Any]) -> bytes:
    """The content as JSON, without members of the value None.

    :raises InvalidArgument: when JSON cannot hold the content.
    """
    fields = {key: value for key, value in content.items() if value is not None}
    try:
        # As ASCII, half of a surrogate pair reaches the server, which refuses it and names its place.
        return json.dumps(fields, allow_nan=False, separators=(",", ":")).encode("ascii")
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgument(
            f"Expected what JSON has: objects, lists, strings, finite numbers, booleans and null. {error}."
        ) from error
