"""InstanceFilter: which task instances, over all sessions. Lists, counts and bulk acts take this one value.

Pure: no database. Neighbours: ``sessions/`` turns a filter into SQL; ``api/`` and ``cli/`` make one of a request.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from airflow_triggers.domain.configuration import MAX_NAME_LENGTH
from airflow_triggers.domain.instances import InstanceStatus, parse_instance_name
from airflow_triggers.domain.uids import SessionUid
from airflow_triggers.domain.validation import excerpt, parse_moment, validate_filter, validate_fire_at
from airflow_triggers.errors import InvalidFilter, InvalidSessionUid, InvalidTrigger

STUCK_AFTER = 3600.0
"""Seconds after which a scheduled or running instance counts as stuck, if a filter says nothing else."""

MAX_STUCK_AFTER = 366 * 24 * 3600
"""The most seconds of :attr:`InstanceFilter.stuck_after`: a leap year."""

MAX_INSTANCES = 10_000
"""The most instances in the list of a filter."""


class InstanceKey(NamedTuple):
    """The session and the name of one instance (``t_import#0``)."""

    session_uid: str
    name: str


@dataclass(frozen=True, kw_only=True)
class InstanceFilter:
    """Which instances of all sessions. All conditions must hold; a condition with its default is none.

    >>> InstanceFilter(statuses=frozenset({InstanceStatus.FAILED}), configuration="order").to_dict()
    {'status': ['failed'], 'configuration': 'order'}

    :param statuses: only these statuses. Empty: any.
    :param configuration: only sessions of the deployed configuration with this name.
    :param task: only instances of the task with this name.
    :param since: only instances that changed at this moment or later.
    :param until: only instances that changed before this moment.
    :param error_type: only instances with this exception type, exactly as stored (``ValueError``).
    :param replayed: only instances with a parent (replays and copies), or only the others.
    :param stuck: only stuck instances, or only the others. An instance is stuck if it is scheduled or running, and its
        DAG is paused or missing, or it has been so for longer than ``stuck_after``.
    :param stuck_after: seconds, 0 to :data:`MAX_STUCK_AFTER`.
    :param session: only sessions with a UID that begins so.
    :param instances: only these instances, at most :data:`MAX_INSTANCES`. None: any. An empty list selects nothing.
    :raises InvalidFilter: when a value is outside the allowed form. It names the value.
    """

    statuses: frozenset[InstanceStatus] = frozenset()
    configuration: str | None = None
    task: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    error_type: str | None = None
    replayed: bool | None = None
    stuck: bool | None = None
    stuck_after: float = STUCK_AFTER
    session: str | None = None
    instances: tuple[InstanceKey, ...] | None = None

    def __post_init__(self) -> None:
        for status in self.statuses:
            if not isinstance(status, InstanceStatus):
                raise _invalid("status", f"one of {', '.join(InstanceStatus)}", status)
        validate_filter("configuration", self.configuration)
        validate_filter("task", self.task)
        validate_filter("error type", self.error_type)
        _check_prefix(self.session)
        for name, moment in {"since": self.since, "until": self.until}.items():
            _check_moment(name, moment)
        for name, choice in {"replayed": self.replayed, "stuck": self.stuck}.items():
            if not isinstance(choice, bool | None):
                raise _invalid(name, "true or false", choice)
        _check_stuck_after(self.stuck_after)
        _check_instances(self.instances)

    def to_dict(self) -> dict[str, Any]:
        """The filter as a JSON object with the keys of the REST API. Conditions that are none are left out."""
        entries = {
            "status": [status.value for status in InstanceStatus if status in self.statuses] or None,
            "configuration": self.configuration,
            "task": self.task,
            "since": self.since and self.since.isoformat(),
            "until": self.until and self.until.isoformat(),
            "error_type": self.error_type,
            "replayed": self.replayed,
            "stuck": self.stuck,
            "stuck_after": None if self.stuck_after == STUCK_AFTER else self.stuck_after,
            "session": self.session,
            "instances": None if self.instances is None else [key._asdict() for key in self.instances],
        }
        return {key: value for key, value in entries.items() if value is not None}

    @classmethod
    def from_dict(cls, entries: Mapping[str, Any]) -> InstanceFilter:
        """The filter of a JSON object: the reverse of :meth:`to_dict`. A null counts as left out.

        :raises InvalidFilter: when a key is unknown, or a value is outside the allowed form.
        """
        if unknown_keys := entries.keys() - _READERS.keys():
            raise _invalid("filter", f"the keys {', '.join(_READERS)}", sorted(unknown_keys))
        conditions = {
            _FIELDS.get(key, key): _READERS[key](key, value)
            for key, value in entries.items()
            if value is not None
        }
        return cls(**conditions)


def _statuses(key: str, names: object) -> frozenset[InstanceStatus]:
    if not isinstance(names, list):
        raise _invalid(key, "a list of statuses", names)
    try:
        return frozenset(map(InstanceStatus, names))
    except ValueError:
        raise _invalid(key, f"a list of {', '.join(InstanceStatus)}", names) from None


def _moment(key: str, text: object) -> datetime:
    try:
        return parse_moment(text)
    except InvalidTrigger:
        raise _invalid(key, _MOMENT_FORM, text) from None


def _instance_keys(key: str, entries: object) -> tuple[InstanceKey, ...]:
    if not isinstance(entries, list) or not all(
        isinstance(entry, Mapping) and entry.keys() == set(InstanceKey._fields) for entry in entries
    ):
        raise _invalid(key, f"a list of objects with {' and '.join(InstanceKey._fields)}", entries)
    return tuple(InstanceKey(**entry) for entry in entries)


def _same(_key: str, value: Any) -> Any:
    return value


_READERS: Mapping[str, Callable[[str, Any], Any]] = {
    "status": _statuses,
    "configuration": _same,
    "task": _same,
    "since": _moment,
    "until": _moment,
    "error_type": _same,
    "replayed": _same,
    "stuck": _same,
    "stuck_after": _same,
    "session": _same,
    "instances": _instance_keys,
}
"""The keys of a filter as a JSON object, and how each value is read."""

_FIELDS = {"status": "statuses"}

_MOMENT_FORM = "a moment in ISO 8601 with its offset from UTC, such as '2031-05-17T08:00:00Z'"


def _check_prefix(prefix: object) -> None:
    if prefix is None:
        return
    if not isinstance(prefix, str) or len(prefix) > MAX_NAME_LENGTH or not prefix.isprintable():
        raise _invalid(
            "session", f"the beginning of a UID, at most {MAX_NAME_LENGTH} printable characters", prefix
        )


def _check_moment(name: str, moment: object) -> None:
    try:
        validate_fire_at(moment)
    except InvalidTrigger:
        raise _invalid(name, _MOMENT_FORM, moment) from None


def _check_stuck_after(seconds: object) -> None:
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not is_number or not math.isfinite(seconds) or not 0 <= seconds <= MAX_STUCK_AFTER:  # type: ignore[arg-type, operator]
        raise _invalid("stuck_after", f"a number of seconds from 0 to {MAX_STUCK_AFTER}", seconds)


def _check_instances(keys: tuple[InstanceKey, ...] | None) -> None:
    if keys is None:
        return
    if len(keys) > MAX_INSTANCES:
        raise _invalid("instances", f"at most {MAX_INSTANCES} instances", len(keys))
    for session_uid, instance_name in keys:
        try:
            SessionUid(session_uid)
        except InvalidSessionUid:
            raise _invalid("session_uid", "the UID of a session", session_uid) from None
        try:
            parse_instance_name(instance_name)
        except (AttributeError, ValueError):
            raise _invalid(
                "name", "the name of a task instance, such as 't_import#0'", instance_name
            ) from None


def _invalid(name: str, expected: str, value: object) -> InvalidFilter:
    return InvalidFilter(f"The filter's {name!r} is {excerpt(value)}, expected {expected}.")
