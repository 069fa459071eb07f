"""How controllers hear at once of the success of a trigger task: by PostgreSQL's NOTIFY, in Airflow's own transaction.

The API server notifies, a controller listens. It is only a shortcut: a notified run is looked up like any other. The
next pass finds everything without a notification: on SQLite, or from an API server that runs ``--apps execution`` and
loads no plugins. Behind a connection pooler that shares connections between transactions, a controller cannot listen,
and finds everything this way. Neighbours: ``plugin.py`` has the API server notify; ``controller/loop.py`` waits.
"""

from __future__ import annotations

import json
import logging
import select as readiness
import threading
import time
from typing import Any

from airflow.models.log import Log
from sqlalchemy import Connection, event, func, select

from airflow_triggers.domain.names import RUN_ID_PREFIX
from airflow_triggers.domain.runs import RunKey
from airflow_triggers.storages.transaction import engine

log = logging.getLogger(__name__)

CHANNEL = "airflow_triggers"

RECONNECT_AFTER = 10.0
"""Seconds until a listener without a connection tries again to connect."""

STOP_CHECK = 0.5
"""The most seconds until a wait notices the request to stop."""


def tell_of_successes() -> None:
    """Have this process notify controllers when it records the success of a trigger task.

    In the transaction of a task's state change, the execution API adds an entry to Airflow's audit log as an ORM
    object. SQLAlchemy reports this object to us. PostgreSQL sends the notification when the transaction commits.
    """
    if not event.contains(Log, "after_insert", _tell):
        event.listen(Log, "after_insert", _tell)


def _tell(mapper: Any, connection: Connection, entry: Log) -> None:
    is_trigger_success = entry.event == "success" and (entry.run_id or "").startswith(RUN_ID_PREFIX)
    if is_trigger_success and connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_notify(CHANNEL, json.dumps([entry.dag_id, entry.run_id]))))


class Listener:
    """Waits, and hears meanwhile which runs to look at. It has a connection of its own, not one of Airflow's pool.

    A boundary: errors of its connection are logged, and the wait goes on without it.
    """

    def __init__(self) -> None:
        self._connection: Any = None
        self._connect_at = 0.0

    def wait(self, stop: threading.Event, seconds: float) -> list[RunKey]:
        """Wait for a notification, for ``stop``, or until the time is over. Returns the keys of the notified runs."""
        deadline = time.monotonic() + seconds
        while not stop.is_set() and (seconds_left := deadline - time.monotonic()) > 0:
            if not self._listens():
                stop.wait(seconds_left)
            elif runs := self._hear(min(seconds_left, STOP_CHECK)):
                return runs
        return []

    def close(self) -> None:
        """Listen no more."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _listens(self) -> bool:
        if self._connection is None and time.monotonic() >= self._connect_at:
            self._connect_at = time.monotonic() + RECONNECT_AFTER
            try:
                self._connection = _listening_connection()
            except Exception:
                log.info("Triggers controller: cannot listen, and only looks at its interval", exc_info=True)
        return self._connection is not None

    def _hear(self, seconds: float) -> list[RunKey]:
        driver = self._connection.dbapi_connection
        try:
            if readiness.select([driver], [], [], seconds)[0]:
                driver.poll()
            keys = dict.fromkeys(_key(notice.payload) for notice in driver.notifies)
            driver.notifies.clear()
        except Exception:
            log.info("Triggers controller: the connection that it listens on is lost", exc_info=True)
            self.close()
            return []
        return [key for key in keys if key is not None]


def _listening_connection() -> Any:
    """A listening connection of psycopg2; None for another database or driver."""
    airflow_engine = engine()
    if (airflow_engine.dialect.name, airflow_engine.dialect.driver) != ("postgresql", "psycopg2"):
        return None
    connection = airflow_engine.raw_connection()
    connection.detach()
    driver: Any = connection.dbapi_connection
    driver.autocommit = True
    with driver.cursor() as cursor:
        cursor.execute(f"LISTEN {CHANNEL}")
    return connection


def _key(payload: str) -> RunKey | None:
    """The run named by a notification; None where it is not ours: anybody may notify."""
    try:
        key = json.loads(payload)
    except ValueError:
        return None
    match key:
        case [str(dag_id), str(run_id)]:
            return RunKey(dag_id, run_id)
        case _:
            return None
