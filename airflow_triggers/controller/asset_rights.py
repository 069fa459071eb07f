"""Which asset events may fire what: events created by hand, and events of another team's tasks.

Neighbours: ``assets.py`` asks before it fires, ``gateway`` reads who made an event and which team owns a DAG. The rule
is Airflow's own for assets: whoever creates an event starts what the asset stands for, and nothing else.
"""

from __future__ import annotations

from airflow_triggers.domain.asset_uris import trigger_of
from airflow_triggers.domain.configuration import Configuration
from airflow_triggers.domain.names import dag_ids_of
from airflow_triggers.errors import RefusedAssetEvent
from airflow_triggers.gateway.asset_events import AssetEventRow, may_fire_by_hand
from airflow_triggers.gateway.asset_producers import (
    Producer,
    multi_team,
    producer_of,
    teams_of_known_dags,
)
from airflow_triggers.sessions.authorization import AuthorizeFire
from airflow_triggers.storages.transaction import snapshot


def check_by_hand(event: AssetEventRow) -> None:
    """:raises RefusedAssetEvent: for an event created by hand, when these are off or its asset is not complete.

    A complete asset names a trigger and its configuration.
    """
    if not event.is_by_hand:
        return
    if not may_fire_by_hand():
        raise RefusedAssetEvent(
            event.event_id, "was created by hand, and [triggers] asset_events_by_hand is off. Fire over REST"
        )
    trigger, configuration = trigger_of(event.uri)
    if trigger is None or configuration is None:
        lacks = "trigger" if trigger is None else "configuration"
        raise RefusedAssetEvent(
            event.event_id,
            f"was created by hand, and its asset {event.uri!r} names no {lacks}: such events fire only for tasks. Fire "
            "over REST, or create an event of an asset that names both (x-triggers://configuration/trigger)",
        )


def authorizer_of(event: AssetEventRow) -> AuthorizeFire | None:
    """The check to make before the event fires into a session; None: no check.

    It raises :class:`RefusedAssetEvent` in two cases: an event created by hand is for a session of another
    configuration than its asset names; or, in an Airflow with teams, the configuration's team takes no events from
    this source.
    """
    if not (event.is_by_hand or multi_team()):
        return None

    def authorize(configuration: Configuration, _makes_session: bool) -> None:
        if event.is_by_hand:
            _check_configuration(event, configuration)
        if multi_team():
            _check_teams(event, configuration)

    return authorize


def _check_configuration(event: AssetEventRow, configuration: Configuration) -> None:
    _, configuration_name = trigger_of(event.uri)
    if configuration.name != configuration_name:
        raise RefusedAssetEvent(
            event.event_id,
            f"was created by hand for sessions of the configuration {configuration_name!r}, and its session has "
            "another one",
        )


def _check_teams(event: AssetEventRow, configuration: Configuration) -> None:
    consumers = _consumers(configuration)
    with snapshot() as session:
        teams = teams_of_known_dags(session, consumers)
        producer = None if event.is_by_hand else producer_of(session, event)
    for dag_id in sorted(consumers):
        reason = _refusal(event, producer, teams.get(dag_id), is_known=dag_id in teams)
        if reason is not None:
            raise RefusedAssetEvent(event.event_id, f"does not count for the DAG {dag_id!r}: {reason}")


def _consumers(configuration: Configuration) -> set[str]:
    """The DAGs that say which team owns a configuration.

    A deployed configuration has its manifest; one made at run time has the DAGs of its tasks.
    """
    if configuration.name:
        return {configuration.name}
    return {dag_id for dag_id in dag_ids_of(configuration).values() if dag_id is not None}


def _refusal(
    event: AssetEventRow, producer: Producer | None, team: str | None, *, is_known: bool
) -> str | None:
    """Why the event does not count for a consumer of this team, by the rules of Airflow's asset manager."""
    if not is_known:
        return "Airflow does not know that DAG any more, nor whose it is"
    if event.is_by_hand:
        return f"it belongs to the team {team!r}, and a person created the event" if team else None
    if producer is None:
        return f"Airflow does not know the DAG {event.dag_id!r} any more, nor whose it is"
    if team is None:
        return None if producer.reaches_teamless else "the task's outlet allows only teams"
    if producer.team == team:
        return None
    if producer.team is not None:
        return f"it belongs to the team {team!r}, and the task to the team {producer.team!r}"
    if producer.consumer_teams is not None and team not in producer.consumer_teams:
        return f"the task's outlet does not allow its team {team!r}"
    return None
