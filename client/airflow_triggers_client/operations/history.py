"""The history of a session, why an instance has not run, and fires without effect."""

from __future__ import annotations

from airflow_triggers_client.exchange import Request, Steps
from airflow_triggers_client.models import (
    Explanation,
    FireRecord,
    HistoryEntry,
    Hook,
    HookCall,
    UnheardFire,
)
from airflow_triggers_client.operations.listing import Listing
from airflow_triggers_client.service import Service, identifier, path

IN_VAIN = "nothing"
"""Of the parameter ``touched``."""


def history(
    session_uid: str,
    *,
    instance: str | None = None,
    trigger: str | None = None,
    touched_nothing: bool = False,
    before: str | None = None,
) -> Listing[HistoryEntry]:
    """Everything that happened in the session, newest first: fires, changes of status, repairs.

    :param instance: only entries about this instance.
    :param trigger: only fires of this trigger.
    :param touched_nothing: only fires without effect.
    :param before: only entries older than this cursor: the ``next`` of a page.
    """
    query = {"instance": instance, "trigger": trigger, "touched": IN_VAIN if touched_nothing else None}
    return Listing(path("sessions", session_uid, "history"), "entries", HistoryEntry, "before", before, query)


def fires(
    session_uid: str,
    *,
    trigger: str | None = None,
    instance: str | None = None,
    touched_nothing: bool = False,
    before: int | None = None,
) -> Listing[FireRecord]:
    """The session's fires, newest first.

    :param trigger: only those of this trigger.
    :param instance: only fires by this instance, and fires with an effect on it.
    :param touched_nothing: only fires without effect.
    :param before: only those before this fire's id: the ``next`` of a page.
    """
    query = {"trigger": trigger, "instance": instance, "touched": IN_VAIN if touched_nothing else None}
    return Listing(path("sessions", session_uid, "fires"), "fires", FireRecord, "before", before, query)


def unheard(
    *, trigger: str | None = None, configuration: str | None = None, before: int | None = None
) -> Listing[UnheardFire]:
    """Fires without effect, for example of misspelt triggers, in all sessions that you may read, newest first.

    :param trigger: only those of this trigger.
    :param configuration: only those in sessions of this deployed configuration.
    :param before: only those before this fire's id: the ``next`` of a page.
    """
    query = {"touched": IN_VAIN, "trigger": trigger, "configuration": configuration}
    return Listing("fires", "fires", UnheardFire, "before", before, query)


def why(service: Service, session_uid: str, name: str) -> Steps[Explanation]:
    """Why an instance has not run: which triggers are missing, and what its DAG run waits for in Airflow.

    :param name: an instance's name; or a task's name, for its latest instance, or why it has none.
    :raises TaskNotFound: when the configuration has no such task.
    """
    place = path("sessions", session_uid, "instances", name, "why")
    return (yield from service.call(Request("GET", place, repeatable=True), Explanation))


def session_hooks(session_uid: str, *, after: int | None = None) -> Listing[Hook]:
    """The session's hooks that have not ended, the oldest first.

    :param after: only those after this cursor: the ``next`` of a page.
    """
    return Listing(path("sessions", session_uid, "hooks"), "hooks", Hook, "after", after)


def call_hook(service: Service, session_uid: str, hook_id: int) -> Steps[HookCall]:
    """Call a hook of the session's manager again after it raised.

    :raises NothingParked: when the session has no such hook.
    """
    place = path("sessions", session_uid, "hooks", identifier(hook_id), "call")
    return (yield from service.call(Request("POST", place), HookCall))
