"""Entries in Airflow's audit log (its table ``log``): who did what to a session.

Neighbours: ``sessions/audit.py`` makes the acts, ``waiting.py`` and ``asset_events.py`` read Airflow's own entries.

The entries are written by a statement and not by the ORM: ``wakeup.py`` listens to the ORM and must not hear of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

from airflow.configuration import conf
from airflow.models.log import Log
from sqlalchemy import insert
from sqlalchemy.orm import Session


@dataclass(frozen=True, kw_only=True)
class Act:
    """Something that somebody did.

    :param event: its name in Airflow's audit log; at most 60 characters.
    :param user: who did it.
    :param dag_id: the DAG of the act. Airflow shows the entry to everybody who may read this DAG's audit log. None: to
        everybody who may read any audit log.
    :param details: what else is known, as JSON can hold it; no kwargs and no results.
    """

    event: str
    user: str
    dag_id: str | None
    details: Mapping[str, Any] = field(default_factory=dict)


def write_act(session: Session, act: Act) -> None:
    """Put the act into the audit log, in the transaction of the session."""
    entry = {
        "dttm": datetime.now(UTC),
        "dag_id": act.dag_id,
        "event": act.event,
        "owner": act.user,
        "owner_display_name": act.user,
        "extra": json.dumps(dict(act.details)),
    }
    session.execute(insert(Log.__table__).values(**entry))


@cache
def fires_are_audited() -> bool:
    """The setting ``[triggers] audit_fires``, as it was when this process first asked."""
    return conf.getboolean("triggers", "audit_fires", fallback=False)
