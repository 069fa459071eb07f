"""Migrations of sessions as types."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

from pydantic import Field

from airflow_triggers_client.models.base import Result


class MigrationOutcome(str, Enum):
    """What became of a session."""

    MOVED = "moved"
    """It has the deployed rules now; in a dry run: it would have them."""
    UNCHANGED = "unchanged"
    """It had them already, or nothing is open in it."""
    REFUSED = "refused"
    """It is as it was."""

    def __str__(self) -> str:
        return self.value


class MigrationEffect(Result):
    """What the deployed rules did to a session's instances, in numbers."""

    created: int
    scheduled: int
    changed: int
    abandoned: int


class SessionMigration(Result):
    """What became of one session."""

    uid: str
    outcome: Annotated[MigrationOutcome | str, Field(union_mode="left_to_right")]
    why: str | None
    """Why it was refused, or left alone."""
    removed_tasks: list[str]
    effect: MigrationEffect | None
    """None: it was not moved."""


class MigrationPage(Result):
    """What became of some sessions, ordered by UID."""

    version: str
    """The hash of the deployed rules."""
    sessions: list[SessionMigration]
    next: str | None
    """Give it as ``after`` to go on; None: these were the last sessions."""
