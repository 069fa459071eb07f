"""What waits or is parked, over all sessions: ``/api/v1/hooks``, ``/delayed-fires``, ``/asset-events``."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated

from fastapi import Path, Query

from airflow_triggers import sessions
from airflow_triggers.api.dependencies import PermissionsDep, UserNameDep
from airflow_triggers.api.fields import Id
from airflow_triggers.api.parked_acts import ParkedActs
from airflow_triggers.api.parked_models import (
    AllDelayedFiresQuery,
    AssetEventBody,
    AssetEventsPage,
    ParkedQuery,
    SessionDelayedFireBody,
    SessionDelayedFiresPage,
    SessionHookBody,
    SessionHooksPage,
)
from airflow_triggers.api.routers import make_router
from airflow_triggers.domain.configuration import Configuration
from airflow_triggers.errors import NothingParked
from airflow_triggers.history import parked
from airflow_triggers.history.parked import FailedAssetEvent
from airflow_triggers.sessions import delayed_fires
from airflow_triggers.sessions.delayed_fires import DelayedFiresFilter

router = make_router("", tag="History")


@router.get("/hooks", summary="List hooks that raised")
def list_hooks(query: Annotated[ParkedQuery, Query()], permissions: PermissionsDep) -> SessionHooksPage:
    """Hooks that raised, in all sessions that you may read, the newest first. With `parked`, only those that no
    controller calls any more. `POST /sessions/{uid}/hooks/{id}/call` calls one again.
    """
    configurations, acts = sessions.configurations_of_sessions(), ParkedActs(permissions)
    hooks = parked.failed_hooks(
        limit=query.limit + 1,
        parked=query.parked,
        before=query.after,
        configuration_hashes=permissions.readable(configurations),
    )
    page = hooks[: query.limit]
    return SessionHooksPage(
        hooks=[
            SessionHookBody.of_session(
                hook, acts.of_hook(_configuration_of(hook.configuration_hash, configurations))
            )
            for hook in page
        ],
        next=page[-1].hook_id if len(hooks) > query.limit else None,
    )


@router.get("/delayed-fires", summary="List fires to come, of all sessions", tags=["Fires"])
def list_all_delayed_fires(
    query: Annotated[AllDelayedFiresQuery, Query()], permissions: PermissionsDep
) -> SessionDelayedFiresPage:
    """Fires to come in all sessions that you may read, the next first, parked ones included. The session's own routes
    cancel and retry one.
    """
    configurations, acts = sessions.configurations_of_sessions(), ParkedActs(permissions)
    only = DelayedFiresFilter(
        parked=query.parked,
        trigger=query.trigger,
        configuration=query.configuration,
        prefix=query.session,
        until=query.until,
        configuration_hashes=permissions.readable(configurations),
    )
    page = delayed_fires.list_delayed_fires(limit=query.limit, after=query.after, only=only)
    disclosure = permissions.disclosure()
    fires = [
        SessionDelayedFireBody.of_session(
            fire,
            acts.of_delayed_fire(_configuration_of(fire.configuration_hash, configurations), fire.fire),
            disclosure,
        )
        for fire in page.fires
    ]
    return SessionDelayedFiresPage(delayed_fires=fires, next=page.next)


@router.get("/asset-events", summary="List asset events that could not be fired")
def list_asset_events(query: Annotated[ParkedQuery, Query()], permissions: PermissionsDep) -> AssetEventsPage:
    """Asset events that name a session that you may read. With the right to read all sessions: every one. The newest
    first. With `parked`, only those that no controller tries again.
    """
    configurations, acts = sessions.configurations_of_sessions(), ParkedActs(permissions)
    readable = permissions.readable(configurations)
    visible_events: list[FailedAssetEvent] = []
    after, has_more = query.after, True
    while has_more and len(visible_events) <= query.limit:
        events = parked.failed_asset_events(limit=query.limit + 1, parked=query.parked, before=after)
        visible_events += [event for event in events if _is_visible(event, readable)]
        has_more = len(events) > query.limit
        after = events[-1].event_id if events else None
    page, disclosure = visible_events[: query.limit], permissions.disclosure()
    return AssetEventsPage(
        asset_events=[
            AssetEventBody.of(
                event, acts.of_asset_event(_configuration_named_by(event, configurations)), disclosure
            )
            for event in page
        ],
        next=page[-1].event_id if len(visible_events) > query.limit else None,
    )


@router.post(
    "/asset-events/{event_id}/retry",
    summary="Try an asset event again",
    responses={HTTPStatus.NOT_FOUND: {"description": "There is no such event that failed."}},
)
def retry_asset_event(
    event_id: Annotated[Id, Path(description="The event's `id`.")],
    permissions: PermissionsDep,
    user_name: UserNameDep,
) -> AssetEventBody:
    """Have a controller try the event again at once. It still counts once.

    It takes the right to create runs of all DAGs of the session that it names; if there is no such session, of every
    DAG. The rights of the event's own author are checked again, too.
    """
    configurations = sessions.configurations_of_sessions()
    readable = permissions.readable(configurations)
    configuration = _configuration_named_by(_visible(event_id, readable), configurations)
    permissions.require_create(configuration or Configuration())
    parked.retry_asset_events([event_id], by=user_name)
    event, acts = _visible(event_id, readable), ParkedActs(permissions)
    return AssetEventBody.of(event, acts.of_asset_event(configuration), permissions.disclosure())


def _is_visible(event: FailedAssetEvent, readable: list[str | None] | None) -> bool:
    return readable is None or (event.session_exists and event.configuration_hash in readable)


def _visible(event_id: int, readable: list[str | None] | None) -> FailedAssetEvent:
    """The failed event with this id.

    :raises NothingParked: when there is none, or the user may not see it.
    """
    events = parked.failed_asset_events(event_ids=[event_id])
    if not events or not _is_visible(events[0], readable):
        raise NothingParked(f"No such asset event has failed: {event_id}.")
    return events[0]


def _configuration_named_by(
    event: FailedAssetEvent, configurations: Mapping[str, Configuration]
) -> Configuration | None:
    """The configuration of the session that the event names; None when it names none that exists."""
    return _configuration_of(event.configuration_hash, configurations) if event.session_exists else None


def _configuration_of(
    configuration_hash: str | None, configurations: Mapping[str, Configuration]
) -> Configuration:
    """The configuration of a session; an empty one stands for every DAG."""
    return configurations.get(configuration_hash or "", Configuration())
