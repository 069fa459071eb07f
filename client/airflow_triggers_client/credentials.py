"""Credentials: a token, a function that returns one, or a user's name and password to get tokens from Airflow.

Neighbours: ``service.py`` puts the token into each request, and asks for another one when it is refused.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from pydantic import BaseModel

from airflow_triggers_client.answers import result_of
from airflow_triggers_client.errors import InvalidArgument
from airflow_triggers_client.exchange import Answer, PendingToken, Request, Steps, Token

Exchange = Callable[[Request], "Steps[Answer]"]
"""Sends a request without a token, again where that helps, and returns the answer of success."""

Supply = Callable[[], "str | Awaitable[str]"]
"""Returns a token, or an awaitable of one; only the asynchronous client can await it."""


class Credentials(ABC):
    """A source of tokens."""

    can_renew: bool = True
    """Whether another token may come when one is refused."""

    @abstractmethod
    def token(self, exchange: Exchange, *, refused_token: str | None) -> Steps[str]:
        """The token to send.

        :param exchange: sends a request to Airflow.
        :param refused_token: a token refused by the server; the result is another one, if there is one.
        """


@dataclass(frozen=True)
class FixedToken(Credentials):
    """One token, which cannot be renewed."""

    value: str = field(repr=False)
    can_renew = False

    def token(self, exchange: Exchange, *, refused_token: str | None) -> Steps[str]:
        """See :meth:`Credentials.token`."""
        yield from ()
        return self.value


@dataclass
class SuppliedToken(Credentials):
    """Tokens of a function; it is called again when a token is refused. Its result may be awaitable."""

    supply: Supply
    _current: str | None = field(default=None, repr=False)

    def token(self, exchange: Exchange, *, refused_token: str | None) -> Steps[str]:
        """See :meth:`Credentials.token`.

        :raises InvalidArgument: when the function returns what cannot be a token.
        """
        if self._current is None or self._current == refused_token:
            token: object = self.supply()
            if isinstance(token, Awaitable):
                reply = yield PendingToken(token)
                assert isinstance(reply, Token)
                token = reply.value
            self._current = _header_value(token)
        return self._current


class _Login(BaseModel):
    access_token: str


@dataclass
class Password(Credentials):
    """A user's name and password: Airflow's ``POST /auth/token`` returns tokens, a new one after each expiry."""

    username: str
    password: str = field(repr=False)
    _current: str | None = field(default=None, repr=False)

    def token(self, exchange: Exchange, *, refused_token: str | None) -> Steps[str]:
        """See :meth:`Credentials.token`."""
        # Another thread or task may have renewed the token meanwhile: then its token is tried first.
        if self._current is None or self._current == refused_token:
            body = json.dumps({"username": self.username, "password": self.password}).encode()
            answer = yield from exchange(Request("POST", "auth/token", body=body, repeatable=True))
            self._current = result_of(answer, _Login).access_token
        return self._current


def credentials_of(token: str | Supply | None, username: str | None, password: str | None) -> Credentials:
    """The credentials of a client's arguments.

    :raises InvalidArgument: when there is neither a token nor a name with a password, or both, or one is no text.
    """
    if token is not None and username is None and password is None:
        if callable(token):
            return SuppliedToken(token)
        return FixedToken(_header_value(token))
    if token is None and username is not None and password is not None:
        for name, value in (("username", username), ("password", password)):
            if not isinstance(value, str):
                raise InvalidArgument(f"{name!r} is text; found {type(value).__name__}.")
        return Password(username, password)
    raise InvalidArgument("Give a token, or a username with a password; not both, and not a part of them.")


def _header_value(token: object) -> str:
    if not isinstance(token, str):
        raise InvalidArgument(
            f"A token is text, or a function that returns text; found {type(token).__name__}."
        )
    token = token.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise InvalidArgument(
            "A token is one word of printable ASCII characters; the one that was given is not."
        )
    return token
