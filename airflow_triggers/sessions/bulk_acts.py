"""Bulk acts, for ``api/`` and ``cli/``: make one, look at it, list its outcomes, cancel it, remove old ones.

Neighbours: ``bulk_making.py`` says what one covers and what its maker may do; ``bulk_work.py`` does its items, when
``controller/bulk.py`` takes them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, func, or_

from airflow_triggers.domain.bulk import BulkAct, BulkItem, BulkOutcome, BulkRequest, validate_rate
from airflow_triggers.domain.configuration import MAX_ID
from airflow_triggers.errors import BulkActNotFound, BulkActOver
from airflow_triggers.gateway import settings
from airflow_triggers.sessions.audit import AuditEvent, note_bulk_act
from airflow_triggers.sessions.bulk_making import BulkPreview, Maker, Making
from airflow_triggers.storages import bulk, bulk_queue, bulk_tables, tables
from airflow_triggers.storages.transaction import snapshot, transaction

__all__ = [
    "BulkActsPage",
    "BulkPreview",
    "Maker",
    "OutcomesPage",
    "bulk_act_of",
    "cancel",
    "clean",
    "count_old",
    "list_bulk_acts",
    "make",
    "outcomes_of",
    "preview",
]

CLEANED_AT_ONCE = 100

Readable = Collection[str | None] | None
"""The hashes of the configurations whose sessions somebody may read; see :class:`Maker`."""


def preview(request: BulkRequest, maker: Maker) -> BulkPreview:
    """What the bulk act would do, rights included. Nothing is written.

    :raises TooManyInstances: when it would cover too many.
    """
    making = Making(request=request, maker=maker, now=datetime.now(UTC))
    with snapshot() as session:
        return making.look(session)


def make(request: BulkRequest, maker: Maker) -> BulkAct:
    """Make the bulk act. The instances are fixed now; controllers do them later, a session a transaction.

    :raises TooManyInstances: when it would cover too many.
    :raises Refused: when the maker may act on none of its instances.
    :raises InvalidRate: when the setting ``[triggers] bulk_rate`` is no rate.
    """
    rate = validate_rate(settings.bulk_rate() if request.rate is None else request.rate)
    making = Making(request=request, maker=maker, now=datetime.now(UTC))
    with snapshot() as session:
        making.require_something(making.look(session))
        items_elsewhere = making.items_elsewhere(session)
    with transaction() as session:
        bulk_act_id = making.write(session, items_elsewhere, rate=rate)
        bulk_act = _found(bulk.find(session, bulk_act_id), bulk_act_id)
        note_bulk_act(
            session,
            AuditEvent.BULK_ACT,
            configuration=request.selection.configuration,
            by=maker.by,
            bulk_act_id=bulk_act_id,
            act=request.act.kind.value,
            total=bulk_act.total,
        )
    return bulk_act


def bulk_act_of(bulk_act_id: int) -> BulkAct:
    """The bulk act with this id.

    :raises BulkActNotFound: when there is none.
    """
    if not 0 < bulk_act_id <= MAX_ID:
        raise BulkActNotFound(bulk_act_id)
    with snapshot() as session:
        return _found(bulk.find(session, bulk_act_id), bulk_act_id)


def _found(bulk_act: BulkAct | None, bulk_act_id: int) -> BulkAct:
    if bulk_act is None:
        raise BulkActNotFound(bulk_act_id)
    return bulk_act


@dataclass(frozen=True, kw_only=True)
class BulkActsPage:
    """Bulk acts, the newest first. ``next`` is the cursor of the next page; None on the last one."""

    bulk_acts: tuple[BulkAct, ...]
    next: int | None


def list_bulk_acts(
    *, limit: int = 50, after: int | None = None, is_visible: Callable[[BulkAct], bool] = lambda _: True
) -> BulkActsPage:
    """Bulk acts, the newest first.

    :param after: the cursor: ``next`` of the page before.
    :param is_visible: which ones to list.
    """
    visible: list[BulkAct] = []
    with snapshot() as session:
        while page := bulk.page(session, limit=limit + 1, before=after):
            visible += [bulk_act for bulk_act in page if is_visible(bulk_act)]
            if len(visible) > limit or len(page) <= limit:
                break
            after = page[-1].bulk_act_id
    page_items = visible[:limit]
    return BulkActsPage(
        bulk_acts=tuple(page_items), next=page_items[-1].bulk_act_id if len(visible) > limit else None
    )


@dataclass(frozen=True, kw_only=True)
class OutcomesPage:
    """Items of a bulk act in their order. ``next`` is the cursor of the next page; None on the last one."""

    items: tuple[BulkItem, ...]
    next: int | None


def outcomes_of(
    bulk_act_id: int,
    *,
    limit: int = 50,
    after: int | None = None,
    outcome: BulkOutcome | None = None,
    readable: Readable = None,
    with_absent: bool = True,
) -> OutcomesPage:
    """The items of a bulk act, each with its outcome if it has one.

    :param after: the cursor: ``next`` of the page before.
    :param outcome: only items with this outcome.
    :param readable: only items of sessions with these configurations, when it was made and now; None: all.
    :param with_absent: also items of its list whose instance did not exist.
    :raises BulkActNotFound: when there is none.
    """
    item = bulk_tables.bulk_item.c
    conditions: list[ColumnElement[bool]] = [] if outcome is None else [item.outcome == outcome.value]
    if not with_absent:
        conditions.append(item.owner_id.is_not(None))
    if readable is not None:
        hashes = [content_hash for content_hash in readable if content_hash is not None]
        at_present = func.coalesce(tables.session.c.configuration_hash, item.configuration_hash)
        is_readable = [
            or_(column.in_(hashes), column.is_(None)) if None in readable else column.in_(hashes)
            for column in (item.configuration_hash, at_present)
        ]
        conditions.append(or_(item.owner_id.is_(None), is_readable[0] & is_readable[1]))
    with snapshot() as session:
        _found(bulk.find(session, bulk_act_id), bulk_act_id)
        items = bulk.items_page(session, bulk_act_id, limit=limit + 1, after=after, conditions=conditions)
    return OutcomesPage(
        items=tuple(items[:limit]), next=items[limit - 1].position if len(items) > limit else None
    )


def cancel(bulk_act_id: int, *, by: str | None = None) -> BulkAct:
    """Cancel what has no outcome yet. What was done stays done.

    :returns: the bulk act afterwards.
    :raises BulkActNotFound: when there is none.
    :raises BulkActOver: when it is over.
    """
    bulk_act = bulk_act_of(bulk_act_id)
    with transaction() as session:
        was_open = bulk_queue.cancel(session, bulk_act_id, by=by, now=datetime.now(UTC))
        bulk_act = _found(bulk.find(session, bulk_act_id), bulk_act_id)
        if not was_open:
            raise BulkActOver(bulk_act_id, bulk_act.state.value)
        selection = bulk_act.selection if isinstance(bulk_act.selection, dict) else {}
        note_bulk_act(
            session,
            AuditEvent.CANCEL_BULK_ACT,
            configuration=selection.get("configuration"),
            by=by,
            bulk_act_id=bulk_act_id,
            cancelled=bulk_act.counts[BulkOutcome.CANCELLED],
        )
    return bulk_act


def count_old(before: datetime) -> int:
    """How many bulk acts ended before the moment."""
    with snapshot() as session:
        return bulk_queue.count_ended_before(session, before)


def clean(before: datetime, *, by: str | None = None) -> Iterator[int]:
    """Delete the bulk acts that ended before the moment, with their outcomes, each in a transaction of its own.

    :param by: who does it, for Airflow's audit log.
    :returns: the id of each deleted bulk act.
    """
    while True:
        with snapshot() as session:
            ids = bulk_queue.ended_before(session, before, limit=CLEANED_AT_ONCE)
        if not ids:
            return
        for bulk_act_id in ids:
            with transaction() as session:
                bulk_queue.remove(session, bulk_act_id)
                note_bulk_act(
                    session, AuditEvent.CLEAN_BULK_ACTS, configuration=None, by=by, bulk_act_id=bulk_act_id
                )
            yield bulk_act_id
