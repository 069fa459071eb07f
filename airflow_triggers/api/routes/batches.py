"""``/api/v1/fires``: many fires in one request."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter
from pydantic import ValidationError

from airflow_triggers.api.bodies import BodyRoute
from airflow_triggers.api.datamodels import BatchResults, FireResultBody
from airflow_triggers.api.dependencies import PermissionsDep, UserNameDep
from airflow_triggers.api.errors import AsciiJSONResponse, answer_to, answer_to_invalid
from airflow_triggers.api.permissions import Permissions
from airflow_triggers.api.requests import BatchedFire, FireBatch
from airflow_triggers.api.routes.reading import discreet
from airflow_triggers.domain.fires import FireResult, SessionFireRequest
from airflow_triggers.errors import InvalidSessionUid, InvalidTrigger, TriggersError
from airflow_triggers.sessions.batches import Outcome, fire_all

router = APIRouter(tags=["Fires"], route_class=BodyRoute)

Answer = tuple[int, dict[str, Any]]
"""The answer to one fire: its status and its body."""


@router.post("", summary="Fire many triggers", response_model=BatchResults)
def fire_batch(body: FireBatch, permissions: PermissionsDep, user_name: UserNameDep) -> AsciiJSONResponse:
    """Fire up to 1,000 triggers into any sessions. Each has a result of its own, in the order sent: the answer to the
    fire alone, and its `status`. A refused fire stops no other. Fires into one session take effect in the order sent.
    A fire with status 200 is never lost.
    """
    entries = [_request_of(content) for content in body.fires]
    requests = [entry for entry in entries if isinstance(entry, SessionFireRequest)]
    outcomes = fire_all(requests, fired_by=user_name, authorizer_of=permissions.authorizer_of)
    answers_to_requests = iter(
        _answer_of(outcome, request, permissions) for outcome, request in zip(outcomes, requests, strict=True)
    )
    answers = [
        next(answers_to_requests) if isinstance(entry, SessionFireRequest) else entry for entry in entries
    ]
    return AsciiJSONResponse({"results": _results_of(answers)})


def _request_of(content: Any) -> SessionFireRequest | Answer:
    """The request to fire, or what is wrong with it."""
    try:
        return BatchedFire.model_validate(content).to_request()
    except ValidationError as error:
        return answer_to_invalid(
            [{**problem, "loc": ("body", *problem["loc"])} for problem in error.errors()]
        )
    except (InvalidSessionUid, InvalidTrigger) as error:
        return answer_to(error)


def _answer_of(outcome: Outcome, request: SessionFireRequest, permissions: Permissions) -> Answer:
    if isinstance(outcome, FireResult):
        return HTTPStatus.OK, FireResultBody.of(outcome).model_dump(mode="json")
    if isinstance(outcome, TriggersError):
        return answer_to(discreet(outcome, request, permissions))
    return answer_to(outcome)


def _results_of(answers: Sequence[Answer]) -> list[dict[str, Any]]:
    return [
        {"index": index, "status": int(status), **content} for index, (status, content) in enumerate(answers)
    ]
