"""Runs code of users and providers while a DAG file is parsed; a failure concerns one configuration only.

Neighbours: ``callables.py`` imports the modules of functions through it, ``compile.py`` the operators; ``admission.py``
lets Airflow check DAGs. Otherwise ``sys.exit()`` or any other exception in a module would break every DAG of the file.
"""

from __future__ import annotations

import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

MAX_REASON_LENGTH = 2_000


class ForeignError(Exception):
    """Code of users or providers failed; the text says how, on one line."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__(reason_of(cause))
        self.cause = cause

    def place(self, *, outside: frozenset[str]) -> str:
        """The innermost line of the failure as `` (file, line 7)``, or nothing.

        :param outside: files whose lines do not count.
        """
        frames = [
            frame
            for frame in traceback.extract_tb(self.cause.__traceback__)
            if "importlib" not in frame.filename and frame.filename not in outside | {__file__}
        ]
        return f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""


@contextmanager
def foreign_code() -> Iterator[None]:
    """Turn every exception raised inside into a ForeignError.

    :raises ForeignError: except for interruptions from outside (Airflow's timeout, Ctrl-C): they pass unchanged.
    """
    with _interruptions() as interruptions:
        try:
            yield
        except (ForeignError, GeneratorExit):
            raise
        except BaseException as error:
            if _is_timeout(error) or (isinstance(error, KeyboardInterrupt) and interruptions):
                raise
            raise ForeignError(error) from error


def _is_timeout(error: BaseException) -> bool:
    """Whether it is Airflow's timeout for the whole file. This imports no Airflow: applications run without it."""
    airflow = sys.modules.get("airflow.sdk.exceptions")
    return airflow is not None and isinstance(error, airflow.AirflowTaskTimeout)


def reason_of(error: BaseException) -> str:
    """The error's type and text, cleaned for display and for the database: the text may contain anything."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - an error of somebody's own, whose text fails too
        text = ""
    text = plain(text)
    name = type(error).__name__
    if len(text) > MAX_REASON_LENGTH:
        text = f"{text[: MAX_REASON_LENGTH - 1]}…"
    return f"{name}: {text}" if text else name


def plain(text: str) -> str:
    """The text without characters that databases and UTF-8 cannot hold."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()


class _Interruption:
    """Handles the signal of Ctrl-C as before, and remembers it."""

    def __init__(self, handler: Callable[[int, Any], Any]) -> None:
        self.signals: list[int] = []
        self._handler = handler

    def __call__(self, number: int, frame: Any) -> None:
        self.signals.append(number)
        self._handler(number, frame)


@contextmanager
def _interruptions() -> Iterator[list[int]]:
    """The Ctrl-C signals received inside the block; a module can raise KeyboardInterrupt without a signal."""
    handler = signal.getsignal(signal.SIGINT)
    is_main = threading.current_thread() is threading.main_thread()
    if isinstance(handler, _Interruption):
        yield handler.signals if is_main else []
        return
    # Python delivers signals to the main thread only. Without a handler, the signal ends the process or is ignored.
    if not is_main or not callable(handler):
        yield []
        return
    interruption = _Interruption(handler)
    signal.signal(signal.SIGINT, interruption)
    try:
        yield interruption.signals
    finally:
        if signal.getsignal(signal.SIGINT) is interruption:
            signal.signal(signal.SIGINT, handler)
