"""``/api/v1/sessions/{uid}/fires``: fire triggers, and list the fires."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from airflow_triggers import sessions
from airflow_triggers.api.datamodels import FireBody, FireResultBody, FiresPage
from airflow_triggers.api.dependencies import FiringDep, PermissionsDep, SessionUidDep
from airflow_triggers.api.errors import AsciiJSONResponse
from airflow_triggers.api.headers import key_of_fire
from airflow_triggers.api.permissions import Permissions
from airflow_triggers.api.requests import FiresQuery, FireTrigger
from airflow_triggers.api.routers import make_router
from airflow_triggers.api.routes.reading import discreet, readable_configuration
from airflow_triggers.domain.disclosure import shown_fire
from airflow_triggers.domain.fires import SessionFireRequest
from airflow_triggers.errors import IdempotencyConflict, SessionExists, UnknownConfiguration

router = make_router(
    "/sessions/{uid}/fires",
    tag="Fires",
    responses={404: {"description": "There is no such session or configuration."}},
)


@router.get("", summary="List fires")
def list_fires(
    uid: SessionUidDep, query: Annotated[FiresQuery, Query()], permissions: PermissionsDep
) -> FiresPage:
    """Fires of the session, newest first: who, when, kwargs, and what each did. Page with `before`."""
    readable_configuration(uid, permissions)
    fires = sessions.fires_of(uid, limit=query.limit + 1, before=query.before, only=query.fire_filter())
    page, disclosure = fires[: query.limit], permissions.disclosure()
    return FiresPage(
        fires=[FireBody.of(shown_fire(fire, disclosure)) for fire in page],
        next=page[-1].fire_id if len(fires) > query.limit else None,
    )


@router.post(
    "",
    summary="Fire a trigger",
    response_model=FireResultBody,
    responses={
        409: {
            "description": "The idempotency key was used for another fire; or the session has another configuration, "
            "or manager, than is named."
        }
    },
)
def fire(body: FireTrigger, firing: FiringDep) -> AsciiJSONResponse:
    """Fire a trigger into the session. The answer says what it did; an answered fire is never lost."""
    permissions, user_name = firing.confirm()
    key = key_of_fire(body.idempotency_key, firing.idempotency_key)
    request = body.into(firing.uid, idempotency_key=key)
    result = fire_for(request, permissions, user_name)
    # As a whole answer: FastAPI would take another thread to check and to shape the content.
    return AsciiJSONResponse(result.model_dump(mode="json"))


def fire_for(request: SessionFireRequest, permissions: Permissions, user_name: str) -> FireResultBody:
    """Fire for the user. Errors are :func:`discreet`."""
    authorize = permissions.authorizer_of(request.trigger_name)
    try:
        result = sessions.fire_request(request, by=user_name, authorize=authorize)
    except (IdempotencyConflict, SessionExists, UnknownConfiguration) as error:
        raise discreet(error, request, permissions) from error
    return FireResultBody.of(result)
