"""Callables and operators in an update of a session with a deployed configuration: its compiled DAGs have them.

A server cannot import what DAG files can. It knows a callable only from the deployed configuration, as
``module:function``. Neighbours: ``airflow.py`` asks; ``configuration/callables.py`` does the same for files. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from airflow_triggers.domain.configuration import Configuration, TaskConfig
from airflow_triggers.domain.names import RunKind, compiled_dag_id, run_kind
from airflow_triggers.domain.validation import excerpt
from airflow_triggers.errors import ConfigurationError


def with_deployed_runs(configuration: Configuration, deployed_configuration: Configuration) -> Configuration:
    """The configuration with dotted callables as the deployed one has them.

    :param configuration: the session's new tasks.
    :param deployed_configuration: the deployed configuration of the same name.
    :raises ConfigurationError: naming each task with a callable or operator that its compiled DAG does not have.
    """
    tasks: dict[str, TaskConfig] = {}
    problems: list[str] = []
    for task in configuration:
        run = _canonical(task.run, deployed_configuration)
        problems += _problems(task.name, run, deployed_configuration)
        tasks[task.name] = replace(task, run=run)
    if problems:
        raise ConfigurationError(problems)
    return replace(configuration, tasks=tasks)


def _canonical(
    run: str | Mapping[str, Any], deployed_configuration: Configuration
) -> str | Mapping[str, Any]:
    """``module:function`` for ``module.function``, if some deployed task calls it."""
    if not isinstance(run, str) or ":" in run:
        return run
    module_name, _, function = run.rpartition(".")
    path = f"{module_name}:{function}"
    return path if any(task.run == path for task in deployed_configuration) else run


def _problems(
    task_name: str, run: str | Mapping[str, Any], deployed_configuration: Configuration
) -> Iterator[str]:
    kind = run_kind(run)
    if kind is RunKind.DAG:
        return
    namesake = deployed_configuration.tasks.get(task_name)
    if namesake is not None and namesake.run == run:
        return
    name = str(deployed_configuration.name)
    twins = [compiled_dag_id(name, task.name) for task in deployed_configuration if task.run == run]
    hint = f" Name the DAG {twins[0]!r}, which has it." if twins else f" Deploy {name!r} with it first."
    namesake_note = f"which has {excerpt(namesake.run)}" if namesake else "which has no such task"
    yield (
        f"task {task_name!r}: 'run' is the {kind.value} {excerpt(run)}, expected one that the deployed configuration "
        f"{name!r} has for this task, {namesake_note}.{hint}"
    )
