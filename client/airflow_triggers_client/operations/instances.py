"""Task instances: read one, repair a failed one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_triggers_client.exchange import Request, Steps
from airflow_triggers_client.models import (
    Instance,
    InstanceCounts,
    InstanceDetail,
    InstanceFilter,
    InstanceStatus,
    InstanceSummary,
)
from airflow_triggers_client.models.base import texts
from airflow_triggers_client.operations.listing import Listing
from airflow_triggers_client.service import Service, body, path


def instance(service: Service, session_uid: str, name: str) -> Steps[InstanceDetail]:
    """One instance, such as ``t_importSubject#0``, with its DAG run and its replays.

    :raises InstanceNotFound: when there is none.
    """
    place = path("sessions", session_uid, "instances", name)
    return (yield from service.call_tagged(Request("GET", place, repeatable=True), InstanceDetail))


def session_instances(
    session_uid: str, *, task: str | None = None, status: str | None = None, after: str | None = None
) -> Listing[Instance]:
    """The session's instances, newest first.

    :param task: only instances of this task.
    :param status: only instances with this status.
    :param after: only those after this cursor: the ``next`` of a page.
    """
    query = {"task": task, "status": None if status is None else str(status)}
    return Listing(path("sessions", session_uid, "instances"), "instances", Instance, "after", after, query)


def replay(
    service: Service,
    session_uid: str,
    name: str,
    kwargs: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    cooldown: float | None = None,
    if_match: str | None = None,
) -> Steps[Instance]:
    """Run a failed instance again, as a clone. It returns the clone.

    The request is not sent again when the answer is lost. Then the instance's status says whether it was carried out.

    :param kwargs: by trigger, instead of all kwargs of the failed instance (``{}``: none); None: the same kwargs.
    :param cooldown: seconds to wait before it runs.
    :param if_match: the ``etag`` of the instance as you read it.
    :raises InvalidTransition: when the instance is not failed.
    :raises PreconditionFailed: when somebody has changed the instance since; nothing was changed.
    """
    place = path("sessions", session_uid, "instances", name, "replay")
    content = body({"kwargs": kwargs, "cooldown": cooldown})
    request = Request("POST", place, body=content, if_match=if_match)
    return (yield from service.call(request, Instance))


def skip(
    service: Service,
    session_uid: str,
    name: str,
    *,
    cascade: bool = False,
    result: Mapping[str, Any] | None = None,
    if_match: str | None = None,
) -> Steps[Instance]:
    """Waive a failed instance.

    The request is not sent again when the answer is lost. Then the instance's status says whether it was carried out.

    :param cascade: fire the task's name, as if it had finished.
    :param result: the kwargs of that cascade.
    :param if_match: the ``etag`` of the instance as you read it.
    :raises InvalidTransition: when the instance is not failed.
    :raises PreconditionFailed: when somebody has changed the instance since; nothing was changed.
    """
    place = path("sessions", session_uid, "instances", name, "skip")
    content = body({"cascade": cascade, "result": result})
    request = Request("POST", place, body=content, if_match=if_match)
    return (yield from service.call(request, Instance))


def set_status(
    service: Service,
    session_uid: str,
    name: str,
    status: InstanceStatus | str,
    *,
    metadata: Mapping[str, Any] | None = None,
    cascade: bool = False,
    result: Mapping[str, Any] | None = None,
    if_match: str | None = None,
) -> Steps[Instance]:
    """Set an instance's status by hand. Its DAG run goes on, and its outcome no longer counts.

    The request is not sent again when the answer is lost. Then the instance's status says whether it was carried out.

    :param status: unstarted, finished, failed, skipped or abandoned.
    :param metadata: merged into the instance's.
    :param cascade: also fire the task's name; only with finished or skipped.
    :param result: the kwargs of that cascade.
    :param if_match: the ``etag`` of the instance as you read it.
    :raises InvalidTransition: when the instance has the status already.
    :raises PreconditionFailed: when somebody has changed the instance since; nothing was changed.
    """
    place = path("sessions", session_uid, "instances", name, "status")
    content = body({"status": str(status), "metadata": metadata, "cascade": cascade, "result": result})
    request = Request("POST", place, body=content, if_match=if_match)
    return (yield from service.call(request, Instance))


def set_metadata(
    service: Service, session_uid: str, name: str, metadata: Mapping[str, Any], *, if_match: str | None = None
) -> Steps[Instance]:
    """Merge metadata into an instance's: each key replaces the value of the same key.

    With ``if_match`` the request is not sent again when the answer is lost: it has changed the instance itself.

    :param metadata: a JSON object with at least one key.
    :param if_match: the ``etag`` of the instance as you read it.
    :raises PreconditionFailed: when somebody has changed the instance since; nothing was changed.
    """
    place = path("sessions", session_uid, "instances", name, "metadata")
    content = body({"metadata": metadata})
    request = Request("POST", place, body=content, repeatable=if_match is None, if_match=if_match)
    return (yield from service.call(request, Instance))


def resolve_logs(
    service: Service, session_uid: str, name: str, *, if_match: str | None = None
) -> Steps[Instance]:
    """Mark an instance's log messages as dealt with.

    :param if_match: the ``etag`` of the instance as you read it; see :func:`set_metadata`.
    :raises PreconditionFailed: when somebody has changed the instance since; nothing was changed.
    """
    place = path("sessions", session_uid, "instances", name, "resolve-logs")
    request = Request("POST", place, repeatable=if_match is None, if_match=if_match)
    return (yield from service.call(request, Instance))


def instances(
    selection: InstanceFilter | None = None, *, after: str | None = None
) -> Listing[InstanceSummary]:
    """The instances that match a filter, in all sessions that you may read, the newest change first.

    :param selection: which ones; None: all.
    :param after: only those after this cursor: the ``next`` of a page.
    """
    query = (selection or InstanceFilter()).to_query()
    return Listing("instances", "instances", InstanceSummary, "after", after, query)


def instance_counts(
    service: Service, selection: InstanceFilter | None = None, *, group_by: Sequence[str] | str = ()
) -> Steps[InstanceCounts]:
    """How many instances match a filter, in all sessions that you may read, in groups.

    :param group_by: some of configuration, task, error_type and status, or one of them.
    """
    query = {**(selection or InstanceFilter()).to_query(), "group_by": list(texts(group_by))}
    return (
        yield from service.call(Request("GET", "instances/counts", query, repeatable=True), InstanceCounts)
    )
