"""``/api/v1/cloudevents``: fire by CloudEvents 1.0, in structured and binary mode, one or many."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from airflow.exceptions import AirflowConfigException
from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from airflow_triggers.api.cloud_events import (
    BATCH,
    STRUCTURED,
    InvalidEvent,
    content_mode,
    event_of_headers,
    event_of_json,
    event_of_members,
    members_of_batch,
)
from airflow_triggers.api.datamodels import BatchResults, FireResultBody
from airflow_triggers.api.dependencies import PermissionsDep, UserNameDep, turn_of
from airflow_triggers.api.errors import AsciiJSONResponse, ProblemResponse
from airflow_triggers.api.event_mapping import EventMapping
from airflow_triggers.api.event_models import EVENT_HEADERS, EVENT_SCHEMAS
from airflow_triggers.api.permissions import Permissions
from airflow_triggers.api.problems import Problem
from airflow_triggers.api.requests import MAX_BATCH
from airflow_triggers.api.routers import make_router
from airflow_triggers.api.routes.batches import fire_entries, results_of
from airflow_triggers.api.routes.fires import fire_for
from airflow_triggers.domain.fires import SessionFireRequest

log = logging.getLogger(__name__)

router = make_router("/cloudevents", tag="Fires")


@router.post(
    "",
    summary="Fire by CloudEvents",
    response_model=FireResultBody | BatchResults,
    responses={
        404: {"description": "There is no such session or configuration."},
        409: {
            "description": "An event of this source and id was fired with other data; or the session has another "
            "configuration than is named."
        },
    },
    openapi_extra={
        "requestBody": {"required": True, "content": EVENT_SCHEMAS},
        "parameters": EVENT_HEADERS,
    },
)
async def receive_events(
    request: Request, permissions: PermissionsDep, user_name: UserNameDep
) -> JSONResponse:
    """Fire by CloudEvents 1.0. The event's `type` is the trigger, `subject` the session, `data` the kwargs. `source`
    and `id` are the idempotency key: an event counts once. The extension attributes `configuration` and `fireat` are
    the fire's `configuration` and `fire_at`. Settings of the server may map otherwise.

    One event, as JSON or with its attributes as headers (binary mode), is answered as a fire. Up to 1,000 events
    (`application/cloudevents-batch+json`) are answered as a batch of fires.
    """
    is_binary = False
    try:
        mode = content_mode(request.headers)
        is_binary = mode not in (STRUCTURED, BATCH)
        body, mapping = await request.body(), EventMapping.from_settings()
        if mode == BATCH:
            entries = [_read(members, mapping) for members in members_of_batch(body, most=MAX_BATCH)]
            answers = await run_in_threadpool(fire_entries, entries, permissions, user_name)
            return AsciiJSONResponse({"results": results_of(answers, request, below="")})
        event = event_of_headers(request.headers, body) if is_binary else event_of_json(body)
        fire = mapping.request_of(event)
    except InvalidEvent as error:
        problem = error.problem(in_headers=is_binary)
        return ProblemResponse(problem.body(request.scope), status_code=problem.status)
    except AirflowConfigException as error:
        # Only the log has the setting: whoever sends events may not read Airflow's configuration.
        log.error("CloudEvents cannot be fired: %s", error)
        return ProblemResponse(_INVALID_SETTING.body(request.scope), status_code=_INVALID_SETTING.status)
    return await _fire(fire, permissions, user_name)


_INVALID_SETTING = Problem(
    status=HTTPStatus.SERVICE_UNAVAILABLE,
    reason="InvalidSetting",
    documented_reason="InvalidSetting",
    detail="The server's settings [triggers] cloudevents_… are not valid. Nothing was fired; the API server's log says "
    "what to mend.",
)


def _read(members: Any, mapping: EventMapping) -> SessionFireRequest | Problem:
    """The fire of an event of a batch, or what is wrong with it."""
    try:
        return mapping.request_of(event_of_members(members))
    except InvalidEvent as error:
        return error.problem(in_headers=False)


async def _fire(fire: SessionFireRequest, permissions: Permissions, user_name: str) -> JSONResponse:
    async with turn_of(fire.session_uid):
        result = await run_in_threadpool(fire_for, fire, permissions, user_name)
    return AsciiJSONResponse(result.model_dump(mode="json"))
