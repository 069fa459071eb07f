"""Lists sessions by their state and their last change, with the counts of their instances.

The counts and the state are in the sessions' rows, so a page costs the same however many sessions and instances there
are. Neighbours: ``windows.py`` bounds the work of a page; ``describing.py`` has the summaries; ``api/`` and ``cli/``
show them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    func,
    literal,
    literal_column,
    not_,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.orm import Session

from airflow_triggers.domain.fires import validate_names
from airflow_triggers.domain.validation import validate_filter
from airflow_triggers.errors import InvalidFilter
from airflow_triggers.sessions import cursors
from airflow_triggers.sessions.candidates import one_of
from airflow_triggers.sessions.cursors import beyond
from airflow_triggers.sessions.describing import SessionSummary, summaries_of
from airflow_triggers.sessions.resolution import nothing_to_come_by_key
from airflow_triggers.sessions.versions import version_column
from airflow_triggers.sessions.windows import Place, next_rows
from airflow_triggers.storages import tables
from airflow_triggers.storages.prefixes import begins_with
from airflow_triggers.storages.sql import SqlStorageBackend
from airflow_triggers.storages.transaction import is_sqlite, snapshot

MOST_CONFIGURATIONS = 32
"""The most configurations of which each is looked up in an index of its own."""

MOST_COUNTED = 1_000
"""The largest total of a list. A larger one would cost a look at all its sessions."""

MAX_IDLE_FOR = 100 * 366 * 24 * 3600
"""The most seconds of :attr:`SessionFilter.idle_for`."""

_session = tables.session.c

_HAS_FAILED: ColumnElement[bool] = literal_column("triggers_session.failed_count > 0")
_IS_OPEN: ColumnElement[bool] = literal_column("triggers_session.open_count > 0")
"""Written like the conditions of the partial indexes: SQLite uses an index only then."""


class SessionOrder(StrEnum):
    """The orders of a list of sessions."""

    UID = "uid"  #: by UID, in the order of code points
    NEWEST = "-last_modified"  #: the last change first
    OLDEST = "last_modified"  #: the oldest change first

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns that it orders by."""
        return ("uid",) if self is SessionOrder.UID else ("last_modified", "id")


@dataclass(frozen=True, kw_only=True)
class SessionFilter:
    """Which sessions. All conditions must hold; None is no condition.

    The conditions on instances (``has_failed``, ``is_open``, ``is_resolved``, ``waiting_for``) never hold for sessions
    in other storages than Airflow's database: only these storages know their instances.

    :param configuration: only sessions of the deployed configuration with this name.
    :param version: only sessions with this version of their configuration, a hash.
    :param prefix: only UIDs that begin so.
    :param contains: only UIDs with this part. It looks at one UID after the other.
    :param has_failed: only sessions with failed instances, or only those without.
    :param is_open: only sessions with instances that are not resolved, or only those without.
    :param is_resolved: only sessions in which nothing waits, runs or is still to come, or only the others.
    :param waiting_for: only sessions with an instance that waits for this trigger.
    :param idle_for: seconds; only sessions whose last change is longer ago.
    :raises InvalidFilter: when a value is outside the allowed form.
    """

    configuration: str | None = None
    version: str | None = None
    prefix: str | None = None
    contains: str | None = None
    has_failed: bool | None = None
    is_open: bool | None = None
    is_resolved: bool | None = None
    waiting_for: str | None = None
    idle_for: float | None = None

    def __post_init__(self) -> None:
        texts = {
            "configuration": self.configuration,
            "version": self.version,
            "prefix": self.prefix,
            "part of a UID": self.contains,
        }
        for name, value in texts.items():
            validate_filter(name, value)
        validate_names(trigger=self.waiting_for)
        if self.idle_for is not None and not 0 <= self.idle_for <= MAX_IDLE_FOR:
            raise InvalidFilter(f"'idle_for' is a number of seconds from 0 to {MAX_IDLE_FOR}.")


EVERY_SESSION = SessionFilter()


