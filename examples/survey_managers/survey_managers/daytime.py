"""A runner that disturbs nobody at night: a DAG run begins in the daytime of the session's own time zone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from airflow_triggers.domain.configuration import Configuration
from airflow_triggers.errors import ConfigurationError, RunnerError
from airflow_triggers.runners import AirflowTaskRunner, Start
from airflow_triggers.storages import BaseStorageBackend

DAYTIME = (8, 20)


class DaytimeTaskRunner(AirflowTaskRunner):
    """Runs instances as DAG runs, from 8 to 20 o'clock or in the hours of the task's directive ``daytime: [9, 17]``.

    The session's metadata name the time zone (``{"timezone": "Asia/Tokyo"}``), else it is UTC. All else (what a repair
    does to the run, how its end comes back) is the Airflow runner's.
    """

    name = "daytime"

    def run(self, start: Start) -> None:
        """See :meth:`BaseTaskRunner.run`. :raises RunnerError: when the hours or the time zone cannot be read."""
        hours = _hours(start.instance.task.extra.get("daytime", DAYTIME))
        earliest = max(start.storage.now(), start.run_after or datetime.min.replace(tzinfo=UTC))
        begin = next_daytime(earliest, hours, _time_zone(start.storage.metadata.get("timezone", "UTC")))
        super().run(replace(start, run_after=begin))

    def validate(self, storage: BaseStorageBackend, configuration: Configuration) -> None:
        """Refuse invalid hours, and everything refused by the Airflow runner."""
        super().validate(storage, configuration)
        problems = []
        for task in configuration:
            try:
                _hours(task.extra.get("daytime", DAYTIME))
            except RunnerError as error:
                problems.append(f"task {task.name!r}: {error}")
        if problems:
            raise ConfigurationError(problems)


def next_daytime(moment: datetime, hours: tuple[int, int], zone: ZoneInfo) -> datetime:
    """The moment itself if it is inside the hours in the zone, else the next beginning of the hours (UTC)."""
    opens, closes = hours
    local = moment.astimezone(zone)
    if opens <= local.hour < closes:
        return moment
    day = local.date() + timedelta(days=local.hour >= closes)
    return datetime(day.year, day.month, day.day, opens, tzinfo=zone).astimezone(UTC)


def _hours(found: Any) -> tuple[int, int]:
    whole = isinstance(found, list | tuple) and all(type(hour) is int for hour in found)
    if not whole or len(found) != 2 or not 0 <= found[0] < found[1] <= 24:
        raise RunnerError(f"'daytime' is {found!r}, expected two hours such as [8, 20].")
    return found[0], found[1]


def _time_zone(found: Any) -> ZoneInfo:
    try:
        return ZoneInfo(found)
    except (KeyError, ValueError, TypeError, OSError) as error:
        raise RunnerError(
            f"The session's metadata have the timezone {found!r}, expected a name such as 'Asia/Tokyo'."
        ) from error
