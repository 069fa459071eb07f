"""Compiles configurations to DAGs. Used in DAG files only: the servers read the DAGs serialized by Airflow.

Neighbours: ``load.py`` reads the files, ``callables.py`` finds their callables, ``domain/names.py`` has the naming
rules, ``explain.py`` writes the pages of the DAGs, ``manifest.py`` makes the DAG of the whole configuration,
``form.py`` makes the trigger form, ``admission.py`` asks whether Airflow accepts a DAG, ``dag_file.py`` hands the DAGs
to Airflow, ``task/`` has the operator of callables.
"""

from __future__ import annotations

import importlib
import json
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, BaseOperator, PartitionedAtRuntime, get_parsing_context

from airflow_triggers.configuration.admission import refuse_inadmissible
from airflow_triggers.configuration.callables import ResolvedRun, resolve_run
from airflow_triggers.configuration.dag_file import (
    BrokenConfiguration,
    of_no_dag_file,
    parsed_file,
    register,
)
from airflow_triggers.configuration.explain import explain_in_full, explain_task
from airflow_triggers.configuration.foreign import ForeignError, foreign_code, reason_of
from airflow_triggers.configuration.form import trigger_form
from airflow_triggers.configuration.lines import problems_with_lines
from airflow_triggers.configuration.load import configuration_files, load_configuration
from airflow_triggers.configuration.manifest import MANIFEST_TASK_ID, manifest
from airflow_triggers.configuration.modules import ImportableModules
from airflow_triggers.configuration.options import RESULT_TASK_ID, OptionOwner, options_for
from airflow_triggers.configuration.parse import misplaced_options, parse_configuration
from airflow_triggers.domain.configuration import Configuration, TaskConfig
from airflow_triggers.domain.names import (
    COMPILED_TASK_ID,
    compiled_dag_id,
    configuration_tag,
    manifest_dag_id,
)
from airflow_triggers.errors import ConfigurationError, Problem
from airflow_triggers.extensions.registry import Registry
from airflow_triggers.sentences import sentence
from airflow_triggers.task import TriggerTaskOperator
from airflow_triggers.task.links import add_links
from airflow_triggers.task.removed import RemovedTaskOperator, ReplacedTaskOperator, UnreadableTaskOperator

log = logging.getLogger(__name__)

MAX_ACTIVE = 128
"""Runs and tasks of one compiled DAG at a time, unless configured: the slots of Airflow's default pool.

The runs of different sessions are independent. Airflow's default of 16 is made for schedules and would delay them.
"""

_DEFAULTS = {"max_active_runs": MAX_ACTIVE, "max_active_tasks": MAX_ACTIVE}

RUNNERS: Registry[Any] = Registry("task runner", "triggers.runners")
"""Only the names count. A runner registered only in this process is missing in the process that starts the task."""


def trigger_dags(folder: str | Path) -> dict[str, DAG]:
    """Compile every configuration of a folder; a DAG file needs only this line.

    .. code-block:: python

        from airflow_triggers import trigger_dags

        trigger_dags(__file__)

    Each ``*.yaml`` or ``*.yml`` file is a configuration, named like the file. A wrong configuration becomes an import
    error of its file in Airflow; the others load.

    A worker compiles only the DAG that it runs, and imports no module of other tasks.

    :param folder: the folder, or a file in it.
    :returns: the DAGs by id; Airflow finds them without it.
    :raises ConfigurationError: when there is no such folder.
    """
    path = Path(folder).absolute()
    files = configuration_files(path.parent if path.is_file() else path)
    return CompiledDags((file.stem, file, partial(load_configuration, file)) for file in files)


def configuration_dags(name: str, tasks: Mapping[str, Any]) -> dict[str, DAG]:
    """Compile one configuration written in Python: its name, and task name → directives. See :func:`trigger_dags`."""
    return CompiledDags([(name, None, partial(parse_configuration, tasks, name=name))])


Source = tuple[str, Path | None, Callable[[], Configuration]]
"""A configuration: its name, its file (if it has one), and a function that reads it."""


