"""A filter for instances, as SQL conditions on whole rows: for acts on all that match, and not for pages.

Neighbours: ``domain/selection.py`` has the filter; ``candidates.py`` has it for pages, ``bulk_making.py`` selects with
these conditions.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, not_, or_, tuple_

from airflow_triggers.domain.instances import parse_instance_name
from airflow_triggers.domain.selection import InstanceFilter
from airflow_triggers.sessions.stuck import IN_WORK
from airflow_triggers.storages import tables
from airflow_triggers.storages.prefixes import begins_with
from airflow_triggers.storages.summaries import error_type_text

_INSTANCE, _SESSION = tables.instance.c, tables.session.c


def matches(
    selection: InstanceFilter, *, now: datetime, stopped_dag_ids: Collection[str]
) -> list[ColumnElement[bool]]:
    """The conditions on ``triggers_instance``, ``triggers_session`` and ``triggers_run`` (outer), joined.

    :param stopped_dag_ids: the ids of the DAGs that do not run; see :func:`stopped_dags`.
    """
    return [
        *_of_instance(selection),
        *_of_session(selection),
        *_of_work(selection, now=now, stopped_dag_ids=stopped_dag_ids),
    ]


def _of_work(
    selection: InstanceFilter, *, now: datetime, stopped_dag_ids: Collection[str]
) -> Iterator[ColumnElement[bool]]:
    if selection.stuck is None:
        return
    is_late = _INSTANCE.changed_at < now - timedelta(seconds=selection.stuck_after)
    is_stopped = func.coalesce(tables.run.c.dag_id, "").in_(sorted(stopped_dag_ids))
    is_stuck = and_(_INSTANCE.status.in_(sorted(IN_WORK)), or_(is_late, is_stopped))
    yield is_stuck if selection.stuck else not_(is_stuck)


def _of_instance(selection: InstanceFilter) -> Iterator[ColumnElement[bool]]:
    if selection.statuses:
        yield _INSTANCE.status.in_(sorted(selection.statuses))
    if selection.configuration is not None:
        yield _INSTANCE.configuration == selection.configuration
    if selection.task is not None:
        yield _INSTANCE.task_name == selection.task
    if selection.since is not None:
        yield _INSTANCE.changed_at >= selection.since
    if selection.until is not None:
        yield _INSTANCE.changed_at < selection.until
    if selection.error_type is not None:
        yield _INSTANCE.error_type == error_type_text(selection.error_type)
    if selection.replayed is not None:
        yield _INSTANCE.depth > 0 if selection.replayed else _INSTANCE.depth == 0


def _of_session(selection: InstanceFilter) -> Iterator[ColumnElement[bool]]:
    if selection.session:
        yield from begins_with(_SESSION.uid, selection.session)
    if selection.instances is not None:
        keys = [(key.session_uid, *parse_instance_name(key.name)) for key in selection.instances]
        yield tuple_(_SESSION.uid, _INSTANCE.task_name, _INSTANCE.number).in_(keys)
