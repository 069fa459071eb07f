"""The models of answers about instances over all sessions, and what the caller may do with each.

Neighbours: ``datamodels.py`` has the other answers, ``list_requests.py`` the requests.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from airflow_triggers.answers.instance_lists import InstanceSummaryAnswer, counts_answer
from airflow_triggers.api.answer_body import AnswerBody
from airflow_triggers.api.instance_acts import AllowedAct
from airflow_triggers.domain.acts import ActKind
from airflow_triggers.domain.instances import InstanceStatus
from airflow_triggers.sessions.instance_counts import InstanceCounts
from airflow_triggers.sessions.instances import InstanceSummary
from airflow_triggers.sessions.stuck import StuckCode


class ActBody(AnswerBody):
    """Whether you may do something now."""

    allowed: bool = Field(description="Whether the state and your rights allow it.")
    reason: str | None = Field(description="Why not, as a sentence; null if it is allowed.")


class InstanceActsBody(AnswerBody):
    """What you may do with an instance now."""

    replay: ActBody
    skip: ActBody
    set_status: ActBody
    set_metadata: ActBody
    resolve_logs: ActBody

    @classmethod
    def of(cls, acts: dict[ActKind, AllowedAct]) -> InstanceActsBody:
        """The body for the acts."""
        return cls.model_validate(
            {kind.value: ActBody(allowed=act.allowed, reason=act.reason) for kind, act in acts.items()}
        )


class StuckBody(AnswerBody):
    """Why an instance is stuck."""

    code: StuckCode = Field(description="A word for programs.", examples=["dag_paused"])
    text: str = Field(
        description="A sentence for people.",
        examples=["Its DAG 'questionnaire.t_importSubject' is paused. Unpause it in Airflow."],
    )


class InstanceSummaryBody(AnswerBody):
    """An instance in a list over all sessions. It has no kwargs, result or traceback: read the instance itself."""

    session_uid: str = Field(examples=["respondent-17"])
    configuration: str | None = Field(
        description="The name of its session's configuration; null for one made at run time.",
        examples=["questionnaire"],
    )
    name: str = Field(examples=["t_importSubject#0"])
    task: str = Field(examples=["t_importSubject"])
    number: int = Field(description="Counts the task's instances from 0, replays included.")
    status: InstanceStatus
    created_at: datetime
    changed_at: datetime = Field(description="When it came into its present status.")
    error_type: str | None = Field(
        description="The class of its exception; null when it has none.", examples=["builtins.ValueError"]
    )
    error_message: str | None = Field(
        description="The first line of its error, 250 characters at most.", examples=["no such age"]
    )
    replays: int = Field(
        description="How many instances it replaces, one after the other, by replay or copy."
    )
    parent: str | None = Field(description="The instance that it replaces; null for an original.")
    dag_id: str | None = Field(description="The DAG of its run; null while it has none.")
    dag_run_id: str | None
    can_replay: bool = Field(description="Whether its status allows a replay; `acts` knows your rights, too.")
    can_skip: bool = Field(description="Whether its status allows a skip.")
    stuck: StuckBody | None = Field(description="Why it is stuck; null when it is not.")
    acts: InstanceActsBody = Field(description="What you may do with it now.")

    @classmethod
    def of(cls, summary: InstanceSummary, acts: dict[ActKind, AllowedAct]) -> InstanceSummaryBody:
        """The body for an instance and the acts on it."""
        return cls.of_answer(InstanceSummaryAnswer.of(summary), acts=InstanceActsBody.of(acts))


class InstancesPage(AnswerBody):
    """Instances over all sessions, newest change first."""

    instances: list[InstanceSummaryBody]
    next: str | None = Field(
        description="Pass it as `after` to get the next page; null on the last one. A page may be short, or empty, and "
        "not be the last one: your filter matched few of the instances at which the page looked."
    )


class InstanceGroupBody(AnswerBody):
    """Some of the counted instances. The first four members are there if you group by them."""

    configuration: str | None = Field(None, description="The configuration's name; null for none.")
    task: str | None = Field(None, description="The trigger task.", examples=["t_importSubject"])
    error_type: str | None = Field(None, description="The class of the exception; null for none.")
    status: InstanceStatus | None = Field(None, description="The status.")
    count: int = Field(description="How many instances.")
    since: datetime = Field(description="When the first of them came into its status.")
    latest: datetime = Field(description="When the last of them did.")
    message: str | None = Field(
        description="The first line of the newest one's error; null when it has none.",
        examples=["no such age"],
    )
    replays: int = Field(description="The most replays in a row.")


class InstanceCountsBody(AnswerBody):
    """How many instances match."""

    groups: list[InstanceGroupBody] = Field(description="The largest groups first, 100 at most.")
    total: int = Field(description="Over all groups.")
    is_complete: bool = Field(
        description="False: there are more than 100,000 instances of one status; only its newest were counted."
    )

    @classmethod
    def of(cls, counts: InstanceCounts) -> InstanceCountsBody:
        """The body for counts. Members that are not grouped by are not set."""
        answer: dict[str, Any] = counts_answer(counts)
        return cls.model_validate(answer)