@dataclass(frozen=True, kw_only=True)
class SessionPage:
    """Sessions in an order.

    :param next: pass it as ``after`` to go on; None on the last page. A page may be short, or empty, and not be the
        last one: the filter matched few of the sessions at which it looked.
    :param total: how many sessions match, on the first page; None on others, and when it is not cheap to know: when
        they are more than :data:`MOST_COUNTED`, or when the filter matches few of very many.
    """

    sessions: tuple[SessionSummary, ...]
    next: str | None
    total: int | None


def list_page(
    selection: SessionFilter = EVERY_SESSION,
    *,
    order: SessionOrder = SessionOrder.UID,
    limit: int = 50,
    after: str | None = None,
    readable: Collection[str | None] | None = None,
) -> SessionPage:
    """The sessions that match a filter, in an order, with the counts of their instances.

    :param after: the ``next`` of the page before: a UID in the order by UID.
    :param readable: only sessions with one of these configurations, by hash (see
        :func:`airflow_triggers.sessions.describing.configurations_of_sessions`); None: all.
    :raises InvalidCursor: when ``after`` is of no such list.
    :raises InvalidFilter: when no UID can have the form of ``after``.
    """
    place = None if after is None else _place(order, after)
    with snapshot() as session:
        source = _Source(
            session=session,
            selection=selection,
            order=order,
            now=datetime.now(UTC),
            hashes=_hashes(session, selection, readable),
        )
        rows, next_place = next_rows(
            source.windows, order=order.columns, place=place, limit=limit, ranges=source.range_count
        )
        return SessionPage(
            sessions=summaries_of(session, [row.uid for row in rows]),
            next=None if next_place is None else _cursor(order, next_place),
            total=source.total() if after is None else None,
        )


def _place(order: SessionOrder, after: str) -> Place:
    if order is SessionOrder.UID:
        validate_filter("UID", after)
        return (after,)
    return cursors.decode(after, (datetime, int))


def _cursor(order: SessionOrder, place: Place) -> str:
    return str(place[0]) if order is SessionOrder.UID else cursors.encode(place)


def _hashes(
    session: Session, selection: SessionFilter, readable: Collection[str | None] | None
) -> frozenset[str | None] | None:
    """The configurations, by hash, of the sessions that match and may be read; None: all."""
    hashes = None if readable is None else frozenset(readable)
    if selection.configuration is None and selection.version is None:
        return hashes
    columns = tables.configuration.c
    query = select(columns.hash)
    if selection.configuration is not None:
        query = query.where(columns.name == selection.configuration)
    if selection.version is not None:
        query = query.where(version_column() == selection.version)
    matching: frozenset[str | None] = frozenset(session.scalars(query))
    return matching if hashes is None else matching & hashes


