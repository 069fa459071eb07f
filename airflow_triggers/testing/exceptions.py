"""Compares an exception's class with the dotted name that an instance's metadata keeps of it.

Neighbours: ``domain/failures.py`` writes that name.
"""

from __future__ import annotations

import sys
from typing import Any


def dotted_name(exception: type[BaseException] | str) -> str:
    """``module.Class``, as ``exceptionType`` has it.

    >>> dotted_name(LookupError)
    'builtins.LookupError'
    """
    return exception if isinstance(exception, str) else f"{exception.__module__}.{exception.__qualname__}"


def is_of_type(type_name: str, expected: type[BaseException] | str) -> bool:
    """Whether the exception of that dotted name is of the class, or of one derived from it.

    A class that the test's process has not imported, or that a function made, counts as derived from nothing. Of a
    built-in exception the plain name does.

    >>> is_of_type("builtins.KeyError", LookupError), is_of_type("builtins.KeyError", "KeyError")
    (True, True)
    """
    if isinstance(expected, str):
        return expected in (type_name, type_name.removeprefix("builtins."))
    if dotted_name(expected) == type_name:
        return True
    exception_class = _class_of(type_name)
    return exception_class is not None and issubclass(exception_class, expected)


def _class_of(name: str) -> type | None:
    """The class of that name, if its module is imported here."""
    parts = name.split(".")
    for split in range(len(parts) - 1, 0, -1):
        module = sys.modules.get(".".join(parts[:split]))
        if module is not None:
            attribute: Any = module
            for part in parts[split:]:
                attribute = getattr(attribute, part, None)
            return attribute if isinstance(attribute, type) else None
    return None
