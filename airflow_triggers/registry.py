"""Registry: finds managers, storage backends and runners by name, through entry points.

Neighbours: ``manager.py``, ``storages/__init__.py`` and ``runners/__init__.py`` hold one registry each.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from airflow_triggers.errors import RegistryError

T = TypeVar("T")


class Registry(Generic[T]):
    """Classes by name: those that entry points of ``group`` declare, and those registered in this process.

    :param kind: what is kept, for messages ("trigger manager").
    :param group: the entry-point group ("triggers.managers").
    """

    def __init__(self, kind: str, group: str) -> None:
        self.kind, self.group = kind, group
        self._registered: dict[str, Callable[..., T]] = {}
        self._entry_points: dict[str, list[EntryPoint]] | None = None
        self._lock = threading.Lock()

    def register(self, name: str, factory: Callable[..., T]) -> None:
        """Make ``factory`` available under the name in this process; it goes before an entry point."""
        with self._lock:
            self._registered[name] = factory

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted({*self._registered, *self._declared()})

    def get_class(self, name: str) -> Callable[..., T]:
        """The class of that name.

        :raises RegistryError: when the name is unknown, declared by two packages, or fails to import.
        """
        if name in self._registered:
            return self._registered[name]
        declared = self._declared().get(name)
        if not declared:
            raise self._unknown(name)
        if len({entry.value for entry in declared}) > 1:
            packages = ", ".join(f"{entry.value} ({_package(entry)})" for entry in declared)
            raise RegistryError(
                f"Two packages declare a {self.kind} named {name!r}: {packages}. Uninstall one, or rename it."
            )
        try:
            loaded: Callable[..., T] = declared[0].load()
        except Exception as error:
            raise RegistryError(
                f"The {self.kind} {name!r} of {_package(declared[0])} ({declared[0].value}) cannot be imported: "
                f"{type(error).__name__}: {error}. Repair or reinstall that package."
            ) from error
        self.register(name, loaded)
        return loaded

    def get(self, name: str, **kwargs: Any) -> T:
        """An instance of the class of that name, made with ``kwargs``.

        :raises RegistryError: see :meth:`get_class`.
        """
        return self.get_class(name)(**kwargs)

    def _declared(self) -> dict[str, list[EntryPoint]]:
        if self._entry_points is None:
            found: dict[str, list[EntryPoint]] = {}
            for entry in entry_points(group=self.group):
                found.setdefault(entry.name, []).append(entry)
            self._entry_points = found
        return self._entry_points

    def _unknown(self, name: str) -> RegistryError:
        known = self.names()
        near = get_close_matches(name, known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        return RegistryError(
            f"There is no {self.kind} {name!r}; known are: {', '.join(known) or 'none'}.{hint} "
            f"Declare it as an entry point of the group {self.group!r} and install the package again."
        )


def _package(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else "an unknown package"
