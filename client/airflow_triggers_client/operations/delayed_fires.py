"""Delayed fires: list, cancel, try again."""

from __future__ import annotations

from airflow_triggers_client.exchange import Request, Steps
from airflow_triggers_client.models import DelayedFire
from airflow_triggers_client.operations.listing import Listing
from airflow_triggers_client.service import Service, identifier, path


def delayed_fires(session_uid: str, *, after: str | None = None) -> Listing[DelayedFire]:
    """The session's delayed fires, the next first, including parked ones.

    :param after: only those after this cursor: the ``next`` of a page.
    """
    return Listing(
        path("sessions", session_uid, "delayed-fires"), "delayed_fires", DelayedFire, "after", after
    )


def cancel_delayed_fire(service: Service, session_uid: str, delayed_fire_id: int) -> Steps[DelayedFire]:
    """Cancel a delayed fire. Its idempotency key stays used.

    :param delayed_fire_id: the id in the answer to the fire.
    :raises DelayedFireNotFound: when it has fired, or never existed.
    :raises DelayedFireCancelled: when it was cancelled before.
    """
    place = path("sessions", session_uid, "delayed-fires", identifier(delayed_fire_id))
    return (yield from service.call(Request("DELETE", place), DelayedFire))


def retry_delayed_fire(service: Service, session_uid: str, delayed_fire_id: int) -> Steps[DelayedFire]:
    """Let a controller try a delayed fire again at once, after it failed when it was due.

    :param delayed_fire_id: the id in the answer to the fire.
    :raises NothingParked: when it has not failed.
    :raises DelayedFireNotFound: when it has fired, or never existed.
    :raises DelayedFireCancelled: when it was cancelled before.
    """
    place = path("sessions", session_uid, "delayed-fires", identifier(delayed_fire_id), "retry")
    return (yield from service.call(Request("POST", place), DelayedFire))
