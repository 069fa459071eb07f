"""``/api/v1/configurations``: what is deployed, checks of a text, and the move of open sessions to new rules."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import Path, Query

from airflow_triggers import sessions
from airflow_triggers.answers.configurations import (
    ConfigurationAnswer,
    ConfigurationDetailAnswer,
    ValidationAnswer,
)
from airflow_triggers.api.configuration_models import (
    ActionableConfiguration,
    ConfigurationBody,
    ConfigurationsPage,
    ConfigurationsQuery,
    ValidateConfiguration,
    ValidationBody,
)
from airflow_triggers.api.dependencies import PermissionsDep, UserNameDep
from airflow_triggers.api.fields import KeptName
from airflow_triggers.api.migration_models import MigrateSessions, MigrationPageBody
from airflow_triggers.api.parked_acts import ParkedActs
from airflow_triggers.api.permissions import Permissions
from airflow_triggers.api.routers import make_router
from airflow_triggers.api.routes.reading import creatable_configuration, readable_deployment
from airflow_triggers.configuration.posted import check_text
from airflow_triggers.gateway import Deployment
from airflow_triggers.sessions import deployments
from airflow_triggers.sessions.migration import Migration, migrate_sessions

router = make_router("/configurations", tag="Configurations")


ConfigurationName = Annotated[
    KeptName, Path(description="The configuration's name.", examples=["questionnaire"])
]

HIDDEN_YAML = "It takes the right to read the code of all DAGs that are compiled from the file."
HIDDEN_ERROR = "It has an import error. Airflow shows it to users who may read import errors and these DAGs."


@router.get("", summary="List configurations")
def list_configurations(
    query: Annotated[ConfigurationsQuery, Query()], permissions: PermissionsDep
) -> ConfigurationsPage:
    """The deployed configurations whose sessions you may read, ordered by name. Page through them with `after`.

    A configuration whose file is broken now is among them, with the error and the rules from before.
    """
    summaries, cursor = deployments.list_configurations(
        limit=query.limit,
        after=query.after,
        readable=permissions.may_read,
        configuration_hashes=permissions.readable(sessions.configurations_of_sessions()),
    )
    visible_summaries = [
        replace(summary, deployment=_shown(summary.deployment, permissions)) for summary in summaries
    ]
    return ConfigurationsPage(
        configurations=[
            ConfigurationBody.model_validate(ConfigurationAnswer.of(summary)) for summary in visible_summaries
        ],
        next=cursor,
    )


@router.post("/validate", summary="Check a configuration's text")
def validate(body: ValidateConfiguration, permissions: PermissionsDep) -> ValidationBody:
    """What `airflow triggers check` would say of a file with this text, without its folder: form, names, cycles, tasks
    that can never run. Nothing is deployed or changed.

    The server imports no code, so it cannot tell whether a function exists. An id that is no DAG of yours is a warning.
    """
    findings = check_text(body.yaml, name=body.name, dag_ids=permissions.readable_dag_ids())
    return ValidationBody.model_validate(ValidationAnswer.of(findings))


@router.get(
    "/{name}",
    summary="Read a configuration",
    responses={404: {"description": "There is no such configuration."}},
)
def read_configuration(name: ConfigurationName, permissions: PermissionsDep) -> ActionableConfiguration:
    """The configuration with its rules, its graph, its versions, counts of its sessions and instances, and what you may
    do with it.

    It takes the right to read sessions of it.
    """
    deployment = readable_deployment(name, permissions)
    description = deployments.describe_configuration(
        _shown(deployment, permissions),
        configuration_hashes=permissions.readable(sessions.configurations_of_sessions()),
    )
    hidden_yaml = None if permissions.may_read_yaml(deployment.configuration) else HIDDEN_YAML
    answer = ConfigurationDetailAnswer.of_description(description, hidden_yaml=hidden_yaml)
    return ActionableConfiguration.with_acts(answer, ParkedActs(permissions).of_deployment(deployment))


def _shown(deployment: Deployment, permissions: Permissions) -> Deployment:
    """The configuration, with only as much of its import error as Airflow would show."""
    if deployment.import_error is None or permissions.may_read_import_error(deployment.configuration):
        return deployment
    return replace(deployment, import_error=HIDDEN_ERROR)


@router.post(
    "/{name}/migrate",
    summary="Move open sessions to the deployed rules",
    responses={404: {"description": "No deployed configuration has that name."}},
)
def migrate(
    name: ConfigurationName,
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
