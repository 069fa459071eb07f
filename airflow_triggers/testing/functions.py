"""Chooses the function of an instance in a test: the task's stub, or the real callable.

Neighbours: ``runner.py`` asks; ``configuration/callables.py`` tells callables from DAG ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_triggers.configuration.callables import callable_path
from airflow_triggers.domain.configuration import TaskConfig
from airflow_triggers.errors import ConfigurationError, RunnerError
from airflow_triggers.task import TriggerCallable, load_callable
from airflow_triggers.testing.bench import Bench


def function_of(task: TaskConfig, bench: Bench) -> TriggerCallable:
    """The function to call.

    :raises RunnerError: when the task cannot run here; the message shows the stub to write.
    """
    if task.name in bench.stubs:
        return bench.stubs[task.name].function
    run = _run(task, bench)
    try:
        path = callable_path(run) if isinstance(run, str) else None
    except ConfigurationError as error:
        raise RunnerError(f"task {task.name!r}: {error}\n{_stubs(task)}") from error
    if path is None:
        run_phrase = f"the DAG {run!r}" if isinstance(run, str) else f"the operator {run['operator']!r}"
        raise RunnerError(
            f"task {task.name!r}: 'run' is {run_phrase}, and only a callable can run without Airflow.\n{_stubs(task)}"
        )
    return load_callable(path)


def is_callable_run(task: TaskConfig, bench: Bench) -> bool:
    """Whether a callable does the task's work in production, and not a DAG or an operator."""
    run = _run(task, bench)
    try:
        return isinstance(run, str) and callable_path(run) is not None
    except ConfigurationError:
        # It is meant as a callable: only its stub can run here.
        return True


def _run(task: TaskConfig, bench: Bench) -> str | Mapping[str, Any]:
    """The task's ``run`` as written; a session of several configurations may hold a DAG's id instead."""
    return bench.compiled_runs.get(task.run, task.run) if isinstance(task.run, str) else task.run


def _stubs(task: TaskConfig) -> str:
    name = task.name
    return (
        f"Say what it does in this test: tester.stub({name!r}, result={{…}}), tester.stub({name!r}, "
        f'raises=ValueError("…")) or tester.stub({name!r}, call=function).'
    )
