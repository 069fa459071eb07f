"""The SQL of a filter of instances: which rows to look at, in which order, and how many at most.

A status is a range of the index ``ix_triggers_instance_changed``, newest change first. A status with an error is one of
``ix_triggers_instance_error``. A condition that is no range is checked row by row, in windows that grow. So the cost of
a page is bounded, whatever the filter, and however many instances there are. Neighbours: ``instances.py`` lists with
these, ``instance_counts.py`` counts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal, not_, or_, select, true, tuple_, union_all
from sqlalchemy.orm import Session

from airflow_triggers.domain.disclosure import Disclosure
from airflow_triggers.domain.instances import InstanceStatus, parse_instance_name
from airflow_triggers.domain.selection import InstanceFilter
from airflow_triggers.sessions.cursors import beyond
from airflow_triggers.sessions.stuck import IN_WORK, StuckCode, stopped_dags
from airflow_triggers.sessions.windows import Place
from airflow_triggers.storages import tables
from airflow_triggers.storages.prefixes import begins_with
from airflow_triggers.storages.summaries import error_type_text
from airflow_triggers.storages.transaction import snapshot

MOST_SESSIONS = 200
"""The most sessions with a filter's prefix whose instances are looked up by their keys."""

_instance, _session, _run = tables.instance.c, tables.session.c, tables.run.c

PLACE = ("changed_at", "session_id", "task_name", "number")
"""The columns of the lists' order. The last three are the instance's key."""

_ORDER = tuple(_instance[name] for name in PLACE)
_CANDIDATE = (*_ORDER, _instance.status, _instance.configuration, _instance.error_type, _instance.depth)
"""All of them are in the index."""


@dataclass(frozen=True, kw_only=True)
class Scope:
    """A filter, and what its reader may see at one moment.

    :param session: the snapshot to read in.
    :param hashes: the hashes of the configurations whose sessions may be read; None: all. None in it stands for
        sessions without a configuration.
    :param names: the names of these configurations.
    :param keys: conditions that find the instances by their keys, where the filter names few sessions.
    :param stopped: the DAGs that do not run.
    """

    session: Session
    selection: InstanceFilter
    now: datetime
    hashes: frozenset[str | None] | None = None
    names: frozenset[str | None] | None = None
    keys: tuple[ColumnElement[bool], ...] = ()
    stopped: Mapping[str, StuckCode] = field(default_factory=dict)

    @property
    def statuses(self) -> list[str]:
        """The statuses that match, in a fixed order."""
        statuses = self.selection.statuses or frozenset(InstanceStatus)
        if self.selection.stuck:
            statuses &= IN_WORK
        return [status.value for status in InstanceStatus if status in statuses]

    def windows(self, place: Place | None, size: int) -> Iterable[Any]:
        """The next candidates of each status; see :func:`airflow_triggers.sessions.windows.next_rows`."""
        windows = [self._window(status, place, size) for status in self.statuses]
        if not windows:
            return ()
        rows = union_all(*(select(window) for window in windows)).subquery("listed")
        return self.session.execute(select(rows).order_by(*(rows.c[name].desc() for name in PLACE)))

    def _window(self, status: str, place: Place | None, size: int) -> Any:
        candidate = self._newest(status, place).limit(size).subquery("candidate")
        columns = [candidate.c[name] for name in PLACE]
        position = func.row_number().over(order_by=[column.desc() for column in columns])
        matches = and_(true(), *self._checks_by_row(candidate.c))
        numbered = select(*columns, matches.label("matches"), (position == size).label("is_end")).subquery(
            "numbered"
        )
        return select(numbered).where(or_(numbered.c.matches, numbered.c.is_end)).subquery("window")

    def matching(self, limit: int) -> Select[Any]:
        """Those that match among the newest ``limit`` candidates of each status. At least one status must match."""
        branches = [self._newest(status).limit(limit).subquery("candidate") for status in self.statuses]
        candidate = union_all(*(select(branch) for branch in branches)).subquery("candidate")
        return select(candidate).select_from(self.joined(candidate)).where(*self.checks(candidate.c))

    def uncounted(self, limit: int) -> Select[Any]:
        """A row for each status with more than ``limit`` candidates."""
        older = [self._newest(status).offset(limit).limit(1).subquery("older") for status in self.statuses]
        return select(union_all(*(select(row) for row in older)).subquery("uncounted"))

    def _newest(self, status: str, place: Place | None = None) -> Select[Any]:
        """The candidates of a status after a place, in the order of the list: a range of the index."""
        conditions = [_instance.status == status, *self.ranges(), *self.keys]
        if place is not None:
            conditions.append(beyond(_ORDER, place, descending=True))
        return select(*_CANDIDATE).where(*conditions).order_by(*(column.desc() for column in _ORDER))

    def ranges(self) -> Iterator[ColumnElement[bool]]:
        """The conditions that are a range of an index, besides the status."""
        selection, changed_at = self.selection, _instance.changed_at
        if selection.error_type is not None:
            yield _instance.error_type == error_type_text(selection.error_type)
        if selection.since is not None:
            yield changed_at >= selection.since
        if selection.until is not None:
            yield changed_at < selection.until
        if selection.stuck and not self.stopped:
            yield changed_at < self._stuck_before

    @property
    def _stuck_before(self) -> datetime:
        return self.now - timedelta(seconds=self.selection.stuck_after)

    def checks(self, columns: Any) -> Iterator[ColumnElement[bool]]:
        """The conditions that are checked row by row, in the tables that are :meth:`joined`."""
        yield from self._checks_of_index(columns)
        yield from self._checks_of_session()
        yield from self._checks_of_run(columns, _run.dag_id)

    def _checks_by_row(self, columns: Any) -> Iterator[ColumnElement[bool]]:
        """The same conditions, with a look-up by key for each row.

        For a join, the planner may read a whole table of sessions or runs. The rows of a page are few.
        """
        yield from self._checks_of_index(columns)
        if of_session := list(self._checks_of_session()):
            yield select(and_(*of_session)).where(_session.id == columns.session_id).scalar_subquery()
        yield from self._checks_of_run(columns, select(_run.dag_id).where(run_of(columns)).scalar_subquery())

    def _checks_of_index(self, columns: Any) -> Iterator[ColumnElement[bool]]:
        selection = self.selection
        equal = {"configuration": selection.configuration, "task_name": selection.task}
        yield from (columns[name] == value for name, value in equal.items() if value is not None)
        if selection.replayed is not None:
            yield columns.depth > 0 if selection.replayed else columns.depth == 0
        if self.names is not None:
            yield one_of(columns.configuration, self.names)

    def _checks_of_session(self) -> Iterator[ColumnElement[bool]]:
        if self.hashes is not None:
            yield one_of(_session.configuration_hash, self.hashes)
        if self._checks_prefix:
            yield and_(*begins_with(_session.uid, str(self.selection.session)))

    def _checks_of_run(self, columns: Any, dag_id: ColumnElement[Any]) -> Iterator[ColumnElement[bool]]:
        if self._checks_stuck:
            is_stuck = self._is_stuck(columns, dag_id)
            yield is_stuck if self.selection.stuck else not_(is_stuck)

    def _is_stuck(self, columns: Any, dag_id: ColumnElement[Any]) -> ColumnElement[bool]:
        is_stopped = func.coalesce(dag_id, "").in_(sorted(self.stopped))
        in_work = columns.status.in_(sorted(IN_WORK))
        return and_(in_work, or_(columns.changed_at < self._stuck_before, is_stopped))

    @property
    def _checks_prefix(self) -> bool:
        return bool(self.selection.session) and not self.keys

    @property
    def _checks_stuck(self) -> bool:
        return self.selection.stuck is False or bool(self.selection.stuck and self.stopped)

    def joined(self, candidate: Any) -> Any:
        """The candidates with the tables that their checks need."""
        columns = candidate.c
        if self.hashes is not None or self._checks_prefix:
            candidate = candidate.join(tables.session, _session.id == columns.session_id)
        return candidate.outerjoin(tables.run, run_of(columns)) if self._checks_stuck else candidate


