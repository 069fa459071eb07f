"""What several routes do first: find what the request names, and make sure that the user may see it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow_triggers import sessions
from airflow_triggers.api.permissions import Permissions
from airflow_triggers.errors import InstanceNotFound, UnknownConfiguration
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


@contextmanager
def unlisted(name: str | None) -> Iterator[None]:
    """Let an unknown configuration's error name no other ones: the user might not be allowed to know them."""
    try:
        yield
    except UnknownConfiguration as error:
        raise UnknownConfiguration(
            f"There is no deployed configuration {name!r}. Deploy it, and see that its DAGs show in Airflow."
        ) from error


def deployed_configuration(name: str) -> Configuration:
    """The deployed configuration of that name.

    :raises UnknownConfiguration: when there is none; other than in a shell on the server, it names no other ones,
        which the user might not be allowed to know.
    """
    with unlisted(name):
        return sessions.deployed_configuration(name)
