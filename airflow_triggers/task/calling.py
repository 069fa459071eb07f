"""Finds a trigger task's function, calls it, and checks its result.

Neighbours: ``operator.py`` calls from a worker, ``runners/inprocess.py`` from a thread of the application.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any

from airflow_triggers.domain.validation import validate_trigger_kwargs
from airflow_triggers.errors import InvalidResult, InvalidTrigger
from airflow_triggers.task.context import DEFAULT_MAX_RETRIES, TaskContext

TriggerCallable = Callable[[TaskContext], Mapping[str, Any] | None]

MAX_RETRIES_ATTRIBUTE = "__triggers_max_retries__"
"""The attribute of a function that says how often it may ask for another run."""


def call(function: TriggerCallable, context: TaskContext) -> dict[str, Any] | None:
    """Call a trigger task's function and return its result in JSON's types.

    :raises InvalidResult: when the result is neither None nor a mapping that JSON can hold.
    """
    result = function(replace(context, max_retries=max_retries_of(function)))
    if result is None:
        return None
    path = path_of(function)
    if not isinstance(result, Mapping):
        raise InvalidResult(
            f"{path} returned {type(result).__name__} {str(result)[:80]!r}, expected a mapping or None: it becomes the "
            "kwargs of the trigger that is fired when the task finishes."
        )
    try:
        return validate_trigger_kwargs(result)
    except InvalidTrigger as error:
        raise InvalidResult(f"{path} returned a mapping that JSON cannot hold: {error}") from error


def path_of(function: TriggerCallable) -> str:
    """``module:function``. For messages, it also names functions without an import path (a lambda, say)."""
    return f"{function.__module__}:{getattr(function, '__qualname__', repr(function))}"


def max_retries_of(function: TriggerCallable) -> int:
    """How often the function may ask for another run, as declared (see ``trigger_task``)."""
    return int(getattr(function, MAX_RETRIES_ATTRIBUTE, DEFAULT_MAX_RETRIES))


def load_callable(path: str) -> TriggerCallable:
    """The function at ``module:function``.

    :raises ImportError, AttributeError: when there is none.
    """
    module_name, _, function_name = path.partition(":")
    function: TriggerCallable = getattr(import_module(module_name), function_name)
    return function
