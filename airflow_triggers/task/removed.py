"""The operator of a removed task: its configuration's file lost the task while a run of it was under way.

A worker without the run's DAG would wait for minutes. This operator stands in: it calls the run's own callable, or
fails at once. Neighbours: ``configuration/compile.py`` uses it in workers; ``operator.py`` calls the callable.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk.exceptions import AirflowFailException

from airflow_triggers.domain.names import RunKind, run_kind
from airflow_triggers.errors import DagUnavailable
from airflow_triggers.task.context import TaskContext
from airflow_triggers.task.operator import TriggerTaskOperator, push_report


class RemovedTaskOperator(TriggerTaskOperator):
    """Calls the callable from the run's conf: the configuration's file no longer has the task."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(callable="removed:task", **kwargs)

    def execute(self, context: Any) -> dict[str, Any] | None:
        """Run in the worker; see the module.

        :raises AirflowFailException: when the task's ``run`` is no callable, or is not known any more.
        """
        task_context = TaskContext.from_airflow(context)
        run = task_context.task.run if task_context.task else None
        if run is None or run_kind(run) is not RunKind.CALLABLE:
            error = DagUnavailable(
                f"The task {task_context.task_name!r} was removed from the configuration "
                f"{task_context.configuration!r} before its run began, so there is nothing to execute. Deploy the task "
                "again, then replay the instance; or skip the instance."
            )
            push_report(context, task_context.report(error))
            raise AirflowFailException(str(error)) from error
        self.callable = str(run)
        self.log.warning(
            "The task was removed from its configuration. Its callable %s is called all the same.", run
        )
        return super().execute(context)
