"""The models of answers about the past: a session's history, and why an instance has not run.

Neighbours: ``datamodels.py`` has the other answers, ``requests.py`` the requests; ``routes/history.py`` makes these.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from airflow_triggers.answers.history import ExplanationAnswer, HistoryPageAnswer, VainFireAnswer
from airflow_triggers.answers.hooks import HookCallAnswer
from airflow_triggers.api.answer_body import AnswerBody
from airflow_triggers.api.datamodels import FireBody, HookBody
from airflow_triggers.api.requests import KWARGS_EXAMPLE
from airflow_triggers.domain.hooks import PromisedHook
from airflow_triggers.domain.instances import InstanceStatus
from airflow_triggers.history.pages import HistoryPage
from airflow_triggers.history.reasons import Explanation
from airflow_triggers.history.unheard import VainFire


class FireEntryBody(FireBody):
    """A fire in a session's history."""

    kind: Literal["fire"] = "fire"
    at: datetime
    by: str | None
    text: str = Field(description="What happened, as a sentence.")


class EventEntryBody(AnswerBody):
    """Something else in a session's history: a change of status, a repair, a hook that raised, …"""

    kind: str = Field(examples=["progress", "replay", "skip", "status", "metadata", "hook_parked"])
    event_id: int
    at: datetime
    by: str | None = Field(description="A user, or the component that caused it; null if it is not known.")
    instance: str | None = Field(description="The instance that it is about.", examples=["t_importSubject#0"])
    details: dict[str, Any] = Field(
        description="What else is known; the keys depend on the kind.",
        examples=[{"event": "finish", "from": "running", "to": "finished", "cause": "its DAG run succeeded"}],
    )
    text: str = Field(description="What happened, as a sentence.")


class HistoryPageBody(AnswerBody):
    """A session's history, newest first."""

    entries: list[FireEntryBody | EventEntryBody]
    next: str | None = Field(description="Pass it as `before` to get the next page; null on the last one.")

    @classmethod
    def of(cls, page: HistoryPage) -> HistoryPageBody:
        """The body for a page."""
        return cls.model_validate(HistoryPageAnswer.of(page))


class ReasonBody(AnswerBody):
    """What stands in the way, or what settled it."""

    code: str = Field(
        description="A word for programs.", examples=["missing_trigger", "dag_paused", "pool_full"]
    )
    text: str = Field(description="A sentence for people.")


class ArrivalBody(AnswerBody):
    """A fire, in short."""

    fire_id: int
    trigger: str
    at: datetime
    by: str | None


class ExpectedFireBody(AnswerBody):
    """A fire still to come."""

    at: datetime
    error: str | None = Field(description="Why it could not be fired when it was due.")


class RequirementBody(AnswerBody):
    """A trigger: the instance needs it, or it abandons the instance."""

    trigger: str = Field(examples=["firstPageReceived"])
    directive: Literal["after", "andEvery", "unless"]
    arrived: bool = Field(description="Whether the instance has taken it.")
    fire: ArrivalBody | None = Field(
        description="The fire that brought it. If it has not arrived: its latest fire, which the instance did not take."
    )
    note: str | None = Field(description="More about it, as a sentence.")
    expected: list[ExpectedFireBody] = Field(description="Fires for later that will bring it.")
    similar: list[ArrivalBody] = Field(
        description="Fires of triggers that no task uses and whose names resemble this one: it may have been meant."
    )


class ExplanationBody(AnswerBody):
    """Why an instance has not run, or what became of it."""

    name: str = Field(examples=["t_importSubject#0"])
    task: str = Field(examples=["t_importSubject"])
    status: InstanceStatus | None = Field(description="Null where the task has no instance yet.")
    rule: str = Field(description="The task's rule as a sentence.")
    answer: str = Field(
        description="The answer in one sentence.",
        examples=["t_importSubject#0 waits for questionnaireComplete."],
    )
    reasons: list[ReasonBody] = Field(
        description="All that stands in the way: missing triggers, or what the DAG run waits for in Airflow; or what "
        "settled it."
    )
    requirements: list[RequirementBody]
    dag_id: str | None = Field(description="The DAG of its run; null where it never had one.")
    dag_run_id: str | None

    @classmethod
    def of(cls, explanation: Explanation) -> ExplanationBody:
        """The body for an explanation."""
        return cls.model_validate(ExplanationAnswer.of(explanation))


class VainFireBody(AnswerBody):
    """A fire without effect."""

    session_uid: str = Field(examples=["respondent-17"])
    fire_id: int
    trigger: str = Field(examples=["firstPageRecieved"])
    kwargs: dict[str, Any] = Field(examples=[KWARGS_EXAMPLE])
    fired_at: datetime
    fired_by: str | None
    used_by: list[str] = Field(
        description="Tasks of the session that use the trigger, and took it before; empty: no task uses it."
    )
    similar: list[str] = Field(
        description="Triggers that the session's tasks use and that may have been meant.",
        examples=[["firstPageReceived"]],
    )

    @classmethod
    def of(cls, vain: VainFire) -> VainFireBody:
        """The body for a fire without effect."""
        return cls.model_validate(VainFireAnswer.of(vain))


class VainFiresPage(AnswerBody):
    """Fires without effect, newest first."""

    fires: list[VainFireBody]
    next: int | None = Field(description="Pass it as `before` to get the next page; null on the last one.")


class HookCallBody(AnswerBody):
    """The result of calling a hook again."""

    ended: bool = Field(description="True: it ended, and is done with.")
    error: str | None = Field(description="The traceback of what it raised; it stays where it was.")
    hook: HookBody | None = Field(description="The hook as it is now; null when it ended.")

    @classmethod
    def of(cls, error: str | None, hook: PromisedHook | None) -> HookCallBody:
        """The body for a call.

        :param error: the traceback when the hook raised; None when it ended.
        :param hook: the hook as it is now; None when it ended.
        """
        return cls.model_validate(HookCallAnswer.of(error, hook))
