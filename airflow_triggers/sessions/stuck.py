"""Which scheduled and running instances are stuck: their DAG does not run, or they take too long.

Neighbours: ``instances.py`` lists instances; ``gateway/`` reads Airflow's DAGs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import func, literal_column, select
from sqlalchemy.orm import Session

from airflow_triggers import gateway
from airflow_triggers.domain.disclosure import Disclosure
from airflow_triggers.domain.instances import InstanceStatus
from airflow_triggers.storages import tables

IN_WORK = frozenset({InstanceStatus.SCHEDULED, InstanceStatus.RUNNING})
"""Only instances with these statuses can be stuck."""


class StuckCode(StrEnum):
    """Why an instance is stuck, as a word for programs."""

    DAG_PAUSED = "dag_paused"  #: its DAG is paused in Airflow
    DAG_MISSING = "dag_missing"  #: its DAG is not in Airflow, or stale: no DAG file has it any more
    TOO_LONG = "too_long"  #: it has been scheduled or running for longer than asked for


@dataclass(frozen=True, kw_only=True)
class Stuck:
    """Why an instance is stuck: a word for programs, a sentence for people."""

    code: StuckCode
    text: str


def stopped_dags(session: Session, disclosure: Disclosure) -> dict[str, StuckCode]:
    """The DAGs with watched runs that are paused, stale or missing, by DAG id, as far as they may be shown.

    The cost follows the number of DAGs with runs in flight, not the number of runs.
    """
    dag_ids = _dags_of_watched_runs(session)
    states = gateway.dag_states(session, dag_ids)
    codes = {}
    for dag_id in dag_ids:
        state = states.get(dag_id)
        if state is None or state.stale:
            codes[dag_id] = StuckCode.DAG_MISSING
        elif state.paused:
            codes[dag_id] = StuckCode.DAG_PAUSED
    return {dag_id: code for dag_id, code in codes.items() if disclosure.dag(dag_id)}


def _dags_of_watched_runs(session: Session) -> list[str]:
    """Each DAG once: the partial index of watched runs is entered once per DAG, and not read through."""
    dag_id = tables.run.c.dag_id
    # The index is partial. SQLite uses it only for a condition written like its own.
    is_watched: Any = literal_column("watched")
    first = select(func.min(dag_id).label("dag_id")).select_from(tables.run).where(is_watched)
    dags = first.cte("watched_dag", recursive=True)
    following = (
        select(func.min(dag_id)).select_from(tables.run).where(is_watched, dag_id > dags.c.dag_id)
    ).scalar_subquery()
    dags = dags.union_all(select(following).where(dags.c.dag_id.is_not(None)))
    return list(session.scalars(select(dags.c.dag_id).where(dags.c.dag_id.is_not(None))))


def stuck_of(
    row: Any, stuck_codes: Mapping[str, StuckCode], *, now: datetime, stuck_after: float
) -> Stuck | None:
    """Why the instance in a row is stuck; None when it is not.

    :param row: has ``status``, ``changed_at`` and ``dag_id``.
    :param stuck_codes: the DAGs that do not run (:func:`stopped_dags`).
    :param stuck_after: seconds.
    """
    if row.status not in IN_WORK:
        return None
    code = stuck_codes.get(row.dag_id)
    if code is StuckCode.DAG_PAUSED:
        return Stuck(code=code, text=f"Its DAG {row.dag_id!r} is paused. Unpause it in Airflow.")
    if code is StuckCode.DAG_MISSING:
        text = f"Its DAG {row.dag_id!r} is not deployed. Deploy it again, or see its import error."
        return Stuck(code=code, text=text)
    if row.changed_at < now - timedelta(seconds=stuck_after):
        since = row.changed_at.isoformat(timespec="seconds")
        text = f"It has been {row.status} since {since}: longer than {stuck_after:.0f} seconds."
        return Stuck(code=StuckCode.TOO_LONG, text=text)
    return None
