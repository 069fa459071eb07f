"""Records acts on a session in Airflow's audit log, in the transaction of the act itself.

A session's own history keeps more, and other people may read it: see ``docs/rights.md``. Neighbours: the manager notes
updates of rules; ``sessions/audit.py`` notes what people do otherwise; ``gateway/audit.py`` writes.
"""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from typing import Any

from airflow_triggers.domain.configuration import Configuration
from airflow_triggers.domain.names import dag_ids_of
from airflow_triggers.domain.validation import caller_name
from airflow_triggers.gateway.audit import Act, write_act
from airflow_triggers.runners.transactions import after_saving
from airflow_triggers.storages.base import BaseStorageBackend

NO_DAG = "triggers:no-dag"
"""Stands for the DAG of a session without one. No DAG can have this id: Airflow's pages show the entry to nobody."""


class AuditEvent(StrEnum):
    """The names of the acts in Airflow's audit log."""

    CREATE_SESSION = "triggers_create_session"
    FIRE = "triggers_fire"
    UPDATE_CONFIGURATION = "triggers_update_configuration"
    MIGRATE_SESSION = "triggers_migrate_session"
    REPLAY = "triggers_replay"
    SKIP = "triggers_skip"
    SET_STATUS = "triggers_set_status"
    SET_METADATA = "triggers_set_metadata"
    RESOLVE_LOGS = "triggers_resolve_logs"
    CANCEL_DELAYED_FIRE = "triggers_cancel_delayed_fire"
    RETRY_DELAYED_FIRE = "triggers_retry_delayed_fire"
    CALL_HOOK = "triggers_call_hook"
    RETRY_ASSET_EVENTS = "triggers_retry_asset_events"
    DELETE_SESSION = "triggers_delete_session"
    CLEAN = "triggers_clean"
    BULK_ACT = "triggers_bulk_act"
    CANCEL_BULK_ACT = "triggers_cancel_bulk_act"
    CLEAN_BULK_ACTS = "triggers_clean_bulk_acts"


def note_act(
    storage: BaseStorageBackend,
    event: AuditEvent,
    *,
    by: str | None,
    instance: str | None = None,
    trigger: str | None = None,
    **details: Any,
) -> None:
    """Put an act into the audit log, under the session's lock.

    The entry commits together with the act's changes, or not at all. For a session kept elsewhere, it is written once
    the session is saved.

    :param by: who acts; None when not known: then nothing is written.
    :param instance: the name of the act's instance, if it has one.
    :param trigger: the name of the act's trigger, if it has one.
    :param details: more details of the entry, but no kwargs and no results.
    """
    user = caller_name(by)
    if user is None:
        return
    dag_id = dag_id_of_act(storage.configuration, instance=instance, trigger=trigger)
    about = {"session_uid": storage.uid, "instance": instance, "trigger": trigger}
    subject_details = {key: value for key, value in about.items() if value is not None}
    after_saving(
        storage,
        partial(write_act, act=Act(event=event, user=user, dag_id=dag_id, details=subject_details | details)),
    )


def dag_id_of_act(configuration: Configuration, *, instance: str | None, trigger: str | None) -> str:
    """A DAG of the act: the instance's, else one that the trigger may start, else any DAG of the session.

    Without a DAG it is the configuration's name, else :data:`NO_DAG`.
    """
    dag_ids = dag_ids_of(configuration)
    concerned_tasks = [task.name for task in configuration.concerned_by(trigger)] if trigger else []
    tasks = [instance.rpartition("#")[0]] if instance else concerned_tasks
    candidates = [dag_ids.get(task) for task in tasks] + list(dag_ids.values()) + [configuration.name]
    return next((dag_id for dag_id in candidates if dag_id is not None), NO_DAG)
