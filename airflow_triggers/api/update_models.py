"""The models of an update of a session's rules: its request and its answer.

Neighbours: ``routes/updates.py`` reads the first and makes the second; ``sessions/updates.py`` updates.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field

from airflow_triggers.answers.updates import UpdateAnswer
from airflow_triggers.api.answer_body import AnswerBody
from airflow_triggers.api.requests import JsonObject, Request
from airflow_triggers.domain.reconcile import Preview


class UpdateConfiguration(Request):
    """Tasks to add to a session's rules, or to replace by name. The others stay."""

    tasks: dict[str, JsonObject] = Field(
        min_length=1,
        description="Task name → directives, as in a configuration file.",
        examples=[
            {"t_importSubject": {"after": ["firstPageReceived"], "run": "questionnaire.t_importSubject"}}
        ],
    )
    history: Literal["ignore", "apply"] = Field(
        "ignore",
        description="`apply`: the fires of the past count for these tasks, as if their rules had been there from the "
        "start. What has run is not run again.",
    )
    preview: bool = Field(False, strict=True, description="Only say what would happen. Nothing is written.")


class UpdateBody(AnswerBody):
    """What an update did, or would do, to the session's instances, by name."""

    preview: bool = Field(description="True: nothing was written.")
    version: str = Field(description="The hash of the session's rules afterwards.")
    tasks: list[str] = Field(
        description="All tasks of the session afterwards.", examples=[["t_importSubject"]]
    )
    created: list[str] = Field(description="New instances.", examples=[["t_importSubject#0"]])
    scheduled: list[str] = Field(description="Instances that start, new ones included.")
    changed: list[str] = Field(description="Waiting instances that took fires of the past, and still wait.")
    abandoned: list[str] = Field(description="Waiting instances that never run.")

    @classmethod
    def of(cls, effect: Preview, *, preview: bool) -> Self:
        """The body for the effect of an update."""
        return cls.model_validate(UpdateAnswer.of(effect, preview=preview))
