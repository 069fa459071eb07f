"""``/api/v1/fires``: many fires in one request."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import Request
from pydantic import ValidationError

from airflow_triggers.api.datamodels import BatchResults, FireResultBody
from airflow_triggers.api.dependencies import PermissionsDep, UserNameDep
from airflow_triggers.api.errors import AsciiJSONResponse, problem_of, problem_of_invalid
from airflow_triggers.api.headers import IDEMPOTENCY_KEY, invalid_header
from airflow_triggers.api.permissions import Permissions
from airflow_triggers.api.problems import Problem
from airflow_triggers.api.requests import BatchedFire, FireBatch
from airflow_triggers.api.routers import make_router
from airflow_triggers.api.routes.reading import discreet
from airflow_triggers.domain.fires import FireResult, SessionFireRequest
from airflow_triggers.errors import InvalidSessionUid, InvalidTrigger, TriggersError
from airflow_triggers.sessions.batches import Outcome, fire_all

router = make_router("/fires", tag="Fires")

Answer = FireResultBody | Problem
"""The answer to one fire."""


@router.post("", summary="Fire many triggers", response_model=BatchResults)
def fire_batch(
    request: Request, body: FireBatch, permissions: PermissionsDep, user_name: UserNameDep
) -> AsciiJSONResponse:
    """Fire up to 1,000 triggers into any sessions. Each has a result of its own, in the order sent: the answer to the
    fire alone, and its `status`. A refused fire stops no other. Fires into one session take effect in the order sent.
    A fire with status 200 is never lost. Each fire has its own `idempotency_key`; the header is refused.
    """
    if (header_key := request.headers.get(IDEMPOTENCY_KEY)) is not None:
        expected = "must be left out: each fire of a batch has its own 'idempotency_key'"
        raise invalid_header(IDEMPOTENCY_KEY, expected, header_key)
    answers = fire_entries([_request_of(content) for content in body.fires], permissions, user_name)
    return AsciiJSONResponse({"results": results_of(answers, request, below="/fires")})


def fire_entries(
    entries: Sequence[SessionFireRequest | Problem], permissions: Permissions, user_name: str
) -> list[Answer]:
    """Fire those entries of a batch that can be. The answers are in the order of the entries."""
    fires = [entry for entry in entries if isinstance(entry, SessionFireRequest)]
    outcomes = fire_all(fires, fired_by=user_name, authorizer_of=permissions.authorizer_of)
    answers_to_fires = iter(
        _answer_of(outcome, fire, permissions) for outcome, fire in zip(outcomes, fires, strict=True)
    )
    return [next(answers_to_fires) if isinstance(entry, SessionFireRequest) else entry for entry in entries]


def results_of(answers: Sequence[Answer], request: Request, *, below: str) -> list[dict[str, Any]]:
    """The results in the answer to a batch.

    :param below: a JSON pointer to the batch's array in the request's body.
    """
    return [
        {"index": index, **answer.body(request.scope, item=f"{below}/{index}")}
        if isinstance(answer, Problem)
        else {"index": index, "status": int(HTTPStatus.OK), **answer.model_dump(mode="json")}
        for index, answer in enumerate(answers)
    ]


def _request_of(content: Any) -> SessionFireRequest | Problem:
    """The request to fire, or what is wrong with it."""
    try:
        return BatchedFire.model_validate(content).to_request()
    except ValidationError as error:
        return problem_of_invalid(
            [{**problem, "loc": ("body", *problem["loc"])} for problem in error.errors()]
        )
    except (InvalidSessionUid, InvalidTrigger) as error:
        return problem_of(error)


def _answer_of(outcome: Outcome, fire: SessionFireRequest, permissions: Permissions) -> Answer:
    if isinstance(outcome, FireResult):
        return FireResultBody.of(outcome)
    if isinstance(outcome, TriggersError):
        return problem_of(discreet(outcome, fire, permissions))
    return problem_of(outcome)
