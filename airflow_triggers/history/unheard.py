"""Fires without effect, in all sessions.

Neighbours: ``reasons.py`` finds similar names, ``storages/`` keep the fires.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_triggers.domain.configuration import Configuration
from airflow_triggers.domain.disclosure import EVERYTHING, Disclosure, shown_fire
from airflow_triggers.domain.fires import Fire, validate_names
from airflow_triggers.domain.validation import validate_filter
from airflow_triggers.errors import UnreadableRow
from airflow_triggers.history.reasons import names_in_use, similar_names
from airflow_triggers.sessions.describing import configured_as
from airflow_triggers.storages import rows, tables
from airflow_triggers.storages.transaction import snapshot


@dataclass(frozen=True, kw_only=True)
class VainFire:
    """A fire which touched nothing. The cascade of a task does not count, if no task waits for this task's end.

    :param used_by: the session's tasks which its trigger concerns (they had it already); empty when no task uses it.
    :param similar: triggers with a similar name in the session's rules; empty when a task uses the trigger itself.
    """

    uid: str
    fire: Fire
    used_by: tuple[str, ...] = ()
    similar: tuple[str, ...] = ()


def vain_fires(
    *,
    limit: int = 50,
    before: int | None = None,
    trigger: str | None = None,
    configuration: str | None = None,
    configuration_hashes: Collection[str | None] | None = None,
    disclosure: Disclosure = EVERYTHING,
) -> list[VainFire]:
    """Fires without effect in all sessions kept in Airflow's database, newest first.

    :param before: a fire id, for the next page.
    :param trigger: only fires of this trigger.
    :param configuration: only in sessions of the deployed configuration with this name.
    :param configuration_hashes: only in sessions with one of these configurations; None in the list stands for
        sessions without a configuration.
    :param disclosure: which facts of Airflow may be shown.
    :raises InvalidFilter: when no trigger or configuration can have such a name.
    """
    validate_names(trigger=trigger)
    validate_filter("configuration", configuration)
    fires, sessions, configurations = tables.fire.c, tables.session.c, tables.configuration.c
    query = (
        select(tables.fire, sessions.uid, sessions.configuration_hash)
        .join(tables.session, sessions.id == fires.session_id)
        .where(rows.IS_IN_VAIN)
    )
    if before is not None:
        query = query.where(fires.id < before)
    if trigger is not None:
        query = query.where(fires.trigger_name == trigger)
    if configuration is not None:
        hashes = select(configurations.hash).where(configurations.name == configuration)
        query = query.where(sessions.configuration_hash.in_(hashes))
    if configuration_hashes is not None:
        query = query.where(configured_as(configuration_hashes))
    with snapshot() as session:
        fire_rows = session.execute(query.order_by(fires.id.desc()).limit(limit)).all()
        vain = [_vain(row, _configuration(session, row.configuration_hash)) for row in fire_rows]
    return [replace(entry, fire=shown_fire(entry.fire, disclosure)) for entry in vain]


def _configuration(session: Session, content_hash: str | None) -> Configuration:
    """The configuration with this hash; an empty one when it cannot be read: the fire is listed all the same."""
    try:
        return rows.read_configuration(session, content_hash)
    except UnreadableRow:
        return Configuration()


def _vain(row: Any, configuration: Configuration) -> VainFire:
    fire = rows.fire_from_row(row)
    used_by = tuple(task.name for task in configuration.concerned_by(fire.trigger_name))
    near = () if used_by else similar_names(fire.trigger_name, names_in_use(configuration))
    return VainFire(uid=row.uid, fire=fire, used_by=used_by, similar=near)
