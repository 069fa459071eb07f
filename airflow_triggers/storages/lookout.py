"""Looks at Airflow's tables by a thread that looks often: they share a connection for a moment.

Neighbours: ``transaction.py`` has a single look; ``gateway/logins.py`` asks in this way for revoked tokens.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Engine, QueuePool
from sqlalchemy.exc import DBAPIError

from airflow_triggers.storages.database_errors import translated_errors
from airflow_triggers.storages.prepared import PreparedStatement
from airflow_triggers.storages.transaction import Answer, Transaction, airflow_engine, is_listened_to, look


class Lookout:
    """Looks at Airflow's tables, one after the other, of one thread: they share a connection while it is kept.

    Airflow's pool pings a connection each time it lends it, and a ping takes as long as a look. The connection is kept
    for :data:`KEPT_SECONDS` at most: so it was pinged not long ago, and others need not wait for it.
    """

    KEPT_SECONDS = 1.0

    def __init__(self) -> None:
        self._reading: Transaction | None = None
        self._engine: Engine | None = None
        self._until = 0.0

    def look(self, statement: PreparedStatement, values: Mapping[str, Any]) -> Answer:
        """See :func:`look`, ``at_our_tables=False``.

        :raises DatabaseFailed, LockTimeout: when the database fails.
        """
        current = airflow_engine()
        if self._engine is not current or time.monotonic() > self._until:
            self.give_back()
        if not _may_keep_one(current):
            return look(statement, values, at_our_tables=False)
        with translated_errors():
            if (reading := self._reading) is not None:
                try:
                    return reading.send(statement, values)
                except DBAPIError as error:
                    self.give_back()
                    if not error.connection_invalidated:
                        raise
                # The kept connection was lost since its ping. The pool's next one is pinged now.
            self._engine, self._until = current, time.monotonic() + self.KEPT_SECONDS
            self._reading = Transaction(current, reads_alone=True)
            return self._reading.send(statement, values)

    def give_back(self) -> None:
        """Give the kept connection back to the pool, if there is one."""
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.close()


def _may_keep_one(engine: Engine) -> bool:
    """Whether a connection may be kept between looks: it is in no transaction then, and it is not the only one."""
    return (
        engine.dialect.name == "postgresql"
        and not is_listened_to(engine)
        and not (isinstance(engine.pool, QueuePool) and engine.pool.size() == 1)
    )
