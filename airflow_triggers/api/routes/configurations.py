"""``/api/v1/configurations/{name}``: move open sessions to the rules deployed now."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from airflow_triggers import sessions
from airflow_triggers.api.bodies import BodyRoute
from airflow_triggers.api.datamodels import ErrorBody
from airflow_triggers.api.dependencies import PermissionsDep, UserNameDep
from airflow_triggers.api.fields import KeptName
from airflow_triggers.api.migration_models import MigrateSessions, MigrationPageBody
from airflow_triggers.api.routes.reading import creatable_configuration
from airflow_triggers.sessions.migration import Migration, migrate_sessions

router = APIRouter(tags=["Configurations"], route_class=BodyRoute)


@router.post(
    "/{name}/migrate",
    summary="Move open sessions to the deployed rules",
    responses={404: {"description": "No deployed configuration has that name.", "model": ErrorBody}},
)
def migrate(
    name: Annotated[
        KeptName, Path(description="The deployed configuration's name.", examples=["questionnaire"])
    ],
    body: MigrateSessions,
    permissions: PermissionsDep,
    user_name: UserNameDep,
) -> MigrationPageBody:
    """Move the next sessions of the configuration, each in a transaction of its own. It moves only sessions that you
    may read.

    It takes the right to create runs of all DAGs of the deployed configuration, and of all DAGs of the session. A
    session with the deployed rules already stays unchanged: you can send an interrupted migration again. With
    `history` `apply`, its past is applied if it was not applied before.
    """
    creatable_configuration(name, permissions)
    migration = Migration(
        configuration=name,
        prefix=body.prefix,
        history=body.history,
        dry_run=body.dry_run,
        replaces_own_tasks=body.replace_own_tasks,
        by=user_name,
        waits=False,
        authorize=permissions.require_migrate,
        configuration_hashes=permissions.readable(sessions.configurations_of_sessions()),
    )
    return MigrationPageBody.of(migrate_sessions(migration, limit=body.limit, after_uid=body.after))
