"""``/api/v1/sessions/{uid}/delayed-fires``: fires that are still to come: list, cancel, try again."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from airflow_triggers import delayed_fires
from airflow_triggers.api.bodies import BodyRoute
from airflow_triggers.api.datamodels import (
    DelayedFireBody,
    DelayedFiresPage,
    DelayedFiresQuery,
    ErrorBody,
)
from airflow_triggers.api.dependencies import PermissionsDep, SessionUidDep, UserNameDep
from airflow_triggers.api.fields import Id
from airflow_triggers.api.permissions import Permissions
from airflow_triggers.api.routes.reading import readable_configuration
from airflow_triggers.disclosure import shown_delayed_fire

router = APIRouter(
    prefix="/{uid}/delayed-fires",
    tags=["Fires"],
    route_class=BodyRoute,
    responses={
        HTTPStatus.NOT_FOUND: {
            "description": "There is no such session, or no such fire to come: it has been fired, say.",
            "model": ErrorBody,
        }
    },
)

CONFLICT: dict[int | str, dict[str, Any]] = {
    HTTPStatus.CONFLICT: {"description": "It was cancelled before.", "model": ErrorBody}
}

DelayedFireId = Annotated[Id, Path(description="The `delayed_fire_id` that the fire was answered with.")]


@router.get("", summary="List fires to come")
def list_delayed_fires(
    uid: SessionUidDep, query: Annotated[DelayedFiresQuery, Query()], permissions: PermissionsDep
) -> DelayedFiresPage:
    """Fires for later that have not come yet, the next first; parked ones among them. Page with `after`."""
    readable_configuration(uid, permissions)
    page = delayed_fires.list_delayed_fires(uid=uid, limit=query.limit, after=query.after)
    disclosure = permissions.disclosure()
    return DelayedFiresPage(
        delayed_fires=[
            DelayedFireBody.of(shown_delayed_fire(listed.fire, disclosure)) for listed in page.fires
        ],
        next=page.next,
    )


@router.delete("/{delayed_fire_id}", summary="Cancel a fire to come", responses=CONFLICT)
def cancel_delayed_fire(
    uid: SessionUidDep, delayed_fire_id: DelayedFireId, permissions: PermissionsDep, user_name: UserNameDep
) -> DelayedFireBody:
    """Take back a fire for later, whoever fired it. It takes the right to fire its trigger.

    Its idempotency key stays used: sent again, the fire does not come back, and the answer says `cancelled`.
    """
    _require_fire(uid, delayed_fire_id, permissions)
    return DelayedFireBody.of(delayed_fires.cancel(uid, delayed_fire_id, by=user_name))


@router.post("/{delayed_fire_id}/retry", summary="Try a fire to come again", responses=CONFLICT)
def retry_delayed_fire(
    uid: SessionUidDep, delayed_fire_id: DelayedFireId, permissions: PermissionsDep, user_name: UserNameDep
) -> DelayedFireBody:
    """Have the controller try a fire again at once that could not be fired when it was due; a parked one, say.

    It takes the right to fire its trigger.
    """
    _require_fire(uid, delayed_fire_id, permissions)
    return DelayedFireBody.of(delayed_fires.retry(uid, delayed_fire_id, by=user_name))


def _require_fire(uid: str, delayed_fire_id: int, permissions: Permissions) -> None:
    """:raises Refused: unless the user may read the session, and fire the trigger of the fire."""
    configuration = readable_configuration(uid, permissions)
    fire = delayed_fires.delayed_fire_of(uid, delayed_fire_id)
    permissions.require_fire(configuration, fire.trigger_name)
