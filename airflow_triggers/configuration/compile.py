"""Compiles configurations to DAGs. Used in DAG files only: the servers read what Airflow serialized of it.

Neighbours: ``load.py`` reads the files, ``names.py`` says what is named how, ``explain.py`` writes the pages,
``task.py`` has the operator that runs a callable.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, BaseOperator, PartitionedAtRuntime

from airflow_triggers.configuration.explain import explain_configuration, explain_in_full, explain_task
from airflow_triggers.configuration.load import configuration_files, load_configuration
from airflow_triggers.configuration.names import (
    COMPILED_TASK_ID,
    MANIFEST_TAG,
    compiled_dag_id,
    configuration_tag,
    manifest_dag_id,
)
from airflow_triggers.configuration.options import DAG_OPTIONS, DURATIONS, OPERATOR_OPTIONS, RESULT_TASK_ID
from airflow_triggers.configuration.parse import parse_configuration
from airflow_triggers.errors import ConfigurationError
from airflow_triggers.task import TriggerTaskOperator
from airflow_triggers.types import Configuration, TaskConfig

MAX_ACTIVE = 128
"""Runs and tasks of one compiled DAG at a time, unless configured: as many as Airflow's default pool has slots.

Each session's runs are independent, so Airflow's defaults of 16, made for schedules, would only hold them up.
"""


def trigger_dags(folder: str | Path) -> dict[str, DAG]:
    """Compile every configuration of a folder; the only line that a DAG file needs.

    .. code-block:: python

        from airflow_triggers import trigger_dags

        trigger_dags(__file__)

    Each ``*.yaml`` or ``*.yml`` file is a configuration, named like the file. One that is wrong becomes an
    import error of the DAG file in Airflow; the others load.

    :param folder: the folder, or a file in it.
    :returns: the DAGs by id; Airflow finds them without it.
    """
    path = Path(folder)
    files = configuration_files(path if path.is_dir() else path.parent)
    return _compile_each({file.name: partial(load_configuration, file) for file in files})


def configuration_dags(name: str, tasks: Mapping[str, Any]) -> dict[str, DAG]:
    """Compile one configuration written in Python: its name, and task name → directives. See :func:`trigger_dags`."""
    return _compile_each({name: lambda: parse_configuration(tasks, name=name, source=name)})


def _compile_each(sources: Mapping[str, Callable[[], Configuration]]) -> dict[str, DAG]:
    dags: dict[str, DAG] = {}
    problems: list[str] = []
    for source, read in sources.items():
        try:
            dags |= compile_configuration(read(), source=source)
        except ConfigurationError as error:
            problems += [f"{source}: {problem}" for problem in error.problems]
    if problems:
        _report(problems)
    return dags


def compile_configuration(configuration: Configuration, *, source: str | None = None) -> dict[str, DAG]:
    """The DAGs of a named configuration: one per task that needs one, and the manifest.

    :raises ConfigurationError: when a callable or an operator cannot be had, or a name is none that Airflow allows.
    """
    name = configuration.name
    if name is None:
        raise ConfigurationError("a configuration needs a name to be compiled to DAGs.", source=source)
    makers: dict[str, OperatorMaker] = {}
    tasks: dict[str, TaskConfig] = {}
    problems: list[str] = []
    for task in configuration:
        try:
            tasks[task.name], maker = _resolve(task)
            if maker is not None:
                makers[task.name] = maker
        except ConfigurationError as error:
            problems += [f"task {task.name!r}: {problem}" for problem in error.problems]
    if problems:
        raise ConfigurationError(problems, source=source)
    resolved = Configuration(tasks, name)
    try:
        dags = [_task_dag(resolved, tasks[task_name], maker) for task_name, maker in makers.items()]
        dags.append(_manifest(resolved))
    except ConfigurationError as error:
        raise ConfigurationError(error.problems, source=source) from error
    _register(dags)
    return {dag.dag_id: dag for dag in dags}


OperatorMaker = Callable[..., BaseOperator]
"""Makes the only operator of a compiled DAG, given ``task_id`` and Airflow's options."""


def _resolve(task: TaskConfig) -> tuple[TaskConfig, OperatorMaker | None]:
    """The task with its ``run`` in the form that the servers understand, and what makes its operator."""
    if not isinstance(task.run, str):
        return task, _operator_maker(task.run)
    path = task.run if ":" in task.run else _as_callable(task.run)
    if path is None:
        misplaced = sorted(task.airflow.keys() - {RESULT_TASK_ID})
        if misplaced:
            raise ConfigurationError(
                f"'airflow' has {', '.join(map(repr, misplaced))}, but 'run' is the DAG {task.run!r}, "
                f"which has its own "
                f"options; expected only {RESULT_TASK_ID!r}."
            )
        return task, None
    _check_callable(path)
    doc = "Calls the trigger task's callable with a TaskContext."
    return replace(task, run=path), lambda **options: TriggerTaskOperator(callable=path, doc=doc, **options)


