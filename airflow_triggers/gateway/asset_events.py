"""Reads Airflow's events of the assets that stand for triggers. Nothing is changed.

Neighbours: ``asset_uris.py`` names the assets, ``controller/assets.py`` fires for their events, ``parked.py`` shows
those that could not be fired.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow.models.asset import AssetEvent, AssetModel
from sqlalchemy import ColumnElement, Select, exists, literal, select
from sqlalchemy.orm import Session

from airflow_triggers.asset_uris import SCHEME
from airflow_triggers.storages import tables


@dataclass(frozen=True, kw_only=True)
class AssetEventRow:
    """An event of an asset that stands for a trigger.

    :param source: the task that made it, for people; None for one that was created by hand.
    """

    event_id: int
    uri: str
    extra: Mapping[str, Any]
    partition_key: str | None
    source: str | None


def new_asset_events(session: Session, *, after: int, limit: int = 500) -> list[AssetEventRow]:
    """Events of triggers' assets with an id above ``after`` of which nothing is kept yet, oldest first.

    Two queries and no OR between them, so that each finds its rows by an index.
    """
    query = _events().where(*_new(after)).order_by(AssetEvent.id).limit(limit)
    return _rows(session, query)


def due_asset_events(session: Session, *, now: datetime, limit: int = 500) -> list[AssetEventRow]:
    """Events that could not be fired and are due to be tried again, oldest first."""
    kept = tables.asset_event.c
    query = _events().join(tables.asset_event, kept.event_id == AssetEvent.id).where(kept.due <= now)
    return _rows(session, query.order_by(AssetEvent.id).limit(limit))


def any_new_asset_event(after: ColumnElement[int]) -> ColumnElement[bool]:
    """The condition that :func:`new_asset_events` would find one, for a query that asks for more at once."""
    return exists(_of_triggers(literal(1)).where(*_new(after)))


def asset_events(session: Session, event_ids: Collection[int]) -> dict[int, AssetEventRow]:
    """Those of the events that there still are, by id."""
    found = _rows(session, _events().where(AssetEvent.id.in_(event_ids)))
    return {event.event_id: event for event in found}


def _new(after: int | ColumnElement[int]) -> tuple[ColumnElement[bool], ...]:
    return AssetEvent.id > after, ~exists().where(tables.asset_event.c.event_id == AssetEvent.id)


def _events() -> Select[Any]:
    return _of_triggers(AssetEvent, AssetModel.uri)


def _of_triggers(*columns: Any) -> Select[Any]:
    events = select(*columns).select_from(AssetEvent).join(AssetModel, AssetModel.id == AssetEvent.asset_id)
    return events.where(AssetModel.uri.startswith(SCHEME))


def _rows(session: Session, query: Select[Any]) -> list[AssetEventRow]:
    return [_row(event, uri) for event, uri in session.execute(query)]


def _row(event: AssetEvent, uri: str) -> AssetEventRow:
    index = event.source_map_index
    mapped = "" if index is None or index < 0 else f"[{index}]"
    task = f"task {event.source_task_id}{mapped} of {event.source_dag_id}, run {event.source_run_id}"
    return AssetEventRow(
        event_id=event.id,
        uri=uri,
        extra=event.extra or {},
        partition_key=event.partition_key,
        source=task if event.source_task_id else None,
    )
