"""What waits or is parked, over all sessions, as types."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from airflow_triggers_client.models.base import Acts, Result
from airflow_triggers_client.models.fires import DelayedFire
from airflow_triggers_client.models.hooks import Hook


class SessionHook(Hook):
    """A hook that raised, of any session."""

    session_uid: str


class SessionDelayedFire(DelayedFire):
    """A fire to come, of any session."""

    session_uid: str


class AssetEvent(Result):
    """An asset event that could not be fired."""

    id: int
    asset: str | None
    """The URI of its asset; None when Airflow no longer has the event."""
    session_uid: str | None
    created_at: datetime | None
    source: str | None
    attempts: int
    error: str
    due: datetime | None
    """When it is tried again; None when it is parked."""
    parked: bool
    acts: Acts = Field(default_factory=dict)
    """What you may do with it now, by act."""
