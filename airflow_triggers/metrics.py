"""Metrics through Airflow's own stats: StatsD, Datadog or OpenTelemetry, as Airflow's section ``[metrics]`` says.

A failing metrics backend never causes an error: the failure is logged, once as a warning. Airflow is imported only when
a metric is sent: tasks import managers too, and must start fast. Neighbours: ``runners/measures.py`` and
``controller/measures.py`` say what happened; ``docs/operations.md`` has the names.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from functools import cache
from typing import Any

log = logging.getLogger(__name__)

SWITCHES = ("statsd_on", "statsd_datadog_enabled", "otel_on")
"""The switches in ``[metrics]``. Each of them turns metrics on."""

NONE = "none"
"""The value of a tag without a value. StatsD drops empty values."""


class Metric(StrEnum):
    """The names, without Airflow's prefix. They are part of the public interface."""

    FIRES = "triggers.fires"  #: counter by ``configuration`` and ``outcome``
    FIRES_UNMATCHED = "triggers.fires_unmatched"  #: counter by ``configuration``
    INSTANCES = "triggers.instances"  #: counter of changes of status, by ``configuration`` and ``status``
    FIRE_TO_START = "triggers.fire_to_start"  #: timer by ``configuration``
    END_TO_CASCADE = "triggers.end_to_cascade"  #: timer by ``configuration``
    LOOP = "triggers.controller.pass"  #: timer
    CONTROLLER_LAG = "triggers.controller.lag"  #: gauge, in seconds
    CONTROLLERS_ALIVE = "triggers.controllers.alive"  #: gauge
    PARKED_HOOKS = "triggers.parked.hooks"  #: gauge
    PARKED_ASSET_EVENTS = "triggers.parked.asset_events"  #: gauge
    PARKED_DELAYED_FIRES = "triggers.parked.delayed_fires"  #: gauge
    OVERDUE_DELAYED_FIRES = "triggers.overdue.delayed_fires"  #: gauge


@cache
def are_on() -> bool:
    """Whether Airflow sends metrics at all; read once per process."""
    from airflow.configuration import conf

    return any(conf.getboolean("metrics", switch, fallback=False) for switch in SWITCHES)


def initialize() -> None:
    """Have this process send metrics. Airflow does so in its own components, but not in ours, nor for commands."""
    if not are_on():
        return
    from airflow.configuration import conf
    from airflow.observability import stats
    from airflow.observability.metrics import stats_utils

    legacy_names = conf.getboolean("metrics", "legacy_names_on", fallback=True)
    stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=legacy_names)


def count(metric: Metric, number: int = 1, **tags: str | None) -> None:
    """Add ``number`` to a counter. Does nothing when metrics are off."""
    _send("incr", metric, number, tags)


def time(metric: Metric, duration: timedelta, **tags: str | None) -> None:
    """Record a duration. A negative one, from clocks that differ, counts as zero. Does nothing when metrics are off."""
    _send("timing", metric, max(duration, timedelta(0)), tags)


def gauge(metric: Metric, value: float, **tags: str | None) -> None:
    """Set a gauge to its value now. Does nothing when metrics are off."""
    _send("gauge", metric, value, tags)


def _send(kind: str, metric: Metric, value: Any, tags: dict[str, str | None]) -> None:
    if not are_on():
        return
    try:
        _sender(kind)(metric.value, value, tags={name: _tag(text) for name, text in tags.items()})
    except Exception as error:
        log.log(_level_of_failure(), "The metric %s could not be sent: %s", metric, error, exc_info=True)


@cache
def _sender(kind: str) -> Callable[..., None]:
    from airflow.observability import stats

    sender: Callable[..., None] = getattr(stats, kind)
    return sender


def _tag(text: str | None) -> str:
    """A tag's value in a form accepted by every backend."""
    from airflow.observability import stats

    return str(stats.normalize_name_for_stats(text, log_warning=False)) if text else NONE


_failures = itertools.count()


def _level_of_failure() -> int:
    """The log level of a failure: a warning for the process's first one, DEBUG for the others."""
    return logging.DEBUG if next(_failures) else logging.WARNING
