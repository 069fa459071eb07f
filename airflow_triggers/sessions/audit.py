"""Records people's acts on sessions in Airflow's audit log, in the transaction of the act itself.

A session's own history keeps more, and other people may read it: see ``docs/rights.md``. Neighbours: ``opening.py``,
``repairs.py``, ``delayed_fires.py`` and ``migration.py`` note acts; ``gateway/audit.py`` writes.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy.orm import Session

from airflow_triggers.domain.configuration import Configuration
from airflow_triggers.domain.validation import caller_name
from airflow_triggers.gateway.audit import Act, fires_are_audited, write_act
from airflow_triggers.manager.audit import NO_DAG, AuditEvent, dag_id_of_act, note_act
from airflow_triggers.storages.base import BaseStorageBackend

__all__ = [
    "NO_DAG",
    "AuditEvent",
    "note_act",
    "note_bulk_act",
    "note_cleaning",
    "note_deletion",
    "note_fire",
    "note_retried_events",
]


def note_retried_events(session: Session, event_ids: Collection[int], *, by: str | None) -> None:
    """Record in the audit log: somebody had asset events tried again. They belong to no session."""
    user = caller_name(by)
    if user is not None:
        details = {"asset_event_ids": sorted(event_ids)}
        write_act(session, Act(event=AuditEvent.RETRY_ASSET_EVENTS, user=user, dag_id=None, details=details))


def note_deletion(
    session: Session, session_uid: str, configuration: Configuration, *, by: str | None, **details: Any
) -> None:
    """Record in the audit log: somebody deleted a session. Call it in the transaction of the deletion."""
    user = caller_name(by)
    if user is not None:
        dag_id = dag_id_of_act(configuration, instance=None, trigger=None)
        act_details = {"session_uid": session_uid, "configuration": configuration.name, **details}
        write_act(
            session, Act(event=AuditEvent.DELETE_SESSION, user=user, dag_id=dag_id, details=act_details)
        )


def note_cleaning(
    session: Session,
    session_uids: Collection[str],
    *,
    configuration: str | None,
    by: str | None,
    **details: Any,
) -> None:
    """Record in the audit log: somebody cleaned sessions of one configuration."""
    user = caller_name(by)
    if user is not None:
        act_details = {"session_uids": sorted(session_uids), "configuration": configuration, **details}
        act = Act(event=AuditEvent.CLEAN, user=user, dag_id=configuration or NO_DAG, details=act_details)
        write_act(session, act)


def note_bulk_act(
    session: Session, event: AuditEvent, *, configuration: str | None, by: str | None, **details: Any
) -> None:
    """Record in the audit log: somebody made, cancelled or cleaned bulk acts. They belong to no session.

    :param configuration: the only configuration that they cover, if there is one.
    """
    user = caller_name(by)
    if user is not None:
        act = Act(event=event, user=user, dag_id=configuration or NO_DAG, details=details)
        write_act(session, act)


def note_fire(storage: BaseStorageBackend, trigger: str, *, by: str | None, **details: Any) -> None:
    """Put a fire into the audit log, under the session's lock, if the setting ``[triggers] audit_fires`` is on."""
    if fires_are_audited():
        note_act(storage, AuditEvent.FIRE, by=by, trigger=trigger, **details)
