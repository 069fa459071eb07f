"""What routes get from a request: the user, their rights, a valid session UID.

Neighbours: ``gate.py`` has authenticated the user before any of this runs.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path, Request

from airflow_triggers.api.fields import INSTANCE_NAME, TASK_OR_INSTANCE_NAME, Form, SessionUidText
from airflow_triggers.api.gate import LOGIN, SESSION_UID
from airflow_triggers.api.headers import IdempotencyKeyHeader, the_only_key
from airflow_triggers.api.paths import decoded_name
from airflow_triggers.api.permissions import Permissions
from airflow_triggers.api.turns import Turns
from airflow_triggers.domain.uids import SessionUid
from airflow_triggers.gateway.logins import Login
from airflow_triggers.storages.tables import AIRFLOW_ID_LENGTH


# Coroutines, though they wait for nothing: FastAPI would run each plain function in a thread of its own.
async def get_permissions(request: Request) -> Permissions:
    """The rights of the user whom the gate let in."""
    return Permissions(_login_of(request).confirm())


def _login_of(request: Request) -> Login:
    login: Login = request.scope[LOGIN]
    return login


PermissionsDep = Annotated[Permissions, Depends(get_permissions)]


async def get_user_name(permissions: PermissionsDep) -> str:
    """The user's name, cut to the length that histories keep."""
    return _name_of(permissions)


def _name_of(permissions: Permissions) -> str:
    return permissions.user.get_name()[:AIRFLOW_ID_LENGTH]


UserNameDep = Annotated[str, Depends(get_user_name)]


UidPath = Annotated[
    SessionUidText,
    Path(
        description='The session\'s UID: 1-200 printable characters without "/" and surrounding blanks, '
        'and not "." or ".."; percent-encoded.',
        examples=["respondent-17"],
    ),
]
"""Only for the documentation: the gate has read and checked the UID."""


async def get_session_uid(request: Request, uid: UidPath) -> SessionUid:
    """The UID of the path."""
    session_uid: SessionUid = request.scope[SESSION_UID]
    return session_uid


SessionUidDep = Annotated[SessionUid, Depends(get_session_uid)]

_turns = Turns()


def turn_of(uid: SessionUid) -> AbstractAsyncContextManager[None]:
    """A turn to fire into the session, for a route that reads the UID itself.

    :raises LockTimeout: on entering, when the turn does not come in time.
    """
    return _turns.take(uid)


@dataclass(frozen=True)
class Firing:
    """What a fire needs of its request, besides the body."""

    uid: SessionUid
    login: Login
    idempotency_key: str | None

    def confirm(self) -> tuple[Permissions, str]:
        """The user's rights and name. It asks the database: call it in the fire's thread.

        :raises LoginFailed: when the token has been revoked, or the database does not answer.
        """
        permissions = Permissions(self.login.confirm())
        return permissions, _name_of(permissions)


async def get_firing(
    request: Request, uid: UidPath, idempotency_key: IdempotencyKeyHeader = None
) -> AsyncIterator[Firing]:
    """What the fire needs, once it is the request's turn to fire into the session of the path.

    FastAPI takes as long to resolve five dependencies as the database for one of the fire's statements.

    :raises LockTimeout: when the turn does not come in time.
    :raises RequestValidationError: when the header is sent twice with different values.
    """
    session_uid = await get_session_uid(request, uid)
    firing = Firing(
        uid=session_uid,
        login=_login_of(request),
        idempotency_key=the_only_key(request, idempotency_key),
    )
    async with _turns.take(session_uid):
        yield firing


FiringDep = Annotated[Firing, Depends(get_firing, scope="function")]


# The name's form is only documented here. An impossible name is looked up like any other, and the answer is 404.
async def get_instance_name(
    name: Annotated[
        str,
        Form(INSTANCE_NAME),
        Path(
            description="The instance's name, percent-encoded: `t_importSubject%230` is `t_importSubject#0`.",
            examples=["t_importSubject#0"],
        ),
    ],
) -> str:
    """The name of the path, with its slashes."""
    return decoded_name(name)


InstanceNameDep = Annotated[str, Depends(get_instance_name)]


async def get_task_or_instance_name(
    name: Annotated[
        str,
        Form(TASK_OR_INSTANCE_NAME),
        Path(
            description="An instance's name, percent-encoded (`t_importSubject%230`); or a task's: its latest "
            "instance, or why it has none.",
            examples=["t_importSubject#0"],
        ),
    ],
) -> str:
    """The name of the path, with its slashes."""
    return decoded_name(name)


TaskOrInstanceNameDep = Annotated[str, Depends(get_task_or_instance_name)]
