"""The models of a migration's request and answer.

Neighbours: ``routes/configurations.py`` reads the first and makes the second.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from airflow_triggers.api.fields import LimitInBody, Prefix
from airflow_triggers.api.requests import Request
from airflow_triggers.domain.reconcile import Diff
from airflow_triggers.sessions.migration import MigrationOutcome, MigrationPage, SessionMigration


class MigrateSessions(Request):
    """Which sessions to move to the deployed rules, and how."""

    limit: LimitInBody = Field(50, description="How many sessions to look at, at most. Go on with `after`.")
    after: Prefix | None = Field(None, description="The cursor: `next` of the answer before.")
    prefix: Prefix | None = Field(None, description="Only sessions whose UIDs begin so.")
    history: Literal["ignore", "apply"] = Field(
        "ignore",
        description="`apply`: the fires of the past count for new and changed tasks, as if their rules had been there "
        "from the start. For a session that has the deployed rules already, they count for all tasks. "
        "What has run is not run again.",
    )
    dry_run: bool = Field(False, strict=True, description="Only say what would happen.")
    replace_own_tasks: bool = Field(
        False,
        strict=True,
        description="Also move sessions whose tasks were changed at run time. Their own tasks go.",
    )


class MigrationEffect(BaseModel):
    """What the deployed rules did to a session's instances, in numbers."""

    created: int = Field(description="New instances.")
    scheduled: int = Field(description="Waiting instances that start, and new ones that do.")
    changed: int = Field(description="Waiting instances that took fires of the past, and still wait.")
    abandoned: int = Field(description="Waiting instances that never run.")

    @classmethod
    def of(cls, diff: Diff) -> MigrationEffect:
        """The body for a difference."""
        return cls(
            created=len(diff.create),
            scheduled=len(diff.starting),
            changed=len(diff.change),
            abandoned=len(diff.abandon),
        )


class SessionMigrationBody(BaseModel):
    """What became of a session."""

    uid: str = Field(examples=["respondent-17"])
    outcome: MigrationOutcome = Field(
        description="`moved`: it has the deployed rules now (in a dry run: it would). `unchanged`: it had them, or "
        "nothing is open in it. With `history` `apply`, a session that had them is `moved` if its past changed it. "
        "`refused`: it is as it was, see `why`."
    )
    why: str | None = Field(description="Why it was refused, or left alone.")
    removed_tasks: list[str] = Field(description="The tasks that it lost.", examples=[["t_importSubject"]])
    effect: MigrationEffect | None = Field(description="Null: it was not moved.")

    @classmethod
    def of(cls, migration: SessionMigration) -> SessionMigrationBody:
        """The body for what became of a session."""
        return cls(
            uid=migration.uid,
            outcome=migration.outcome,
            why=migration.why,
            removed_tasks=list(migration.removed),
            effect=MigrationEffect.of(migration.diff) if migration.diff else None,
        )


class MigrationPageBody(BaseModel):
    """What became of the sessions on this page, ordered by UID."""

    version: str = Field(description="The hash of the deployed rules.")
    sessions: list[SessionMigrationBody]
    next: str | None = Field(description="Send it as `after` to go on; null: these were the last sessions.")

    @classmethod
    def of(cls, page: MigrationPage) -> MigrationPageBody:
        """The body for a page."""
        return cls(
            version=page.version,
            sessions=[SessionMigrationBody.of(migration) for migration in page.sessions],
            next=page.next,
        )
