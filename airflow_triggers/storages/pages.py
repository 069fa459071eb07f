"""The SQL of the pages of one session: each costs the same however large the session is.

Neighbours: ``reading.py`` sends these for a session; ``tables.py`` has the indexes that they use.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Integer,
    Row,
    Select,
    cast,
    func,
    literal,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.orm import Session

from airflow_triggers.domain.configuration import MAX_ID
from airflow_triggers.domain.fires import Fire, FireFilter
from airflow_triggers.domain.instances import parse_instance_name
from airflow_triggers.storages import rows, tables
from airflow_triggers.storages.readable import InstancePlace
from airflow_triggers.storages.transaction import is_sqlite

MOST_CLONES = 1000
"""The most instances of a replay chain that are read."""

MOST_KEYS = 1000
"""The most rows read by one statement. SQLite takes at most 32,766 parameters."""

MOST_TRIGGERS = 200
"""The most triggers looked up one by one. A list of more reads all fires of the session."""

_instance, _fire = tables.instance.c, tables.fire.c


_ORDER = (_instance.created_at, _instance.task_name, _instance.number)


# -- instances --------------------------------------------------------------------------------------------------


def newest_instances(
    session: Session,
    session_id: int | None,
    *,
    limit: int,
    after: InstancePlace | None,
    task_name: str | None,
    statuses: Collection[str],
) -> Sequence[Row[Any]]:
    """The rows of the newest instances, newest first.

    The index has each status in this order, so the newest of each are merged.

    :param after: only older ones than at this place.
    :param task_name: only instances of this task; None: of any.
    :param statuses: only instances with these statuses. Empty: any, those that cannot be read too.
    """
    present = set(session.scalars(_statuses_of(session_id)))
    keys = [
        _of_status(session_id, status, limit=limit, after=after, task_name=task_name)
        for status in sorted(present & set(statuses) if statuses else present)
    ]
    if not keys:
        return []
    candidates = union_all(*(select(key) for key in keys)).subquery()
    of_page = (
        select(candidates.c.task_name, candidates.c.number)
        .order_by(candidates.c.created_at.desc(), candidates.c.task_name.desc(), candidates.c.number.desc())
        .limit(limit)
    )
    return _rows_of(session, session_id, session.execute(of_page).all())


def _of_status(
    session_id: int | None, status: str, *, limit: int, after: InstancePlace | None, task_name: str | None
) -> Any:
    query = select(*_ORDER).where(_instance.session_id == session_id, _instance.status == status)
    if task_name is not None:
        query = query.where(_instance.task_name == task_name)
    if after is not None:
        query = query.where(tuple_(*_ORDER) < _literals(after))
    return query.order_by(*(column.desc() for column in _ORDER)).limit(limit).subquery()


def _literals(place: InstancePlace) -> ColumnElement[Any]:
    return tuple_(*(literal(value, column.type) for value, column in zip(place, _ORDER, strict=True)))


def _rows_of(session: Session, session_id: int | None, page: Sequence[Any]) -> list[Row[Any]]:
    """The rows of instances, in the order of the page's keys."""
    keys = [(row.task_name, row.number) for row in page]
    instance_rows: dict[tuple[str, int], Row[Any]] = {}
    for part in range(0, len(keys), MOST_KEYS):
        key = tuple_(_instance.task_name, _instance.number).in_(keys[part : part + MOST_KEYS])
        query = select(tables.instance).where(_instance.session_id == session_id, key)
        instance_rows |= {(row.task_name, row.number): row for row in session.execute(query)}
    return [instance_rows[key] for key in keys]


def _statuses_of(session_id: int | None) -> Select[Any]:
    """The different statuses of the session's instances."""
    statuses = _different(_instance.status, _instance.session_id == session_id)
    return select(statuses.c.value).where(statuses.c.value.is_not(None))


