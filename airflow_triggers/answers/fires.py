"""Answers about fires: what a fire did, fires of the history, and fires for later.

Neighbours: ``domain/fires.py`` has the values; ``history.py`` has fires as entries of a history.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow_triggers.domain.fires import DelayedFire, Fire, FireResult


@dataclass(frozen=True, kw_only=True)
class EffectAnswer:
    """What a fire did, by instance name.

    :param fire_id: None when the fire takes effect later, or was cancelled.
    """

    fire_id: int | None
    trigger: str
    touched: tuple[str, ...]
    created: tuple[str, ...]
    scheduled: tuple[str, ...]
    abandoned: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class FireResultAnswer(EffectAnswer):
    """The answer to a fire."""

    delayed_fire_id: int | None
    repeated: bool
    deferred: bool
    cancelled: bool
    fire_at: datetime | None

    @classmethod
    def of(cls, result: FireResult) -> FireResultAnswer:
        """The answer for a fire's result."""
        return cls(
            **_effect_of(result),
            delayed_fire_id=result.delayed_fire_id,
            repeated=result.repeated,
            deferred=result.deferred,
            cancelled=result.cancelled,
            fire_at=result.fire_at,
        )


@dataclass(frozen=True, kw_only=True)
class FireAnswer(EffectAnswer):
    """A fire as the session's history keeps it."""

    kwargs: Mapping[str, Any]
    fired_at: datetime
    fired_by: str | None
    idempotency_key: str | None

    @classmethod
    def of(cls, fire: Fire) -> FireAnswer:
        """The answer for a fire."""
        return cls(**fields_of(fire))


@dataclass(frozen=True, kw_only=True)
class DelayedFireAnswer:
    """A delayed fire: still to come, or cancelled."""

    id: int
    trigger: str
    kwargs: Mapping[str, Any]
    fire_at: datetime
    fired_by: str | None
    idempotency_key: str | None
    attempts: int
    error: str | None
    parked: bool
    cancelled_at: datetime | None
    cancelled_by: str | None

    @classmethod
    def of(cls, fire: DelayedFire) -> DelayedFireAnswer:
        """The answer for a delayed fire."""
        return cls(
            id=fire.delayed_id,
            trigger=fire.trigger_name,
            kwargs=fire.kwargs,
            fire_at=fire.fire_at,
            fired_by=fire.fired_by,
            idempotency_key=fire.idempotency_key,
            attempts=fire.attempts,
            error=fire.error,
            parked=fire.parked,
            cancelled_at=fire.cancelled_at,
            cancelled_by=fire.cancelled_by,
        )


def fields_of(fire: Fire) -> dict[str, Any]:
    """The fire as the fields of a :class:`FireAnswer`."""
    return {
        **_effect_of(fire),
        "kwargs": fire.kwargs,
        "fired_at": fire.fired_at,
        "fired_by": fire.fired_by,
        "idempotency_key": fire.idempotency_key,
    }


def _effect_of(fire: Fire | FireResult) -> dict[str, Any]:
    return {
        "fire_id": fire.fire_id,
        "trigger": fire.trigger_name,
        "touched": fire.touched,
        "created": fire.created,
        "scheduled": fire.scheduled,
        "abandoned": fire.abandoned,
    }
