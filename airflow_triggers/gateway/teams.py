"""Reads which team a DAG or a pool belongs to, in a deployment with teams. Nothing is changed.

Neighbours: ``api/permissions.py`` asks Airflow's auth manager about DAGs and pools with their teams, as Airflow does.
"""

from __future__ import annotations

from collections.abc import Collection

from airflow.models.dag import DagModel
from airflow.models.pool import Pool
from airflow.models.team import Team
from sqlalchemy.orm import Session


def teams_of_dags(session: Session, dag_ids: Collection[str]) -> dict[str, str | None]:
    """The team of each DAG with a team, by the DAG's id."""
    return DagModel.get_dag_id_to_team_name_mapping(list(dag_ids), session=session)


def team_of_pool(session: Session, name: str) -> str | None:
    """The pool's team; None when it has none, or there is no such pool."""
    return Pool.get_team_name(name, session=session)


def team_names(session: Session) -> set[str]:
    """The names of all teams."""
    return Team.get_all_team_names(session=session)
