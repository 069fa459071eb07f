"""The gate: what holds for every request, whichever route it asks for, ``/docs`` and unknown paths included.

A mounted application inherits no authentication from Airflow. It stands in one middleware before the routing, and not
in each route, so that no route can be without. Neighbours: ``app.py`` installs it; routes get the user from
``dependencies.py``.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from airflow.api_fastapi.core_api.security import get_user
from airflow.configuration import conf
from fastapi import HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from airflow_triggers.api.errors import Refused, response_to
from airflow_triggers.errors import InvalidSessionUid
from airflow_triggers.validation import validate_session_uid

USER = "airflow_triggers.user"
"""Where the scope of a request that passed holds Airflow's user."""

MAX_BODY_BYTES = 1024 * 1024
MAX_BATCH_BYTES = 8 * MAX_BODY_BYTES
"""For a body of up to 1,000 fires."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_bearer = HTTPBearer(auto_error=False)
_batch_path = re.compile(rb"/api/v1/fires(\?|$)")
_session_in_path = re.compile(rb"/api/v1/sessions/([^/?]*)")


class Gate:
    """ASGI middleware that lets nobody pass without a valid token of Airflow's."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Authenticate the request, refuse what no route should see, and pass on the rest."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            scope[USER] = await _authenticate(request)
            _refuse_bad_uid(request)
            receive = _limited(request)
        except (HTTPException, InvalidSessionUid) as refusal:
            await response_to(refusal)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


async def _authenticate(request: Request) -> Any:
    """Airflow's user of the request: of its bearer token, else of the cookie that browsers send along.

    :raises Refused: 401 without a valid token; 403 when the cookie came along from another site's page.
    """
    credentials: HTTPAuthorizationCredentials | None = await _bearer(request)
    try:
        user = await get_user(request, None, credentials)
    except HTTPException as error:
        # Airflow answers 403 to a token that it cannot read; for the caller it is the same as none.
        raise Refused(
            HTTPStatus.UNAUTHORIZED,
            "NotAuthenticated",
            f"{error.detail}. Send a token of Airflow's POST /auth/token as 'Authorization: Bearer …'.",
            headers={"WWW-Authenticate": "Bearer"},
        ) from error
    if credentials is None and request.method not in SAFE_METHODS and not _is_same_origin(request):
        raise Refused(
            HTTPStatus.FORBIDDEN,
            "CrossOrigin",
            "With the login cookie, only Airflow's own pages may change anything. Send a bearer token instead.",
        )
    return user


def _is_same_origin(request: Request) -> bool:
    """Whether a browser says that the request comes from a page of this server; the cookie alone proves nothing."""
    if site := request.headers.get("sec-fetch-site"):
        return site == "same-origin"
    origin = request.headers.get("origin", "")
    host = request.headers.get("host", "")
    base = urlsplit(conf.get("api", "base_url", fallback="") or "")
    # Behind a proxy the Host header may be the proxy's own, and the scheme is not known: hence both ways.
    return origin in {f"http://{host}", f"https://{host}", f"{base.scheme}://{base.netloc}"} - {"://"}


def _refuse_bad_uid(request: Request) -> None:
    """Refuse a UID that routing would show to no route, or to another one: ``a%2Ffires`` becomes ``a/fires``."""
    found = _session_in_path.search(request.scope.get("raw_path") or b"")
    if found is None:
        return
    uid = unquote_to_bytes(found[1])
    try:
        validate_session_uid(uid.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise InvalidSessionUid(
            f"A session UID in a path is percent-encoded UTF-8; found {uid!r}."
        ) from error


def _limited(request: Request) -> Receive:
    """The request's ``receive``, which refuses a body that is too large, announced or not."""
    most = MAX_BATCH_BYTES if _batch_path.search(request.scope.get("raw_path") or b"") else MAX_BODY_BYTES
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > most:
        raise _too_large(most)
    received = 0

    async def receive() -> Message:
        nonlocal received
        message = await request.receive()
        received += len(message.get("body", b""))
        if received > most:
            raise _too_large(most)
        return message

    return receive


def _too_large(most: int) -> Refused:
    return Refused(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "TooLarge",
        f"A body has {most} bytes at most here. Keep large content elsewhere, and fire with its address.",
    )
