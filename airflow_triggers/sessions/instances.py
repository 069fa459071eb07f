"""Lists instances over all sessions, newest change first: "what failed today?".

A page costs the same however many sessions and instances there are. It reads no kwargs, results or tracebacks, which
may have 1 MiB each. Neighbours: ``candidates.py`` has the SQL; ``instance_counts.py`` counts the same instances;
``api/`` and ``cli/`` show them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from airflow_triggers.domain.disclosure import EVERYTHING, Disclosure, shown_failure
from airflow_triggers.domain.instances import InstanceStatus
from airflow_triggers.domain.selection import InstanceFilter
from airflow_triggers.sessions import cursors
from airflow_triggers.sessions.candidates import PLACE, Scope, run_of, scope_of
from airflow_triggers.sessions.stuck import Stuck, stuck_of
from airflow_triggers.sessions.windows import next_rows
from airflow_triggers.storages import tables
from airflow_triggers.storages.counts import readable_status

_KINDS = (datetime, int, str, int)
"""The types of a place, for its cursor."""


@dataclass(frozen=True, kw_only=True)
class InstanceSummary:
    """An instance in a list over all sessions.

    :param configuration: the name of its session's configuration; None for one made at run time.
    :param changed_at: when it came into its present status.
    :param error_type: the class of its exception, cut off after 200 characters; None when it has none.
    :param error_message: the first line, cut off after 250 characters.
    :param depth: how many ancestors it has by replay or copy; 0 for an original.
    :param parent: the name of the instance that it replaces.
    :param dag_id: the DAG of its run; None while it has none. The same for ``run_id``.
    :param stuck: why it is stuck; None when it is not.
    """

    session_uid: str
    configuration: str | None
    task: str
    number: int
    status: InstanceStatus
    created_at: datetime
    changed_at: datetime
    error_type: str | None
    error_message: str | None
    depth: int
    parent: str | None
    dag_id: str | None
    run_id: str | None
    stuck: Stuck | None
    configuration_hash: str | None

    @property
    def name(self) -> str:
        """``t_import#0``."""
        return f"{self.task}#{self.number}"

    @property
    def can_replay(self) -> bool:
        """Whether its status allows a replay."""
        return self.status is InstanceStatus.FAILED

    @property
    def can_skip(self) -> bool:
        """Whether its status allows a skip."""
        return self.status is InstanceStatus.FAILED


@dataclass(frozen=True, kw_only=True)
class InstancePage:
    """Instances, newest change first.

    :param next: pass it as ``after`` to go on; None on the last page. A page may be short, or empty, and not be the
        last one: the filter matched few of the instances at which it looked.
    """

    instances: tuple[InstanceSummary, ...]
    next: str | None


def list_instances(
    selection: InstanceFilter,
    *,
    limit: int = 50,
    after: str | None = None,
    readable: Collection[str | None] | None = None,
    disclosure: Disclosure = EVERYTHING,
) -> InstancePage:
    """The instances that match a filter, in the sessions kept in Airflow's database.

    :param after: the ``next`` of the page before. An instance that does not change meanwhile is on exactly one page.
    :param readable: only sessions with one of these configurations, by hash (see
        :func:`airflow_triggers.sessions.describing.configurations_of_sessions`); None: all.
    :param disclosure: what of Airflow may be shown.
    :raises InvalidCursor: when ``after`` is of no such list.
    """
    place = None if after is None else cursors.decode(after, _KINDS)
    with scope_of(selection, readable=readable, disclosure=disclosure) as scope:
        rows, next_place = next_rows(
            scope.windows, order=PLACE, place=place, limit=limit, ranges=len(scope.statuses)
        )
        instances = _summaries(scope, rows, disclosure)
    return InstancePage(instances=instances, next=None if next_place is None else cursors.encode(next_place))


def _summaries(scope: Scope, places: Sequence[Any], disclosure: Disclosure) -> tuple[InstanceSummary, ...]:
    """The instances at these places, in this order."""
    keys = [(place.session_id, place.task_name, place.number) for place in places]
    rows = {(row.session_id, row.task_name, row.number): row for row in _rows(scope.session, keys)}
    return tuple(_summary(rows[key], scope, disclosure) for key in keys)


def _rows(session: Session, keys: Sequence[tuple[Any, ...]]) -> Sequence[Any]:
    if not keys:
        return ()
    instance, own, run = tables.instance.c, tables.session.c, tables.run.c
    query = (
        select(
            instance.session_id,
            instance.task_name,
            instance.number,
            instance.status,
            instance.configuration,
            instance.created_at,
            instance.changed_at,
            instance.error_type,
            instance.error_message,
            instance.depth,
            instance.parent,
            own.uid,
            own.configuration_hash,
            run.dag_id,
            run.run_id,
        )
        .select_from(
            tables.instance.join(tables.session, own.id == instance.session_id).outerjoin(
                tables.run, run_of(instance)
            )
        )
        .where(tuple_(instance.session_id, instance.task_name, instance.number).in_(keys))
    )
    return session.execute(query).all()


def _summary(row: Any, scope: Scope, disclosure: Disclosure) -> InstanceSummary:
    stuck = stuck_of(row, scope.stopped, now=scope.now, stuck_after=scope.selection.stuck_after)
    return InstanceSummary(
        session_uid=row.uid,
        configuration=row.configuration,
        task=row.task_name,
        number=row.number,
        status=readable_status(row.status),
        created_at=row.created_at,
        changed_at=row.changed_at,
        error_type=row.error_type,
        error_message=shown_message(row, disclosure),
        depth=row.depth,
        parent=row.parent,
        dag_id=row.dag_id,
        run_id=row.run_id,
        stuck=stuck,
        configuration_hash=row.configuration_hash,
    )


def shown_message(row: Any, disclosure: Disclosure) -> str | None:
    """The error's first line, as far as it may be shown.

    :param row: has ``error_type``, ``error_message`` and ``dag_id``.
    """
    if row.error_type is None or row.error_message is None:
        return None
    return shown_failure(row.error_message, kind=row.error_type, dag_id=row.dag_id, disclosure=disclosure)
