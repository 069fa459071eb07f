"""Reads whether controllers are alive and keep up. The cost does not grow with the database.

Neighbours: ``domain/health.py`` judges, ``gateway/jobs.py`` has the controllers; ``api/`` and ``cli/`` ask here.
The answer says nothing about sessions.
"""

from __future__ import annotations

from datetime import UTC, datetime

from airflow_triggers.controller.backlog import read_backlog
from airflow_triggers.domain.health import Health
from airflow_triggers.gateway.jobs import configured_limits, own_host, read_controllers
from airflow_triggers.storages.transaction import glance


def read_health(*, local: bool = False) -> Health:
    """The health of all controllers, as far as Airflow's database knows.

    :param local: only whether a controller of this host is alive. The lag is not judged then, because all controllers
        work on the same changes.
    :raises StorageError: when the database fails, is unsupported, or is not migrated.
    """
    now, limits = datetime.now(UTC), configured_limits()
    with glance() as connection:
        host = own_host() if local else None
        controllers = read_controllers(connection, now=now, silence=limits.silence, host=host)
        backlog = None if local else read_backlog(connection, now=now)
    return Health(at=now, controllers=controllers, limits=limits, backlog=backlog)