def _different(column: Any, of_session: ColumnElement[bool]) -> CTE:
    """The different values of an index's column after the session's key, in their order, and NULL at the end.

    It is a loose index scan: one look-up for each value. A query that takes some of the values looks up no others.
    """
    smallest = select(func.min(column).label("value")).where(of_session)
    values: CTE = smallest.cte("found", recursive=True)
    following = select(func.min(column)).where(of_session, column > values.c.value).scalar_subquery()
    return values.union_all(select(following).where(values.c.value.is_not(None)))


# -- a replay chain ---------------------------------------------------------------------------------------------


def replay_chain(session: Session, session_id: int | None, task_name: str, number: int) -> list[Row[Any]]:
    """The rows of an instance, of the instances that it was cloned from, and of all their clones; oldest first."""
    ancestors = _ancestors(session_id, task_name, number)
    oldest = session.scalar(select(ancestors.c.number).order_by(ancestors.c.generation.desc()).limit(1))
    family = _clones(session_id, task_name, number if oldest is None else oldest)
    keys = session.execute(select(family.c.task_name, family.c.number).limit(MOST_CLONES)).all()
    chain = {(row.task_name, row.number): row for row in _rows_of(session, session_id, keys)}
    return sorted(chain.values(), key=lambda row: (row.created_at, row.number))


def _ancestors(session_id: int | None, task_name: str, number: int) -> CTE:
    """The instance and those that it was cloned from. A clone is of its original's task, and has a higher number."""
    start = select(_instance.number, _instance.parent, literal(0).label("generation")).where(
        _instance.session_id == session_id, _instance.task_name == task_name, _instance.number == number
    )
    ancestors: CTE = start.cte("ancestors", recursive=True)
    original = tables.instance.alias("original").c
    step = select(original.number, original.parent, ancestors.c.generation + 1).where(
        original.session_id == session_id,
        original.task_name == task_name,
        original.number == _number_in(ancestors.c.parent, task_name),
        original.number < ancestors.c.number,
    )
    return ancestors.union_all(step)


def _number_in(name: ColumnElement[Any], task_name: str) -> ColumnElement[Any]:
    """The number in an instance's name; NULL, or a number of no instance, for a text that is no such name."""
    if is_sqlite():
        return cast(func.substr(name, len(task_name) + 2), Integer)
    return cast(func.substring(name, "#([0-9]{1,9})$"), Integer)


def _clones(session_id: int | None, task_name: str, number: int) -> CTE:
    """The instance and all its clones."""
    start = select(_instance.task_name, _instance.number).where(
        _instance.session_id == session_id, _instance.task_name == task_name, _instance.number == number
    )
    clones: CTE = start.cte("clones", recursive=True)
    clone = tables.instance.alias("clone").c
    name = clones.c.task_name + "#" + cast(clones.c.number, tables.instance.c.task_name.type)
    step = select(clone.task_name, clone.number).where(
        clone.session_id == session_id, clone.parent == name, clone.number > clones.c.number
    )
    return clones.union_all(step)


# -- fires ------------------------------------------------------------------------------------------------------


def newest_fires(
    session: Session, session_id: int | None, *, limit: int | None, before: int | None, only: FireFilter
) -> list[Fire]:
    """The session's fires, newest first; see :meth:`BaseStorageBackend.fires`."""
    query = select(tables.fire).where(_fire.session_id == session_id)
    if before is not None:
        query = query.where(_fire.id < before)
    query = query.order_by(_fire.id.desc()).limit(limit)
    if only.instance is None:
        return _fires(session, query.where(*rows.fire_conditions(only)))
    return _fires(session, query.where(*_of_instance(session, query, session_id, only)))


