"""Registry: finds managers, storage backends and runners by name.

Neighbours: ``manager.py``, ``storages/__init__.py`` and ``runners/__init__.py`` hold one registry each.
What is declared is found in entry points, and for managers also in Airflow's plugins.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from airflow_triggers.errors import RegistryError

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True)
class Declared(Generic[T]):
    """A class that some package offers under a name.

    :param load: imports the class.
    :param source: the package or plugin, for messages.
    """

    name: str
    load: Callable[[], Callable[..., T]]
    source: str


class Registry(Generic[T]):
    """Classes by name: those that packages declare, and those registered in this process.

    :param kind: what is kept, for messages ("trigger manager").
    :param group: the entry-point group ("triggers.managers").
    :param elsewhere: finds what is declared otherwise than by entry points.
    """

    def __init__(
        self, kind: str, group: str, *, elsewhere: Callable[[], Iterable[Declared[T]]] | None = None
    ) -> None:
        self.kind, self.group = kind, group
        self._elsewhere = elsewhere
        self._registered: dict[str, Callable[..., T]] = {}
        self._loaded: dict[str, Callable[..., T]] = {}
        self._declared_ones: dict[str, list[Declared[T]]] | None = None
        self._lock = threading.Lock()

    def register(self, name: str, factory: Callable[..., T]) -> None:
        """Make ``factory`` available under the name in this process; it goes before a declared one."""
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
        if name not in self._loaded:
            self._loaded[name] = self._load(name)
        return self._loaded[name]

    def get(self, name: str, **kwargs: Any) -> T:
        """An instance of the class of that name, made with ``kwargs``.

        :raises RegistryError: see :meth:`get_class`.
        """
        return self.get_class(name)(**kwargs)

    def check(self) -> list[str]:
        """Import all that is declared, and log what is wrong with it; processes do so when they start.

        :returns: a sentence per name that cannot be had; the others work.
        """
        problems = []
        for name in self.names():
            try:
                self.get_class(name)
            except RegistryError as error:
                log.error("%s", error)
                problems.append(str(error))
        return problems

    def _load(self, name: str) -> Callable[..., T]:
        declared = self._declared().get(name)
        if not declared:
            raise self._unknown(name)
        loaded: dict[int, tuple[Callable[..., T], str]] = {}
        for one in declared:
            try:
                found = one.load()
            except RegistryError:
                raise
            except Exception as error:
                raise RegistryError(
                    f"The {self.kind} {name!r} of {one.source} cannot be imported: {type(error).__name__}: {error}. "
                    "Repair or reinstall that package."
                ) from error
            loaded.setdefault(id(found), (found, one.source))
        if len(loaded) > 1:
            sources = " and ".join(source for _, source in loaded.values())
            raise RegistryError(
                f"{sources} each declare a {self.kind} named {name!r}. Uninstall one, or give it another name."
            )
        return next(iter(loaded.values()))[0]

    def _declared(self) -> dict[str, list[Declared[T]]]:
        if self._declared_ones is None:
            found: dict[str, list[Declared[T]]] = {}
            declared = [_by_entry_point(entry) for entry in entry_points(group=self.group)]
            for one in [*declared, *(self._elsewhere() if self._elsewhere else ())]:
                found.setdefault(one.name, []).append(one)
            self._declared_ones = found
        return self._declared_ones

    def _unknown(self, name: str) -> RegistryError:
        known = self.names()
        near = get_close_matches(name, known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        return RegistryError(
            f"There is no {self.kind} {name!r}; known are: {', '.join(known) or 'none'}.{hint} "
            f"Declare it as an entry point of the group {self.group!r} and install the package again."
        )


def _by_entry_point(entry: EntryPoint) -> Declared[Any]:
    package = entry.dist.name if entry.dist else "an unknown package"
    return Declared(entry.name, entry.load, f"{package} ({entry.value})")