@dataclass(frozen=True, kw_only=True)
class Compilation:
    """The outcome of compiling one configuration.

    :param path: its file; None: it is written in a DAG file.
    :param dag_file: the DAG file that compiled it; None: it was compiled outside of DAG files.
    :param configuration: the compiled configuration, as the servers will read it; None: it is wrong.
    :param dag_ids: of its DAGs.
    :param problems: what is wrong with it; some name their task (:class:`Problem`).
    """

    name: str
    path: Path | None
    dag_file: Path | None
    configuration: Configuration | None = None
    dag_ids: frozenset[str] = frozenset()
    problems: tuple[str, ...] = ()


_observers: list[list[Compilation]] = []


@contextmanager
def observed_compilations() -> Iterator[list[Compilation]]:
    """Collect every compilation inside the block, by any DAG file of this process."""
    compilations: list[Compilation] = []
    _observers.append(compilations)
    try:
        yield compilations
    finally:
        _observers.remove(compilations)


class CompiledDags(dict[str, DAG]):
    """The DAGs of configurations by id.

    When Airflow parses a DAG file to run a task of one DAG (``airflow.sdk.get_parsing_context``), only this DAG is
    compiled. The others are compiled when you look one up: a DAG file may change one of its DAGs.
    """

    def __init__(self, sources: Iterable[Source]) -> None:
        super().__init__()
        self._sources = list(sources)
        self._wanted_dag_id = get_parsing_context().dag_id
        self._compile()

    def __missing__(self, dag_id: str) -> DAG:
        if self._wanted_dag_id is None:
            raise KeyError(dag_id)
        self._wanted_dag_id = None
        self._compile()
        return self[dag_id]

    def _compile(self) -> None:
        earlier_ids, ids = set(self), set[str]()
        for name, path, load in self._sources:
            if not _may_have(name, self._wanted_dag_id):
                continue
            configuration = None
            try:
                configuration = load()
                dags = compile_configuration(configuration, only_dag_id=self._wanted_dag_id)
                if duplicate_ids := sorted(ids & dags.keys()):
                    raise ConfigurationError(
                        f"its DAG {duplicate_ids[0]!r} has the id of another configuration's, expected names that "
                        "differ."
                    )
            except ConfigurationError as error:
                self._refuse(name, path, error.problems)
            except Exception as error:
                # Any error is the problem of this configuration only: the other configurations of the file load.
                log.exception("The configuration %s cannot be compiled", name)
                self._refuse(name, path, [sentence("it cannot be compiled", reason_of(error))])
            else:
                ids |= dags.keys()
                self._notify(name, path, dags=dags)
                new_dags = {dag_id: dag for dag_id, dag in dags.items() if dag_id not in earlier_ids}
                register(new_dags.values())
                self.update(new_dags)
                self._stand_in(name, _stand_in_of(configuration, self._wanted_dag_id))
            if configuration is None:
                self._stand_in(name, UnreadableTaskOperator)

    def _stand_in(self, name: str, operator: type[RemovedTaskOperator]) -> None:
        """In a worker: provide a DAG for a run whose task the configuration of this name does not have any more."""
        dag_id = self._wanted_dag_id
        if dag_id is not None and dag_id not in self and dag_id.startswith(compiled_dag_id(name, "")):
            dag = one_task_dag(dag_id, operator, airflow={}, tags={configuration_tag(name)})
            register([dag])
            self[dag_id] = dag

    def _refuse(self, name: str, path: Path | None, problems: list[str]) -> None:
        self._notify(name, path, problems=problems)
        _register_broken(name, path, problems)

    def _notify(
        self,
        name: str,
        path: Path | None,
        *,
        dags: Mapping[str, DAG] | None = None,
        problems: Iterable[str] = (),
    ) -> None:
        if not _observers:
            return
        dag_file = parsed_file()
        compilation = Compilation(
            name=str(name),
            path=path,
            dag_file=Path(dag_file) if dag_file else None,
            configuration=_configuration_of(dags, name) if dags else None,
            dag_ids=frozenset(dags or ()),
            problems=tuple(problems),
        )
        for compilations in _observers:
            compilations.append(compilation)


def _stand_in_of(configuration: Configuration, dag_id: str | None) -> type[RemovedTaskOperator]:
    """The stand-in for a DAG which the configuration does not have."""
    has_task = any(compiled_dag_id(str(configuration.name), name) == dag_id for name in configuration.tasks)
    return ReplacedTaskOperator if has_task else RemovedTaskOperator


