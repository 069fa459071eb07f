"""``/api/v1/fires``: many fires in one request."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter
from pydantic import ValidationError

from airflow_triggers.api.bodies import BodyRoute
from airflow_triggers.api.datamodels import BatchedFire, BatchResults, FireBatch, FireResultBody
from airflow_triggers.api.dependencies import PermissionsDep, UserNameDep
from airflow_triggers.api.errors import AsciiJSONResponse, Refused, told, told_invalid
from airflow_triggers.api.permissions import Permissions
from airflow_triggers.api.routes.reading import discreet
from airflow_triggers.domain.fires import FireResult
from airflow_triggers.errors import TriggersError
from airflow_triggers.sessions.batches import Outcome, Refusal, fire_all
from airflow_triggers.sessions.opening import Concealed

router = APIRouter(tags=["Fires"], route_class=BodyRoute)

Told = tuple[int, dict[str, Any]]
"""The status and the body that one fire is answered with."""


@router.post("", summary="Fire many triggers", response_model=BatchResults)
def fire_batch(body: FireBatch, permissions: PermissionsDep, user_name: UserNameDep) -> AsciiJSONResponse:
    """Fire up to 1,000 triggers into any sessions. Each has a result of its own, in the order sent: what the fire
    alone would have been answered with, and `status`. One that is refused keeps no other from being fired; those of
    one session take effect in the order sent. A fire whose status is 200 is never lost.
    """
    read = [_read(one) for one in body.fires]
    asked = [one for one in read if isinstance(one, BatchedFire)]
    outcomes = fire_all([one.to_fire() for one in asked], fired_by=user_name, refusal=_refusal(permissions))
    told_of = iter(_told(outcome, one, permissions) for outcome, one in zip(outcomes, asked, strict=True))
    answers = [next(told_of) if isinstance(one, BatchedFire) else one for one in read]
    return AsciiJSONResponse({"results": _numbered(answers)})


def _read(one: Any) -> BatchedFire | Told:
    """The fire, or what is wrong with it."""
    try:
        return BatchedFire.model_validate(one)
    except ValidationError as error:
        return told_invalid([{**it, "loc": ("body", *it["loc"])} for it in error.errors()])


def _refusal(permissions: Permissions) -> Refusal:
    def refusal(*asked: Any) -> Exception | None:
        try:
            permissions.require_firing(*asked)
        except (Concealed, Refused) as refused:
            return refused
        return None

    return refusal


def _told(outcome: Outcome, fire: BatchedFire, permissions: Permissions) -> Told:
    if isinstance(outcome, FireResult):
        return HTTPStatus.OK, FireResultBody.of(outcome).model_dump(mode="json")
    if isinstance(outcome, TriggersError):
        return told(discreet(outcome, fire.session_uid, fire, permissions))
    return told(outcome)


def _numbered(answers: Sequence[Told]) -> list[dict[str, Any]]:
    return [
        {"index": index, "status": int(status), **content} for index, (status, content) in enumerate(answers)
    ]
