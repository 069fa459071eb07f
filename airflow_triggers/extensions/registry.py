"""Registry: finds managers, storage backends and runners by name.

Neighbours: ``manager/manager.py``, ``storages/__init__.py`` and ``runners/__init__.py`` hold one registry each.
It finds declared classes in entry points, and managers also in Airflow's plugins.
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
    """A class offered by some package under a name.

    :param name: None for a class without a name. It cannot be found; the registry only says what is wrong with it.
    :param load: imports the class; may raise a RegistryError with the reason why it cannot be used.
    :param source: the package or plugin, for messages.
    :param label: what is declared, for messages about a class without a name.
    :param certain: False when it may be no such class at all. It is mentioned only when a name is missing.
    """

    name: str | None
    load: Callable[[], Callable[..., T]]
    source: str
    label: str = ""
    certain: bool = True


class Registry(Generic[T]):
    """Classes by name: declared by packages, or registered in this process.

    :param kind: the kind of class, for messages ("trigger manager").
    :param group: the entry-point group ("triggers.managers").
    :param elsewhere: finds classes declared in another way than by entry points.
    :param base: the base class of every declared class, or its dotted path. With a base, a declared class must also
        carry its declared name.
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
        """Make ``factory`` available under the name in this process. It takes precedence over a declared class."""
        with self._lock:
            self._registered[name] = factory

    def unregister(self, name: str) -> None:
        """Undo :meth:`register`. A declared class of this name is found again. An unknown name is no error."""
        with self._lock:
            self._registered.pop(name, None)

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted({*self._registered, *(name for name in self._declarations() if name is not None)})

    def get_class(self, name: str) -> Callable[..., T]:
        """The class of this name.

        :raises NotRegistered: when the name is unknown.
        :raises RegistryError: when two packages declare it, when it fails to import, or is no such class.
        """
        if name in self._registered:
            return self._registered[name]
        # Without the lock: an import may come back here. Two threads that load it at once get the same class.
        if name not in self._loaded:
            self._loaded[name] = self._load(name)
        return self._loaded[name]

    def get(self, name: str, *args: Any, **kwargs: Any) -> T:
        """An instance of the class of this name.

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
        """Import everything declared. Returns a sentence for each unusable name; the others work."""
        return [
            *self._nameless(certain=(True,)),
            *(str(error) for error in map(self._error_of, self.names()) if error),
        ]

    def check(self) -> list[str]:
        """Log the :meth:`problems` as errors and return them. Processes call it when they start."""
        problems = self.problems()
        for problem in problems:
            log.error("%s", problem)
        return problems

    def unknown(self, name: str) -> NotRegistered:
        """The error for an unknown name: it names the known ones and says what to do."""
        unusable = "".join(f" {problem}" for problem in self._nameless(certain=(True, False)))
        return NotRegistered(
            f"There is no {self.kind} {name!r}; known are: {', '.join(self.names()) or 'none'}.{self.hint(name)} "
            f"Declare it as an entry point of the group {self.group!r} and install the package again.{unusable}"
        )

    def hint(self, name: str) -> str:
        """`` Did you mean 'finalizing'?`` if a known name resembles this one; else nothing."""
        near = get_close_matches(name, self.names(), n=1)
        return f" Did you mean {near[0]!r}?" if near else ""

    def _error_of(self, name: str) -> RegistryError | None:
        try:
            self.get_class(name)
        except RegistryError as error:
            # No traceback: the fault is a package's, and the sentence names the package.
            return error
        return None

    def _nameless(self, *, certain: tuple[bool, ...]) -> Iterator[str]:
        """What is wrong with the declarations without a name."""
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
            # A package may declare one class in two ways, as an entry point and in a plugin. This is no conflict.
            classes.setdefault(id(factory), (factory, declaration.source))
        if len(classes) > 1:
            sources = " and ".join(sorted(source for _, source in classes.values()))
            raise RegistryError(
                f"{sources} each declare a {self.kind} named {name!r}. Uninstall one, or give it another name."
            )
        return next(iter(classes.values()))[0]

    def _class_from(self, declaration: Declaration[T]) -> Callable[..., T]:
        label = declaration.label if declaration.name is None else f"The {self.kind} {declaration.name!r}"
        subject = f"{label} of {declaration.source}"
        try:
            factory = declaration.load()
        except RegistryError:
            raise
        # Somebody else's module: whatever it raises concerns only this one name.
        except (Exception, SystemExit) as error:
            raise RegistryError(
                sentence(f"{subject} cannot be imported", error_in_short(error))
                + " Repair or reinstall that package."
            ) from error
        if flaw := self._flaw_of(factory, declaration.name):
            raise RegistryError(f"{subject} {flaw}")
        return factory

    def _flaw_of(self, factory: Any, name: str | None) -> str | None:
        """Why the class does not fit this registry, as the rest of a sentence; None if it fits.

        The attribute ``name`` must be the class's own. An inherited one would make the class pass for its base.
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
        """The base. A dotted path is imported only now: the class at hand has imported it anyway."""
        if not isinstance(self._base, str):
            return self._base
        module_name, _, name = self._base.rpartition(".")
        base: type = getattr(import_module(module_name), name)
        return base

    def _declarations(self) -> dict[str | None, list[Declaration[T]]]:
        if self._declarations_by_name is None:
            # Read once: this looks into the metadata of every installed package.
            by_name: dict[str | None, list[Declaration[T]]] = {}
            from_entry_points = [_by_entry_point(entry) for entry in entry_points(group=self.group)]
            for declaration in [*from_entry_points, *(self._elsewhere() if self._elsewhere else ())]:
                by_name.setdefault(declaration.name, []).append(declaration)
            self._declarations_by_name = by_name
        return self._declarations_by_name


def _by_entry_point(entry: EntryPoint) -> Declaration[Any]:
    package = entry.dist.name if entry.dist else "an unknown package"
    return Declaration(entry.name, entry.load, f"{package} ({entry.value})")
