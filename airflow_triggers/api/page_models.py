"""The models of answers that also say what the caller may do: a session, an instance in full, what is to come.

Neighbours: ``datamodels.py`` has the answers without acts; ``session_acts.py``, ``instance_acts.py`` and
``parked_acts.py`` have the acts.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from airflow_triggers.answers.fires import DelayedFireAnswer
from airflow_triggers.answers.hooks import HookAnswer
from airflow_triggers.answers.instances import InstanceDetailAnswer
from airflow_triggers.api.answer_body import AnswerBody
from airflow_triggers.api.datamodels import (
    ChainedInstanceBody,
    DelayedFireBody,
    HookBody,
    InstanceBody,
    RunBody,
    SessionDetail,
)
from airflow_triggers.api.fields import Cursor, Id, ListLimit, TaskName
from airflow_triggers.api.instance_acts import AllowedAct
from airflow_triggers.api.instance_models import ActBody, InstanceActsBody
from airflow_triggers.api.parked_acts import ParkedActs
from airflow_triggers.api.permissions import Permissions
from airflow_triggers.api.requests import Request
from airflow_triggers.api.session_acts import SessionActs
from airflow_triggers.domain.acts import ActKind
from airflow_triggers.domain.fires import DelayedFire
from airflow_triggers.domain.hooks import PromisedHook
from airflow_triggers.domain.instances import InstanceStatus
from airflow_triggers.sessions.describing import SessionDescription
from airflow_triggers.sessions.pages import InstanceDetail


class SessionQuery(Request):
    """How much of a session to read."""

    limit: Annotated[int, Field(ge=1, le=100)] = Field(
        25,
        description="How many instances, fires, fires to come and hooks at most. `latest_triggers` has a bound of its "
        "own.",
    )


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


class DelayedFireActsBody(AnswerBody):
    """What you may do with a fire to come now."""

    cancel: ActBody
    retry: ActBody = Field(description="Have it tried again at once, after it failed.")


class ActionableDelayedFire(DelayedFireBody):
    """A fire to come, and what you may do with it."""

    acts: DelayedFireActsBody

    @classmethod
    def with_acts(cls, fire: DelayedFire, acts: dict[str, AllowedAct]) -> ActionableDelayedFire:
        """The body for a fire to come and the acts on it."""
        return cls.of_answer(DelayedFireAnswer.of(fire), acts=acts)


class DelayedFiresPage(AnswerBody):
    """Fires still to come, the next first."""

    delayed_fires: list[ActionableDelayedFire]
    next: str | None = Field(description="Pass it as `after` to get the next page; null on the last one.")


class HookActsBody(AnswerBody):
    """What you may do with a hook now."""

    call: ActBody


class ActionableHook(HookBody):
    """A hook that has not ended, and what you may do with it."""

    acts: HookActsBody

    @classmethod
    def with_acts(cls, hook: PromisedHook, acts: dict[str, AllowedAct]) -> ActionableHook:
        """The body for a hook and the acts on it."""
        return cls.of_answer(HookAnswer.of(hook), acts=acts)


class HooksPage(AnswerBody):
    """Hooks that have not ended yet, the oldest first."""

    hooks: list[ActionableHook]
    next: int | None = Field(description="Pass it as `after` to get the next page; null on the last one.")


class SessionActsBody(AnswerBody):
    """What you may do with a session now."""

    fire: ActBody = Field(description="Fire at least one trigger into it.")
    delete: ActBody = Field(description="Delete it. By force only, as long as it is not resolved.")
    update: ActBody = Field(description="Change its rules, or move it to the deployed ones.")


class ActionableSession(SessionDetail):
    """A session at one moment, and what you may do with it."""

    delayed_fires: list[ActionableDelayedFire] = Field(  # type: ignore[assignment]
        description="Fires that are still to come, the next first. As many at most as instances."
    )
    hooks: list[ActionableHook] = Field(  # type: ignore[assignment]
        description="Hooks that have not ended yet, the oldest first. As many at most as instances. Parked ones need "
        "somebody."
    )
    acts: SessionActsBody

    @classmethod
    def with_acts(cls, description: SessionDescription, permissions: Permissions) -> ActionableSession:
        """The body for a description and what this user may do."""
        configuration, parked_acts = description.tasks, ParkedActs(permissions)
        of_hook = parked_acts.of_hook(configuration)
        members = {
            "delayed_fires": [
                ActionableDelayedFire.with_acts(fire, parked_acts.of_delayed_fire(configuration, fire))
                for fire in description.delayed_fires
            ],
            "hooks": [ActionableHook.with_acts(hook, of_hook) for hook in description.hooks],
            "acts": SessionActsBody.model_validate(SessionActs(permissions).of(configuration)),
        }
        return cls.model_construct(**{**dict(SessionDetail.of_description(description)), **members})


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
