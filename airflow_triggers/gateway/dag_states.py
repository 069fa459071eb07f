"""Reads whether DAGs run: paused, stale, or gone. Nothing is changed.

Neighbours: ``waiting.py`` reads what one run waits for; ``sessions/stuck.py`` asks about many DAGs at once.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from airflow.models.dag import DagModel
from sqlalchemy import select
from sqlalchemy.orm import Session


@dataclass(frozen=True, kw_only=True)
class DagState:
    """Whether Airflow runs a DAG: not if it is paused, or stale (no DAG file has it any more)."""

    paused: bool
    stale: bool


def dag_states(session: Session, dag_ids: Collection[str]) -> dict[str, DagState]:
    """The states of these DAGs, by id. A DAG that Airflow does not know is left out."""
    query = select(DagModel.dag_id, DagModel.is_paused, DagModel.is_stale).where(DagModel.dag_id.in_(dag_ids))
    rows = session.execute(query) if dag_ids else ()
    return {row.dag_id: DagState(paused=bool(row.is_paused), stale=bool(row.is_stale)) for row in rows}
