"""The past, and why something has not happened: ``…/history``, ``…/why``, ``…/hooks``, ``/api/v1/fires``."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Path, Query

from airflow_triggers import history, sessions
from airflow_triggers.api.dependencies import (
    PermissionsDep,
    SessionUidDep,
    TaskOrInstanceNameDep,
    UserNameDep,
)
from airflow_triggers.api.fields import Id
from airflow_triggers.api.history_models import (
    ExplanationBody,
    HistoryPageBody,
    HookCallBody,
    VainFireBody,
    VainFiresPage,
)
from airflow_triggers.api.requests import HistoryQuery, VainFiresQuery
from airflow_triggers.api.routers import make_router
from airflow_triggers.api.routes.reading import readable_configuration
from airflow_triggers.history import parked

router = make_router("", tag="History")

NOT_FOUND: dict[int | str, dict[str, Any]] = {
    HTTPStatus.NOT_FOUND: {"description": "There is no such session, task, instance or hook."}
}


@router.get("/sessions/{uid}/history", summary="Read a session's history", responses=NOT_FOUND)
def read_history(
    uid: SessionUidDep, query: Annotated[HistoryQuery, Query()], permissions: PermissionsDep
) -> HistoryPageBody:
    """The session's whole history, newest first: fires, changes of status, repairs, hooks that raised.

    Page with `before`.
    """
    readable_configuration(uid, permissions)
    page = history.history_of(
        uid,
        limit=query.limit,
        before=query.before,
        instance=query.instance,
        trigger=query.trigger,
        touched_nothing=query.touched == "nothing",
        disclosure=permissions.disclosure(),
    )
    return HistoryPageBody.of(page)


@router.get("/sessions/{uid}/instances/{name}/why", summary="Explain why it has not run", responses=NOT_FOUND)
def explain(
    uid: SessionUidDep,
    name: TaskOrInstanceNameDep,
    permissions: PermissionsDep,
) -> ExplanationBody:
    """Which triggers arrived and when, which are missing, and what its DAG run waits for in Airflow."""
    readable_configuration(uid, permissions)
    return ExplanationBody.of(history.why(uid, name, disclosure=permissions.disclosure()))


@router.post("/sessions/{uid}/hooks/{hook_id}/call", summary="Call a hook again", responses=NOT_FOUND)
def call_hook(
    uid: SessionUidDep,
    hook_id: Annotated[Id, Path(description="The hook's `id`, as the session shows it.")],
    permissions: PermissionsDep,
    user_name: UserNameDep,
) -> HookCallBody:
    """Call a hook again, now and in the API server: it raised before, or its process died. Once it ends, the session
    forgets it.

    It takes the right to create runs of all the session's DAGs: a hook may fire anything.
    """
    permissions.require_create(readable_configuration(uid, permissions))
    error = parked.call_hook_again(uid, hook_id, by=user_name)
    hook = sessions.promised_hook_of(uid, hook_id)
    return HookCallBody.of(error, hook)


@router.get("/fires", summary="List fires that touched nothing", tags=["Fires"])
def list_vain_fires(query: Annotated[VainFiresQuery, Query()], permissions: PermissionsDep) -> VainFiresPage:
    """Fires without effect (a misspelt trigger, say) in all your readable sessions, newest first."""
    vain_fires = history.vain_fires(
        limit=query.limit + 1,
        before=query.before,
        trigger=query.trigger,
        configuration=query.configuration,
        configuration_hashes=permissions.readable(sessions.configurations_of_sessions()),
        disclosure=permissions.disclosure(),
    )
    page = vain_fires[: query.limit]
    return VainFiresPage(
        fires=[VainFireBody.of(vain_fire) for vain_fire in page],
        next=page[-1].fire.fire_id if len(vain_fires) > query.limit else None,
    )
