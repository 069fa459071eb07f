"""Sessions: list, create, read, delete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_triggers_client.exchange import Request, Steps
from airflow_triggers_client.models import Session, SessionSummary
from airflow_triggers_client.operations.listing import Listing
from airflow_triggers_client.service import Service, body, path


def sessions(
    *, configuration: str | None = None, prefix: str | None = None, after: str | None = None
) -> Listing[SessionSummary]:
    """The sessions that you may read, ordered by UID.

    :param configuration: only those of this deployed configuration.
    :param prefix: only sessions with this beginning of their UID.
    :param after: only those after this UID: the ``next`` of a page.
    """
    query = {"configuration": configuration, "prefix": prefix}
    return Listing("sessions", "sessions", SessionSummary, "after", after, query)


def session(service: Service, session_uid: str) -> Steps[Session]:
    """The whole session: its tasks, instances, latest triggers, newest fires.

    :raises SessionNotFound: when there is none.
    """
    return (yield from service.call(Request("GET", path("sessions", session_uid), repeatable=True), Session))


def create_session(
    service: Service,
    session_uid: str,
    configuration: str,
    *,
    manager: str | None = None,
    storage: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Steps[Session]:
    """Create a session of a deployed configuration. Creating it again the same way changes nothing.

    :param manager: the session's trigger manager; None: the default one.
    :param storage: the session's storage backend; None: Airflow's database.
    :param metadata: the application's own data in the session, a JSON object.
    :raises UnknownConfiguration: when no deployed configuration has this name.
    :raises SessionExists: when it exists with another configuration, manager or storage.
    """
    content = {
        "uid": session_uid,
        "configuration": configuration,
        "manager": manager,
        "storage": storage,
        "metadata": metadata,
    }
    return (
        yield from service.call(Request("POST", "sessions", body=body(content), repeatable=True), Session)
    )


def delete_session(service: Service, session_uid: str, *, force: bool = False) -> Steps[None]:
    """Delete the session with its history. Its DAG runs stay in Airflow.

    :param force: delete it although it is not resolved.
    :raises SessionNotFound: when it does not exist, for example because it was deleted before.
    :raises SessionUnresolved: when it is not resolved; the detail says what is open.
    """
    query = {"force": "true"} if force else {}
    yield from service.order(Request("DELETE", path("sessions", session_uid), query=query))
