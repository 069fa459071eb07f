"""``/api/v1/sessions/{uid}/instances/{name}``: read an instance, repair a failed one, change one by hand."""

from __future__ import annotations

from typing import Any

from fastapi import Response

from airflow_triggers.api.act_requests import SetInstanceMetadata, SetInstanceStatus
from airflow_triggers.api.datamodels import InstanceBody
from airflow_triggers.api.dependencies import InstanceNameDep, PermissionsDep, SessionUidDep, UserNameDep
from airflow_triggers.api.headers import CHANGED, TAGGED, IfMatchDep, IfNoneMatchDep, tagged_answer
from airflow_triggers.api.instance_acts import InstanceActs
from airflow_triggers.api.page_models import ActionableInstance
from airflow_triggers.api.permissions import Permissions
from airflow_triggers.api.requests import ReplayInstance, SkipInstance
from airflow_triggers.api.routers import make_router
from airflow_triggers.api.routes.reading import readable_detail, readable_instance
from airflow_triggers.domain.acts import InstanceAct, Replay, ResolveLogs, Skip
from airflow_triggers.domain.uids import SessionUid
from airflow_triggers.sessions import repairs
from airflow_triggers.sessions.preconditions import Precondition

router = make_router(
    "/sessions/{uid}/instances/{name}",
    tag="Instances",
    responses={404: {"description": "There is no such session or instance."}},
)

NOT_FAILED: dict[int | str, dict[str, Any]] = {409: {"description": "The instance is not failed."}}
NOT_ALLOWED: dict[int | str, dict[str, Any]] = {
    409: {
        "description": "The instance has the status already; or it could never run with it: its task was removed."
    }
}


@router.get("", summary="Read an instance", response_model=ActionableInstance, responses=TAGGED)
def read_instance(
    uid: SessionUidDep, name: InstanceNameDep, permissions: PermissionsDep, known_tags: IfNoneMatchDep
) -> Response:
    """One instance of the session with its replay chain, its run in Airflow, and what you may do with it. The size of
    the session does not matter for the speed. Its `ETag` serves as `If-Match` of the acts on it.
    """
    detail = readable_detail(uid, name, permissions)
    instance = detail.view.instance
    acts = InstanceActs(permissions).of(
        detail.description.tasks, task=instance.task.name, status=instance.status, dag_id=detail.view.dag_id
    )
    body = ActionableInstance.with_acts(detail, acts)
    return tagged_answer(body, detail.description.version, known_tags)


@router.post("/replay", summary="Replay a failed instance", responses={**NOT_FAILED, **CHANGED})
def replay_instance(
    uid: SessionUidDep,
    name: InstanceNameDep,
    body: ReplayInstance,
    permissions: PermissionsDep,
    user_name: UserNameDep,
    if_match: IfMatchDep,
) -> InstanceBody:
    """Run a failed instance again, as a clone. The answer is the new instance; the failed one becomes `replayed`."""
    return _act(
        uid, name, Replay(kwargs=body.kwargs, cooldown=body.cooldown), permissions, user_name, if_match
    )


@router.post("/skip", summary="Skip a failed instance", responses={**NOT_FAILED, **CHANGED})
def skip_instance(
    uid: SessionUidDep,
    name: InstanceNameDep,
    body: SkipInstance,
    permissions: PermissionsDep,
    user_name: UserNameDep,
    if_match: IfMatchDep,
) -> InstanceBody:
    """Waive a failed instance: it becomes `skipped`. With `cascade`, its task's name is fired with `result`."""
    return _act(uid, name, Skip(cascade=body.cascade, result=body.result), permissions, user_name, if_match)


@router.post("/status", summary="Set an instance's status by hand", responses={**NOT_ALLOWED, **CHANGED})
def set_instance_status(
    uid: SessionUidDep,
    name: InstanceNameDep,
    body: SetInstanceStatus,
    permissions: PermissionsDep,
    user_name: UserNameDep,
    if_match: IfMatchDep,
) -> InstanceBody:
    """Set the status, whatever it is now. Its DAG run goes on, but no longer counts for the instance.

    Use it where neither a replay nor a skip will do. The status stays until somebody clears the run in Airflow. An
    instance set to `unstarted` gets another run with the next fire that makes it ready. It takes the right to edit task
    instances of the instance's DAG; with `cascade`, or to `unstarted`, to create its runs too.
    """
    return _act(uid, name, body.to_act(), permissions, user_name, if_match)


@router.post("/metadata", summary="Attach metadata to an instance", responses=CHANGED)
def set_instance_metadata(
    uid: SessionUidDep,
    name: InstanceNameDep,
    body: SetInstanceMetadata,
    permissions: PermissionsDep,
    user_name: UserNameDep,
    if_match: IfMatchDep,
) -> InstanceBody:
    """Merge metadata into the instance's; its status stays. The framework's own keys are refused.

    It takes the right to edit task instances of the instance's DAG.
    """
    return _act(uid, name, body.to_act(), permissions, user_name, if_match)


@router.post("/resolve-logs", summary="Mark an instance's logs as resolved", responses=CHANGED)
def resolve_instance_logs(
    uid: SessionUidDep,
    name: InstanceNameDep,
    permissions: PermissionsDep,
    user_name: UserNameDep,
    if_match: IfMatchDep,
) -> InstanceBody:
    """Mark the instance's log messages as dealt with. Doing it again changes nothing else.

    It takes the right to edit task instances of the instance's DAG.
    """
    return _act(uid, name, ResolveLogs(), permissions, user_name, if_match)


def _act(
    uid: SessionUid,
    name: str,
    act: InstanceAct,
    permissions: Permissions,
    user_name: str,
    if_match: Precondition | None,
) -> InstanceBody:
    """Do the act, for a user with the right to it. The answer is the instance afterwards; of a replay, the new one."""
    description = readable_instance(uid, name, permissions)
    permissions.require_act(description.tasks, description.view, act)
    instance = repairs.act_on(uid, name, act, by=user_name, if_match=if_match)
    return InstanceBody.of(readable_instance(uid, instance.name, permissions).view)
