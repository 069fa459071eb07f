"""``/api/v1/bulk-acts``: one act on many instances, worked off by the controllers."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Path, Query, Response

from airflow_triggers import sessions
from airflow_triggers.api.bulk_act_acts import BulkActActs
from airflow_triggers.api.bulk_models import (
    BulkActBody,
    BulkActsList,
    BulkPreviewBody,
    OutcomeBody,
    OutcomesList,
)
from airflow_triggers.api.bulk_requests import BulkActsQuery, MakeBulkAct, OutcomesQuery
from airflow_triggers.api.dependencies import PermissionsDep, UserNameDep
from airflow_triggers.api.fields import Id
from airflow_triggers.api.permissions import Permissions
from airflow_triggers.api.routers import make_router
from airflow_triggers.domain.bulk import BulkAct
from airflow_triggers.errors import BulkActNotFound
from airflow_triggers.sessions import bulk_acts
from airflow_triggers.sessions.bulk_making import Maker

router = make_router("/bulk-acts", tag="Bulk acts")

NOT_FOUND: dict[int | str, dict[str, Any]] = {
    HTTPStatus.NOT_FOUND: {"description": "There is no such bulk act."}
}
OVER: dict[int | str, dict[str, Any]] = {HTTPStatus.CONFLICT: {"description": "It is over."}}

BulkActId = Annotated[Id, Path(description="The bulk act's `id`.")]


@router.post(
    "",
    summary="Act on many instances",
    status_code=HTTPStatus.ACCEPTED,
    responses={200: {"description": "A dry run: what would happen.", "model": BulkPreviewBody}},
)
def make_bulk_act(
    body: MakeBulkAct,
    permissions: PermissionsDep,
    user_name: UserNameDep,
    response: Response,
) -> BulkActBody | BulkPreviewBody:
    """Do one act to many instances: those that match a filter now, or listed ones. At most 100,000.

    The instances are fixed now, and your rights are checked for every DAG. Controllers do the act later, a session a
    transaction, at the rate. It survives restarts. Doing the same again repairs nothing twice. With `dry_run` the
    answer says what would happen.
    """
    request = body.to_request()
    maker = Maker(
        by=user_name,
        readable=_readable(permissions),
        authorize=permissions.authorizer_of_act(request.act),
        disclosure=permissions.disclosure(),
    )
    if body.dry_run:
        response.status_code = HTTPStatus.OK
        return BulkPreviewBody.of(bulk_acts.preview(request, maker))
    return _body(bulk_acts.make(request, maker), permissions, user_name)


@router.get("", summary="List bulk acts")
def list_bulk_acts(
    query: Annotated[BulkActsQuery, Query()], permissions: PermissionsDep, user_name: UserNameDep
) -> BulkActsList:
    """Your bulk acts, and those of others if you may read all sessions that they cover. The newest first."""
    page = bulk_acts.list_bulk_acts(
        limit=query.limit, after=query.after, is_visible=_visibility(permissions, user_name)
    )
    acts = BulkActActs(permissions, user_name)
    bodies = [BulkActBody.with_acts(bulk_act, acts.of(bulk_act)) for bulk_act in page.bulk_acts]
    return BulkActsList(bulk_acts=bodies, next=page.next)


@router.get("/{bulk_act_id}", summary="Read a bulk act", responses=NOT_FOUND)
def read_bulk_act(bulk_act_id: BulkActId, permissions: PermissionsDep, user_name: UserNameDep) -> BulkActBody:
    """How far a bulk act is: its state, and how many instances have each outcome."""
    return _body(_visible(bulk_act_id, permissions, user_name), permissions, user_name)


@router.get("/{bulk_act_id}/outcomes", summary="List a bulk act's outcomes", responses=NOT_FOUND)
def list_outcomes(
    bulk_act_id: BulkActId,
    query: Annotated[OutcomesQuery, Query()],
    permissions: PermissionsDep,
    user_name: UserNameDep,
) -> OutcomesList:
    """What became of each instance, of the sessions that you may read now. Page with `after`."""
    bulk_act = _visible(bulk_act_id, permissions, user_name)
    page = bulk_acts.outcomes_of(
        bulk_act_id,
        limit=query.limit,
        after=query.after,
        outcome=query.outcome,
        readable=_readable(permissions),
        with_absent=bulk_act.by == user_name,
    )
    return OutcomesList(outcomes=[OutcomeBody.of(item) for item in page.items], next=page.next)


@router.post("/{bulk_act_id}/cancel", summary="Cancel a bulk act", responses=NOT_FOUND | OVER)
def cancel_bulk_act(
    bulk_act_id: BulkActId, permissions: PermissionsDep, user_name: UserNameDep
) -> BulkActBody:
    """Stop what was not done yet. What was done stays done.

    It is for its maker, and for users who could have made it.
    """
    bulk_act = _visible(bulk_act_id, permissions, user_name)
    if bulk_act.by != user_name:
        permissions.require_bulk_act(bulk_act)
    return _body(bulk_acts.cancel(bulk_act_id, by=user_name), permissions, user_name)


def _body(bulk_act: BulkAct, permissions: Permissions, user_name: str) -> BulkActBody:
    return BulkActBody.with_acts(bulk_act, BulkActActs(permissions, user_name).of(bulk_act))


def _readable(permissions: Permissions) -> list[str | None] | None:
    return permissions.readable(sessions.configurations_of_sessions())


def _visibility(permissions: Permissions, user_name: str) -> Callable[[BulkAct], bool]:
    """Which bulk acts the user may see: their own, and those of sessions that they all may read."""
    readable = _readable(permissions)

    def is_visible(bulk_act: BulkAct) -> bool:
        hashes = bulk_act.configuration_hashes
        return bulk_act.by == user_name or readable is None or bool(hashes and hashes.issubset(readable))

    return is_visible


def _visible(bulk_act_id: int, permissions: Permissions, user_name: str) -> BulkAct:
    """The bulk act, if the user may see it.

    :raises BulkActNotFound: when there is none, or the user may not see it.
    """
    bulk_act = bulk_acts.bulk_act_of(bulk_act_id)
    if not _visibility(permissions, user_name)(bulk_act):
        raise BulkActNotFound(bulk_act_id)
    return bulk_act
