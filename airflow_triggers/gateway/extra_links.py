"""Buttons on the page of a trigger task's task instance: to its session, and to its instance.

The API server asks for them, whatever state the task is in. They cost the task nothing. Neighbours: ``plugin.py`` hands
them to Airflow; ``task/links.py`` has the same buttons for operators that are not ours; ``domain/names.py`` makes the
URLs.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseOperatorLink
from sqlalchemy import select

from airflow_triggers.domain.names import INSTANCE_LINK, SESSION_LINK, instance_page, session_page
from airflow_triggers.storages import tables
from airflow_triggers.storages.transaction import snapshot
from airflow_triggers.task import TriggerTaskOperator


class SessionLink(BaseOperatorLink):
    """To the session whose instance the run executes."""

    name = SESSION_LINK
    operators = [TriggerTaskOperator]  # noqa: RUF012  (Airflow declares them so)

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The page's URL; empty for a run that executes no instance."""
        instance = _instance_of(ti_key)
        return "" if instance is None else session_page(instance[0])


class InstanceLink(BaseOperatorLink):
    """To the instance that the run executes."""

    name = INSTANCE_LINK
    operators = [TriggerTaskOperator]  # noqa: RUF012

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The page's URL; empty for a run that executes no instance."""
        instance = _instance_of(ti_key)
        return "" if instance is None else instance_page(*instance)


def _instance_of(ti_key: Any) -> tuple[str, str] | None:
    """The session's UID and the name of the instance that a task instance's run executes."""
    run, session_row = tables.run.c, tables.session.c
    query = (
        select(session_row.uid, run.task_name, run.number)
        .join_from(tables.run, tables.session, run.session_id == session_row.id)
        .where(run.dag_id == ti_key.dag_id, run.run_id == ti_key.run_id)
    )
    with snapshot() as session:
        row = session.execute(query).one_or_none()
    return None if row is None else (row.uid, f"{row.task_name}#{row.number}")
