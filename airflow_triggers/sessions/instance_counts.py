"""Counts instances over all sessions, grouped by configuration, task, error and status.

Neighbours: ``candidates.py`` has the SQL; ``instances.py`` lists the same instances.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, and_, func, literal, select, union_all

from airflow_triggers.domain.disclosure import EVERYTHING, Disclosure
from airflow_triggers.domain.selection import InstanceFilter
from airflow_triggers.sessions.candidates import Scope, run_of, scope_of
from airflow_triggers.sessions.instances import shown_message
from airflow_triggers.storages import tables

MOST_COUNTED = 100_000
"""The most instances of each status that are counted: the newest ones."""

MOST_GROUPS = 100
"""The most groups in an answer: the largest ones."""


class GroupBy(StrEnum):
    """By what instances can be grouped."""

    CONFIGURATION = "configuration"  #: the name of the session's configuration
    TASK = "task"  #: the trigger task
    ERROR_TYPE = "error_type"  #: the class of the exception
    STATUS = "status"  #: the instance's status


_COLUMNS = {
    GroupBy.CONFIGURATION: "configuration",
    GroupBy.TASK: "task_name",
    GroupBy.ERROR_TYPE: "error_type",
    GroupBy.STATUS: "status",
}


@dataclass(frozen=True, kw_only=True)
class InstanceGroup:
    """Some of the counted instances.

    :param values: what its instances have in common, by what they are grouped by.
    :param since: the oldest change of one of them; ``latest`` is the newest.
    :param message: the first line of one's error; None when it has none.
    :param replays: the highest number of replays in a row.
    """

    values: dict[GroupBy, str | None]
    count: int
    since: datetime
    latest: datetime
    message: str | None
    replays: int


@dataclass(frozen=True, kw_only=True)
class InstanceCounts:
    """How many instances match a filter.

    :param groups: the largest groups first, at most :data:`MOST_GROUPS`.
    :param total: over all groups.
    :param is_complete: False: there are more than :data:`MOST_COUNTED` instances of a status. Older ones were not
        counted.
    """

    groups: tuple[InstanceGroup, ...]
    total: int
    is_complete: bool


def count_instances(
    selection: InstanceFilter,
    *,
    group_by: Sequence[GroupBy] = (),
    readable: Collection[str | None] | None = None,
    disclosure: Disclosure = EVERYTHING,
) -> InstanceCounts:
    """Count the instances that match a filter. The cost follows the number of instances with the filter's statuses.

    :param readable: see :func:`airflow_triggers.sessions.instances.list_instances`.
    :param disclosure: what of Airflow may be shown.
    """
    grouping = tuple(dict.fromkeys(group_by))
    with scope_of(selection, readable=readable, disclosure=disclosure) as scope:
        if not scope.statuses:
            return InstanceCounts(groups=(), total=0, is_complete=True)
        rows = _groups(scope, grouping)
        messages = _messages(scope, grouping, rows[:MOST_GROUPS], disclosure)
        is_complete = not _has_more(scope)
    return InstanceCounts(
        groups=tuple(
            InstanceGroup(
                values={key: getattr(row, _COLUMNS[key]) for key in grouping},
                count=row.number_of,
                since=row.since,
                latest=row.latest,
                message=messages.get(place),
                replays=row.replays,
            )
            for place, row in enumerate(rows[:MOST_GROUPS])
        ),
        total=sum(row.number_of for row in rows),
        is_complete=is_complete,
    )


def _groups(scope: Scope, grouping: Sequence[GroupBy]) -> Sequence[Any]:
    matching = scope.matching(MOST_COUNTED).subquery("matching").c
    keys = [matching[_COLUMNS[key]] for key in grouping]
    count = func.count()
    query = select(
        *keys,
        count.label("number_of"),
        func.min(matching.changed_at).label("since"),
        func.max(matching.changed_at).label("latest"),
        func.max(matching.depth).label("replays"),
    )
    rows = scope.session.execute(query.group_by(*keys).order_by(count.desc(), *keys)).all()
    return [row for row in rows if row.number_of]


def _messages(
    scope: Scope, grouping: Sequence[GroupBy], rows: Sequence[Any], disclosure: Disclosure
) -> dict[int, str | None]:
    """The error of the newest instance of each group, by the group's place: one look-up in the index for each."""
    lookups = [_newest_of(scope, grouping, place, row) for place, row in enumerate(rows)]
    if not lookups:
        return {}
    newest = union_all(*(select(lookup.subquery("newest")) for lookup in lookups)).subquery("lookup")
    instance, run = tables.instance.c, tables.run.c
    query = select(newest.c.place, instance.error_type, instance.error_message, run.dag_id).select_from(
        newest.join(
            tables.instance,
            and_(
                instance.session_id == newest.c.session_id,
                instance.task_name == newest.c.task_name,
                instance.number == newest.c.number,
            ),
        ).outerjoin(tables.run, run_of(instance))
    )
    return {row.place: shown_message(row, disclosure) for row in scope.session.execute(query)}


def _newest_of(scope: Scope, grouping: Sequence[GroupBy], place: int, row: Any) -> Select[Any]:
    instance = tables.instance.c
    values = {_COLUMNS[key]: getattr(row, _COLUMNS[key]) for key in grouping}
    # SQL's "= NULL" is never true; SQLAlchemy writes IS NULL for None.
    in_group = [instance[column] == value for column, value in values.items()]
    return (
        select(literal(place).label("place"), instance.session_id, instance.task_name, instance.number)
        .select_from(scope.joined(tables.instance))
        .where(
            instance.status.in_(scope.statuses),
            instance.changed_at == row.latest,
            *in_group,
            *scope.ranges(),
            *scope.checks(instance),
            *scope.keys,
        )
        .limit(1)
    )


def _has_more(scope: Scope) -> bool:
    """Whether there are candidates beyond the counted ones."""
    return scope.session.execute(scope.uncounted(MOST_COUNTED)).first() is not None
