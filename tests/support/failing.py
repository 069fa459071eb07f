"""Many failed instances at once, as rows: for bulk acts and lists."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import insert, select

from airflow_triggers.domain.configuration import TaskConfig
from airflow_triggers.domain.instances import InstanceStatus, TaskInstance
from airflow_triggers.domain.states import new_instance, with_status
from airflow_triggers.sessions.opening import create_session
from airflow_triggers.storages import rows, tables
from airflow_triggers.storages.counts import columns_of
from airflow_triggers.storages.transaction import transaction


def insert_failed(*, sessions, of_each, task_name="t_import", configuration="survey", prefix="order"):
    """Make sessions of a deployed configuration, each with failed instances of the task. They have had no run.

    :returns: the sessions' UIDs.
    """
    create_session(f"{prefix}-model", configuration=configuration)
    owner = tables.session.c
    with transaction() as session:
        model = session.execute(select(tables.session).where(owner.uid == f"{prefix}-model")).one()
        uids = [f"{prefix}-{number:05}" for number in range(sessions)]
        values = {name: value for name, value in model._mapping.items() if name not in ("id", "uid")}
        values |= columns_of({task_name: {"failed": of_each}})
        session.execute(insert(tables.session), [{**values, "uid": uid} for uid in uids])
        ids = session.scalars(select(owner.id).where(owner.uid.in_(uids))).all()
        instances = [_failed(task_name, number) for number in range(of_each)]
        session.execute(
            insert(tables.instance),
            [
                rows.instance_to_row(owner_id, it, configuration=configuration)
                for owner_id in ids
                for it in instances
            ],
        )
    return uids


def _failed(task_name, number) -> TaskInstance:
    now = datetime.now(UTC)
    instance = new_instance(TaskConfig(name=task_name, run=""), number, now=now)
    return with_status(instance, InstanceStatus.FAILED, now=now)
