"""The replacement of a task's own work in a test.

Neighbours: ``functions.py`` chooses between a stub and the real callable; ``runner.py`` calls it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from airflow_triggers.task import TaskContext, TriggerCallable


class Stub:
    """Stands for a trigger task: returns, raises, or calls a function of the test.

    Made by ``tester.stub(…)``. :attr:`contexts` holds the context of each call.

    :param result: the task's return value; None: nothing.
    :param raises: an exception, or a class of exceptions.
    :param call: a function of the :class:`TaskContext`.
    :raises TypeError: when more than one of these is given, or one of a wrong type.
    """

    def __init__(
        self,
        task_name: str,
        *,
        result: Any = None,
        raises: BaseException | type[BaseException] | None = None,
        call: Callable[[TaskContext], Any] | None = None,
    ) -> None:
        behaviours = {"result": result, "raises": raises, "call": call}
        if len(behaviour_names := [name for name, value in behaviours.items() if value is not None]) > 1:
            raise TypeError(
                f"The stub of {task_name!r} has {' and '.join(behaviour_names)}, expected one of them."
            )
        if raises is not None and not _is_exception(raises):
            raise TypeError(
                f"The stub of {task_name!r} raises {raises!r}, expected an exception or a class of them."
            )
        if call is not None and not callable(call):
            raise TypeError(f"The stub of {task_name!r} calls {call!r}, expected a function of the context.")
        self.task_name, self.result, self.raises, self.call = task_name, result, raises, call
        self.contexts: list[TaskContext] = []

    def __repr__(self) -> str:
        return f"<Stub of {self.task_name!r}, called {len(self.contexts)} times>"

    @property
    def function(self) -> TriggerCallable:
        """The function called instead of the task's; it keeps the declarations of :attr:`call` (``max_retries``)."""

        def stub(context: TaskContext) -> Any:
            self.contexts.append(context)
            if self.raises is not None:
                # Without the traceback of the last call: one instance would collect those of all calls.
                raise self.raises if isinstance(self.raises, type) else self.raises.with_traceback(None)
            return self.result if self.call is None else self.call(context)

        return stub if self.call is None else wraps(self.call)(stub)


def _is_exception(value: Any) -> bool:
    return isinstance(value, BaseException) or (isinstance(value, type) and issubclass(value, BaseException))
