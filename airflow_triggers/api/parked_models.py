"""The requests and answers of the lists over all sessions: hooks that raised, fires to come, asset events.

Neighbours: ``routes/parked.py`` reads the requests; ``answers/parked.py`` has the values of the answers.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from airflow_triggers.answers.parked import AssetEventAnswer, SessionDelayedFireAnswer, SessionHookAnswer
from airflow_triggers.api.answer_body import AnswerBody
from airflow_triggers.api.fields import Id, KeptName, Prefix, TriggerName
from airflow_triggers.api.instance_acts import AllowedAct
from airflow_triggers.api.instance_models import ActBody
from airflow_triggers.api.page_models import (
    ActionableDelayedFire,
    ActionableHook,
)
from airflow_triggers.api.requests import DelayedFiresQuery, Moment, Request
from airflow_triggers.domain.disclosure import Disclosure
from airflow_triggers.history.parked import FailedAssetEvent, ParkedHook
from airflow_triggers.sessions.delayed_fires import SessionDelayedFire

LongLimit = Annotated[int, Field(ge=1, le=1000)]

PARKED = Field(False, description="Only what no controller tries again.")


class ParkedQuery(Request):
    """Which failed things to list."""

    limit: LongLimit = Field(50, description="How many at most.")
    after: Id | None = Field(None, description="The cursor: `next` of the page before.")
    parked: bool = PARKED


class AllDelayedFiresQuery(DelayedFiresQuery):
    """Which fires to come to list."""

    limit: LongLimit = Field(50, description="How many at most.")
    parked: bool = PARKED
    trigger: TriggerName | None = Field(None, description="Only fires of this trigger.")
    configuration: KeptName | None = Field(
        None, description="Only in sessions of this deployed configuration."
    )
    session: Prefix | None = Field(None, description="Only in sessions whose UIDs begin so.")
    until: Moment | None = Field(
        None, description="Only fires that come before this moment.", examples=["2031-05-17T08:00:00Z"]
    )


class SessionHookBody(ActionableHook):
    """A hook that raised, of any session."""

    session_uid: str = Field(examples=["respondent-17"])

    @classmethod
    def of_session(cls, parked_hook: ParkedHook, acts: dict[str, AllowedAct]) -> SessionHookBody:
        """The body for a hook, its session, and the acts on it."""
        return cls.of_answer(SessionHookAnswer.of_session(parked_hook), acts=acts)


class SessionHooksPage(AnswerBody):
    """Hooks that raised, the newest first. `POST /sessions/{session_uid}/hooks/{id}/call` calls one again."""

    hooks: list[SessionHookBody]
    next: int | None = Field(description="Pass it as `after` to get the next page; null on the last one.")


class SessionDelayedFireBody(ActionableDelayedFire):
    """A fire to come, of any session."""

    session_uid: str = Field(examples=["respondent-17"])

    @classmethod
    def of_session(
        cls, delayed_fire: SessionDelayedFire, acts: dict[str, AllowedAct], disclosure: Disclosure
    ) -> SessionDelayedFireBody:
        """The body for a fire to come, its session, and the acts on it."""
        return cls.of_answer(SessionDelayedFireAnswer.of_session(delayed_fire, disclosure), acts=acts)


class SessionDelayedFiresPage(AnswerBody):
    """Fires to come, the next first."""

    delayed_fires: list[SessionDelayedFireBody]
    next: str | None = Field(description="Pass it as `after` to get the next page; null on the last one.")


class AssetEventActsBody(AnswerBody):
    """What you may do with an asset event now."""

    retry: ActBody


class AssetEventBody(AnswerBody):
    """An asset event that could not be fired."""

    id: int = Field(description="Airflow's id of the event.")
    asset: str | None = Field(
        description="The asset's URI; null: Airflow no longer has the event.",
        examples=["x-triggers://questionnaire/firstPageReceived"],
    )
    session_uid: str | None = Field(description="The session that it names.", examples=["respondent-17"])
    created_at: datetime | None
    source: str | None = Field(description="The task that made it, or the user who created it by hand.")
    attempts: int = Field(description="How often it was tried.")
    error: str = Field(description="Why it could not be fired, the last time.")
    due: datetime | None = Field(description="When it is tried again; null: it is parked.")
    parked: bool
    acts: AssetEventActsBody

    @classmethod
    def of(
        cls, failed: FailedAssetEvent, acts: dict[str, AllowedAct], disclosure: Disclosure
    ) -> AssetEventBody:
        """The body for a failed event and the acts on it."""
        return cls.of_answer(AssetEventAnswer.of(failed, disclosure), acts=acts)


class AssetEventsPage(AnswerBody):
    """Asset events that could not be fired, the newest first."""

    asset_events: list[AssetEventBody]
    next: int | None = Field(description="Pass it as `after` to get the next page; null on the last one.")
