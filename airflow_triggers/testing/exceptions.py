"""Compares an exception's class with the dotted name in an instance's metadata.

Neighbours: ``domain/failures.py`` writes the name.
"""

from __future__ import annotations

import sys
from typing import Any


def dotted_name(exception: type[BaseException] | str) -> str:
    """``module.Class``, as in ``exceptionType``.

    >>> dotted_name(LookupError)
    'builtins.LookupError'
    """
    return exception if isinstance(exception, str) else f"{exception.__module__}.{exception.__qualname__}"


def is_of_type(type_name: str, class_or_name: type[BaseException] | str) -> bool:
    """Whether the exception with this dotted name is of the class, or of a derived class.

    The test's process must know the class to find its base classes. A class not imported here, or defined inside a
    function, matches only its own dotted name. For a built-in exception the plain name is enough.

    >>> is_of_type("builtins.KeyError", LookupError), is_of_type("builtins.KeyError", "KeyError")
    (True, True)
    """
    if isinstance(class_or_name, str):
        return class_or_name in (type_name, type_name.removeprefix("builtins."))
    if dotted_name(class_or_name) == type_name:
        return True
    exception_class = _class_of(type_name)
    return exception_class is not None and issubclass(exception_class, class_or_name)


def _class_of(name: str) -> type | None:
    """The class with this name, if its module is imported here."""
    parts = name.split(".")
    for place in range(len(parts) - 1, 0, -1):
        module = sys.modules.get(".".join(parts[:place]))
        if module is not None:
            attribute: Any = module
            for part in parts[place:]:
                attribute = getattr(attribute, part, None)
            return attribute if isinstance(attribute, type) else None
    return None
