"""Deployed configurations: move sessions to their rules."""

from __future__ import annotations

from typing import Literal

from airflow_triggers_client.exchange import Request, Steps
from airflow_triggers_client.models import (
    ConfigurationSummary,
    DeployedConfiguration,
    Extensions,
    MigrationPage,
    Validation,
)
from airflow_triggers_client.operations.listing import Listing
from airflow_triggers_client.service import Service, body, path


def migrate_sessions(
    service: Service,
    configuration: str,
    *,
    prefix: str | None = None,
    history: Literal["ignore", "apply"] = "ignore",
    replace_own_tasks: bool = False,
    dry_run: bool = False,
    after: str | None = None,
    limit: int = 50,
) -> Steps[MigrationPage]:
    """Move the next sessions to the rules deployed now, each in a transaction of its own.

    A session that has them stays unchanged, so the request may be sent again. Go on with the answer's ``next`` as
    ``after``.

    :param prefix: only sessions with this beginning of their UID.
    :param history: ``apply``: the fires of the past count for new and changed tasks.
    :param replace_own_tasks: also move sessions whose tasks were changed at run time; their own tasks go.
    :param dry_run: only say what would happen.
    :param limit: how many sessions to look at, at most.
    :raises UnknownConfiguration: when no deployed configuration has this name.
    """
    content = {
        "prefix": prefix,
        "history": history,
        "replace_own_tasks": replace_own_tasks,
        "dry_run": dry_run,
        "after": after,
        "limit": limit,
    }
    place = path("configurations", configuration, "migrate")
    request = Request("POST", place, body=body(content), repeatable=True, is_long=True)
    return (yield from service.call(request, MigrationPage))


def configurations(*, after: str | None = None) -> Listing[ConfigurationSummary]:
    """The deployed configurations whose sessions you may read, ordered by name.

    :param after: only names after this one: the ``next`` of a page.
    """
    return Listing("configurations", "configurations", ConfigurationSummary, "after", after)


def configuration(service: Service, name: str) -> Steps[DeployedConfiguration]:
    """A configuration with its rules, its graph, its versions, and counts of its sessions and instances.

    :raises UnknownConfiguration: when there is none.
    """
    request = Request("GET", path("configurations", name), repeatable=True)
    return (yield from service.call(request, DeployedConfiguration))


def validate_configuration(service: Service, yaml: str, *, name: str | None = None) -> Steps[Validation]:
    """Check the text of a configuration file. Nothing is deployed, and no code is imported.

    :param name: the configuration's name.
    """
    request = Request(
        "POST", "configurations/validate", body=body({"yaml": yaml, "name": name}), repeatable=True
    )
    return (yield from service.call(request, Validation))


def extensions(service: Service) -> Steps[Extensions]:
    """The managers, storages and runners that are installed in the API server."""
    return (yield from service.call(Request("GET", "extensions", repeatable=True), Extensions))
