"""Events: what a session's history keeps beside its fires.

Neighbours: ``storages/events.py`` keeps them, ``history/`` reads and words them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


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
