"""The gate: checks every request, whatever its route, ``/docs`` and unknown paths included.

A mounted application inherits no authentication from Airflow. The gate is one middleware before the routing, not a part
of each route: no route can lack it. Neighbours: ``app.py`` installs it; routes get the user from ``dependencies.py``.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from urllib.parse import urlsplit

from airflow.api_fastapi.core_api.security import get_user
from airflow.configuration import conf
from fastapi import HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from airflow_triggers.api.cloud_events import BATCH as EVENT_BATCH
from airflow_triggers.api.errors import RequestRefused, response_to
from airflow_triggers.api.paths import segments_of, with_segments
from airflow_triggers.domain.uids import SessionUid
from airflow_triggers.errors import InvalidSessionUid, StorageError
from airflow_triggers.gateway.logins import Login, LoginFailed, login_of
from airflow_triggers.sentences import sentence

log = logging.getLogger(__name__)

LOGIN = "airflow_triggers.login"
"""The scope's key for the request's :class:`Login`. It is confirmed; only a fire confirms it in its own thread."""

SESSION_UID = "airflow_triggers.session_uid"
"""The scope's key for the :class:`SessionUid`, if the request's path names a session."""

MAX_BODY_BYTES = 1024 * 1024
MAX_BATCH_BYTES = 8 * MAX_BODY_BYTES
"""For a body of up to 1,000 fires, or of up to 10,000 instances."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

SESSIONS = [b"api", b"v1", b"sessions"]
FIRES = b"fires"
BATCH = [b"api", b"v1", b"fires"]
EVENTS = [b"api", b"v1", b"cloudevents"]
BULK_ACTS = [b"api", b"v1", b"bulk-acts"]
"""Path segments below the mount, like :data:`SESSIONS`."""

_bearer = HTTPBearer(auto_error=False)


