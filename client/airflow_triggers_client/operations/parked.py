"""What waits or is parked, over all sessions: hooks that raised, fires to come, asset events."""

from __future__ import annotations

from airflow_triggers_client.exchange import Request, Steps
from airflow_triggers_client.models import AssetEvent, SessionDelayedFire, SessionHook
from airflow_triggers_client.operations.listing import Listing
from airflow_triggers_client.service import Service, identifier, path


def failed_hooks(*, parked: bool = False, after: int | None = None) -> Listing[SessionHook]:
    """Hooks that raised, in all sessions that you may read, the newest first.

    :param parked: only those that no controller calls any more.
    :param after: only those after this cursor: the ``next`` of a page.
    """
    return Listing("hooks", "hooks", SessionHook, "after", after, {"parked": _flag(parked)})


def all_delayed_fires(*, parked: bool = False, after: str | None = None) -> Listing[SessionDelayedFire]:
    """Delayed fires in all sessions that you may read, the next first.

    :param parked: only those that no controller tries again.
    :param after: only those after this cursor: the ``next`` of a page.
    """
    query = {"parked": _flag(parked)}
    return Listing("delayed-fires", "delayed_fires", SessionDelayedFire, "after", after, query)


def failed_asset_events(*, parked: bool = False, after: int | None = None) -> Listing[AssetEvent]:
    """Asset events that could not be fired, into sessions that you may read, the newest first.

    :param parked: only those that no controller tries again.
    :param after: only those after this cursor: the ``next`` of a page.
    """
    return Listing("asset-events", "asset_events", AssetEvent, "after", after, {"parked": _flag(parked)})


def retry_asset_event(service: Service, event_id: int) -> Steps[AssetEvent]:
    """Let a controller fire an asset event again at once. It still counts once.

    :raises NothingParked: when no such event has failed.
    """
    request = Request("POST", path("asset-events", identifier(event_id), "retry"), repeatable=True)
    return (yield from service.call(request, AssetEvent))


def _flag(parked: bool) -> str | None:
    return "true" if parked else None
