"""What a session's history keeps beside its fires, and the hooks that are still to be called: values.

Neighbours: ``storages/`` keep them, ``manager.py`` and ``controller/`` have them kept, ``history.py`` reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from airflow_triggers.types import Fire
from airflow_triggers.validation import validate_filter

MAX_HOOK_ATTEMPTS = 20
"""A hook that raised so often is parked: kept with its error, and not called again by itself."""


class EventKind(StrEnum):
    """What an entry of the history tells. The values are stored and part of the REST API."""

    CONFIGURE = "configure"  #: tasks were added, or replaced by name
    PROGRESS = "progress"  #: an instance's status changed with what executes it
    STATUS = "status"  #: an instance's status was set by hand
    METADATA = "metadata"  #: something was attached to an instance by hand
    LOGS_RESOLVED = "logs_resolved"  #: an instance's log messages were dealt with
    REPLAY = "replay"  #: a failed instance was run again, as a clone
    SKIP = "skip"  #: a failed instance was waived
    DELAY = "delay"  #: a fire was asked for, for later
    DELAYED_FIRE = "delayed_fire"  #: and came
    DELAYED_FIRE_FAILED = "delayed_fire_failed"  #: or could not be fired when it was due
    DELAYED_FIRE_PARKED = "delayed_fire_parked"  #: too often; it is not tried again by itself
    DELAYED_FIRE_RETRIED = "delayed_fire_retried"  #: somebody had it tried again
    DELAYED_FIRE_CANCELLED = "delayed_fire_cancelled"  #: somebody took it back before it came
    HOOK_FAILED = "hook_failed"  #: a hook raised for the first time; it is called again
    HOOK_PARKED = "hook_parked"  #: a hook raised too often; it is not called again by itself
    HOOK_CALLED = "hook_called"  #: somebody had a hook called again that had raised
    BACKOFF = "backoff"  #: the controller could not apply what a DAG run did, and looks again later
    WITHDRAW = "withdraw"  #: a DAG run that was promised is not made, since the instance does not wait for it
    ASSET_EVENT = "asset_event"  #: an asset event could not be fired, and is not tried again


@dataclass(frozen=True, kw_only=True)
class SessionEvent:
    """An entry of a session's history that is no fire.

    :param event_id: counts up in the order in which the session's entries were written.
    :param instance: the name of the instance that it is about, if it is about one.
    :param by: the user or the component that caused it, if known.
    :param details: what else is known; the keys depend on the kind.
    """

    event_id: int
    kind: str
    instance: str | None
    at: datetime
    by: str | None
    details: Mapping[str, Any]


@dataclass(frozen=True)
class Cause:
    """Who or what changed an instance's status, and what else is known of it, for the history."""

    by: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class FireFilter:
    """Which fires of a session to read.

    :param trigger_name: only those of this trigger.
    :param instance: only those that concern the instance of this name: it was touched, or fired it.
    :param in_vain: only those that touched nothing (see :attr:`Fire.in_vain`), or only the others.
    :raises InvalidFilter: when a name is of a form that none has.
    """

    trigger_name: str | None = None
    instance: str | None = None
    in_vain: bool | None = None

    def __post_init__(self) -> None:
        validate_filter("trigger", self.trigger_name)
        validate_filter("instance", self.instance)

    def covers(self, fire: Fire) -> bool:
        """Whether the fire is one of them."""
        return (
            self.trigger_name in (None, fire.trigger_name)
            and self.in_vain in (None, fire.in_vain)
            and (self.instance is None or fire.concerns(self.instance))
        )


EVERY_FIRE = FireFilter()


@dataclass(frozen=True, kw_only=True)
class PromisedHook:
    """A hook that was promised by a commit and has not ended yet.

    :param token: identifies it in its storage.
    :param attempts: how often it raised.
    :param due: when the controller calls it (again); None where no controller does.
    :param error: the traceback of the last time.
    :param parked: whether nobody calls it again by itself.
    """

    token: int
    hook: str
    arguments: Mapping[str, Any]
    attempts: int = 0
    due: datetime | None = None
    error: str | None = None
    parked: bool = False
