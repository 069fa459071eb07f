"""The edge to httpx: carries out requests, and turns answers and httpx's errors into values.

Neighbours: ``client.py`` and ``async_client.py`` have a driver each; ``exchange.py`` has the values.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from http.cookiejar import DefaultCookiePolicy
from typing import Any, TypeVar

import httpx

from airflow_triggers_client.errors import InvalidArgument
from airflow_triggers_client.exchange import Answer, Loss, Pause, PendingToken, Reply, Request, Steps, Token
from airflow_triggers_client.retries import check_seconds

T = TypeVar("T")

NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
"""What httpx raises before a request is on its way."""

NOT_SENDABLE = (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError)
"""What httpx raises for a URL or a header that no request can have."""

HTTPX_ERRORS = (httpx.RequestError, httpx.InvalidURL)
"""What httpx raises of a request."""

LONG = 5
"""How much longer than others a long request may take."""

KEEPALIVE_SECONDS = 3.0
"""An idle connection is given up before the server does that: a request would meet its end."""


def checked_url(url: str) -> httpx.URL:
    """The server's URL, with a slash at its end.

    :raises InvalidArgument: when it is no absolute URL of http or https, or has more than a path.
    """
    try:
        address = httpx.URL(url)
    except (httpx.InvalidURL, TypeError) as error:
        raise InvalidArgument(_expected_url(url)) from error
    if address.scheme not in ("http", "https") or not address.host or address.query or address.fragment:
        raise InvalidArgument(_expected_url(url))
    if address.userinfo:
        raise InvalidArgument("The URL has a user or a password; give them as username and password instead.")
    return address.copy_with(path=f"{address.path.rstrip('/')}/")


def _expected_url(url: object) -> str:
    return f"Expected the URL of an Airflow API server, such as 'http://localhost:8080'; found {url!r}."


class Driver:
    """The common base of the two drivers.

    :param url: the URL of the API server.
    :param timeout: seconds to wait for the server at each step of a request.
    """

    def __init__(self, url: str, timeout: float) -> None:
        self.url = checked_url(url)
        check_seconds("timeout", timeout, above_zero=True)
        self.timeout = timeout

    def arguments(self, request: Request) -> dict[str, Any]:
        """The arguments of httpx's ``request`` for the request."""
        headers = {"Accept": "application/json"}
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        if request.token is not None:
            headers["Authorization"] = f"Bearer {request.token}"
        if request.if_match is not None:
            headers["If-Match"] = request.if_match
        query = {name: value for name, value in request.query.items() if value is not None}
        return {
            "method": request.method,
            # Not joined by httpx: joining would resolve dots in names.
            "url": httpx.URL(f"{self.url}{request.path}", params=query or None),
            "content": request.body,
            "headers": headers,
            "timeout": httpx.Timeout(self.timeout, read=self.timeout * (LONG if request.is_long else 1)),
            "follow_redirects": False,
        }


def without_cookies(client: httpx.Client | httpx.AsyncClient) -> None:
    """Let the client store no cookies: Airflow's login sets a cookie, and it would outlive the token."""
    client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))


def answer_of(response: httpx.Response) -> Answer:
    """The answer of a response with its body read."""
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status_code, headers, response.content)


def loss_of(error: Exception) -> Loss:
    """The loss of an answer, from an error of httpx.

    :raises InvalidArgument: when the request is invalid and was never sent.
    """
    if isinstance(error, NOT_SENDABLE):
        raise InvalidArgument(f"The request cannot be sent: {error}.") from error
    return Loss(was_sent=not isinstance(error, NEVER_SENT), cause=error)


def _asynchronous_token(step: PendingToken) -> InvalidArgument:
    if isinstance(step.awaitable, Coroutine):
        # Python warns of a coroutine that nobody has awaited.
        step.awaitable.close()
    return InvalidArgument(
        "TriggersClient takes a token function that returns text; found an asynchronous one. Use AsyncTriggersClient."
    )


class BlockingDriver(Driver):
    """Carries out operations with a client of httpx, in the caller's thread."""

    def __init__(self, url: str, timeout: float, http: httpx.Client) -> None:
        super().__init__(url, timeout)
        self.http = http

    def run(self, steps: Steps[T]) -> T:
        """Carry the operation out, and return its result."""
        reply: Reply = None
        while True:
            try:
                step = steps.send(reply)
            except StopIteration as end:
                result: T = end.value
                return result
            if isinstance(step, Pause):
                time.sleep(step.seconds)
                reply = None
            elif isinstance(step, PendingToken):
                raise _asynchronous_token(step)
            else:
                reply = self._send(step)

    def _send(self, request: Request) -> Reply:
        try:
            return answer_of(self.http.request(**self.arguments(request)))
        except HTTPX_ERRORS as error:
            return loss_of(error)


class AsyncDriver(Driver):
    """Carries out operations with an asynchronous client of httpx, on asyncio."""

    def __init__(self, url: str, timeout: float, http: httpx.AsyncClient) -> None:
        super().__init__(url, timeout)
        self.http = http

    async def run(self, steps: Steps[T]) -> T:
        """Carry the operation out, and return its result."""
        reply: Reply = None
        while True:
            try:
                step = steps.send(reply)
            except StopIteration as end:
                result: T = end.value
                return result
            if isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
                reply = None
            elif isinstance(step, PendingToken):
                reply = Token(await step.awaitable)
            else:
                reply = await self._send(step)

    async def _send(self, request: Request) -> Reply:
        try:
            return answer_of(await self.http.request(**self.arguments(request)))
        except HTTPX_ERRORS as error:
            return loss_of(error)
