"""Hooks of managers as types."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from airflow_triggers_client.models.base import Acts, Result


class Hook(Result):
    """A pending hook of the session's manager."""

    id: int
    hook: str
    arguments: dict[str, Any]
    attempts: int
    due: datetime | None
    error: str | None
    parked: bool
    """It raised too often. The controller does not call it again."""
    acts: Acts = Field(default_factory=dict)
    """What you may do with it now, by act."""


class HookCall(Result):
    """The result of calling a hook again."""

    ended: bool
    error: str | None
    hook: Hook | None
    """The hook as it is now; None when it ended."""
