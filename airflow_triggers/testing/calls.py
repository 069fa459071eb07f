"""One call of a task's function in a test: passes some errors on to the test, and plays the result of a DAG.

Neighbours: ``runner.py`` makes it; ``runners/inprocess.py`` has the part common to all in-process runners.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import wraps
from types import NoneType
from typing import Any

from airflow_triggers.domain.instances import TaskInstance
from airflow_triggers.domain.metadata import RESULT
from airflow_triggers.domain.states import Event
from airflow_triggers.runners import Start
from airflow_triggers.runners.inprocess import perform
from airflow_triggers.task import TaskContext, TriggerCallable

RETURN_KEY = "return_value"
"""The key in the cascade's kwargs for a DAG's result that is no mapping."""


class Call:
    """Calls the function for an instance.

    :param as_dag: whether a DAG or an operator does the work in production; its result may be any value.
    """

    def __init__(self, function: TriggerCallable, *, as_dag: bool) -> None:
        self._function, self._as_dag = function, as_dag
        self._passing_error: BaseException | None = None
        self._plain_results: list[Any] = []

    def perform(self, start: Start) -> TaskInstance:
        """Run the instance to its end.

        :raises BaseException: an error from outside of the task: Ctrl-C, ``pytest.fail()``. The instance is failed
            then.
        """
        __tracebackhide__ = True
        instance = perform(replace(start, report=self._reporting(start)), self._watched_function())
        if self._passing_error is not None:
            raise self._passing_error
        return instance

    def _watched_function(self) -> TriggerCallable:
        @wraps(self._function)
        def watched_function(context: TaskContext) -> Any:
            result: Any
            try:
                result = self._function(context)
            except BaseException as error:
                self._passing_error = None if _belongs_to_the_task(error) else error
                raise
            if self._as_dag and not isinstance(result, (Mapping, NoneType)):
                self._plain_results.append(result)
                return {RETURN_KEY: result}
            return result

        return watched_function

    def _reporting(self, start: Start) -> Any:
        """The start's ``report``; it reports a DAG's plain result (no mapping) as it is."""

        def report(event: Event, **arguments: Any) -> TaskInstance:
            if event is Event.FINISH and self._plain_results:
                arguments["metadata"] = {RESULT: self._plain_results[-1]}
            return start.report(event, **arguments)

        return report


def _belongs_to_the_task(error: BaseException) -> bool:
    """Whether the error would fail the task in a worker. Ctrl-C and the exceptions that end a test would not."""
    return isinstance(error, (Exception, SystemExit)) or type(error).__module__.startswith("airflow.")