def _configuration_of(dags: Mapping[str, DAG], name: str) -> Configuration | None:
    """The configuration in the manifest; None when the manifest is not among the DAGs."""
    dag = dags.get(manifest_dag_id(name))
    task: Any = dag.get_task(MANIFEST_TASK_ID) if dag else None
    return Configuration.from_dict(json.loads(task.doc_json)) if task else None


def _register_broken(name: str, path: Path | None, problems: list[str]) -> None:
    source = path.name if path else str(name)
    if path is not None:
        problems = [*problems_with_lines(problems, path)]
    register([BrokenConfiguration(path, ConfigurationError(problems, source=source))])


def _may_have(name: str, dag_id: str | None) -> bool:
    """Whether a configuration of this name can have the DAG; with ``dag_id`` None, every configuration can."""
    return dag_id is None or dag_id == manifest_dag_id(name) or dag_id.startswith(compiled_dag_id(name, ""))


def compile_configuration(configuration: Configuration, *, only_dag_id: str | None = None) -> dict[str, DAG]:
    """The DAGs of a named configuration by id: one for each task with a callable or an operator, and the manifest.

    They belong to no DAG file yet; :func:`trigger_dags` and :func:`configuration_dags` see to that.

    :param only_dag_id: the id of the only DAG to make; None: all are made.
    :raises ConfigurationError: when a callable, an operator or a runner is missing or fails; it names every task
        concerned.
    """
    if configuration.name is None:
        raise ConfigurationError("a configuration needs a name to be compiled to DAGs.")
    ids = {compiled_dag_id(configuration.name, task.name): task for task in configuration}
    whole = only_dag_id in (None, manifest_dag_id(configuration.name))
    resolved_tasks: dict[str, _ResolvedTask] = {}
    dags: list[DAG] = []
    problems: list[str] = []
    with of_no_dag_file() as fileloc:
        modules = ImportableModules()
        for task in [task for dag_id, task in ids.items() if whole or dag_id == only_dag_id]:
            with _naming(task, problems):
                _check_runner(task)
                resolved_tasks[task.name] = _resolve(task, ids.keys(), modules)
        tasks = {
            name: resolved_tasks[name].task if name in resolved_tasks else task
            for name, task in configuration.tasks.items()
        }
        compiled_configuration = Configuration(tasks, configuration.name)
        for resolved_task in resolved_tasks.values():
            if resolved_task.make_operator is not None:
                with _naming(resolved_task.task, problems):
                    make_dag = partial(
                        _task_dag, compiled_configuration, resolved_task.task, resolved_task.make_operator
                    )
                    if whole:
                        refuse_inadmissible(make_dag, resolved_task.task.airflow, fileloc=fileloc)
                    dags.append(make_dag(resolved_task.task.airflow))
    if problems:
        raise ConfigurationError(problems)
    if whole:
        doubts = {
            name: resolved_task.doubt for name, resolved_task in resolved_tasks.items() if resolved_task.doubt
        }
        dags.append(manifest(compiled_configuration, doubts, source=configuration.source))
    return {dag.dag_id: dag for dag in dags}


@contextmanager
def _naming(task: TaskConfig, problems: list[str]) -> Iterator[None]:
    """Collect the problems of one task: the problems of all tasks are shown together."""
    try:
        with foreign_code():
            yield
    except ForeignError as error:
        texts = (
            error.cause.problems
            if isinstance(error.cause, ConfigurationError)
            else [sentence("it cannot be compiled", error)]
        )
        problems += [Problem(f"task {task.name!r}: {text}", task=task.name) for text in texts]


OperatorMaker = Callable[..., BaseOperator]
"""Makes the only operator of a compiled DAG from ``task_id``, ``dag`` and Airflow's options."""


def _check_runner(task: TaskConfig) -> None:
    if task.using is not None and task.using not in RUNNERS.names():
        raise ConfigurationError(f"'using' is {task.using!r}. {RUNNERS.unknown(task.using)}")


@dataclass(frozen=True)
class _ResolvedTask:
    """A task with its ``run`` in the form for the servers.

    :param make_operator: makes the operator of its DAG; None: the task runs a DAG that is not compiled here.
    :param doubt: why the DAG's id may be a slip, as a sentence.
    """

    task: TaskConfig
    make_operator: OperatorMaker | None = None
    doubt: str | None = None


