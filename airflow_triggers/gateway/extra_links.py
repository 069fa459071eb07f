"""Buttons on the page of a trigger task's task instance: to its session, and to its instance.

The API server asks for them, whatever state the task is in. They cost the task nothing. Neighbours: ``plugin.py`` hands
them to Airflow; ``task/links.py`` has the same buttons for operators that are not ours; ``domain/names.py`` makes the
URLs.
"""

from __future__ import annotations

from typing import Any

from airflow.models.dagrun import DagRun
from airflow.sdk import BaseOperatorLink
from sqlalchemy import select

from airflow_triggers.domain.names import INSTANCE_LINK, SESSION_LINK, instance_page, session_page
from airflow_triggers.storages.transaction import snapshot
from airflow_triggers.task import TriggerTaskOperator
from airflow_triggers.task.identity import instance_identity_of


class SessionLink(BaseOperatorLink):
    """To the session for whose instance the run was made."""

    name = SESSION_LINK
    operators = [TriggerTaskOperator]  # noqa: RUF012  (Airflow declares them so)

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The page's URL; empty for a run made by hand."""
        instance = _instance_of(ti_key)
        return "" if instance is None else session_page(instance[0])


class InstanceLink(BaseOperatorLink):
    """To the instance for which the run was made."""

    name = INSTANCE_LINK
    operators = [TriggerTaskOperator]  # noqa: RUF012

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The page's URL; empty for a run made by hand."""
        instance = _instance_of(ti_key)
        return "" if instance is None else instance_page(*instance)


def _instance_of(ti_key: Any) -> tuple[str, str] | None:
    """The session's UID and the name of the instance for which a task instance's run was made.

    The run's conf has them. ``triggers_run`` forgets a run when its instance gets another.
    """
    columns = select(DagRun.dag_id, DagRun.run_id, DagRun.conf)
    query = columns.where(DagRun.dag_id == ti_key.dag_id, DagRun.run_id == ti_key.run_id)
    with snapshot() as session:
        dag_run = session.execute(query).one_or_none()
    identity = None if dag_run is None else instance_identity_of(dag_run)
    return None if identity is None else (identity["session_uid"], identity["instance_name"])
