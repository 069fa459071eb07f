"""The signatures of the methods made of operations, for ``help()``.

Neighbours: ``client.py`` and ``async_client.py`` make the methods.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def as_method(method: F, operation: Callable[..., Any], *, drop: int, returns: str) -> F:
    """The method with the operation's name, documentation and signature.

    :param drop: how many of the operation's first parameters are replaced by ``self``.
    :param returns: the method's return type; ``{}`` stands for the type of the operation's result.
    """
    functools.update_wrapper(method, operation)
    signature = inspect.signature(operation)
    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    parameters = [own, *list(signature.parameters.values())[drop:]]
    result = re.fullmatch(r"\w+\[(.*)\]", str(signature.return_annotation))
    annotation = returns.format(result[1]) if result else returns
    method.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=parameters, return_annotation=annotation
    )
    return method
