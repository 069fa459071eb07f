"""A logger whose records carry values. It remembers the highest level that was logged.

Neighbours: ``context.py`` offers it as ``context.get_logger_context``.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

from airflow_triggers.domain.states import merge_under

_OWN_ATTRIBUTES = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime"}


class Journal:
    """The record of one task's loggers: the highest level, and the last logged exception."""

    def __init__(self) -> None:
        self.level = logging.NOTSET
        self._exception: BaseException | None = None

    def enter(self, level: int, exception: BaseException | None = None) -> None:
        """Note a record's level, and its exception, if it was logged with one as an error."""
        self.level = max(self.level, level)
        if exception is not None and level >= logging.ERROR:
            self._exception = exception

    def holds(self, exception: BaseException) -> bool:
        """Whether this exception was the last one logged as an error."""
        return self._exception is exception


class ContextLogger(logging.LoggerAdapter[logging.Logger]):
    """Logs as any logger does. Each record carries the values, for every kind of formatter.

    In Airflow the values are beside the message in the task's log. Otherwise a record has them as attributes, and all
    of them in the mapping ``record.context``. A value named like an existing attribute of records is only in the
    mapping. A call's own ``extra={"context": {…}}`` is merged over the values: for the same key, the call's value wins.

    :param journal: notes each record.
    """

    def __init__(self, logger: logging.Logger, context: Mapping[str, Any], journal: Journal) -> None:
        super().__init__(logger)
        self.context, self._journal = dict(context), journal

    def log(self, level: int, msg: object, *args: Any, **kwargs: Any) -> None:
        """See :meth:`logging.Logger.log`; ``debug``, ``info``, … come through here."""
        self._journal.enter(level, _exception_of(kwargs.get("exc_info")))
        values = {str(key): value for key, value in self._values(kwargs.get("extra")).items()}
        with structlog.contextvars.bound_contextvars(**values):
            kwargs["stacklevel"] = kwargs.get("stacklevel", 1) + 1
            super().log(level, msg, *args, **kwargs)

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        """Give the record its attributes."""
        extra = dict(kwargs.get("extra") or {})
        values = self._values(extra)
        if extra.get("context") is None or isinstance(extra["context"], Mapping):
            extra["context"] = values
        free = {key: value for key, value in values.items() if key not in _OWN_ATTRIBUTES}
        return msg, {**kwargs, "extra": {**free, **extra}}

    def _values(self, extra: Mapping[str, Any] | None) -> dict[str, Any]:
        call_context = (extra or {}).get("context")
        return (
            merge_under(self.context, call_context)
            if isinstance(call_context, Mapping)
            else dict(self.context)
        )


def _exception_of(exc_info: object) -> BaseException | None:
    """The exception of a logger's ``exc_info`` argument, in any of its forms."""
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return _exception_of(exc_info[1]) if len(exc_info) > 1 else None
    return sys.exc_info()[1] if exc_info else None
