"""Fires as types: one to send, the answer to one, fires of a history, fires for later, hooks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import ConfigDict, Field

from airflow_triggers_client.models.base import Acts, Result


@dataclass(frozen=True)
class Fire:
    """A trigger to fire into a session.

    :param kwargs: the trigger's kwargs, a JSON object.
    :param configuration: a deployed configuration's name: with it, a first fire makes the session.
    :param manager: the trigger manager of a new session.
    :param idempotency_key: makes the fire idempotent for the life of the session. The client makes a key if it is None:
        so it may send the fire again.
    :param fire_at: the earliest moment of the fire, with an offset from UTC; None: now.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    session_uid: str
    trigger: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    configuration: str | None = None
    manager: str | None = None
    idempotency_key: str | None = None
    fire_at: datetime | None = None


class Effect(Result):
    """The effects of a fire, by instance name."""

    trigger: str
    touched: list[str]
    """Instances that took the trigger."""
    created: list[str]
    """Those of them that it created."""
    scheduled: list[str]
    """Those that now run."""
    abandoned: list[str]
    """Those that will never run."""


class FireResult(Effect):
    """The answer to a fire."""

    fire_id: int | None
    """None: it takes effect later, or was cancelled."""
    delayed_fire_id: int | None = None
    """Identifies a fire for later, until it takes effect."""
    repeated: bool = False
    """The server had the fire before; this is its first answer again. The client's own retry can be the reason."""
    deferred: bool = False
    """It takes effect at ``fire_at``."""
    cancelled: bool = False
    """It was for later, and cancelled. It does not come back."""
    fire_at: datetime | None = None


class FireRecord(Effect):
    """A fire in the session's history."""

    fire_id: int
    kwargs: dict[str, Any]
    fired_at: datetime
    fired_by: str | None
    idempotency_key: str | None


class DelayedFire(Result):
    """A delayed fire: still to come, or cancelled."""

    id: int
    trigger: str
    kwargs: dict[str, Any]
    fire_at: datetime
    fired_by: str | None
    idempotency_key: str | None
    attempts: int
    """How often it could not be fired when it was due."""
    error: str | None
    parked: bool
    """It failed too often. The controller does not try it again."""
    cancelled_at: datetime | None = None
    cancelled_by: str | None = None
    acts: Acts = Field(default_factory=dict)
    """What you may do with it now, by act."""


class UnheardFire(Result):
    """A fire that touched nothing."""

    session_uid: str
    fire_id: int
    trigger: str
    kwargs: dict[str, Any]
    fired_at: datetime
    fired_by: str | None
    used_by: list[str]
    """Tasks of the session that use the trigger, and took it before."""
    similar: list[str]
    """Triggers that may have been meant."""
