"""Deletes old sessions: nothing was done in them since a given moment. Each batch has its own transaction.

A batch skips locked sessions: somebody is writing them. Neighbours: ``cli/cleaning.py`` asks; ``resolution.py`` says
which sessions are resolved; ``deleting.py`` deletes one.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, select, tuple_
from sqlalchemy.orm import Session

from airflow_triggers.domain.validation import validate_filter
from airflow_triggers.errors import DatabaseFailed, SchemaOutdated, SessionUnresolved, TriggersError
from airflow_triggers.sessions.audit import note_cleaning
from airflow_triggers.sessions.deleting import check_elsewhere, delete_elsewhere
from airflow_triggers.sessions.records import SessionRecord, records_of
from airflow_triggers.sessions.resolution import is_resolved
from airflow_triggers.storages import tables
from airflow_triggers.storages.lock_waits import first_statement, patience
from airflow_triggers.storages.prefixes import begins_with
from airflow_triggers.storages.sql import SqlStorageBackend
from airflow_triggers.storages.transaction import dialect_name, glance, transaction

log = logging.getLogger(__name__)

BATCH_SIZE = 500
MAX_BATCH_SIZE = 10_000
"""SQLite takes at most 32,766 parameters in a statement."""


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which sessions to clean.

    :param before: only sessions in which nothing was done since this moment (with a timezone).
    :param configuration: only sessions of this deployed configuration.
    :param prefix: only sessions whose UID begins with this text.
    :param unresolved: also unresolved sessions.
    :raises InvalidFilter: when no session can match a text.
    """

    before: datetime
    configuration: str | None = None
    prefix: str | None = None
    unresolved: bool = False

    def __post_init__(self) -> None:
        validate_filter("configuration", self.configuration)
        validate_filter("prefix", self.prefix)


@dataclass(frozen=True, kw_only=True)
class CleanedBatch:
    """The result of one batch.

    :param sessions: how many were deleted (or would be), by the configuration's name; None for those without a name.
    :param failures: by UID: why a session could not be deleted.
    """

    sessions: Counter[str | None] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)


def clean(
    selection: Selection, *, batch_size: int = BATCH_SIZE, dry_run: bool = False, by: str | None = None
) -> Iterator[CleanedBatch]:
    """Delete the sessions of a selection, batch by batch. Each batch is committed before the next one begins.

    :param batch_size: sessions in one transaction, from 1 to :data:`MAX_BATCH_SIZE`.
    :param dry_run: only count them.
    :param by: who does it, for Airflow's audit log.
    """
    position = 0
    while page := _page_here(selection, after=position, size=batch_size):
        position = page[-1].id
        yield CleanedBatch(sessions=_names(page)) if dry_run else _delete(selection, page, by=by)
    position = 0
    while page := _page_elsewhere(selection, after=position, size=batch_size):
        position = page[-1].id
        yield _delete_elsewhere(selection, page, dry_run=dry_run, by=by)


_COLUMNS = (tables.session.c.id, tables.session.c.version, tables.session.c.uid, tables.configuration.c.name)


def _page_here(selection: Selection, *, after: int, size: int) -> list[Any]:
    columns = tables.session.c
    return _page([columns.storage == SqlStorageBackend.name, *_conditions(selection)], selection, after, size)


def _page_elsewhere(selection: Selection, *, after: int, size: int) -> list[Any]:
    """Rows of sessions kept in other storages; only these storages know whether they are resolved."""
    return _page([tables.session.c.storage != SqlStorageBackend.name], selection, after, size)


def _page(conditions: list[ColumnElement[bool]], selection: Selection, after: int, size: int) -> list[Any]:
    columns, name = tables.session.c, tables.configuration.c.name
    query = (
        select(*_COLUMNS)
        .outerjoin(tables.configuration, tables.configuration.c.hash == columns.configuration_hash)
        .where(columns.id > after, columns.last_modified < selection.before, *conditions)
        .order_by(columns.id)
        .limit(size)
    )
    if selection.configuration is not None:
        query = query.where(name == selection.configuration)
    if selection.prefix is not None:
        query = query.where(*begins_with(columns.uid, selection.prefix))
    with glance() as connection:
        return list(connection.execute(query))


def _conditions(selection: Selection) -> tuple[ColumnElement[bool], ...]:
    return () if selection.unresolved else is_resolved(tables.session.c.id)


def _names(rows: list[Any]) -> Counter[str | None]:
    return Counter(row.name for row in rows)


def _delete(selection: Selection, page: list[Any], *, by: str | None) -> CleanedBatch:
    """Delete the sessions of a page that still match the selection, except locked ones."""
    columns = tables.session.c
    free = (
        select(columns.id).where(columns.id.in_([row.id for row in page])).with_for_update(skip_locked=True)
    )
    deletion = (
        delete(tables.session)
        .where(
            columns.id.in_(free),
            # Optimistic lock: every write since the page was read has incremented the version.
            tuple_(columns.id, columns.version).in_([(row.id, row.version) for row in page]),
            *_conditions(selection),
            *patience(dialect_name()),
        )
        .returning(columns.id)
    )
    with transaction() as session:
        ids = set(first_statement(session, lambda: session.scalars(deletion).all()))
        deleted_rows = [row for row in page if row.id in ids]
        if deleted_rows:
            _note(session, selection, deleted_rows, by=by)
    return CleanedBatch(sessions=_names(deleted_rows))


def _note(session: Session, selection: Selection, deleted_rows: list[Any], *, by: str | None) -> None:
    uids: dict[str | None, list[str]] = {}
    for row in deleted_rows:
        uids.setdefault(row.name, []).append(row.uid)
    for configuration, session_uids in uids.items():
        note_cleaning(
            session,
            session_uids,
            configuration=configuration,
            by=by,
            before=selection.before.isoformat(),
            unresolved=selection.unresolved,
        )


def _delete_elsewhere(
    selection: Selection, page: list[Any], *, dry_run: bool, by: str | None
) -> CleanedBatch:
    """Look at each session in its storage, and delete it. A boundary: an error in one does not stop the others."""
    batch = CleanedBatch()
    records = records_of([row.uid for row in page])
    for row in page:
        if (record := records.get(row.uid)) is None:
            continue
        try:
            _delete_in_its_storage(selection, record, dry_run=dry_run, by=by)
        except SessionUnresolved:
            continue
        except (DatabaseFailed, SchemaOutdated):
            # The database would fail for every other session too.
            raise
        except TriggersError as error:
            batch.failures[row.uid] = str(error)
        except Exception:
            log.exception("Session %s could not be deleted", row.uid)
            batch.failures[row.uid] = "It failed unexpectedly; the log says why."
        else:
            batch.sessions[row.name] += 1
    return batch


def _delete_in_its_storage(
    selection: Selection, record: SessionRecord, *, dry_run: bool, by: str | None
) -> None:
    """Delete a session that is kept elsewhere; in a dry run only check that it would be deleted."""
    storage, force, before = record.open_storage(), selection.unresolved, selection.before
    if dry_run:
        check_elsewhere(storage, force=force, unchanged_since=before)
    else:
        delete_elsewhere(record, storage, force=force, by=by, unchanged_since=before)
