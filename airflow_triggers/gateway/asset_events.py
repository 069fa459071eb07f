"""Reads Airflow's events of the assets of triggers, and who made them. Nothing is changed.

Neighbours: ``domain/asset_uris.py`` names the assets, ``controller/assets.py`` fires for their events,
``history/parked.py`` shows the events that failed, ``asset_producers.py`` reads whose task made one.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from airflow.configuration import conf
from airflow.models.asset import AssetEvent, AssetModel
from airflow.models.log import Log
from sqlalchemy import (
    ColumnElement,
    Row,
    ScalarSelect,
    Select,
    Text,
    and_,
    cast,
    exists,
    func,
    literal,
    select,
)
from sqlalchemy.orm import Session

from airflow_triggers.domain.asset_uris import SCHEME
from airflow_triggers.storages import tables

AUTHOR_WINDOW = timedelta(minutes=10)
"""How long an API server may take from the audit log's entry to the event. It commits the entry first."""

AUTHOR_REQUESTS = 100
"""At most this many requests before the event are searched for the one that made it."""

LATEST = 10_000
"""At most this many of the latest events, of all assets, are searched for one not handled yet."""

_CREATED = "create_asset_event"
"""The audit log's name for a request that creates an event."""


@dataclass(frozen=True, kw_only=True)
class AssetEventRow:
    """An event of a trigger's asset.

    :param extra: Airflow's value, a mapping; its text if it cannot be read.
    :param source: the task that made the event, for people; None when no task did.
    :param dag_id: this task's DAG; ``task_id``: its id.
    """

    event_id: int
    asset_id: int
    uri: str
    extra: Any
    partition_key: str | None
    created_at: datetime
    source: str | None = None
    dag_id: str | None = None
    task_id: str | None = None

    @property
    def is_by_hand(self) -> bool:
        """Whether no task made it.

        Airflow fills in the task when a task's success makes the event, and leaves it empty for a request. Airflow's
        mark in the extra of a request is not used here: a task may write the same mark.
        """
        return self.task_id is None


def may_fire_by_hand() -> bool:
    """The setting ``[triggers] asset_events_by_hand``: whether events without a task fire."""
    return conf.getboolean("triggers", "asset_events_by_hand", fallback=True)


def author_of(session: Session, event: AssetEventRow) -> str | None:
    """Who created the event by hand, by Airflow's audit log. None: the log does not say, or a task made the event.

    The log names no event. The request for this event is the last one before it with the same asset and partition key.
    Among several, a request with the same extra goes first.
    """
    if not event.is_by_hand:
        return None
    window = Log.dttm.between(event.created_at - AUTHOR_WINDOW, event.created_at)
    latest = Log.dttm.desc(), Log.id.desc()
    query = (
        select(Log.owner, Log.extra)
        .where(Log.event == _CREATED, window)
        .order_by(*latest)
        .limit(AUTHOR_REQUESTS)
    )
    requests = [(row.owner, _request(row.extra)) for row in session.execute(query)]
    alike = [(owner, request) for owner, request in requests if _is_for(request, event)]
    exact = [owner for owner, request in alike if _has_extra_of(request, event)]
    return next(iter([*exact, *(owner for owner, _ in alike)]), None)


def _request(body_text: str | None) -> dict[str, Any]:
    """The request's body as logged: Airflow masks values that look like secrets.

    Airflow also logs requests before it refuses them. So the body may have any form.
    """
    try:
        body = json.loads(body_text or "")
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _is_for(request: Mapping[str, Any], event: AssetEventRow) -> bool:
    same_asset = str(request.get("asset_id")) == str(event.asset_id)
    return same_asset and request.get("partition_key") == event.partition_key


def _has_extra_of(request: Mapping[str, Any], event: AssetEventRow) -> bool:
    """Whether the event's extra is the request's, with Airflow's mark."""
    extra = request.get("extra") or {}
    try:
        return isinstance(extra, dict) and bool({**extra, "from_rest_api": True} == event.extra)
    except RecursionError:
        # Both are nested too deep to be compared.
        return False


