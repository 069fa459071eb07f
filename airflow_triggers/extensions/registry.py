"""Registry: finds managers, storage backends and runners by name.

Neighbours: ``manager/manager.py``, ``storages/__init__.py`` and ``runners/__init__.py`` hold one registry each.
What is declared is found in entry points, and for managers also in Airflow's plugins.
"""

from __future__ import annotations

import inspect
import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from airflow_triggers.errors import NotRegistered, RegistryError, TriggersError
from airflow_triggers.sentences import error_in_short, sentence

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True)
class Declaration(Generic[T]):
    """A class that some package offers under a name.

    :param name: None for one that has no name to be found by; then it is only told what is wrong with it.
    :param load: imports the class; may raise a RegistryError that says why it cannot be used.
    :param source: the package or plugin, for messages.
    :param shown: what is declared, for messages about one without a name.
    :param certain: False when it may be none of these at all: it is told only when a name is missed.
    """

    name: str | None
    load: Callable[[], Callable[..., T]]
    source: str
    shown: str = ""
    certain: bool = True


class Registry(Generic[T]):
    """Classes by name: those that packages declare, and those registered in this process.

    :param kind: what is kept, for messages ("trigger manager").
    :param group: the entry-point group ("triggers.managers").
    :param elsewhere: finds what is declared otherwise than by entry points.
    :param base: what a declared class derives from, or its dotted path; then it carries the name that it is declared
        under, too.
    """

    def __init__(
        self,
        kind: str,
        group: str,
        *,
        elsewhere: Callable[[], Iterable[Declaration[T]]] | None = None,
        base: type[T] | str | None = None,
    ) -> None:
        self.kind, self.group = kind, group
        self._elsewhere, self._base = elsewhere, base
        self._registered: dict[str, Callable[..., T]] = {}
        self._loaded: dict[str, Callable[..., T]] = {}
        self._declarations_by_name: dict[str | None, list[Declaration[T]]] | None = None
        self._lock = threading.Lock()

    def register(self, name: str, factory: Callable[..., T]) -> None:
        """Make ``factory`` available under the name in this process; it goes before a declared one."""
        with self._lock:
            self._registered[name] = factory

    def unregister(self, name: str) -> None:
        """Undo :meth:`register`; a declared class of that name is found again. An unknown name is no error."""
        with self._lock:
            self._registered.pop(name, None)

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted({*self._registered, *(name for name in self._declarations() if name is not None)})

    def get_class(self, name: str) -> Callable[..., T]:
        """The class of that name.

        :raises NotRegistered: when the name is unknown.
        :raises RegistryError: when it is declared by two packages, fails to import or is no such class.
        """
        if name in self._registered:
            return self._registered[name]
        # Without the lock: an import may come back here. Two threads that load it at once get the same class.
        if name not in self._loaded:
            self._loaded[name] = self._load(name)
        return self._loaded[name]

    def get(self, name: str, *args: Any, **kwargs: Any) -> T:
        """An instance of the class of that name.

        :param args: what the class is called with: ``trigger_managers.get(name, storage)``,
            ``storage_backends.get(name, uid)``; ``kwargs`` likewise.
        :raises NotRegistered: when the name is unknown.
        :raises RegistryError: see :meth:`get_class`; also when the class raises anything but this package's errors.
        """
        factory = self.get_class(name)
        try:
            return factory(*args, **kwargs)
        except TriggersError:
            raise
        except Exception as error:
            raise RegistryError(
                sentence(f"The {self.kind} {name!r} cannot be made", error_in_short(error))
            ) from error

    def problems(self) -> list[str]:
        """Import all that is declared. A sentence for each name that cannot be had; the others work."""
        return [
            *self._nameless(certain=(True,)),
            *(str(error) for error in map(self._error_of, self.names()) if error),
        ]

    def check(self) -> list[str]:
        """Log the :meth:`problems` as errors, and return them; processes do so when they start."""
        problems = self.problems()
        for problem in problems:
            log.error("%s", problem)
        return problems

    def unknown(self, name: str) -> NotRegistered:
        """The error that says that there is nothing of that name, what there is, and what to do."""
        unusable = "".join(f" {problem}" for problem in self._nameless(certain=(True, False)))
        return NotRegistered(
            f"There is no {self.kind} {name!r}; known are: {', '.join(self.names()) or 'none'}.{self.hint(name)} "
            f"Declare it as an entry point of the group {self.group!r} and install the package again.{unusable}"
        )

    def hint(self, name: str) -> str:
        """`` Did you mean 'finalizing'?`` for a name that resembles one that there is; else nothing."""
        near = get_close_matches(name, self.names(), n=1)
        return f" Did you mean {near[0]!r}?" if near else ""

    def _error_of(self, name: str) -> RegistryError | None:
        try:
            self.get_class(name)
        except RegistryError as error:
            # Its traceback is nobody's concern: what is wrong is a package's, and the sentence names it.
            return error
        return None

    def _nameless(self, *, certain: tuple[bool, ...]) -> Iterator[str]:
        """What is wrong with what is declared and has no name."""
        for declaration in self._declarations().get(None, ()):
            if declaration.certain not in certain:
                continue
            try:
                self._class_from(declaration)
            except RegistryError as error:
                yield str(error)

    def _load(self, name: str) -> Callable[..., T]:
        declarations = self._declarations().get(name)
        if not declarations:
            raise self.unknown(name)
        classes: dict[int, tuple[Callable[..., T], str]] = {}
        for declaration in declarations:
            factory = self._class_from(declaration)
            # A package may declare one class in two ways, as an entry point and in a plugin: that is no conflict.
            classes.setdefault(id(factory), (factory, declaration.source))
        if len(classes) > 1:
            sources = " and ".join(sorted(source for _, source in classes.values()))
            raise RegistryError(
                f"{sources} each declare a {self.kind} named {name!r}. Uninstall one, or give it another name."
            )
        return next(iter(classes.values()))[0]

    def _class_from(self, declaration: Declaration[T]) -> Callable[..., T]:
        label = declaration.shown if declaration.name is None else f"The {self.kind} {declaration.name!r}"
        subject = f"{label} of {declaration.source}"
        try:
            factory = declaration.load()
        except RegistryError:
            raise
        # Somebody else's module: whatever it raises is one name's problem.
        except (Exception, SystemExit) as error:
            raise RegistryError(
                sentence(f"{subject} cannot be imported", error_in_short(error))
                + " Repair or reinstall that package."
            ) from error
        if flaw := self._flaw_of(factory, declaration.name):
            raise RegistryError(f"{subject} {flaw}")
        return factory

    def _flaw_of(self, factory: Any, name: str | None) -> str | None:
        """What keeps it from being what is kept here, as the rest of a sentence.

        The attribute ``name`` must be the class's own, or it would pass for its base.
        """
        base = self._base_class()
        if base is None:
            return None
        if not (isinstance(factory, type) and issubclass(factory, base)):
            return (
                f"is no {self.kind}. Declare a class that derives from {base.__module__}.{base.__qualname__}."
            )
        own_name = vars(factory).get("name")
        if not isinstance(own_name, str) or not own_name:
            name_to_set = "a unique identifier" if name is None else repr(name)
            return f"has no name. Set the class attribute 'name', {name_to_set}."
        if name is not None and own_name != name:
            return f"has the name {own_name!r}. Declare it under the name that is its class attribute 'name'."
        if inspect.isabstract(factory):
            missing = ", ".join(sorted(getattr(factory, "__abstractmethods__", ())))
            return f"lacks {missing}. Define what its base class leaves open."
        return None

    def _base_class(self) -> type | None:
        """The base; one given by its path is imported now, where a class is at hand that has imported it anyway."""
        if not isinstance(self._base, str):
            return self._base
        module_name, _, name = self._base.rpartition(".")
        base: type = getattr(import_module(module_name), name)
        return base

    def _declarations(self) -> dict[str | None, list[Declaration[T]]]:
        if self._declarations_by_name is None:
            # Read once: it looks into the metadata of every installed package.
            by_name: dict[str | None, list[Declaration[T]]] = {}
            from_entry_points = [_by_entry_point(entry) for entry in entry_points(group=self.group)]
            for declaration in [*from_entry_points, *(self._elsewhere() if self._elsewhere else ())]:
                by_name.setdefault(declaration.name, []).append(declaration)
            self._declarations_by_name = by_name
        return self._declarations_by_name


def _by_entry_point(entry: EntryPoint) -> Declaration[Any]:
    package = entry.dist.name if entry.dist else "an unknown package"
    return Declaration(entry.name, entry.load, f"{package} ({entry.value})")
