"""Fires that are still to come: list, cancel, try again."""

from __future__ import annotations

from airflow_triggers_client.exchange import Request, Steps
from airflow_triggers_client.models import DelayedFire
from airflow_triggers_client.operations.listing import Listing
from airflow_triggers_client.service import Service, path


def delayed_fires(session_uid: str, *, after: str | None = None) -> Listing[DelayedFire]:
    """The session's fires that are still to come, the next first; parked ones among them.

    :param after: only those after this cursor: the ``next`` of a page.
    """
    return Listing(
        path("sessions", session_uid, "delayed-fires"), "delayed_fires", DelayedFire, "after", after
    )


def cancel_delayed_fire(service: Service, session_uid: str, delayed_fire_id: int) -> Steps[DelayedFire]:
    """Take back a fire for later. Its idempotency key stays used.

    :param delayed_fire_id: that the fire was answered with.
    :raises DelayedFireNotFound: when it has been fired, or there never was one.
    :raises DelayedFireCancelled: when it was cancelled before.
    """
    place = path("sessions", session_uid, "delayed-fires", delayed_fire_id)
    return (yield from service.call(Request("DELETE", place), DelayedFire))


def retry_delayed_fire(service: Service, session_uid: str, delayed_fire_id: int) -> Steps[DelayedFire]:
    """Have a controller try a fire again at once that could not be fired when it was due.

    :raises NothingParked: when it has not failed.
    :raises DelayedFireNotFound: when it has been fired, or there never was one.
    :raises DelayedFireCancelled: when it was cancelled before.
    """
    place = path("sessions", session_uid, "delayed-fires", delayed_fire_id, "retry")
    return (yield from service.call(Request("POST", place), DelayedFire))
