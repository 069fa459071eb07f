"""Whether a session is resolved: nothing in it waits, runs or is still to come.

A session without any instance is not resolved: it waits for its first trigger. ``docs/semantics.md`` says what resolved
means. Neighbours: ``deleting.py`` and ``cleaning.py`` delete resolved sessions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal, or_, select
from sqlalchemy.orm import Session

from airflow_triggers.domain.instances import RESOLVED_STATUSES, TaskInstance
from airflow_triggers.domain.runs import IN_FLIGHT, PROMISED
from airflow_triggers.gateway import DagRunColumns
from airflow_triggers.storages import tables

_MOST_NAMES = 3
"""The most open instances named in an answer."""

_STATUSES = sorted(status.value for status in RESOLVED_STATUSES)


def is_resolved(session_id: ColumnElement[int]) -> tuple[ColumnElement[bool], ...]:
    """SQL conditions: a session kept in Airflow's database is resolved.

    :param session_id: the column of its key.
    """
    instance = tables.instance.c
    of_session = select(literal(1)).where(instance.session_id == session_id)
    return (
        of_session.exists(),
        ~of_session.where(instance.status.not_in(_STATUSES)).exists(),
        *nothing_to_come(session_id),
    )


def nothing_to_come(session_id: ColumnElement[int]) -> tuple[ColumnElement[bool], ...]:
    """SQL conditions: no fire, hook or DAG run of the session is still to come.

    :param session_id: the column of its key.
    """
    return tuple(~query.exists() for query in _still_to_come(session_id))


def nothing_to_come_by_key(session_id: ColumnElement[int]) -> tuple[ColumnElement[bool], ...]:
    """The conditions of :func:`nothing_to_come`, for few rows: each is a look-up by key.

    For ``EXISTS`` in a list of columns, PostgreSQL may read the whole table instead.
    """
    return tuple(query.limit(1).scalar_subquery().is_(None) for query in _still_to_come(session_id))


def open_ends(session: Session, session_id: int, instances: Sequence[TaskInstance] | None) -> list[str]:
    """The reasons why a session is not resolved, as phrases ("t_import#0 is running"); empty when it is resolved.

    :param session_id: the key of its row in Airflow's database.
    :param instances: the instances, for a session kept in another storage; None reads them from Airflow's database.
    """
    statuses = (
        _statuses(session, session_id)
        if instances is None
        else [(instance.name, instance.status.value) for instance in instances]
    )
    return [*_instances(statuses), *_to_come(session, session_id)]


def _statuses(session: Session, session_id: int) -> list[tuple[str, str]]:
    instance = tables.instance.c
    query = (
        select(instance.task_name, instance.number, instance.status)
        .where(instance.session_id == session_id)
        .order_by(instance.status.in_(_STATUSES), instance.task_name, instance.number)
        .limit(_MOST_NAMES + 1)
    )
    return [(f"{row.task_name}#{row.number}", row.status) for row in session.execute(query)]


def _instances(statuses: Sequence[tuple[str, str]]) -> Iterator[str]:
    if not statuses:
        yield "it has no task instance yet"
    open_instances = [f"{name} is {status}" for name, status in statuses if status not in _STATUSES]
    yield from open_instances[:_MOST_NAMES]
    if len(open_instances) > _MOST_NAMES:
        yield "other task instances are not resolved either"


def _to_come(session: Session, session_id: int) -> Iterator[str]:
    for words, query in zip(_WORDS, _still_to_come(literal(session_id)), strict=True):
        count = session.scalar(select(func.count()).select_from(query.subquery()))
        if count:
            yield _phrase(words, count)


def hooks_to_call(count: int) -> str:
    """The phrase for hooks that are still to be called."""
    return _phrase(_HOOK_WORDS, count)


def _phrase(words: tuple[str, str], count: int) -> str:
    return words[count != 1].format(count)


_HOOK_WORDS = ("{} hook is still to be called", "{} hooks are still to be called")
_WORDS = (
    ("{} fire is still to come", "{} fires are still to come"),
    _HOOK_WORDS,
    ("{} DAG run is in flight", "{} DAG runs are in flight"),
)


def _still_to_come(session_id: ColumnElement[int]) -> tuple[Select[Any], ...]:
    """Queries for a session's pending fires, hooks and DAG runs, in the order of :data:`_WORDS`."""
    fire, hook, run = tables.delayed_fire.c, tables.hook.c, tables.run.c
    in_airflow = (
        select(literal(1))
        .where(
            DagRunColumns.dag_id == run.dag_id,
            DagRunColumns.run_id == run.run_id,
            DagRunColumns.state.in_(IN_FLIGHT),
        )
        .limit(1)
        .scalar_subquery()
        .is_not(None)
    )
    # A failed instance's run is over. It stays watched only in case somebody has Airflow run it again.
    has_news_to_come = and_(run.watched, run.seen_state != "failed")
    return (
        select(literal(1)).where(fire.session_id == session_id, fire.cancelled_at.is_(None)),
        select(literal(1)).where(hook.session_id == session_id),
        select(literal(1)).where(
            run.session_id == session_id, or_(has_news_to_come, run.seen_state == PROMISED.state, in_airflow)
        ),
    )