def _of_instance(
    session: Session, query: Select[Any], session_id: int | None, only: FireFilter
) -> Iterator[ColumnElement[bool]]:
    """The conditions for the fires that concern an instance: by their ids, if the instance's row has them."""
    try:
        task_name, number = parse_instance_name(str(only.instance))
    except ValueError:
        yield from rows.fire_conditions(only)
        return
    key = (
        _instance.session_id == session_id,
        _instance.task_name == task_name,
        _instance.number == number,
    )
    fire_ids = rows.fire_ids_in(session.scalar(select(_instance.fire_ids).where(*key)))
    if fire_ids is None:
        yield from rows.fire_conditions(only)
        return
    of_others = FireFilter(trigger_name=only.trigger_name, in_vain=only.in_vain)
    of_instance = query.with_only_columns(_fire.id).where(
        _fire.fired_by == only.instance, *rows.fire_conditions(of_others)
    )
    yield from rows.fire_conditions(of_others)
    yield _fire.id.in_([*fire_ids, *session.scalars(of_instance)])


def _fires(session: Session, query: Select[Any]) -> list[Fire]:
    return [rows.fire_from_row(row) for row in session.execute(query)]


def latest_fires(session: Session, session_id: int | None, names: Sequence[str], *, limit: int) -> list[Fire]:
    """The latest fire of each trigger, of ``limit`` triggers at most.

    :param names: the triggers to take first, if there are as many or more.
    """
    of_session = _fire.session_id == session_id
    if limit > MOST_TRIGGERS:
        ids = select(func.max(_fire.id)).where(of_session).group_by(_fire.trigger_name).limit(limit)
        return _fires(session, select(tables.fire).where(_fire.id.in_(ids)).order_by(_fire.id))
    triggers = _different(_fire.trigger_name, of_session)
    query = (
        select(_latest_id(session_id, triggers.c.value)).where(triggers.c.value.is_not(None)).limit(limit + 1)
    )
    fire_ids = list(session.scalars(query))
    if len(fire_ids) >= limit and names:
        first = session.scalars(_latest_ids(session_id, names[:MOST_TRIGGERS]))
        fire_ids = list(dict.fromkeys([*first, *fire_ids]))
    if not fire_ids:
        return []
    fires = _fires(session, select(tables.fire).where(_fire.id.in_(fire_ids[:limit])))
    fires_by_id = {fire.fire_id: fire for fire in fires}
    return [fires_by_id[fire_id] for fire_id in fire_ids[:limit]]


def _last_place(session_id: int | None, trigger: Any) -> Select[Any]:
    """The name and the id of the last fire up to the end of a trigger's part of the index.

    Rows are compared, because only this index has their order. Of a maximum, PostgreSQL may look for the id alone, from
    the end of the whole table.
    """
    place = (_fire.trigger_name, _fire.id)
    end = tuple_(trigger, literal(MAX_ID, tables.Id))
    query = select(*place).where(_fire.session_id == session_id, tuple_(*place) <= end)
    return query.order_by(*(column.desc() for column in place)).limit(1)


def _latest_id(session_id: int | None, trigger: ColumnElement[str]) -> Any:
    """The id of the latest fire of a trigger that has fired."""
    return _last_place(session_id, trigger).with_only_columns(_fire.id).scalar_subquery()


def _latest_ids(session_id: int | None, triggers: Sequence[str]) -> Any:
    """The ids of the latest fires of those triggers that have fired, in their order."""
    places = (
        (_last_place(session_id, literal(trigger, _fire.trigger_name.type)).subquery(), trigger)
        for trigger in triggers
    )
    return union_all(
        *(select(place.c.id).where(place.c.trigger_name == trigger) for place, trigger in places)
    )


# -- delayed fires ----------------------------------------------------------------------------------------------


def next_delayed_fires(session_id: int | None, trigger_names: Collection[str], *, limit: int) -> Select[Any]:
    """The rows of the next fires to come of these triggers, by the moment at which they are due."""
    columns = tables.delayed_fire.c
    return (
        select(tables.delayed_fire)
        .where(
            columns.session_id == session_id,
            columns.trigger_name.in_(sorted(trigger_names)),
            columns.cancelled_at.is_(None),
        )
        .order_by(columns.fire_at, columns.id)
        .limit(limit)
    )
