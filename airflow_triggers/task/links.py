"""Buttons on the page of a task instance, for the operators of other packages that trigger tasks run.

Airflow has the worker keep their URLs as XComs when the task ends, so that they appear then. Neighbours:
``configuration/compile.py`` adds them; ``gateway/extra_links.py`` has the same buttons for our own operator.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseOperator, BaseOperatorLink

from airflow_triggers.domain.names import INSTANCE_LINK, SESSION_LINK, instance_page, session_page
from airflow_triggers.task.identity import instance_identity_of


class SessionLink(BaseOperatorLink):
    """To the session whose instance the run executes."""

    name = SESSION_LINK
    xcom_key = "triggers_session_link"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The page's URL; empty for a run that executes no instance.

        :param ti_key: the running task instance.
        """
        identity = _identity_of(ti_key)
        return session_page(identity["session_uid"]) if identity else ""


class InstanceLink(BaseOperatorLink):
    """To the instance that the run executes."""

    name = INSTANCE_LINK
    xcom_key = "triggers_instance_link"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """See :meth:`SessionLink.get_link`."""
        identity = _identity_of(ti_key)
        return instance_page(identity["session_uid"], identity["instance_name"]) if identity else ""


def add_links(operator: BaseOperator) -> BaseOperator:
    """Add the buttons to an operator's own ones. An operator that computes its own keeps them alone."""
    links = (*operator.operator_extra_links, SessionLink(), InstanceLink())
    try:
        operator.operator_extra_links = links
    except AttributeError:
        return operator
    return operator


def _identity_of(task_instance: Any) -> dict[str, Any] | None:
    return instance_identity_of(task_instance.get_template_context()["dag_run"])