def run_of(columns: Any) -> ColumnElement[bool]:
    """The condition for the run of an instance with these columns."""
    return and_(
        _run.session_id == columns.session_id,
        _run.task_name == columns.task_name,
        _run.number == columns.number,
    )


def one_of(column: ColumnElement[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """The condition for one of these values; None among them stands for NULL, which SQL's IN never matches."""
    is_value = column.in_(sorted(value for value in values if value is not None))
    return or_(is_value, column.is_(None)) if None in values else is_value


@contextmanager
def scope_of(
    selection: InstanceFilter, *, readable: Collection[str | None] | None, disclosure: Disclosure
) -> Iterator[Scope]:
    """The scope of a filter for a reader, in a snapshot of the database.

    :param readable: see :func:`airflow_triggers.sessions.describing.configurations_of_sessions`.
    :param disclosure: DAGs that may not be shown do not count as stopped.
    """
    with snapshot() as session:
        hashes = None if readable is None else frozenset(readable)
        yield Scope(
            session=session,
            selection=selection,
            now=datetime.now(UTC),
            hashes=hashes,
            names=None if hashes is None else _names(session, hashes),
            keys=_keys(session, selection),
            stopped=stopped_dags(session, disclosure),
        )


def _names(session: Session, hashes: frozenset[str | None]) -> frozenset[str | None]:
    columns = tables.configuration.c
    rows = session.execute(select(columns.hash, columns.name)).all()
    names = {row.name for row in rows if row.hash in hashes}
    return frozenset(names | ({None} if None in hashes else set()))


def _keys(session: Session, selection: InstanceFilter) -> tuple[ColumnElement[bool], ...]:
    """The conditions that find the filter's instances by their keys: its list, or its few sessions."""
    conditions: list[ColumnElement[bool]] = []
    if selection.instances is not None:
        conditions.append(_listed(session, selection))
    if selection.session:
        ids = select(_session.id).where(*begins_with(_session.uid, selection.session))
        few = session.scalars(ids.order_by(_session.uid).limit(MOST_SESSIONS + 1)).all()
        if len(few) <= MOST_SESSIONS:
            conditions.append(_instance.session_id.in_(few))
        elif conditions:
            conditions.append(_instance.session_id.in_(ids))
    return tuple(conditions)


def _listed(session: Session, selection: InstanceFilter) -> ColumnElement[bool]:
    keys = selection.instances or ()
    uids = sorted({key.session_uid for key in keys})
    rows = session.execute(select(_session.uid, _session.id).where(_session.uid.in_(uids))) if uids else ()
    ids = {row.uid: row.id for row in rows}
    places = {
        (ids[key.session_uid], *parse_instance_name(key.name)) for key in keys if key.session_uid in ids
    }
    if not places:
        return literal(1) == 0
    return tuple_(_instance.session_id, _instance.task_name, _instance.number).in_(sorted(places))
