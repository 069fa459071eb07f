"""What answers about bulk acts look like.

Neighbours: ``bulk_requests.py`` has the requests, ``answers/bulk_acts.py`` the values.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from airflow_triggers.answers.bulk_acts import BulkActAnswer, BulkPreviewAnswer, OutcomeAnswer
from airflow_triggers.api.answer_body import AnswerBody
from airflow_triggers.api.instance_acts import AllowedAct
from airflow_triggers.api.instance_models import ActBody
from airflow_triggers.domain.acts import ActKind
from airflow_triggers.domain.bulk import BulkAct, BulkItem, BulkOutcome, BulkState
from airflow_triggers.sessions.bulk_making import BulkPreview


class BulkActActsBody(AnswerBody):
    """What you may do with a bulk act now."""

    cancel: ActBody = Field(description="Stop what was not done yet.")


class BulkActBody(AnswerBody):
    """A bulk act: one act on many instances; and what you may do with it."""

    id: int
    act: str = Field(description=f"One of {', '.join(ActKind)}.", examples=["replay"])
    arguments: dict[str, Any]
    filter: dict[str, Any] | None = Field(
        description="The filter for its instances; null: they were listed.",
        examples=[{"status": ["failed"], "configuration": "questionnaire"}],
    )
    state: BulkState = Field(
        description="`pending`: no controller has begun it. `cancelled`: somebody stopped it; finished items stay."
    )
    total: int = Field(description="How many instances it has.")
    pending: int = Field(description="How many of them have no outcome yet.")
    counts: dict[str, int] = Field(
        description="How many have each outcome.", examples=[{"done": 17, "unchanged": 1}]
    )
    rate: float = Field(description="How many a second, at most.")
    by: str | None = Field(description="Who made it.")
    created: datetime
    ended: datetime | None
    cancelled_by: str | None
    acts: BulkActActsBody

    @classmethod
    def with_acts(cls, bulk_act: BulkAct, acts: dict[str, AllowedAct]) -> BulkActBody:
        """The body for a bulk act and the acts on it."""
        return cls.of_answer(BulkActAnswer.of(bulk_act), acts=acts)


class BulkActsList(AnswerBody):
    """Bulk acts, the newest first."""

    bulk_acts: list[BulkActBody]
    next: int | None = Field(description="Pass it as `after` to get the next page; null on the last one.")


class OutcomeBody(AnswerBody):
    """An instance of a bulk act, and what became of it."""

    session_uid: str = Field(examples=["respondent-17"])
    name: str = Field(examples=["t_importSubject#0"])
    outcome: BulkOutcome | None = Field(
        description="`unchanged`: there was nothing to do. `left_out`: it comes under other DAGs now, for which nobody "
        "checked the rights. Null: nothing has become of it yet."
    )
    reason: str | None = Field(
        description="Why it was not done; or the last failure, while it is tried again."
    )
    replay: str | None = Field(
        description="The new instance, after a replay.", examples=["t_importSubject#1"]
    )
    attempts: int = Field(description="How often it failed. After ten times it is refused.")
    ended: datetime | None

    @classmethod
    def of(cls, item: BulkItem) -> OutcomeBody:
        """The body for an item."""
        return cls.model_validate(OutcomeAnswer.of(item))


class OutcomesList(AnswerBody):
    """Instances of a bulk act with their outcomes, in the order in which they are done."""

    outcomes: list[OutcomeBody]
    next: int | None = Field(description="Pass it as `after` to get the next page; null on the last one.")


class SampleBody(AnswerBody):
    """An instance, and what the bulk act would do to it."""

    session_uid: str = Field(examples=["respondent-17"])
    name: str = Field(examples=["t_importSubject#0"])
    outcome: BulkOutcome = Field(description="`done`: it would be done.")
    reason: str | None


class BulkPreviewBody(AnswerBody):
    """What a bulk act would do. Nothing was written."""

    total: int = Field(description="How many instances it covers.")
    allowed: int = Field(description="How many it would act on.")
    unchanged: int = Field(description="How many of the list it would leave as they are.")
    refused: int = Field(description="How many you may not act on, or do not exist.")
    sample: list[SampleBody] = Field(description="Some of the instances.")

    @classmethod
    def of(cls, preview: BulkPreview) -> BulkPreviewBody:
        """The body for a preview."""
        return cls.model_validate(BulkPreviewAnswer.of(preview))
