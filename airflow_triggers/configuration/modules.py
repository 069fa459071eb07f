"""Knows modules without importing them: which ones exist, what they define, and which one a wrong name means.

Neighbours: ``callables.py`` asks, for a ``run`` whose module does not exist.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from functools import cached_property
from importlib.machinery import ModuleSpec
from pkgutil import iter_modules

from airflow_triggers.configuration.misspelt import without_digits

CUTOFF = 0.8
"""How similar a name must be to count as misspelt (the ratio of ``difflib``)."""

_CANDIDATES = 3


class ImportableModules:
    """The importable modules; they are listed once.

    Their content is read from source: an import would run a module named by nobody.
    """

    def resembling(self, name: str) -> Iterator[str]:
        """Modules with a dotted name similar to a missing one, the most similar first.

        Names that differ in digits only (``etl``, ``etl2``) are different names and no slip.
        """
        prefixes = [""]
        for part in name.split("."):
            prefixes = [
                f"{prefix}.{near}" if prefix else near
                for prefix in prefixes
                for near in _alike(part, self._within(prefix))
            ]
        yield from (module for module in prefixes if module != name)

    def functions(self, module: str) -> list[str]:
        """The names bound in a module's source, as far as they can be callables."""
        tree = _tree(module)
        return list(dict.fromkeys(_bound_names(tree.body))) if tree else []

    def fired_triggers(self, module: str) -> dict[str, int]:
        """The triggers in calls of ``context.fire("…")`` in a module's source, each with its line."""
        tree = _tree(module)
        return dict(_fires(tree)) if tree else {}

    def _within(self, package: str) -> list[str]:
        if not package:
            return self._top_level
        spec = _spec(package)
        locations = spec.submodule_search_locations if spec else None
        return [module.name for module in iter_modules(list(locations))] if locations else []

    @cached_property
    def _top_level(self) -> list[str]:
        return [*(module.name for module in iter_modules()), *sys.builtin_module_names]


def _tree(module: str) -> ast.Module | None:
    spec = _spec(module)
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    try:
        with open(spec.origin, "rb") as file:
            return ast.parse(file.read())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return None


def _spec(module: str) -> ModuleSpec | None:
    """The module's import spec; None: there is none. It imports parent packages, never the module itself."""
    try:
        return importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None


def _alike(name: str, known_names: Iterable[str]) -> list[str]:
    names = list(known_names)
    if name in names:
        return [name]
    by_fold = {candidate.casefold(): candidate for candidate in names}
    near = get_close_matches(name.casefold(), by_fold, n=_CANDIDATES, cutoff=CUTOFF)
    return [
        by_fold[fold]
        for fold in near
        if without_digits(fold) != without_digits(name.casefold()) or fold == name.casefold()
    ]


def near_name(name: str, names: Iterable[str]) -> str | None:
    """The name itself if it is among the names, else the most similar one; None: no name is similar."""
    known_names = list(names)
    return (
        name
        if name in known_names
        else next(iter(get_close_matches(name, known_names, n=1, cutoff=CUTOFF)), None)
    )


def _bound_names(body: Iterable[ast.stmt]) -> Iterator[str]:
    for statement in body:
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.ImportFrom(names=aliases):
                yield from (alias.asname or alias.name for alias in aliases)
            case ast.Assign(targets=targets):
                yield from (target.id for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name


def _fires(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="context"), attr="fire"),
                args=[ast.Constant(value=str(trigger)), *_],
            ):
                yield trigger, node.lineno
