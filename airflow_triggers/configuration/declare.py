"""``@trigger_task``: a function in a DAG file becomes a DAG, and any configuration can name it as ``run``.

Neighbours: ``compile.py`` compiles what configurations themselves declare; ``task/`` calls the function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar, overload

from airflow.sdk import DAG, get_parsing_context

from airflow_triggers.configuration.admission import refuse_inadmissible
from airflow_triggers.configuration.compile import one_task_dag
from airflow_triggers.configuration.dag_file import register
from airflow_triggers.configuration.options import RESULT_TASK_ID, wrong_options
from airflow_triggers.domain.names import COMPILED_TASK_ID, MAX_COMPILED_DAG_ID_BYTES, is_compiled_dag_id
from airflow_triggers.domain.validation import validate_max_retries
from airflow_triggers.errors import ConfigurationError, InvalidMaxRetries
from airflow_triggers.task import TriggerTaskOperator
from airflow_triggers.task.calling import MAX_RETRIES_ATTRIBUTE, TriggerCallable
from airflow_triggers.task.context import DEFAULT_MAX_RETRIES

F = TypeVar("F", bound=TriggerCallable)

TAG = "trigger task"
"""The tag of every DAG declared with the decorator."""


@overload
def trigger_task(function: F) -> F: ...


@overload
def trigger_task(
    *, dag_id: str | None = None, max_retries: int = DEFAULT_MAX_RETRIES, **airflow: Any
) -> Callable[[F], F]: ...


def trigger_task(
    function: F | None = None,
    *,
    dag_id: str | None = None,
    max_retries: int = DEFAULT_MAX_RETRIES,
    **airflow: Any,
) -> F | Callable[[F], F]:
    """Declare a trigger task in a DAG file: a DAG of one task, which calls the function with its TaskContext.

    .. code-block:: python

        # in the DAGs folder; Airflow reads files only that mention "airflow" and "dag"
        from airflow_triggers import trigger_task


        @trigger_task(dag_id="import_subject", max_retries=5, retries=1, pool="imports")
        def import_subject(context):
            return {"id": context.trigger_kwargs["firstPageReceived"]["respondent"]}

    A configuration names it by the DAG's id: ``run: import_subject``. The function itself is not changed: you can call
    and test it.

    :param dag_id: the DAG's id; None: the function's name.
    :param max_retries: how often ``context.retry`` may run an instance again; Airflow's ``retries`` count separately.
    :param airflow: Airflow's options, as under ``airflow:`` in a configuration.
    :raises ConfigurationError: when an option is unknown or has a wrong form, or Airflow does not accept the id.
    """

    def declare(task_callable: F) -> F:
        _declare(task_callable, dag_id or task_callable.__name__, max_retries, airflow)
        return task_callable

    return declare if function is None else declare(function)


def _declare(function: TriggerCallable, dag_id: str, max_retries: Any, airflow: dict[str, Any]) -> None:
    source = f"@trigger_task {dag_id!r}"
    problems = list(wrong_options(airflow))
    if not is_compiled_dag_id(dag_id):
        problems.append(
            f"the DAG's id may have letters, digits, '_', '-' and '.', {MAX_COMPILED_DAG_ID_BYTES} bytes at most."
        )
    try:
        validate_max_retries(max_retries)
    except InvalidMaxRetries as error:
        problems.append(str(error))
    if RESULT_TASK_ID in airflow:
        problems.append(f"{RESULT_TASK_ID!r} is for a 'run' that is a DAG with several tasks.")
    if problems:
        raise ConfigurationError(problems, source=source)
    setattr(function, MAX_RETRIES_ATTRIBUTE, max_retries)
    make_dag = partial(_dag, function, dag_id)
    if get_parsing_context().dag_id is None:
        try:
            refuse_inadmissible(make_dag, airflow, fileloc=function.__code__.co_filename)
        except ConfigurationError as error:
            raise ConfigurationError(error.problems, source=source) from error
    register([make_dag(airflow)])


def _dag(function: TriggerCallable, dag_id: str, airflow: Mapping[str, Any]) -> DAG:
    make_operator = partial(TriggerTaskOperator, callable=function)
    dag = one_task_dag(dag_id, make_operator, airflow=airflow, tags={TAG}, doc_md=function.__doc__)
    dag.add_result(dag.get_task(COMPILED_TASK_ID).output)
    return dag
