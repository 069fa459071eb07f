"""``/api/v1/sessions/{uid}/configuration``: update the rules of one session."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from airflow_triggers.api.dependencies import PermissionsDep, SessionUidDep, UserNameDep
from airflow_triggers.api.headers import CHANGED, IfMatchDep
from airflow_triggers.api.routers import make_router
from airflow_triggers.api.routes.reading import readable_configuration
from airflow_triggers.api.update_models import UpdateBody, UpdateConfiguration
from airflow_triggers.domain.disclosure import shown_problem
from airflow_triggers.errors import ConfigurationError
from airflow_triggers.sessions.updates import Update, preview_update, update_session

router = make_router("/sessions/{uid}/configuration", tag="Sessions")

ANSWERS: dict[int | str, dict[str, Any]] = {
    HTTPStatus.NOT_FOUND: {"description": "There is no such session."},
    HTTPStatus.CONFLICT: {
        "description": "Somebody changed the session at the same time; or a row of it cannot be read."
    },
    **CHANGED,
}


@router.put("", summary="Update a session's rules", responses=ANSWERS)
def update_configuration(
    uid: SessionUidDep,
    body: UpdateConfiguration,
    permissions: PermissionsDep,
    user_name: UserNameDep,
    if_match: IfMatchDep,
) -> UpdateBody:
    """Add tasks to the session's rules, or replace them by name. A later deployment does not change them.

    It takes the rights to read the session and to create runs of all its DAGs, those of the new rules included. Tasks
    that Airflow does not run cannot be changed here. With `preview` the answer says what would happen.
    """
    readable_configuration(uid, permissions)
    update = Update(
        tasks=body.tasks,
        history=body.history,
        by=user_name,
        authorize=permissions.require_migrate,
        in_airflow_only=True,
        if_match=if_match,
    )
    try:
        effect = preview_update(uid, update) if body.preview else update_session(uid, update)
    except ConfigurationError as error:
        disclosure = permissions.disclosure()
        raise ConfigurationError([shown_problem(text, disclosure) for text in error.problems]) from error
    return UpdateBody.of(effect, preview=body.preview)
