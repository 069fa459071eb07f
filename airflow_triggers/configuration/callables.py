"""Tells a dotted path to a callable from a DAG's id, and finds callables. Used where DAG files are parsed only.

The servers cannot import the modules of DAG files. There ``domain/names.py`` recognizes a callable by the colon in the
compiled configuration. Neighbours: ``compile.py`` asks; ``modules.py`` knows modules without importing them.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from dataclasses import dataclass
from difflib import get_close_matches
from types import ModuleType
from typing import Any

from airflow_triggers.configuration.foreign import ForeignError, foreign_code
from airflow_triggers.configuration.modules import ImportableModules, near_name
from airflow_triggers.errors import ConfigurationError
from airflow_triggers.sentences import sentence

TASK_PREFIX = "t_"
"""How the names of trigger tasks begin, by convention."""


@dataclass(frozen=True)
class ResolvedRun:
    """The meaning of a ``run`` written as one string.

    :param path: ``module:function``; None for a DAG's id.
    :param doubt: why a DAG's id may be a slip, as a sentence; None: there is no doubt.
    """

    path: str | None = None
    doubt: str | None = None


def resolve_run(run: str, modules: ImportableModules) -> ResolvedRun:
    """Tell a callable from a DAG's id.

    - With a colon, it is a callable.
    - A dotted name is a callable if its front is a module with this function, or with a function of a similar name: a
      slip is then more likely than a DAG's id.
    - Any other name is a DAG's id. But it is an error if a module with a similar name has the function.

    :raises ConfigurationError: when it is meant as a callable and there is no such callable; the message suggests a
        similar one, if any.
    """
    colon = ":" in run
    module_name, _, name = run.partition(":") if colon else run.rpartition(".")
    if not colon and not (
        name.isidentifier() and all(part.isidentifier() for part in module_name.split("."))
    ):
        return ResolvedRun()
    if not _is_module(run, module_name):
        return _unknown_module(run, module_name, name, modules)
    module = _imported_module(run, module_name)
    if not colon and not _has(run, module, name) and not _near(module, name):
        return ResolvedRun(doubt=f"The module {module_name!r} has no {name!r}.")
    function = _attribute(run, module, name)
    if not callable(function):
        raise ConfigurationError(f"'run' is {run!r}, found {type(function).__name__}, expected a callable.")
    return ResolvedRun(f"{module_name}:{name}")


def callable_path(run: str) -> str | None:
    """``module:function`` for a ``run`` that is a callable, None for a DAG's id; see :func:`resolve_run`."""
    return resolve_run(run, ImportableModules()).path


def _unknown_module(run: str, module_name: str, name: str, modules: ImportableModules) -> ResolvedRun:
    separator = ":" if ":" in run else "."
    likely = list(modules.resembling(module_name))
    for near_module in likely:
        if function := near_name(name, modules.functions(near_module)):
            hint = f"Did you mean '{near_module}{separator}{function}'?"
            kinds = "" if separator == ":" else ", and it is too like a function to be a DAG's id"
            raise ConfigurationError(f"'run' is {run!r}: there is no module {module_name!r}{kinds}. {hint}")
    if separator == ":":
        hint = f" Did you mean '{likely[0]}:{name}'?" if likely else ""
        raise ConfigurationError(
            f"'run' is {run!r}, and its module cannot be imported: there is no module {module_name!r}. Expected a "
            f"module in the DAGs folder, or an installed one.{hint}"
        )
    if likely:
        return ResolvedRun(
            doubt=f"There is no module {module_name!r}, but {likely[0]!r}, which has no {name!r}."
        )
    if name.startswith(TASK_PREFIX):
        # It reads as a DAG that another configuration compiles to.
        return ResolvedRun()
    return ResolvedRun(doubt=f"There is no module {module_name!r}, so this is taken for the id of a DAG.")


def _is_module(run: str, name: str) -> bool:
    try:
        # A parent package runs.
        with foreign_code():
            return importlib.util.find_spec(name) is not None
    except ForeignError as error:
        cause = error.cause
        if isinstance(cause, ValueError):
            return False
        if isinstance(cause, ModuleNotFoundError) and f"{name}.".startswith(f"{cause.name}."):
            return False
        raise ConfigurationError(_import_problem(run, error)) from error


def _imported_module(run: str, name: str) -> ModuleType:
    try:
        with foreign_code():
            return importlib.import_module(name)
    except ForeignError as error:
        raise ConfigurationError(_import_problem(run, error)) from error


def _import_problem(run: str, error: ForeignError) -> str:
    return (
        sentence(
            f"'run' is {run!r}, and its module cannot be imported",
            f"{error}{error.place(outside=frozenset({__file__}))}",
        )
        + " Expected a module in the DAGs folder, or an installed one."
    )


def _has(run: str, module: ModuleType, name: str) -> bool:
    try:
        # A module may have a __getattr__ of its own.
        with foreign_code():
            return hasattr(module, name)
    except ForeignError as error:
        raise ConfigurationError(_import_problem(run, error)) from error


def _attribute(run: str, module: ModuleType, name: str) -> Any:
    if _has(run, module, name):
        return getattr(module, name)
    near = _near(module, name)
    hint = f" Did you mean {near!r}?" if near else ""
    raise ConfigurationError(f"'run' is {run!r}, and the module {module.__name__!r} has no {name!r}.{hint}")


def _near(module: ModuleType, name: str) -> str | None:
    functions = [attribute for attribute, value in vars(module).items() if inspect.isroutine(value)]
    return next(iter(get_close_matches(name, functions, n=1)), None)