def _resolve(task: TaskConfig, compiled_ids: Collection[str], modules: ImportableModules) -> _ResolvedTask:
    if isinstance(task.run, str):
        run = ResolvedRun() if task.run in compiled_ids else resolve_run(task.run, modules)
        if run.path is None:
            if problems := list(misplaced_options(task)):
                raise ConfigurationError(problems)
            return _ResolvedTask(task, doubt=run.doubt)
        task = replace(task, run=run.path)
        maker: OperatorMaker = partial(_callable_operator, run.path)
    else:
        maker = _operator_maker(task.run)
    if RESULT_TASK_ID in task.airflow:
        raise ConfigurationError(
            f"'airflow' has {RESULT_TASK_ID!r}, which is for a 'run' that is a DAG with several tasks."
        )
    return _ResolvedTask(task, maker)


def _callable_operator(path: str, **options: Any) -> BaseOperator:
    doc = "Calls the trigger task's callable with a TaskContext."
    return TriggerTaskOperator(callable=path, doc=doc, **options)


RESERVED_ARGUMENTS = ("dag", "task_group", "task_id")
"""Operator arguments set by the compiler."""


def _operator_maker(run: Mapping[str, Any]) -> OperatorMaker:
    path = str(run["operator"])
    arguments = {key: value for key, value in run.items() if key != "operator"}
    if reserved_arguments := sorted(arguments.keys() & set(RESERVED_ARGUMENTS)):
        raise ConfigurationError(
            f"'run' gives {', '.join(map(repr, reserved_arguments))} to the operator {path!r}, expected none of "
            f"{', '.join(RESERVED_ARGUMENTS)}: its DAG and its task id {COMPILED_TASK_ID!r} are made for it."
        )
    operator_class = _operator_class(path)

    def make(**options: Any) -> BaseOperator:
        try:
            with foreign_code():
                return add_links(operator_class(**{**options, **arguments}))
        except ForeignError as error:
            raise ConfigurationError(sentence(f"'run' cannot make the operator {path!r}", error)) from error

    return make


def _operator_class(path: str) -> type[BaseOperator]:
    module_name, _, class_name = path.rpartition(".")
    try:
        with foreign_code():
            operator_class = getattr(importlib.import_module(module_name), class_name)
    except ForeignError as error:
        raise ConfigurationError(
            sentence(f"'run' has the operator {path!r}, which cannot be imported", error)
            + " Expected the dotted path of an operator's class, of an installed provider or a module in the DAGs "
            "folder."
        ) from error
    if not (isinstance(operator_class, type) and issubclass(operator_class, BaseOperator)):
        raise ConfigurationError(
            f"'run' has the operator {path!r}, expected a class derived from BaseOperator."
        )
    return operator_class


def _task_dag(
    configuration: Configuration, task: TaskConfig, make_operator: OperatorMaker, airflow: Mapping[str, Any]
) -> DAG:
    name = str(configuration.name)
    return one_task_dag(
        compiled_dag_id(name, task.name),
        make_operator,
        airflow=airflow,
        tags={configuration_tag(name)},
        doc_md=explain_in_full(configuration, task),
        description=explain_task(task),
        params=trigger_form(task),
    )


def one_task_dag(
    dag_id: str, make_operator: OperatorMaker, *, airflow: Mapping[str, Any], tags: set[str], **defaults: Any
) -> DAG:
    """A DAG of one task; its runs are made for sessions.

    :param airflow: Airflow's options for the DAG and for the operator.
    :param defaults: arguments that the options may override: ``description``, ``doc_md``, ``params``.
    """
    options = options_for(OptionOwner.DAG, airflow)
    dag = _dag(
        dag_id,
        schedule=PartitionedAtRuntime(),
        tags={*tags, *options.pop("tags", ())},
        **_DEFAULTS | {"params": trigger_form()} | defaults | options,
    )
    make_operator(task_id=COMPILED_TASK_ID, dag=dag, **options_for(OptionOwner.OPERATOR, airflow))
    return dag


def _dag(dag_id: str, **options: Any) -> DAG:
    return DAG(dag_id, **{"catchup": False, "is_paused_upon_creation": False} | options)
