"""Sessions: list, create, read, update their rules, delete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from airflow_triggers_client.exchange import Request, Steps
from airflow_triggers_client.models import ConfigurationUpdate, Session, SessionSummary
from airflow_triggers_client.operations.listing import Listing
from airflow_triggers_client.service import Service, body, checked_text, path

NEWEST = 100
"""The most entries of each list of a session. The server gives no more."""


def sessions(
    *,
    configuration: str | None = None,
    version: str | None = None,
    prefix: str | None = None,
    contains: str | None = None,
    has_failed: bool | None = None,
    is_open: bool | None = None,
    is_resolved: bool | None = None,
    waiting_for: str | None = None,
    idle_for: float | None = None,
    order_by: str = "uid",
    after: str | None = None,
) -> Listing[SessionSummary]:
    """The sessions that you may read.

    :param configuration: only those of this deployed configuration.
    :param version: only those with this version of their rules, a hash.
    :param prefix: only sessions with this beginning of their UID.
    :param contains: only sessions with this part in their UID.
    :param has_failed: only those with failed instances; False: only others.
    :param is_open: only those with instances that are not resolved; False: only others.
    :param is_resolved: only those in which nothing waits, runs or is still to come; False: only others.
    :param waiting_for: only those with an instance that waits for this trigger.
    :param idle_for: only those whose last change is more seconds ago.
    :param order_by: ``uid``; ``last_modified``; or ``-last_modified``, the newest change first.
    :param after: only those after this cursor: the ``next`` of a page.
    """
    flags = {"has_failed": has_failed, "open": is_open, "resolved": is_resolved}
    query = {
        "configuration": configuration,
        "version": version,
        "prefix": prefix,
        "contains": contains,
        **{name: str(flag).lower() for name, flag in flags.items() if flag is not None},
        "waiting_for": waiting_for,
        "idle_for": idle_for,
        "order_by": None if order_by == "uid" else order_by,
    }
    return Listing("sessions", "sessions", SessionSummary, "after", after, query)


def session(service: Service, session_uid: str) -> Steps[Session]:
    """The session: its tasks, latest triggers, and the newest :data:`NEWEST` of each of its lists.

    :raises SessionNotFound: when there is none.
    """
    request = Request("GET", path("sessions", session_uid), query={"limit": NEWEST}, repeatable=True)
    return (yield from service.call_tagged(request, Session))


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
        "uid": checked_text(session_uid, "A session's UID"),
        "configuration": checked_text(configuration, "'configuration'"),
        "manager": manager,
        "storage": storage,
        "metadata": metadata,
    }
    return (
        yield from service.call(Request("POST", "sessions", body=body(content), repeatable=True), Session)
    )


def update_configuration(
    service: Service,
    session_uid: str,
    tasks: Mapping[str, Mapping[str, Any]],
    *,
    history: Literal["ignore", "apply"] = "ignore",
    preview: bool = False,
    if_match: str | None = None,
) -> Steps[ConfigurationUpdate]:
    """Add tasks to the session's rules, or replace tasks by name. The others stay.

    The request is not sent again when the answer is lost, except a preview. Then the session's tasks say whether it was
    carried out.

    :param tasks: task name → directives, as in a configuration file.
    :param history: ``apply``: the fires of the past count for these tasks. What has run is not run again.
    :param preview: only say what would happen.
    :param if_match: the ``etag`` of the session as you read it.
    :raises InvalidRequest: when the rules are not accepted; the detail names the task and the directive.
    :raises PreconditionFailed: when somebody has changed the session since; nothing was changed. Read it again, and
        decide anew.
    :raises Conflict: when somebody changed the session at the same time; nothing was changed.
    """
    content = body({"tasks": tasks, "history": history, "preview": preview})
    place = path("sessions", session_uid, "configuration")
    request = Request("PUT", place, body=content, repeatable=preview, if_match=if_match)
    return (yield from service.call(request, ConfigurationUpdate))


def delete_session(
    service: Service, session_uid: str, *, force: bool = False, if_match: str | None = None
) -> Steps[None]:
    """Delete the session with its history. Its DAG runs stay in Airflow.

    :param force: delete it although it is not resolved.
    :param if_match: the ``etag`` of the session as you read it.
    :raises PreconditionFailed: when somebody has changed the session since; it stays.
    :raises SessionNotFound: when it does not exist, for example because it was deleted before.
    :raises SessionUnresolved: when it is not resolved; the detail says what is open.
    """
    query = {"force": "true"} if force else {}
    request = Request("DELETE", path("sessions", session_uid), query=query, if_match=if_match)
    yield from service.order(request)
