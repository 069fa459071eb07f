"""The operators of tasks whose configuration's file lost them, or broke, while a run of them was under way.

A worker without the run's DAG would wait for minutes. These operators stand in: they call the run's own callable, or
fail at once. Neighbours: ``configuration/compile.py`` uses it in workers; ``operator.py`` calls the callable.
"""

from __future__ import annotations

from typing import Any, ClassVar

from airflow.sdk.exceptions import AirflowFailException

from airflow_triggers.domain.names import RunKind, run_kind
from airflow_triggers.errors import DagUnavailable
from airflow_triggers.task.context import TaskContext
from airflow_triggers.task.operator import TriggerTaskOperator, push_report


class RemovedTaskOperator(TriggerTaskOperator):
    """Calls the callable from the run's conf: the configuration's file no longer has the task."""

    absence: ClassVar[str] = (
        "The task {task!r} was removed from the configuration {configuration!r} before its run began"
    )
    remedy: ClassVar[str] = "Deploy the task again"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(callable="removed:task", **kwargs)

    def execute(self, context: Any) -> dict[str, Any] | None:
        """Run in the worker; see the module.

        :raises AirflowFailException: when the task's ``run`` is no callable, or is not known any more.
        """
        task_context = TaskContext.from_airflow(context)
        run = task_context.task.run if task_context.task else None
        absence = self.absence.format(task=task_context.task_name, configuration=task_context.configuration)
        if run is None or run_kind(run) is not RunKind.CALLABLE:
            error = DagUnavailable(
                f"{absence}, so there is nothing to execute. {self.remedy}, then replay the instance; or skip the "
                "instance."
            )
            push_report(context, task_context.report(error))
            raise AirflowFailException(str(error)) from error
        self.callable = str(run)
        self.log.warning("%s. Its callable %s is called all the same.", absence, run)
        return super().execute(context)


class ReplacedTaskOperator(RemovedTaskOperator):
    """Calls the callable from the run's conf: in the configuration's file, the task runs another DAG now."""

    absence = "The task {task!r} of the configuration {configuration!r} runs another DAG now than its run was made for"
    remedy = "Move the session to the deployed rules"


class UnreadableTaskOperator(RemovedTaskOperator):
    """Calls the callable from the run's conf: the configuration's file cannot be read any more."""

    absence = "The configuration {configuration!r} cannot be read since the run of its task {task!r} was made"
    remedy = "Mend its file"