@dataclass(frozen=True, kw_only=True)
class _Source:
    """The SQL of one list: ranges of indexes, and the conditions checked row by row."""

    session: Session
    selection: SessionFilter
    order: SessionOrder
    now: datetime
    hashes: frozenset[str | None] | None

    def windows(self, place: Place | None, size: int) -> Iterable[Any]:
        """The next candidates of each range; see :func:`airflow_triggers.sessions.windows.next_rows`."""
        query = self._query(place, size)
        return () if query is None else self.session.execute(query)

    @property
    def range_count(self) -> int:
        """The number of ranges."""
        return sum(1 for _ in self._ranges())

    def total(self) -> int | None:
        """How many sessions match; None when that is not cheap to know."""
        query = self._query(None, MOST_COUNTED + 1)
        if query is None:
            return 0
        rows = query.order_by(None).subquery("counted").c
        count = select(
            func.count().filter(rows.matches).label("matching"),
            func.count().filter(rows.is_end).label("ends"),
        )
        row = self.session.execute(count).one()
        return None if row.ends or row.matching > MOST_COUNTED else int(row.matching)

    def _query(self, place: Place | None, size: int) -> Select[Any] | None:
        branches = [self._window(ranges, place, size) for ranges in self._ranges()]
        if not branches:
            return None
        rows = union_all(*(select(branch) for branch in branches)).subquery("listed")
        return select(rows).order_by(*self._ordered(rows.c))

    def _window(self, ranges: list[ColumnElement[bool]], place: Place | None, size: int) -> Any:
        conditions = list(ranges)
        if place is not None:
            order_columns = [_session[name] for name in self.order.columns]
            conditions.append(beyond(order_columns, place, descending=self._is_descending))
        candidate = (
            select(*_session_columns())
            .where(*conditions)
            .order_by(*self._ordered(_session))
            .limit(size)
            .subquery("candidate")
        )
        columns = candidate.c
        position = func.row_number().over(order_by=self._ordered(columns))
        matches = and_(true(), *self._checks(columns))
        numbered = select(
            columns.id,
            columns.uid,
            columns.last_modified,
            matches.label("matches"),
            (position == size).label("is_end"),
        ).subquery("numbered")
        return select(numbered).where(or_(numbered.c.matches, numbered.c.is_end)).subquery("window")

    @property
    def _is_descending(self) -> bool:
        return self.order is SessionOrder.NEWEST

    def _ordered(self, columns: Any) -> list[ColumnElement[Any]]:
        order_columns = [columns[name] for name in self.order.columns]
        return [column.desc() for column in order_columns] if self._is_descending else order_columns

    def _ranges(self) -> Iterator[list[ColumnElement[bool]]]:
        """The ranges of indexes that have all sessions that match."""
        selection = self.selection
        common: list[ColumnElement[bool]] = []
        if selection.prefix and self.order is SessionOrder.UID:
            common += begins_with(_session.uid, selection.prefix)
        if selection.idle_for is not None and self.order is not SessionOrder.UID:
            common.append(_session.last_modified < self._idle_since)
        if selection.has_failed:
            yield [*common, _HAS_FAILED]
        elif selection.is_open and self.order is not SessionOrder.UID:
            yield [*common, _IS_OPEN]
        elif self.hashes is not None and len(self.hashes) <= MOST_CONFIGURATIONS:
            for content_hash in sorted(self.hashes, key=str):
                # SQLAlchemy writes IS NULL for None.
                yield [*common, _session.configuration_hash == content_hash]
        else:
            yield common

    @property
    def _idle_since(self) -> datetime:
        return self.now - timedelta(seconds=self.selection.idle_for or 0)

    def _checks(self, columns: Any) -> Iterator[ColumnElement[bool]]:
        """The conditions that are checked row by row."""
        selection = self.selection
        if self.hashes is not None:
            yield one_of(columns.configuration_hash, self.hashes)
        if selection.prefix and self.order is not SessionOrder.UID:
            yield and_(*begins_with(columns.uid, selection.prefix))
        if selection.contains:
            find = func.instr if is_sqlite() else func.strpos
            yield find(columns.uid, selection.contains) > 0
        if selection.idle_for is not None and self.order is SessionOrder.UID:
            yield columns.last_modified < self._idle_since
        yield from self._state_checks(columns)

    def _state_checks(self, columns: Any) -> Iterator[ColumnElement[bool]]:
        selection = self.selection
        states = {"failed_count": selection.has_failed, "open_count": selection.is_open}
        for name, is_wanted in states.items():
            if is_wanted is not None:
                yield columns[name] > 0 if is_wanted else columns[name] == 0
        if selection.is_resolved is not None:
            has_ended = (columns.instance_count > 0, columns.open_count == 0)
            is_resolved = and_(*has_ended, *nothing_to_come_by_key(columns.id))
            yield is_resolved if selection.is_resolved else not_(is_resolved)
        if selection.waiting_for is not None:
            wait = tables.wait.c
            waits = select(literal(1)).where(
                wait.session_id == columns.id, wait.trigger_name == selection.waiting_for
            )
            # A look-up by key. For EXISTS, PostgreSQL may read all that wait for the trigger, in all sessions.
            yield waits.limit(1).scalar_subquery().is_not(None)
        if {*states.values(), selection.is_resolved, selection.waiting_for} != {None}:
            yield columns.storage == SqlStorageBackend.name


def _session_columns() -> list[ColumnElement[Any]]:
    names = (
        "id",
        "uid",
        "last_modified",
        "storage",
        "configuration_hash",
        "instance_count",
        "open_count",
        "failed_count",
    )
    return [_session[name] for name in names]