def new_asset_events(session: Session, *, after: int, limit: int = 500) -> list[AssetEventRow]:
    """New events of triggers' assets with an id above ``after``, oldest first. New: no row is kept for them yet.

    :func:`due_asset_events` is a query of its own. Without an OR between the two, each finds its rows by an index.
    """
    query = _events().where(*_new(after)).order_by(AssetEvent.id).limit(limit)
    return _rows(session, query)


def due_asset_events(session: Session, *, now: datetime, limit: int = 500) -> list[AssetEventRow]:
    """Failed events now due for another try, oldest first."""
    columns = tables.asset_event.c
    query = _events().join(tables.asset_event, columns.event_id == AssetEvent.id).where(columns.due <= now)
    return _rows(session, query.order_by(AssetEvent.id).limit(limit))


def any_new_asset_event(after: ColumnElement[int]) -> ColumnElement[bool]:
    """The condition for :func:`new_asset_events` to find one, as a part of a larger query."""
    has_assets = exists(select(literal(1)).where(AssetModel.uri.startswith(SCHEME)))
    return and_(has_assets, exists(_of_triggers(literal(1)).where(*_new(after))))


def oldest_new_asset_event() -> ScalarSelect[datetime]:
    """The moment of the oldest event that :func:`new_asset_events` would find.

    It is a part of a larger query, and looks at no more than the :data:`LATEST` events of all assets.
    """
    columns = tables.asset_event.c
    # Handled events are forgotten in the order of their ids: all events before the first kept row were handled.
    is_settled = columns.due.is_(None), columns.error.is_(None)
    first_handled = select(columns.event_id).where(*is_settled).order_by(columns.event_id).limit(1)
    watermark = func.coalesce(first_handled.scalar_subquery(), 0)
    latest = select(func.max(AssetEvent.id) - LATEST).scalar_subquery()
    query = _of_triggers(AssetEvent.timestamp).where(*_new(watermark), AssetEvent.id > latest)
    return query.order_by(AssetEvent.id).limit(1).scalar_subquery()


def handled_up_to(session: Session, *, after: int) -> int | None:
    """The highest id of all assets' events if :func:`new_asset_events` finds no more; None if it does."""
    query = select(func.max(AssetEvent.id)).where(~any_new_asset_event(literal(after)))
    return session.scalar(query)


def asset_events(session: Session, event_ids: Collection[int]) -> dict[int, AssetEventRow]:
    """The events that still exist, by id."""
    events = _rows(session, _events().where(AssetEvent.id.in_(event_ids)))
    return {event.event_id: event for event in events}


def _new(after: int | ColumnElement[int]) -> tuple[ColumnElement[bool], ...]:
    return AssetEvent.id > after, ~exists().where(tables.asset_event.c.event_id == AssetEvent.id)


def _events() -> Select[Any]:
    return _of_triggers(*_COLUMNS)


def _of_triggers(*columns: Any) -> Select[Any]:
    events = select(*columns).select_from(AssetEvent).join(AssetModel, AssetModel.id == AssetEvent.asset_id)
    return events.where(AssetModel.uri.startswith(SCHEME))


_COLUMNS = (
    AssetEvent.id,
    AssetEvent.asset_id,
    AssetModel.uri,
    # As text: then a value unreadable for Python spoils one event and not the whole answer.
    cast(AssetEvent.extra, Text).label("extra"),
    AssetEvent.partition_key,
    AssetEvent.timestamp,
    AssetEvent.source_dag_id,
    AssetEvent.source_task_id,
    AssetEvent.source_run_id,
    AssetEvent.source_map_index,
)


def _rows(session: Session, query: Select[Any]) -> list[AssetEventRow]:
    return [_row(event) for event in session.execute(query)]


def _row(event: Row[Any]) -> AssetEventRow:
    index = event.source_map_index
    map_suffix = "" if index is None or index < 0 else f"[{index}]"
    task = f"task {event.source_task_id}{map_suffix} of {event.source_dag_id}, run {event.source_run_id}"
    return AssetEventRow(
        event_id=event.id,
        asset_id=event.asset_id,
        uri=event.uri,
        extra=_extra(event.extra),
        partition_key=event.partition_key,
        created_at=event.timestamp,
        source=task if event.source_task_id else None,
        dag_id=event.source_dag_id,
        task_id=event.source_task_id,
    )


def _extra(text: str) -> Any:
    try:
        return json.loads(text) or {}
    except (ValueError, RecursionError):
        return text