class Gate:
    """ASGI middleware. Nobody passes without a valid token of Airflow's.

    Whether the token has been revoked is asked before the application is, by another thread. Only a fire asks in its
    own thread, before it does anything: two changes of threads take as long as the look. Nothing is answered before.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Authenticate the request, refuse invalid UIDs and large bodies, and pass on the rest."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            login = scope[LOGIN] = await _login_of(request)
            segments = segments_of(scope)
            if not _is_fire(request, segments):
                await login.confirm_aside()
            try:
                await self._pass_on(request, segments, _after_confirming(login, send))
            except Exception:
                # Its answer is sent outside of the gate.
                await login.confirm_aside()
                raise
        except RequestRefused as refusal:
            await response_to(refusal, scope)(scope, receive, send)
        except LoginFailed as failure:
            await response_to(_refusal_of(failure, request), scope)(scope, receive, send)

    async def _pass_on(self, request: Request, segments: list[bytes] | None, send: Send) -> None:
        scope, receive = request.scope, request.receive
        try:
            if segments is None:
                raise _not_below_mount(request)
            if segments[: len(SESSIONS)] == SESSIONS and len(segments) > len(SESSIONS):
                scope[SESSION_UID] = _session_uid(segments[len(SESSIONS)])
            is_batch = segments in (BATCH, BULK_ACTS) or (segments == EVENTS and _has_many_events(request))
            receive = _limited_receive(request, max_bytes=MAX_BATCH_BYTES if is_batch else MAX_BODY_BYTES)
        except (RequestRefused, InvalidSessionUid) as refusal:
            await response_to(refusal, scope)(scope, receive, send)
        else:
            await self.app(with_segments(scope, segments), receive, send)


def _is_fire(request: Request, segments: list[bytes] | None) -> bool:
    """Whether the request is a fire and no more: a fire has no query, and reading a long one takes time."""
    if request.method != "POST" or request.scope["query_string"] or segments is None:
        return False
    return (
        len(segments) == len(SESSIONS) + 2 and segments[: len(SESSIONS)] == SESSIONS and segments[-1] == FIRES
    )


def _after_confirming(login: Login, send: Send) -> Send:
    """The request's ``send``. It sends nothing before the login is confirmed, an error neither.

    :raises LoginFailed: from ``send``, before anything was sent.
    """
    if login.is_confirmed:
        return send

    async def send_confirmed(message: Message) -> None:
        if not login.is_confirmed:
            await login.confirm_aside()
        await send(message)

    return send_confirmed


def _refusal_of(failure: LoginFailed, request: Request) -> RequestRefused | StorageError:
    if failure.cause is None:
        return _not_authenticated("Invalid JWT token")
    log.error("The login of %s %s failed: %s", request.method, request.url.path, failure.cause)
    return failure.cause


def _not_authenticated(why: str) -> RequestRefused:
    return RequestRefused(
        HTTPStatus.UNAUTHORIZED,
        "NotAuthenticated",
        f"{sentence(why)} Send a token of Airflow's POST /auth/token as 'Authorization: Bearer …'.",
        headers={"WWW-Authenticate": "Bearer"},
    )


async def _login_of(request: Request) -> Login:
    """The login of the request: by its bearer token, otherwise by the cookie of Airflow's login.

    :raises RequestRefused: 401 without a valid token; 403 when the cookie came along from another site's page.
    """
    credentials: HTTPAuthorizationCredentials | None = await _bearer(request)
    try:
        if credentials is None:
            # Airflow's middleware has read the cookie's user already.
            login = Login(await get_user(request, None, None))
        else:
            login = await login_of(credentials.credentials)
    except HTTPException as error:
        # Airflow answers 403 to an unreadable token; for the caller it is the same as no token.
        raise _not_authenticated(error.detail) from error
    if credentials is None and request.method not in SAFE_METHODS and not _is_same_origin(request):
        raise RequestRefused(
            HTTPStatus.FORBIDDEN,
            "CrossOrigin",
            "With the login cookie, only Airflow's own pages may change anything. Send a bearer token instead.",
        )
    return login


def _is_same_origin(request: Request) -> bool:
    """Whether the browser names a page of this server as the request's origin; the cookie alone proves nothing."""
    if site := request.headers.get("sec-fetch-site"):
        return site == "same-origin"
    origin = request.headers.get("origin", "")
    host = request.headers.get("host", "")
    base = urlsplit(conf.get("api", "base_url", fallback="") or "")
    # Behind a proxy the Host header may be the proxy's own, and the scheme is not known. So both are compared.
    return origin in {f"http://{host}", f"https://{host}", f"{base.scheme}://{base.netloc}"} - {"://"}


def _not_below_mount(request: Request) -> RequestRefused:
    """The refusal of a path that, as sent, is not below our mount (``/%2Ftriggers``)."""
    return RequestRefused(HTTPStatus.NOT_FOUND, "NotFound", f"There is nothing at {request.url.path}.")


def _session_uid(segment: bytes) -> SessionUid:
    """The UID in the segment.

    It is checked before the routing: with an impossible UID, the router finds no route, or a wrong one.

    :raises InvalidSessionUid: when it is not of the allowed form.
    """
    try:
        return SessionUid(segment.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise InvalidSessionUid(
            f"A session UID in a path is percent-encoded UTF-8; found {segment!r}."
        ) from error


def _has_many_events(request: Request) -> bool:
    return request.headers.get("content-type", "").lower().startswith(EVENT_BATCH)


def _limited_receive(request: Request, *, max_bytes: int) -> Receive:
    """The request's ``receive``. It refuses a body of more than ``max_bytes`` bytes, announced or not."""
    announced_length = request.headers.get("content-length", "0")
    if announced_length.isdecimal() and int(announced_length) > max_bytes:
        raise _too_large(max_bytes)
    received_bytes = 0

    async def receive() -> Message:
        nonlocal received_bytes
        message = await request.receive()
        received_bytes += len(message.get("body", b""))
        if received_bytes > max_bytes:
            raise _too_large(max_bytes)
        return message

    return receive


def _too_large(max_bytes: int) -> RequestRefused:
    return RequestRefused(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "TooLarge",
        f"A body has {max_bytes} bytes at most here. Send less at a time; of large kwargs, send the address.",
    )
