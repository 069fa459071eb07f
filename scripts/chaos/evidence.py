"""The actual state: rows of the database, the tasks' effects and the hooks' calls, read without the product's code.

Neighbours: ``checker.py`` compares it with the demanded state.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.extras
from sqlalchemy.engine import make_url

from scripts.chaos.journal import Line, read_lines

QUERIES = {
    "instances": """
        SELECT s.uid AS session, i.task_name AS task, i.number, i.task_name || '#' || i.number AS name, i.status,
               i.kwargs, i.metadata
        FROM triggers_instance i JOIN triggers_session s ON s.id = i.session_id
        ORDER BY s.uid, i.task_name, i.number""",
    "fires": """
        SELECT s.uid AS session, f.trigger_name AS trigger, f.kwargs, f.fired_by, f.idempotency_key AS key
        FROM triggers_fire f JOIN triggers_session s ON s.id = f.session_id ORDER BY f.id""",
    "bindings": """
        SELECT s.uid AS session, r.task_name || '#' || r.number AS instance, r.dag_id, r.run_id
        FROM triggers_run r JOIN triggers_session s ON s.id = r.session_id""",
    "runs": """
        SELECT dag_id, run_id, state, partition_key, conf -> 'triggers' ->> 'session_uid' AS session,
               conf -> 'triggers' ->> 'instance_name' AS instance
        FROM dag_run WHERE dag_id LIKE 'chaos.%'""",
    "results": """
        SELECT dag_id, run_id, value FROM xcom WHERE key = 'return_value' AND dag_id LIKE 'chaos.%'""",
    "waits": """
        SELECT s.uid AS session, w.task_name || '#' || w.number AS instance, w.trigger_name AS trigger
        FROM triggers_wait w JOIN triggers_session s ON s.id = w.session_id""",
    "owed_hooks": """
        SELECT s.uid AS session, h.hook, h.attempts, h.error
        FROM triggers_hook h JOIN triggers_session s ON s.id = h.session_id""",
    "delayed": """
        SELECT s.uid AS session, d.trigger_name AS trigger, d.error
        FROM triggers_delayed_fire d JOIN triggers_session s ON s.id = d.session_id""",
}


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Rows as mappings, all read at one moment."""

    instances: list[Line]
    fires: list[Line]
    bindings: list[Line]
    runs: list[Line]
    results: list[Line]
    waits: list[Line]
    owed_hooks: list[Line]
    delayed: list[Line]
    effects: list[Line]
    hooks: list[Line]


def read_evidence(database: str, *, effects: Path, hooks: Path) -> Evidence:
    """Read everything.

    :param database: SQLAlchemy's URL of a PostgreSQL database.
    """
    url = make_url(database)
    connection = psycopg2.connect(host=url.host, port=url.port, user=url.username, dbname=url.database)
    try:
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        rows: dict[str, list[Any]] = {}
        with connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
            for name, query in QUERIES.items():
                cursor.execute(query)
                rows[name] = [dict(row) for row in cursor]
    finally:
        connection.close()
    return Evidence(**rows, effects=read_lines(effects), hooks=read_lines(hooks))
