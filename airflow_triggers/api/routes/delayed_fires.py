"""``/api/v1/sessions/{uid}/delayed-fires``: list, cancel and retry fires still to come."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Path, Query

from airflow_triggers.api.datamodels import DelayedFireBody
from airflow_triggers.api.dependencies import PermissionsDep, SessionUidDep, UserNameDep
from airflow_triggers.api.fields import Id
from airflow_triggers.api.page_models import ActionableDelayedFire, DelayedFiresPage
from airflow_triggers.api.parked_acts import ParkedActs
from airflow_triggers.api.permissions import Permissions
from airflow_triggers.api.requests import DelayedFiresQuery
from airflow_triggers.api.routers import make_router
from airflow_triggers.api.routes.reading import known_configuration, readable_configuration
from airflow_triggers.domain.disclosure import shown_delayed_fire
from airflow_triggers.domain.fires import DelayedFire
from airflow_triggers.domain.uids import SessionUid
from airflow_triggers.errors import DelayedFireNotFound, Refused
from airflow_triggers.sessions import delayed_fires

router = make_router(
    "/sessions/{uid}/delayed-fires",
    tag="Fires",
    responses={
        HTTPStatus.NOT_FOUND: {
            "description": "There is no such session, or no such fire to come: it has been fired, say."
        }
    },
)

CONFLICT: dict[int | str, dict[str, Any]] = {HTTPStatus.CONFLICT: {"description": "It was cancelled before."}}

DelayedFireId = Annotated[Id, Path(description="The `delayed_fire_id` in the answer to the fire.")]


@router.get("", summary="List fires to come")
def list_delayed_fires(
    uid: SessionUidDep, query: Annotated[DelayedFiresQuery, Query()], permissions: PermissionsDep
) -> DelayedFiresPage:
    """Fires still to come, the next first, parked ones included. Page with `after`."""
    configuration = readable_configuration(uid, permissions)
    page = delayed_fires.list_delayed_fires(uid=uid, limit=query.limit, after=query.after)
    disclosure, acts = permissions.disclosure(), ParkedActs(permissions)
    fires = [shown_delayed_fire(delayed_fire.fire, disclosure) for delayed_fire in page.fires]
    return DelayedFiresPage(
        delayed_fires=[
            ActionableDelayedFire.with_acts(fire, acts.of_delayed_fire(configuration, fire)) for fire in fires
        ],
        next=page.next,
    )


@router.delete("/{delayed_fire_id}", summary="Cancel a fire to come", responses=CONFLICT)
def cancel_delayed_fire(
    uid: SessionUidDep, delayed_fire_id: DelayedFireId, permissions: PermissionsDep, user_name: UserNameDep
) -> DelayedFireBody:
    """Cancel a fire for later, whoever fired it. It takes the right to fire its trigger.

    Its idempotency key stays used: when you send the fire again, it does not come back, and the answer says
    `cancelled`. The answer shows the fire's kwargs only if you may read the session.
    """
    may_read = _require_fire(uid, delayed_fire_id, permissions)
    fire = delayed_fires.cancel(uid, delayed_fire_id, by=user_name)
    return DelayedFireBody.of(fire if may_read else _without_content(fire))


@router.post("/{delayed_fire_id}/retry", summary="Try a fire to come again", responses=CONFLICT)
def retry_delayed_fire(
    uid: SessionUidDep, delayed_fire_id: DelayedFireId, permissions: PermissionsDep, user_name: UserNameDep
) -> DelayedFireBody:
    """Have the controller try again at once. Use it for a fire that failed when it was due, a parked one, say.

    It takes the right to fire its trigger. The answer shows the fire's kwargs only if you may read the session.
    """
    may_read = _require_fire(uid, delayed_fire_id, permissions)
    fire = delayed_fires.retry(uid, delayed_fire_id, by=user_name)
    return DelayedFireBody.of(fire if may_read else _without_content(fire))


def _require_fire(uid: SessionUid, delayed_fire_id: int, permissions: Permissions) -> bool:
    """Require the right to fire the trigger of the fire. Return whether the user may also read the session.

    :raises DelayedFireNotFound: when there is none, or when the user may neither read the session nor fire it.
    :raises Refused: when the user may read the session, but not fire the trigger.
    """
    configuration = known_configuration(uid, permissions)
    may_read = permissions.may_read(configuration)
    fire = delayed_fires.delayed_fire_of(uid, delayed_fire_id)
    try:
        permissions.authorizer_of(fire.trigger_name)(configuration, False)
    except Refused as refusal:
        if may_read:
            raise
        raise DelayedFireNotFound(uid, delayed_fire_id) from refusal
    return may_read


def _without_content(fire: DelayedFire) -> DelayedFire:
    """The fire for a user who may fire its trigger, but not read the session."""
    return replace(fire, kwargs={}, fired_by=None, idempotency_key=None, error=None)
