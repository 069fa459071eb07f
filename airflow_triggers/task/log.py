"""A logger whose records carry values, and that remembers the highest level it saw.

Neighbours: ``context.py`` offers it as ``context.get_logger_context``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

import structlog

_OWN_ATTRIBUTES = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime"}


class ContextLogger(logging.LoggerAdapter[logging.Logger]):
    """Logs as any logger does. Each record carries the values, for every kind of formatter.

    In Airflow they stand beside the message in the task's log. Otherwise a record has them as attributes, and all
    of them as the mapping ``record.context``; one that is named like an attribute of records is in the mapping only.

    :param note: told the level of each record.
    """

    def __init__(
        self, logger: logging.Logger, context: Mapping[str, Any], note: Callable[[int], None]
    ) -> None:
        super().__init__(logger)
        self.context, self._note = dict(context), note

    def log(self, level: int, msg: object, *args: Any, **kwargs: Any) -> None:
        """See :meth:`logging.Logger.log`; ``debug``, ``info``, … come through here."""
        self._note(level)
        with structlog.contextvars.bound_contextvars(**{str(key): it for key, it in self.context.items()}):
            kwargs["stacklevel"] = kwargs.get("stacklevel", 1) + 1
            super().log(level, msg, *args, **kwargs)

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        """Give the record its attributes."""
        free = {key: value for key, value in self.context.items() if key not in _OWN_ATTRIBUTES}
        given = kwargs.get("extra") or {}
        return msg, {**kwargs, "extra": {**free, "context": {**self.context}, **given}}
