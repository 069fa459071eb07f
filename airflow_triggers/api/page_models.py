"""The models of answers that also say what the caller may do: a session, and an instance in full.

Neighbours: ``datamodels.py`` has the answers without acts, ``session_acts.py`` and ``instance_acts.py`` the acts.
"""

from __future__ import annotations

from pydantic import Field

from airflow_triggers.answers.instances import InstanceDetailAnswer
from airflow_triggers.api.answer_body import AnswerBody
from airflow_triggers.api.datamodels import ChainedInstanceBody, InstanceBody, RunBody, SessionDetail
from airflow_triggers.api.fields import Cursor, Id, ListLimit, TaskName
from airflow_triggers.api.instance_acts import AllowedAct
from airflow_triggers.api.instance_models import ActBody, InstanceActsBody
from airflow_triggers.api.requests import Request
from airflow_triggers.domain.acts import ActKind
from airflow_triggers.domain.instances import InstanceStatus
from airflow_triggers.sessions.describing import SessionDescription
from airflow_triggers.sessions.pages import InstanceDetail


class InstancesOfSessionQuery(Request):
    """Which instances of a session to list."""

    limit: ListLimit = Field(50, description="How many at most.")
    after: Cursor | None = Field(None, description="The cursor: `next` of the page before.")
    task: TaskName | None = Field(None, description="Only instances of this task.")
    status: list[InstanceStatus] = Field(
        [],
        max_length=len(InstanceStatus),
        description="Only instances with this status. Name it again for more.",
    )


class HooksQuery(Request):
    """Which hooks of a session to list."""

    limit: ListLimit = Field(50, description="How many at most.")
    after: Id | None = Field(None, description="The cursor: `next` of the page before.")


class SessionActsBody(AnswerBody):
    """What you may do with a session now."""

    fire: ActBody = Field(description="Fire at least one trigger into it.")
    delete: ActBody = Field(description="Delete it. By force only, as long as it is not resolved.")
    update: ActBody = Field(description="Change its rules, or move it to the deployed ones.")


class ActionableSession(SessionDetail):
    """A session at one moment, and what you may do with it."""

    acts: SessionActsBody

    @classmethod
    def with_acts(cls, description: SessionDescription, acts: dict[str, AllowedAct]) -> ActionableSession:
        """The body for a description and the acts on the session."""
        body = SessionDetail.of_description(description)
        acts_body = SessionActsBody.model_validate(acts)
        return cls.model_construct(**dict(body), acts=acts_body)


class InstanceDetailBody(InstanceBody):
    """An instance with its replay chain, and its run in Airflow."""

    chain: list[ChainedInstanceBody] = Field(
        description="The instance, those that it was cloned from, and all their clones; oldest first, 1,000 at most."
    )
    run: RunBody | None = Field(description="Its DAG run; null while it has none.")


class ActionableInstance(InstanceDetailBody):
    """An instance in full, and what you may do with it."""

    acts: InstanceActsBody

    @classmethod
    def with_acts(cls, detail: InstanceDetail, acts: dict[ActKind, AllowedAct]) -> ActionableInstance:
        """The body for a detail and the acts on the instance."""
        body = InstanceDetailBody.model_validate(InstanceDetailAnswer.of_detail(detail))
        return cls.model_construct(**dict(body), acts=InstanceActsBody.of(acts))
