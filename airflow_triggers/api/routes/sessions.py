"""``/api/v1/sessions``: list, create and read sessions."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any

from fastapi import Query, Response

from airflow_triggers import sessions
from airflow_triggers.answers.instances import InstancesOfSessionAnswer
from airflow_triggers.api.datamodels import (
    DeletedSession,
    InstancesOfSessionPage,
    SessionBody,
    SessionDetail,
    SessionsPage,
)
from airflow_triggers.api.dependencies import PermissionsDep, SessionUidDep, UserNameDep
from airflow_triggers.api.headers import CHANGED, TAGGED, IfMatchDep, IfNoneMatchDep, tagged_answer
from airflow_triggers.api.list_requests import SessionsQuery
from airflow_triggers.api.page_models import (
    ActionableHook,
    ActionableSession,
    HooksPage,
    HooksQuery,
    InstancesOfSessionQuery,
    SessionQuery,
)
from airflow_triggers.api.parked_acts import ParkedActs
from airflow_triggers.api.requests import CreateSession, DeleteSessionQuery
from airflow_triggers.api.routers import make_router
from airflow_triggers.api.routes.reading import (
    creatable_configuration,
    readable_configuration,
    readable_instances,
    readable_session,
    session_exists,
)
from airflow_triggers.domain.uids import SessionUid
from airflow_triggers.errors import Refused, SessionExists, SessionNotFound
from airflow_triggers.sessions import pages
from airflow_triggers.sessions.listing import list_page

router = make_router("/sessions", tag="Sessions")

NO_SESSION: dict[int | str, dict[str, Any]] = {404: {"description": "There is no such session."}}


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
        404: {"description": "No deployed configuration has that name."},
        409: {"description": "It exists with another configuration, manager or storage."},
    },
)
def create_session(
    body: CreateSession, permissions: PermissionsDep, user_name: UserNameDep, response: Response
) -> SessionDetail:
    """Create a session of a deployed configuration. Creating it again with the same configuration, manager and storage
    changes nothing: the metadata is only for a new session.
    """
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
        description = readable_session(uid, permissions)
    except Refused:
        raise sessions.uid_taken(uid) from None
    except SessionExists as error:
        raise session_exists(error, uid, permissions) from error
    response.status_code = 201 if is_new else 200
    return SessionDetail.of_description(description)


@router.get(
    "/{uid}",
    summary="Read a session",
    response_model=ActionableSession,
    responses=NO_SESSION | TAGGED,
)
def read_session(
    uid: SessionUidDep,
    query: Annotated[SessionQuery, Query()],
    permissions: PermissionsDep,
    known_tags: IfNoneMatchDep,
) -> Response:
    """The session at one moment: its tasks, how many instances it has, the newest of its instances, fires, fires to
    come and hooks, and what you may do with it. However large it is, the answer is bounded. The rest comes by pages:
    `instances_next`, `fires_next` and so on are their cursors.

    Its `ETag` serves as `If-Match` of what changes the session.
    """
    description = readable_session(uid, permissions, sessions.Bounds.of_each_list(query.limit))
    body = ActionableSession.with_acts(description, permissions)
    return tagged_answer(body, description.version, known_tags)


@router.get(
    "/{uid}/instances", summary="List a session's instances", responses=NO_SESSION, tags=["Instances"]
)
def list_session_instances(
    uid: SessionUidDep, query: Annotated[InstancesOfSessionQuery, Query()], permissions: PermissionsDep
) -> InstancesOfSessionPage:
    """The instances of the session, newest first. Page with `after`: new instances do not move a page."""
    page = readable_instances(uid, query, permissions)
    return InstancesOfSessionPage.model_validate(InstancesOfSessionAnswer.of(page))


@router.get("/{uid}/hooks", summary="List a session's hooks", responses=NO_SESSION, tags=["History"])
def list_session_hooks(
    uid: SessionUidDep, query: Annotated[HooksQuery, Query()], permissions: PermissionsDep
) -> HooksPage:
    """Hooks of the session's manager that have not ended, the oldest first. Page with `after`."""
    acts = ParkedActs(permissions).of_hook(readable_configuration(uid, permissions))
    page = pages.list_hooks(uid, limit=query.limit, after=query.after)
    return HooksPage(hooks=[ActionableHook.with_acts(hook, acts) for hook in page.hooks], next=page.next)


@router.delete(
    "/{uid}",
    summary="Delete a session",
    responses={
        **NO_SESSION,
        409: {"description": "It is not resolved, and `force` is not true."},
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
