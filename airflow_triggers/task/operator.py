"""The operator that runs a trigger task's callable in a worker.

A worker has no database, so the operator leaves its report in an XCom of the run. Neighbours: ``configuration/`` puts
it into DAGs; the controller reads the report.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from airflow_triggers.domain import jsonb
from airflow_triggers.domain.report import REPORT_KEY, TaskReport
from airflow_triggers.errors import MaxRetriesExceeded
from airflow_triggers.task.calling import TriggerCallable, call, load_callable, path_of
from airflow_triggers.task.context import TaskContext
from airflow_triggers.task.signals import FAILING, PASSING

MADE_BY_HAND = (
    "This run was made by hand: the trigger task is called as for session %s, and executes no instance of it. Its "
    "result cascades nowhere. Its fires, a skip and a retry have no effect."
)


class TriggerTaskOperator(BaseOperator):
    """Calls a trigger task's callable. Its result, a mapping or None, cascades.

    Everything else goes into the report, above all an exception with type, message and traceback. The operator reports
    the exception first and then raises it again: both the session's instance and Airflow's own retries get it.

    :param callable: ``module:function``, or the function itself; it takes a :class:`TaskContext`.
    """

    template_fields = ("callable",)
    ui_color = "#e4f0e2"

    def __init__(self, *, callable: str | TriggerCallable, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._function = None if isinstance(callable, str) else callable
        self.callable = callable if isinstance(callable, str) else path_of(callable)

    def execute(self, context: Any) -> dict[str, Any] | None:
        """Run in the worker; see the class."""
        task_context = TaskContext.from_airflow(context)
        if task_context.by_hand:
            self.log.warning(MADE_BY_HAND, task_context.session_uid)
        try:
            result = call(self._function or load_callable(self.callable), task_context)
        except PASSING:
            raise
        except FAILING as error:
            push_report(context, task_context.report(error))
            if isinstance(error, MaxRetriesExceeded):
                raise AirflowFailException(str(error)) from error
            raise
        survives = result is None or jsonb.survives(result)
        push_report(context, replace(task_context.report(), result=None if survives else result))
        return result


def push_report(context: Any, report: TaskReport) -> None:
    """Leave the report in the run, for the controller."""
    if content := report.to_xcom():
        context["ti"].xcom_push(key=REPORT_KEY, value=content)
