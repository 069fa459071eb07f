"""The first steps of several routes: find the named session, instance or configuration, and check the user's rights.

When the user may do nothing with a session or configuration, the answer is the same as if it did not exist.
"""

from __future__ import annotations

from collections.abc import Callable

from airflow_triggers import sessions
from airflow_triggers.api.page_models import InstancesOfSessionQuery
from airflow_triggers.api.permissions import Permissions
from airflow_triggers.domain.configuration import Configuration
from airflow_triggers.domain.fires import SessionFireRequest
from airflow_triggers.domain.uids import SessionUid
from airflow_triggers.errors import (
    Concealed,
    IdempotencyConflict,
    Refused,
    RegistryError,
    SessionExists,
    SessionNotFound,
    TriggersError,
    UnknownConfiguration,
)
from airflow_triggers.gateway import Deployment
from airflow_triggers.sessions import deployments, pages
from airflow_triggers.sessions.describing import InstanceDescription, SessionDescription
from airflow_triggers.sessions.pages import InstanceDetail, InstancesOfSession


def readable_configuration(uid: SessionUid, permissions: Permissions) -> Configuration:
    """The configuration of a session that the user may read. The session's size does not matter for the speed.

    :raises SessionNotFound: when there is no such session.
    :raises Concealed: when the user may do nothing with it; the application answers the same.
    :raises Refused: when the user may fire into it, but not read it.
    """
    configuration = _configuration_of(uid, permissions.require_read)
    permissions.require_read(configuration)
    return configuration


def known_configuration(uid: SessionUid, permissions: Permissions) -> Configuration:
    """The configuration of a session with which the user may do something.

    :raises SessionNotFound: when there is no such session.
    :raises Concealed: when the user may do nothing with it; the application answers the same.
    """
    configuration = _configuration_of(uid, permissions.require_something)
    permissions.require_something(configuration)
    return configuration


def _configuration_of(uid: SessionUid, require: Callable[[Configuration], None]) -> Configuration:
    """The session's configuration.

    When its storage cannot be opened here, only a user who passes ``require`` gets this error.
    """
    try:
        return sessions.configuration_of(uid)
    except RegistryError:
        if record := sessions.record_of(uid):
            require(record.configuration)
        raise


def readable_session(
    uid: SessionUid, permissions: Permissions, bounds: sessions.Bounds | None = None
) -> SessionDescription:
    """The session in one consistent read, bounded, without what Airflow would not show to the user.

    Raises what :func:`readable_configuration` does.
    """
    configuration = readable_configuration(uid, permissions)
    description = sessions.describe_session(uid, bounds=bounds or sessions.Bounds())
    if description.tasks != configuration:
        permissions.require_read(description.tasks)
    return sessions.shown_description(description, permissions.disclosure())


def readable_instance(uid: SessionUid, name: str, permissions: Permissions) -> InstanceDescription:
    """The session's instance with this name, read by its key, without what Airflow would not show to the user.

    Raises what :func:`readable_configuration` does.

    :raises InstanceNotFound: when the user may read the session, but it has no such instance.
    """
    configuration = readable_configuration(uid, permissions)
    description = sessions.describe_instance(uid, name)
    if description.tasks != configuration:
        permissions.require_read(description.tasks)
    return sessions.shown_instance_description(description, permissions.disclosure())


def readable_detail(uid: SessionUid, name: str, permissions: Permissions) -> InstanceDetail:
    """The session's instance with this name in full, without what Airflow would not show to the user.

    Raises what :func:`readable_instance` does.
    """
    configuration = readable_configuration(uid, permissions)
    detail = pages.describe_in_full(uid, name)
    if detail.description.tasks != configuration:
        permissions.require_read(detail.description.tasks)
    return detail.for_reader(permissions.disclosure())


def readable_instances(
    uid: SessionUid, query: InstancesOfSessionQuery, permissions: Permissions
) -> InstancesOfSession:
    """A page of the session's instances, without what Airflow would not show to the user.

    Raises what :func:`readable_configuration` does.
    """
    configuration = readable_configuration(uid, permissions)
    page = pages.list_instances(
        uid, limit=query.limit, after=query.after, task=query.task, statuses=query.status
    )
    if page.tasks != configuration:
        permissions.require_read(page.tasks)
    return page.for_reader(permissions.disclosure())


def discreet(error: TriggersError, request: SessionFireRequest, permissions: Permissions) -> TriggersError:
    """The error of a fire, without facts that the user may not know: the fires and configurations of others."""
    if isinstance(error, UnknownConfiguration) and request.configuration is not None:
        return _unknown(request.configuration, permissions)
    if isinstance(error, SessionExists):
        return session_exists(error, request.session_uid, permissions)
    if isinstance(error, IdempotencyConflict):
        return IdempotencyConflict(
            f"The idempotency key {request.idempotency_key!r} was used in session {request.session_uid!r} for another "
            "trigger or other kwargs. Use a key of its own for each fire."
        )
    return error


def session_exists(error: SessionExists, uid: SessionUid, permissions: Permissions) -> SessionExists:
    """The error as it is for users who may read the session; others get one without the session's details."""
    try:
        readable_configuration(uid, permissions)
    except (Refused, RegistryError, SessionNotFound):
        return sessions.uid_taken(uid)
    return error


def creatable_configuration(name: str, permissions: Permissions) -> Configuration:
    """The deployed configuration with this name, when the user may make sessions of it and read them.

    :raises UnknownConfiguration: when there is none, or the user may do nothing with its sessions. Unlike in a shell on
        the server it lists no other names: it names a similar one, if the user may know of it.
    :raises Refused: when the user may do something with its sessions, but not make and read them.
    """
    try:
        configuration = sessions.deployed_configuration(name)
        permissions.require_create(configuration)
        permissions.require_read(configuration)
    except (Concealed, UnknownConfiguration) as error:
        raise _unknown(name, permissions) from error
    return configuration


def readable_deployment(name: str, permissions: Permissions) -> Deployment:
    """The configuration with this name, when the user may read sessions of it.

    :raises UnknownConfiguration: when there is none, or the user may do nothing with its sessions.
    :raises Refused: when the user may fire into its sessions, but not read them.
    """
    try:
        deployment = deployments.deployment_of(name)
        permissions.require_read(deployment.configuration)
    except (Concealed, UnknownConfiguration) as error:
        raise _unknown(name, permissions) from error
    return deployment


def _unknown(name: str, permissions: Permissions) -> UnknownConfiguration:
    names = permissions.near_configuration_names
    if name not in names:
        near_configurations = filter(permissions.knows, sessions.near_configurations(name))
        names[name] = next((configuration.name for configuration in near_configurations), None)
    hint = f" Did you mean {names[name]!r}?" if names[name] else ""
    return UnknownConfiguration(
        f"There is no deployed configuration {name!r}.{hint} Deploy it, and see that its DAGs show in Airflow."
    )
