"""``/api/v1/sessions/{uid}/instances/{name}``: read an instance, and repair a failed one."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from airflow_triggers.api.bodies import BodyRoute
from airflow_triggers.api.datamodels import ErrorBody, InstanceBody
from airflow_triggers.api.dependencies import InstanceNameDep, PermissionsDep, SessionUidDep, UserNameDep
from airflow_triggers.api.requests import ReplayInstance, SkipInstance
from airflow_triggers.api.routes.reading import readable_instance
from airflow_triggers.sessions import repairs

router = APIRouter(
    route_class=BodyRoute,
    prefix="/{uid}/instances/{name}",
    tags=["Instances"],
    responses={404: {"description": "There is no such session or instance.", "model": ErrorBody}},
)

NOT_FAILED: dict[int | str, dict[str, Any]] = {
    409: {"description": "The instance is not failed.", "model": ErrorBody}
}


@router.get("", summary="Read an instance")
def read_instance(uid: SessionUidDep, name: InstanceNameDep, permissions: PermissionsDep) -> InstanceBody:
    """One instance of the session."""
    return InstanceBody.of(readable_instance(uid, name, permissions).view)


@router.post("/replay", summary="Replay a failed instance", responses=NOT_FAILED)
def replay_instance(
    uid: SessionUidDep,
    name: InstanceNameDep,
    body: ReplayInstance,
    permissions: PermissionsDep,
    user_name: UserNameDep,
) -> InstanceBody:
    """Run a failed instance again, as a clone. The answer is the new instance; the failed one becomes `replayed`."""
    description = readable_instance(uid, name, permissions)
    permissions.require_replay(description.tasks, description.view)
    clone = repairs.replay(uid, name, body.kwargs, cooldown=body.cooldown, by=user_name)
    return InstanceBody.of(readable_instance(uid, clone.name, permissions).view)


@router.post("/skip", summary="Skip a failed instance", responses=NOT_FAILED)
def skip_instance(
    uid: SessionUidDep,
    name: InstanceNameDep,
    body: SkipInstance,
    permissions: PermissionsDep,
    user_name: UserNameDep,
) -> InstanceBody:
    """Waive a failed instance: it becomes `skipped`. With `cascade`, its task's name is fired with `result`."""
    description = readable_instance(uid, name, permissions)
    permissions.require_skip(description.tasks, description.view, cascade=body.cascade)
    repairs.skip(uid, name, body.cascade, body.result, by=user_name)
    return InstanceBody.of(readable_instance(uid, name, permissions).view)
