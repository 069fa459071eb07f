"""``/api/v1/sessions``: list, create and read sessions."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Query, Response

from airflow_triggers import sessions
from airflow_triggers.api.bodies import BodyRoute
from airflow_triggers.api.datamodels import (
    DeletedSession,
    ErrorBody,
    SessionBody,
    SessionDetail,
    SessionsPage,
)
from airflow_triggers.api.dependencies import PermissionsDep, SessionUidDep, UserNameDep
from airflow_triggers.api.headers import CHANGED, TAGGED, IfMatchDep, IfNoneMatchDep, tagged_answer
from airflow_triggers.api.list_requests import SessionsQuery
from airflow_triggers.api.requests import CreateSession, DeleteSessionQuery
from airflow_triggers.api.routes.reading import (
    creatable_configuration,
    readable_configuration,
    readable_session,
    session_exists,
)
from airflow_triggers.domain.uids import SessionUid
from airflow_triggers.errors import Refused, SessionExists, SessionNotFound
from airflow_triggers.sessions.listing import list_page

FIRES_IN_DETAIL = 100

router = APIRouter(tags=["Sessions"], route_class=BodyRoute)


@router.get("", summary="List sessions")
def list_sessions(query: Annotated[SessionsQuery, Query()], permissions: PermissionsDep) -> SessionsPage:
    """The sessions that you may read, with how many instances they have in each status. Page through them with `after`.

    A page costs the same however many sessions there are. Of sessions in other storages than Airflow's database, the
    instances are not known: their `counts` are null, and filters by state leave them out.
    """
    page = list_page(
        query.session_filter(),
        order=query.order_by,
        limit=query.limit,
        after=query.after,
        readable=permissions.readable(sessions.configurations_of_sessions()),
    )
    return SessionsPage(
        sessions=[SessionBody.of(summary) for summary in page.sessions], next=page.next, total=page.total
    )


@router.post(
    "",
    summary="Create a session",
    status_code=201,
    responses={
        200: {
            "description": "It existed with the same configuration, manager and storage.",
            "model": SessionDetail,
        },
        404: {"description": "No deployed configuration has that name.", "model": ErrorBody},
        409: {"description": "It exists with another configuration, manager or storage.", "model": ErrorBody},
    },
)
def create_session(
    body: CreateSession, permissions: PermissionsDep, user_name: UserNameDep, response: Response
) -> SessionDetail:
    """Create a session of a deployed configuration. Creating it again the same way changes nothing."""
    uid = SessionUid(body.uid)
    creatable_configuration(body.configuration, permissions)
    try:
        with suppress(SessionNotFound):
            readable_configuration(uid, permissions)
        _, is_new = sessions.create_session(
            uid,
            configuration=body.configuration,
            manager=body.manager,
            storage=body.storage,
            metadata=body.metadata,
            by=user_name,
        )
        description = readable_session(uid, permissions, fire_limit=FIRES_IN_DETAIL)
    except Refused:
        raise sessions.uid_taken(uid) from None
    except SessionExists as error:
        raise session_exists(error, uid, permissions) from error
    response.status_code = 201 if is_new else 200
    return SessionDetail.of_description(description)


@router.get(
    "/{uid}",
    summary="Read a session",
    response_model=SessionDetail,
    responses={404: {"description": "There is no such session.", "model": ErrorBody}, **TAGGED},
)
def read_session(uid: SessionUidDep, permissions: PermissionsDep, known_tags: IfNoneMatchDep) -> Response:
    """The whole session at one moment: tasks, instances, latest triggers, newest fires. Its `ETag` serves as `If-Match`
    of what changes the session.
    """
    description = readable_session(uid, permissions, fire_limit=FIRES_IN_DETAIL)
    return tagged_answer(SessionDetail.of_description(description), description.version, known_tags)


@router.delete(
    "/{uid}",
    summary="Delete a session",
    responses={
        404: {"description": "There is no such session.", "model": ErrorBody},
        409: {"description": "It is not resolved, and `force` is not true.", "model": ErrorBody},
        **CHANGED,
    },
)
def delete_session(
    uid: SessionUidDep,
    query: Annotated[DeleteSessionQuery, Query()],
    permissions: PermissionsDep,
    user_name: UserNameDep,
    if_match: IfMatchDep,
) -> DeletedSession:
    """Delete the session with its history, its fires to come and its hooks. Its DAG runs stay in Airflow.

    It takes the rights to read the session and to delete runs of all its DAGs. Its idempotency keys are forgotten, and
    its UID is free for another session.
    """
    readable_configuration(uid, permissions)
    sessions.delete_session(
        uid, force=query.force, by=user_name, authorize=permissions.require_delete, if_match=if_match
    )
    return DeletedSession(uid=uid)
