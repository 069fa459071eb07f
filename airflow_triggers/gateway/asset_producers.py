"""In a deployment with teams: reads which team's DAG made an asset event, and which teams the event may reach.

Neighbours: ``asset_events.py`` reads the events, ``controller/asset_rights.py`` decides like Airflow's own asset
scheduling. ``teams.py`` reads teams for Airflow's auth manager: there an unknown DAG counts as one of no team.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from airflow.configuration import conf
from airflow.models.asset import TaskOutletAssetReference
from airflow.models.dag import DagModel
from airflow.models.team import dag_bundle_team_association_table
from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_triggers.gateway.asset_events import AssetEventRow


@dataclass(frozen=True, kw_only=True)
class Producer:
    """What a task's DAG, and its outlet's access control, say about an event of this task.

    :param team: the team of its DAG; None: no team.
    :param consumer_teams: the other teams that its events may reach; None: all.
    :param reaches_teamless: whether its events may reach consumers without a team.
    """

    team: str | None
    consumer_teams: frozenset[str] | None = None
    reaches_teamless: bool = True


def multi_team() -> bool:
    """Airflow's setting ``[core] multi_team``."""
    return conf.getboolean("core", "multi_team")


def teams_of_known_dags(session: Session, dag_ids: Collection[str]) -> dict[str, str | None]:
    """The team of each DAG, None for a DAG without one. DAGs unknown to Airflow (or no longer known) are left out."""
    owners = dag_bundle_team_association_table.c
    query = (
        select(DagModel.dag_id, owners.team_name)
        .outerjoin(dag_bundle_team_association_table, owners.dag_bundle_name == DagModel.bundle_name)
        .where(DagModel.dag_id.in_(dag_ids))
    )
    return {row.dag_id: row.team_name for row in session.execute(query)}


def producer_of(session: Session, event: AssetEventRow) -> Producer | None:
    """What the task's side says of its event; None: Airflow does not know the task's DAG (any more)."""
    teams = teams_of_known_dags(session, [event.dag_id] if event.dag_id else [])
    if event.dag_id not in teams:
        return None
    outlet = session.scalar(
        select(TaskOutletAssetReference).where(
            TaskOutletAssetReference.dag_id == event.dag_id,
            TaskOutletAssetReference.task_id == event.task_id,
            TaskOutletAssetReference.asset_id == event.asset_id,
        )
    )
    team = teams[event.dag_id]
    if outlet is None:
        return Producer(team=team)
    consumer_teams = outlet.allow_consumer_teams
    return Producer(
        team=team,
        consumer_teams=None if consumer_teams is None else frozenset(consumer_teams),
        reaches_teamless=outlet.allow_global_consumers,
    )
