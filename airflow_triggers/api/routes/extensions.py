"""``/api/v1/extensions``: the managers, storages and runners that are installed."""

from __future__ import annotations

from airflow_triggers.answers.extensions import ExtensionsAnswer
from airflow_triggers.api.configuration_models import ExtensionsBody
from airflow_triggers.api.dependencies import PermissionsDep
from airflow_triggers.api.routers import make_router
from airflow_triggers.manager.installed import installed_extensions

router = make_router("", tag="Extensions")


@router.get("/extensions", summary="List what is installed")
def list_extensions(permissions: PermissionsDep) -> ExtensionsBody:
    """The managers, storages and runners that are installed in the API server, broken ones included.

    It takes a valid token. The classes and the problems are shown if Airflow shows you its plugins.
    """
    answer = ExtensionsAnswer.of(installed_extensions(), in_short=not permissions.may_read_plugins())
    return ExtensionsBody.model_validate(answer)
