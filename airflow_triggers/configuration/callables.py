"""Tells a dotted path to a callable from a DAG's id, and finds callables. Used where DAG files are parsed only.

Neighbours: ``compile.py`` asks; on the servers, which cannot import what DAG files can, ``names.py`` knows a
callable by the colon that the compiled configuration writes it with.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import traceback
from difflib import get_close_matches
from types import ModuleType
from typing import Any

from airflow_triggers.errors import ConfigurationError


def callable_path(run: str) -> str | None:
    """``module:function`` for a ``run`` that is a callable; None for one that is a DAG's id.

    With a colon it is a callable. A dotted name is one if its front is a module, and the module has it, or has
    something so like it that a slip is likelier than a DAG's id. All else is a DAG's id.

    :raises ConfigurationError: when it is meant to be a callable and is none; it names what the module has instead.
    """
    if ":" in run:
        module_name, _, name = run.partition(":")
        found = _attribute(run, _imported(run, module_name), name)
    else:
        module_name, _, name = run.rpartition(".")
        if not name.isidentifier() or not _is_module(run, module_name):
            return None
        module = _imported(run, module_name)
        if not hasattr(module, name) and not _near(module, name):
            return None
        found = _attribute(run, module, name)
    if not callable(found):
        raise ConfigurationError(f"'run' is {run!r}, found {type(found).__name__}, expected a callable.")
    return f"{module_name}:{name}"


def _is_module(run: str, name: str) -> bool:
    if not all(part.isidentifier() for part in name.split(".")):
        return False
    try:
        return importlib.util.find_spec(name) is not None
    except ValueError:
        return False
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            return False
        raise ConfigurationError(_not_imported(run, error)) from error
    except Exception as error:  # a parent package runs: whatever it raises is its user's
        raise ConfigurationError(_not_imported(run, error)) from error


def _imported(run: str, name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except Exception as error:  # a user's module: whatever it raises is one configuration's problem
        raise ConfigurationError(_not_imported(run, error)) from error


def _not_imported(run: str, error: Exception) -> str:
    frames = [it for it in traceback.extract_tb(error.__traceback__) if "importlib" not in it.filename]
    ours = {__file__}
    place = next(
        (f" ({it.filename}, line {it.lineno})" for it in reversed(frames) if it.filename not in ours), ""
    )
    return (
        f"'run' is {run!r}, and its module cannot be imported: {type(error).__name__}: {error}{place}. Expected a "
        "module in the DAGs folder, or an installed one."
    )


def _attribute(run: str, module: ModuleType, name: str) -> Any:
    if hasattr(module, name):
        return getattr(module, name)
    near = _near(module, name)
    hint = f" Did you mean {near!r}?" if near else ""
    raise ConfigurationError(f"'run' is {run!r}, and the module {module.__name__!r} has no {name!r}.{hint}")


def _near(module: ModuleType, name: str) -> str | None:
    functions = [known for known, value in vars(module).items() if inspect.isroutine(value)]
    return next(iter(get_close_matches(name, functions, n=1)), None)
