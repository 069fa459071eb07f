"""Records the calls of functions, in any thread, for any way of import."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


@contextmanager
def calls_of(*functions: Callable[..., Any]) -> Iterator[list[str]]:
    """The names of the functions called inside, in the order of the calls.

    Calls in this thread count, and in threads started inside.
    """
    names = {function.__code__: function.__name__ for function in functions}
    calls: list[str] = []

    def record(frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and frame.f_code in names:
            calls.append(names[frame.f_code])

    outer, outer_of_threads = sys.getprofile(), threading.getprofile()
    threading.setprofile(record)
    sys.setprofile(record)
    try:
        yield calls
    finally:
        sys.setprofile(outer)
        threading.setprofile(outer_of_threads)
