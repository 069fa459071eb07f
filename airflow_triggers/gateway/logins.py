"""Airflow's login, without holding up the event loop: whose token is it, and is it still good?

Airflow asks its database in the event loop whether a token has been revoked. Every other request of the process waits
meanwhile. Here a thread asks. Neighbours: ``api/gate.py`` lets nobody pass without this.
"""

from __future__ import annotations

import asyncio
import contextvars
import hashlib
import inspect
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.base_auth_manager import BaseAuthManager
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.tokens import JWTValidator
from airflow.api_fastapi.core_api.security import resolve_user_from_token
from airflow.models.revoked_token import RevokedToken
from jwt import InvalidTokenError
from sqlalchemy import bindparam, select

from airflow_triggers.errors import StorageError
from airflow_triggers.gateway.verified_tokens import VerifiedTokens
from airflow_triggers.storages.database_errors import translated_errors
from airflow_triggers.storages.kept_connection import KeptConnection, kept_connection
from airflow_triggers.storages.prepared import PreparedStatement
from airflow_triggers.storages.transaction import look

AT_ONCE = 1
"""Logins that ask the database at once. ``api/turns.py`` leaves them as many connections of Airflow's pool."""

KNOWN_LOGINS = frozenset({"5cbc15581b81db1bb0f64fb8f0beda51980382964818ae26ba116953b7f426b1"})
"""Digests of Airflow's code of a login that this module has read. Any other login is left to Airflow."""

CLEANING_INTERVAL = 3600.0
"""Seconds after which Airflow's own check is used once: it also deletes expired entries of the revoked tokens."""

_REVOKED = PreparedStatement(select(RevokedToken.jti).where(RevokedToken.jti == bindparam("of_jti")))

_verified_tokens = VerifiedTokens()

_threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="triggers-login")


class _Keeping:
    """While logins come, connections are kept between uses; the event loop's timer ends this now and then."""

    timer: asyncio.TimerHandle | None = None
    loop: asyncio.AbstractEventLoop | None = None

    @classmethod
    def begin(cls) -> None:
        """Keep connections, and plan the end, unless that is planned."""
        loop = asyncio.get_running_loop()
        if cls.timer is None or cls.loop is not loop:
            cls.loop, cls.timer = loop, loop.call_later(KeptConnection.KEPT_SECONDS, cls._end)
            kept_connection.open()

    @classmethod
    def _end(cls) -> None:
        cls.timer = cls.loop = None
        driver = kept_connection.shut()
        if driver is not None:
            _threads.submit(driver.close)


class LoginFailed(Exception):
    """A login does not hold: the token has been revoked, or the database did not answer.

    It is not one of the application's errors: it leaves the application, to ``api/gate.py``.

    :param cause: None when the token has been revoked.
    """

    def __init__(self, cause: StorageError | None = None) -> None:
        super().__init__(cause or "The token has been revoked.")
        self.cause = cause


class Login:
    """A user, who counts once :meth:`confirm` has found that their token has not been revoked.

    :param jti: the token's id; None: there is nothing to ask.
    """

    def __init__(self, user: BaseUser, jti: str | None = None) -> None:
        self._user, self._jti = user, jti

    @property
    def is_confirmed(self) -> bool:
        """Whether there is nothing to ask any more."""
        return self._jti is None

    def confirm(self) -> BaseUser:
        """The user. Asks the database, in this thread, once.

        :raises LoginFailed: when the token has been revoked, or the database does not answer.
        """
        if self._jti is not None:
            try:
                is_revoked = _is_revoked(self._jti)
            except StorageError as error:
                raise LoginFailed(error) from error
            if is_revoked:
                raise LoginFailed
            self._jti = None
        return self._user

    async def confirm_aside(self) -> BaseUser:
        """The same; a thread asks the database."""
        if not self.is_confirmed:
            ask = partial(contextvars.copy_context().run, self.confirm)
            await asyncio.get_running_loop().run_in_executor(_threads, ask)
        return self._user


async def login_of(token: str) -> Login:
    """The login by a bearer token.

    The token's signature is checked in the event loop, so nobody without a valid one takes a thread or a connection. It
    is checked once; see :class:`VerifiedTokens`. An auth manager with a login of its own, and every refusal, is left to
    Airflow itself.

    :raises HTTPException: when Airflow refuses the token.
    """
    manager: Any = get_auth_manager()
    manager_class: type[BaseAuthManager[Any]] = type(manager)
    if token and is_known(manager_class):
        try:
            claims = await _verified_tokens.claims_of(manager._get_token_validator(), token)
            # In the event loop, as Airflow does: FAB's auth manager caches users without a lock.
            user: BaseUser = manager.deserialize_user(claims)
        except (InvalidTokenError, ValueError, KeyError):
            # Airflow decides, and says why.
            pass
        else:
            _Keeping.begin()
            return Login(user, claims.get("jti") or None)
    return Login(await resolve_user_from_token(token))


@cache
def is_known(manager_class: type[BaseAuthManager[Any]]) -> bool:
    """Whether the auth manager logs in by Airflow's own code, and this code is as this module has read it."""
    if manager_class.get_user_from_token is not BaseAuthManager.get_user_from_token:
        return False
    return login_digest() in KNOWN_LOGINS


def login_digest() -> str:
    """A digest of Airflow's code of a login: a changed check must be read before it is done in another way."""
    code = (
        BaseAuthManager.get_user_from_token,
        RevokedToken.is_revoked,
        JWTValidator.avalidated_claims,
        JWTValidator._get_validation_key,
    )
    try:
        source = "".join(inspect.getsource(function) for function in code)
    except OSError:
        return ""
    return hashlib.sha256(source.encode()).hexdigest()


class _Cleaning:
    """When Airflow's own check was used last, on the monotonic clock."""

    last = float("-inf")


def _is_revoked(jti: str) -> bool:
    now = time.monotonic()
    if now - _Cleaning.last < CLEANING_INTERVAL:
        return look(_REVOKED, {"of_jti": jti}, at_our_tables=False).row is not None
    _Cleaning.last = now
    with translated_errors():
        return bool(RevokedToken.is_revoked(jti))
