"""What several routes do first: find what the request names, and make sure that the user may see it."""

from __future__ import annotations

from airflow_triggers import sessions
from airflow_triggers.api.datamodels import FireTrigger
from airflow_triggers.api.permissions import Permissions
from airflow_triggers.errors import (
    IdempotencyConflict,
    InstanceNotFound,
    TriggersError,
    UnknownConfiguration,
)
from airflow_triggers.sessions import InstanceView, SessionDescription
from airflow_triggers.types import Configuration


def readable_session(uid: str, permissions: Permissions, *, fire_limit: int = 0) -> SessionDescription:
    """The session, in one consistent read.

    :raises SessionNotFound: when there is none.
    :raises Refused: when the user may not read it.
    """
    described = sessions.describe_session(uid, fire_limit=fire_limit)
    permissions.require_read(described.tasks)
    return described


def instance_of(described: SessionDescription, name: str) -> InstanceView:
    """The session's instance of that name. :raises InstanceNotFound: when there is none."""
    for view in described.instances:
        if view.instance.name == name:
            return view
    raise InstanceNotFound(f"Session {described.summary.uid!r} has no instance {name!r}.")


def discreet(error: TriggersError, uid: str, fire: FireTrigger) -> TriggersError:
    """The error of a fire without what the user might not be allowed to know: what others fired, and deployed."""
    if isinstance(error, UnknownConfiguration) and fire.configuration is not None:
        return _unknown(fire.configuration)
    if isinstance(error, IdempotencyConflict):
        return IdempotencyConflict(
            f"The idempotency key {fire.idempotency_key!r} was used in session {uid!r} for another trigger or "
            "other kwargs. Use a key of its own for each fire."
        )
    return error


def deployed_configuration(name: str) -> Configuration:
    """The deployed configuration of that name.

    :raises UnknownConfiguration: when there is none; other than in a shell on the server, it names no other ones,
        which the user might not be allowed to know.
    """
    try:
        return sessions.deployed_configuration(name)
    except UnknownConfiguration as error:
        raise _unknown(name) from error


def _unknown(name: str) -> UnknownConfiguration:
    return UnknownConfiguration(
        f"There is no deployed configuration {name!r}. Deploy it, and see that its DAGs show in Airflow."
    )
