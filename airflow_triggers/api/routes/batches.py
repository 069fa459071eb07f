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
from airflow_triggers.api.errors import AsciiJSONResponse, Refused, answer_to, answer_to_invalid
from airflow_triggers.api.permissions import Permissions
from airflow_triggers.api.routes.reading import discreet
from airflow_triggers.domain.fires import FireResult
from airflow_triggers.errors import TriggersError
from airflow_triggers.sessions.batches import Outcome, Refusal, fire_all
from airflow_triggers.sessions.opening import Concealed

router = APIRouter(tags=["Fires"], route_class=BodyRoute)

Answer = tuple[int, dict[str, Any]]
"""The status and the body that one fire is answered with."""


@router.post("", summary="Fire many triggers", response_model=BatchResults)
def fire_batch(body: FireBatch, permissions: PermissionsDep, user_name: UserNameDep) -> AsciiJSONResponse:
    """Fire up to 1,000 triggers into any sessions. Each has a result of its own, in the order sent: what the fire
    alone would have been answered with, and `status`. One that is refused keeps no other from being fired; those of
    one session take effect in the order sent. A fire whose status is 200 is never lost.
    """
    entries = [_read(content) for content in body.fires]
    fires = [entry for entry in entries if isinstance(entry, BatchedFire)]
    outcomes = fire_all([fire.to_fire() for fire in fires], fired_by=user_name, refusal=_refusal(permissions))
    answers_to_fires = iter(
        _answer_of(outcome, fire, permissions) for outcome, fire in zip(outcomes, fires, strict=True)
    )
    answers = [next(answers_to_fires) if isinstance(entry, BatchedFire) else entry for entry in entries]
    return AsciiJSONResponse({"results": _results_of(answers)})


def _read(content: Any) -> BatchedFire | Answer:
    """The fire, or what is wrong with it."""
    try:
        return BatchedFire.model_validate(content)
    except ValidationError as error:
        return answer_to_invalid(
            [{**problem, "loc": ("body", *problem["loc"])} for problem in error.errors()]
        )


def _refusal(permissions: Permissions) -> Refusal:
    def refusal(*firing: Any) -> Exception | None:
        try:
            permissions.require_firing(*firing)
        except (Concealed, Refused) as error:
            return error
        return None

    return refusal


def _answer_of(outcome: Outcome, fire: BatchedFire, permissions: Permissions) -> Answer:
    if isinstance(outcome, FireResult):
        return HTTPStatus.OK, FireResultBody.of(outcome).model_dump(mode="json")
    if isinstance(outcome, TriggersError):
        return answer_to(discreet(outcome, fire.session_uid, fire, permissions))
    return answer_to(outcome)


def _results_of(answers: Sequence[Answer]) -> list[dict[str, Any]]:
    return [
        {"index": index, "status": int(status), **content} for index, (status, content) in enumerate(answers)
    ]
