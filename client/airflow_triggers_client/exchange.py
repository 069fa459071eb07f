"""Requests, replies and pauses as values: the questions of an operation, and the answers.

An operation is a generator. It yields a :class:`Request`, a :class:`Pause` or a :class:`PendingToken`, is sent the
reply, and returns its result. It does no input or output itself, so one definition serves the blocking and the
asynchronous client.
Neighbours: ``transport.py`` carries requests out; ``service.py`` adds credentials and retries.
"""

from __future__ import annotations

from collections.abc import Awaitable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")


QueryValue = str | int | float | bool | Sequence[str] | None
"""A parameter: a sequence is sent as several parameters of one name, None is left out."""


@dataclass(frozen=True)
class Request:
    """An HTTP request to the API server.

    :param path: below the server's URL, without a slash at its start; names in it are percent-encoded.
    :param query: parameters; a value of None leaves the parameter out.
    :param body: JSON; None: no body.
    :param repeatable: whether sending it twice has the effect of sending it once.
    :param is_long: whether the answer may take minutes.
    :param token: for the header ``Authorization``.
    :param if_match: for the header ``If-Match``.
    """

    method: str
    path: str
    query: Mapping[str, QueryValue] = field(default_factory=dict)
    body: bytes | None = field(default=None, repr=False)
    repeatable: bool = False
    is_long: bool = False
    token: str | None = field(default=None, repr=False)
    if_match: str | None = None


@dataclass(frozen=True)
class Answer:
    """What the server answered.

    :param headers: by name in lower case.
    """

    status: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300


@dataclass(frozen=True)
class Loss:
    """No answer came.

    :param was_sent: whether the server may have got the request; False: it certainly did not.
    :param cause: the transport's error.
    """

    was_sent: bool
    cause: Exception


@dataclass(frozen=True)
class Pause:
    """Wait so many seconds."""

    seconds: float


@dataclass(frozen=True)
class PendingToken:
    """Wait for the token of an asynchronous function. The reply is a :class:`Token`."""

    awaitable: Awaitable[object] = field(repr=False)


@dataclass(frozen=True)
class Token:
    """What the function returned. Nobody has checked it."""

    value: object = field(repr=False)


Step = Request | Pause | PendingToken
Reply = Answer | Loss | Token | None

Steps = Generator[Step, Reply, T]
"""An operation that returns a ``T``."""