def _as_callable(dotted: str) -> str | None:
    """``module:function`` for a dotted path whose module exists; None for what must be a DAG's id."""
    module_name, _, function_name = dotted.rpartition(".")
    if not module_name or not function_name.isidentifier():
        return None
    try:
        found = importlib.util.find_spec(module_name)
    except (ImportError, ValueError):
        return None
    return f"{module_name}:{function_name}" if found else None


def _check_callable(path: str) -> None:
    module_name, _, function_name = path.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise ConfigurationError(
            f"'run' is {path!r}, and its module cannot be imported: {error}. Expected a module in the DAGs folder or "
            "installed."
        ) from error
    function = getattr(module, function_name, None)
    if function is None:
        functions = [name for name, value in vars(module).items() if inspect.isroutine(value)]
        near = get_close_matches(function_name, functions, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ConfigurationError(f"'run' is {path!r}, and {module_name} has no {function_name!r}.{hint}")
    if not callable(function):
        raise ConfigurationError(f"'run' is {path!r}, found {type(function).__name__}, expected a callable.")


def _operator_maker(run: Mapping[str, Any]) -> OperatorMaker:
    path = str(run["operator"])
    arguments = {key: value for key, value in run.items() if key != "operator"}
    module_name, _, class_name = path.rpartition(".")
    try:
        operator_class = getattr(importlib.import_module(module_name), class_name)
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(
            f"'run' has the operator {path!r}, which cannot be imported: {error}. Expected the dotted path of an "
            "operator's class, of an installed provider."
        ) from error
    if not (isinstance(operator_class, type) and issubclass(operator_class, BaseOperator)):
        raise ConfigurationError(
            f"'run' has the operator {path!r}, expected a class derived from BaseOperator."
        )

    def make(**options: Any) -> BaseOperator:
        try:
            return operator_class(**{**options, **arguments})
        except (TypeError, ValueError, RuntimeError) as error:  # Airflow's own exceptions are RuntimeErrors
            raise ConfigurationError(f"'run' cannot make the operator {path!r}: {error}") from error

    return make


def _task_dag(configuration: Configuration, task: TaskConfig, make_operator: OperatorMaker) -> DAG:
    name = str(configuration.name)
    options = {key: _as_option(key, value) for key, value in task.airflow.items()}
    dag_options = {key: value for key, value in options.items() if key in DAG_OPTIONS}
    tags = {configuration_tag(name), *dag_options.pop("tags", ())}
    dag = _dag(
        compiled_dag_id(name, task.name),
        schedule=PartitionedAtRuntime(),
        tags=tags,
        doc_md=explain_in_full(configuration, task),
        **{"description": explain_task(task), "max_active_runs": MAX_ACTIVE, "max_active_tasks": MAX_ACTIVE}
        | dag_options,
    )
    operator_options = {key: value for key, value in options.items() if key in OPERATOR_OPTIONS}
    try:
        make_operator(task_id=COMPILED_TASK_ID, dag=dag, **operator_options)
    except ConfigurationError as error:
        raise ConfigurationError([f"task {task.name!r}: {problem}" for problem in error.problems]) from error
    return dag


def _as_option(key: str, value: Any) -> Any:
    return timedelta(seconds=value) if key in DURATIONS else value


def _manifest(configuration: Configuration) -> DAG:
    """The DAG that carries the whole configuration to the servers; a run of it, by hand, does nothing."""
    name = str(configuration.name)
    dag = _dag(
        manifest_dag_id(name),
        schedule=None,
        tags={MANIFEST_TAG, configuration_tag(name)},
        description="A configuration of triggers. To run its tasks, fire triggers into a session.",
        doc_md=explain_configuration(configuration),
    )
    carried = json.dumps(configuration.to_dict(), ensure_ascii=False)
    EmptyOperator(task_id="configuration", doc_json=carried, dag=dag)
    return dag


def _dag(dag_id: str, **options: Any) -> DAG:
    try:
        return DAG(dag_id, **{"catchup": False, "is_paused_upon_creation": False} | options)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ConfigurationError(
            f"Airflow refuses the DAG {dag_id!r}: {error}. Names of configurations and tasks become DAG ids: letters, "
            "digits, '_', '-' and '.', at most 250 characters together."
        ) from error


# -- how Airflow finds the DAGs, and the errors ---------------------------------------------------------------


def _register(dags: list[DAG]) -> None:
    """Have the DAG file that is being parsed own the DAGs, as ``with DAG(…):`` in it would."""
    for dag in dags:
        with dag:
            pass


def _report(problems: list[str]) -> None:
    """Make the problems an import error of the DAG file, while its other DAGs load.

    Airflow validates the DAGs of a file one by one (``DagBag.process_file``), and an error of one becomes the file's
    import error without the others being lost. So the problems travel as a DAG that does not validate.
    """

    class BrokenConfiguration(DAG):
        def validate(self) -> None:
            raise ConfigurationError(problems)

    _register([BrokenConfiguration("broken_configuration", schedule=None)])
