"""What the controller measures: how long a pass takes, how far it lags behind, how soon work starts and cascades.

Neighbours: ``loop.py``, ``apply.py`` and ``process.py`` ask here; ``metrics.py`` sends.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from airflow_triggers import metrics
from airflow_triggers.controller.health import read_health
from airflow_triggers.domain.health import Backlog
from airflow_triggers.domain.instances import InstanceStatus, TaskInstance
from airflow_triggers.domain.metadata import timestamps_of
from airflow_triggers.domain.states import Event
from airflow_triggers.gateway.run_moments import RunMoments
from airflow_triggers.metrics import Metric
from airflow_triggers.storages.base import BaseStorageBackend

log = logging.getLogger(__name__)

GAUGE_INTERVAL = 10.0
"""Seconds between two readings of the gauges."""


class HealthGauges:
    """The gauges of the controllers' health, renewed by every controller.

    :param clock: monotonic seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._due_at = clock()

    def renew(self) -> None:
        """Send the gauges, if they are due. A boundary: errors of the database are logged."""
        if not metrics.are_on() or self._clock() < self._due_at:
            return
        self._due_at = self._clock() + GAUGE_INTERVAL
        try:
            health = read_health()
        except Exception as error:
            log.warning("Triggers controller: its health cannot be read for metrics: %s", error)
            log.debug("Triggers controller: health", exc_info=True)
            return
        backlog = health.backlog or Backlog()
        values = {
            Metric.CONTROLLERS_ALIVE: health.controllers.alive_count,
            Metric.CONTROLLER_LAG: health.lag.total_seconds(),
            Metric.PARKED_HOOKS: backlog.parked_hooks,
            Metric.PARKED_ASSET_EVENTS: backlog.parked_asset_events,
            Metric.PARKED_DELAYED_FIRES: backlog.parked_delayed_fires,
            Metric.OVERDUE_DELAYED_FIRES: backlog.overdue_fires,
        }
        for metric, value in values.items():
            metrics.gauge(metric, value)


def time_run(
    storage: BaseStorageBackend,
    before: TaskInstance,
    event: Event,
    *,
    moments: RunMoments | None,
) -> None:
    """Record how soon the instance's work began after its last fire, and how soon its end cascaded.

    Call it under the session's lock. The metrics go out after the commit.

    :param before: the instance before the event.
    :param moments: None where metrics are off.
    """
    if moments is None:
        return
    configuration = storage.configuration.name
    scheduled_at = timestamps_of(before.metadata).get(InstanceStatus.SCHEDULED.value)
    # A replay's clone may have had to wait. The start of a cleared run answers the clear and not the fire.
    was_fired = before.status is InstanceStatus.SCHEDULED and not before.depth and not moments.again
    if was_fired and moments.started_at and scheduled_at:
        latency = moments.started_at - datetime.fromisoformat(scheduled_at)
        storage.after_release(
            partial(metrics.time, Metric.FIRE_TO_START, latency, configuration=configuration)
        )
    if event is Event.FINISH and moments.ended_at:
        storage.after_release(partial(_time_cascade, moments.ended_at, configuration))


def _time_cascade(ended_at: datetime, configuration: str | None) -> None:
    metrics.time(Metric.END_TO_CASCADE, datetime.now(UTC) - ended_at, configuration=configuration)
