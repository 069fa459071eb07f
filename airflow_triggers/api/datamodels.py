"""What answers look like.

Neighbours: ``requests.py`` has the requests. ``routes/`` make these by their ``of`` methods, from what ``sessions/``
returns.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from airflow_triggers.api.requests import KWARGS_EXAMPLE, TRIGGER_KWARGS_EXAMPLE
from airflow_triggers.configuration import explain_task
from airflow_triggers.domain.fires import DelayedFire, Fire, FireResult
from airflow_triggers.domain.hooks import Hook, PromisedHook
from airflow_triggers.domain.instances import InstanceStatus
from airflow_triggers.domain.names import dag_ids_of
from airflow_triggers.sessions.describing import InstanceView, SessionDescription, SessionSummary


class ErrorBody(BaseModel):
    """Every error's body."""

    reason: str = Field(description="A word for programs.", examples=["SessionNotFound"])
    detail: str = Field(
        description="A sentence for people.", examples=["There is no session 'respondent-17'."]
    )
    errors: list[dict[str, str]] | None = Field(
        None, description="Of a body that is not valid: each problem."
    )


class SessionBody(BaseModel):
    """A session in a list."""

    uid: str = Field(examples=["respondent-17"])
    manager: str = Field(description="The trigger manager that the session remembers.", examples=["default"])
    storage: str = Field(description="The storage backend that keeps the session.", examples=["sql"])
    configuration: str | None = Field(
        description="The deployed configuration's name; null for one made at run time.",
        examples=["questionnaire"],
    )
    created: datetime
    last_modified: datetime

    @classmethod
    def of(cls, summary: SessionSummary) -> SessionBody:
        """The body for a summary."""
        return cls(
            uid=summary.uid,
            manager=summary.manager,
            storage=summary.storage,
            configuration=summary.configuration,
            created=summary.created,
            last_modified=summary.last_modified,
        )


class SessionsPage(BaseModel):
    """Sessions, ordered by UID."""

    sessions: list[SessionBody]
    next: str | None = Field(description="Pass it as `after` to get the next page; null on the last one.")


class TaskBody(BaseModel):
    """A trigger task of a session: its directives, custom ones included, and what they mean."""

    model_config = ConfigDict(extra="allow")

    after: list[str] = Field(
        description="Triggers that must all have fired.", examples=[["firstPageReceived"]]
    )
    run: str | dict[str, Any] = Field(description="A DAG id, a callable, or an operator with its arguments.")
    sentence: str = Field(description="The task's rule as a sentence.")
    dag_id: str | None = Field(
        description="The DAG that it runs; null when another runner than Airflow's runs it.",
        examples=["questionnaire.t_importSubject"],
    )


class InstanceBody(BaseModel):
    """One execution of a trigger task."""

    name: str = Field(examples=["t_importSubject#0"])
    task: str = Field(examples=["t_importSubject"])
    number: int = Field(description="Counts the task's instances from 0, replays included.")
    status: InstanceStatus
    kwargs: dict[str, dict[str, Any]] = Field(
        description="The kwargs of each trigger that it took.", examples=[TRIGGER_KWARGS_EXAMPLE]
    )
    missing: list[str] = Field(description="The triggers that it still waits for.")
    metadata: dict[str, Any] = Field(
        description="`result`, `exceptionType`, `exceptionInfo`, `timestamps`, …"
    )
    dag_id: str | None = Field(description="The DAG of its run; null while it has none.")
    dag_run_id: str | None
    can_replay: bool
    can_skip: bool
    is_resolved: bool = Field(description="Whether nothing more is to be done.")

    @classmethod
    def of(cls, view: InstanceView) -> InstanceBody:
        """The body for an instance and its run."""
        instance = view.instance
        waits = instance.status is InstanceStatus.UNSTARTED
        return cls(
            name=instance.name,
            task=instance.task.name,
            number=instance.number,
            status=instance.status,
            kwargs=_plain(instance.kwargs),
            missing=sorted(instance.missing) if waits else [],
            metadata=dict(instance.metadata),
            dag_id=view.dag_id,
            dag_run_id=view.run_id,
            can_replay=instance.can_replay,
            can_skip=instance.can_skip,
            is_resolved=instance.is_resolved,
        )


class Effect(BaseModel):
    """What a fire did, by instance name."""

    fire_id: int
    trigger: str = Field(examples=["firstPageReceived"])
    touched: list[str] = Field(
        description="Instances that took the trigger.", examples=[["t_importSubject#0"]]
    )
    created: list[str] = Field(description="Those of them that it created.")
    scheduled: list[str] = Field(description="Those that now run.")
    abandoned: list[str] = Field(description="Those that will never run, because of their `unless`.")


class FireResultBody(Effect):
    """What a fire did, by instance name."""

    fire_id: int | None = Field(  # type: ignore[assignment]  # of a fire that was made there is one
        description="Identifies the fire for the life of the session. Null: it takes effect later, or was cancelled."
    )
    delayed_fire_id: int | None = Field(
        description="Identifies a fire for later, until it takes effect: `GET` and `DELETE …/delayed-fires`."
    )
    repeated: bool = Field(
        description="True: the idempotency key was met before, this is the first answer again."
    )
    deferred: bool = Field(description="True: it takes effect at `fire_at`.")
    cancelled: bool = Field(
        description="True: the idempotency key is that of a fire for later that was cancelled. It does not come back."
    )
    fire_at: datetime | None = Field(description="When it takes effect, if later.")

    @classmethod
    def of(cls, result: FireResult) -> FireResultBody:
        """The body for a fire's result."""
        return cls(
            **effect_of(result),
            delayed_fire_id=result.delayed_fire_id,
            repeated=result.repeated,
            deferred=result.deferred,
            cancelled=result.cancelled,
            fire_at=result.fire_at,
        )


class BatchedResult(FireResultBody):
    """A fire of a batch that was fired, or had been before."""

    index: int = Field(description="Its place in the batch, from 0.")
    status: int = Field(description="Always 200.", examples=[200])


class BatchedError(ErrorBody):
    """A fire of a batch that was not fired."""

    index: int = Field(description="Its place in the batch, from 0.")
    status: int = Field(description="What the fire alone would have been answered with.", examples=[404])


class BatchResults(BaseModel):
    """One result for each fire, in the order in which they were sent."""

    results: list[BatchedResult | BatchedError]


class FireBody(Effect):
    """A fire as the session's history keeps it."""

    kwargs: dict[str, Any] = Field(examples=[KWARGS_EXAMPLE])
    fired_at: datetime
    fired_by: str | None = Field(description="A user, or the instance whose end fired its task's name.")
    idempotency_key: str | None

    @classmethod
    def of(cls, fire: Fire) -> FireBody:
        """The body for a fire."""
        return cls(
            **effect_of(fire),
            kwargs=dict(fire.kwargs),
            fired_at=fire.fired_at,
            fired_by=fire.fired_by,
            idempotency_key=fire.idempotency_key,
        )


class DelayedFireBody(BaseModel):
    """A fire that is still to come, or was cancelled."""

    id: int = Field(description="Identifies it until it takes effect: `DELETE …/delayed-fires/{id}`.")
    trigger: str = Field(examples=["reminderDue"])
    kwargs: dict[str, Any] = Field(examples=[KWARGS_EXAMPLE])
    fire_at: datetime
    fired_by: str | None
    idempotency_key: str | None
    attempts: int = Field(description="How often it could not be fired when it was due.")
    error: str | None = Field(description="Why not, the last time.")
    parked: bool = Field(description="True: that was too often, and it is not tried again by itself.")
    cancelled_at: datetime | None = Field(description="When it was cancelled; null: it is still to come.")
    cancelled_by: str | None = Field(description="Who cancelled it.")

    @classmethod
    def of(cls, fire: DelayedFire) -> DelayedFireBody:
        """The body for a delayed fire."""
        return cls(
            id=fire.delayed_id,
            trigger=fire.trigger_name,
            kwargs=dict(fire.kwargs),
            fire_at=fire.fire_at,
            fired_by=fire.fired_by,
            idempotency_key=fire.idempotency_key,
            attempts=fire.attempts,
            error=fire.error,
            parked=fire.parked,
            cancelled_at=fire.cancelled_at,
            cancelled_by=fire.cancelled_by,
        )


class DelayedFiresPage(BaseModel):
    """Fires that are still to come, the next first."""

    delayed_fires: list[DelayedFireBody]
    next: str | None = Field(description="Pass it as `after` to get the next page; null on the last one.")


class HookBody(BaseModel):
    """A hook of the session's manager that was promised by a commit and has not ended."""

    id: int = Field(description="Identifies it in the session: `POST …/hooks/{id}/call`.")
    hook: str = Field(examples=[Hook.POST_FIRE.value])
    arguments: dict[str, Any] = Field(examples=[{"trigger_name": "firstPageReceived", "scheduled": []}])
    attempts: int = Field(description="How often it raised.")
    due: datetime | None = Field(description="When the controller calls it; null where no controller does.")
    error: str | None = Field(description="The traceback of the last time.")
    parked: bool = Field(description="True: it raised too often, and nobody calls it again by itself.")

    @classmethod
    def of(cls, hook: PromisedHook) -> HookBody:
        """The body for a hook."""
        return cls(
            id=hook.token,
            hook=hook.hook,
            arguments=dict(hook.arguments),
            attempts=hook.attempts,
            due=None if hook.parked else hook.due,
            error=hook.error,
            parked=hook.parked,
        )


class FiresPage(BaseModel):
    """Fires, newest first."""

    fires: list[FireBody]
    next: int | None = Field(description="Pass it as `before` to get the next page; null on the last one.")


class SessionDetail(SessionBody):
    """A session whole, as it was at one moment."""

    metadata: dict[str, Any]
    tasks: dict[str, TaskBody]
    instances: list[InstanceBody]
    latest_triggers: dict[str, dict[str, Any]] = Field(
        description="The kwargs of each trigger's latest fire.", examples=[TRIGGER_KWARGS_EXAMPLE]
    )
    fires: list[FireBody] = Field(description="The newest fires, newest first; `GET …/fires` has them all.")
    delayed_fires: list[DelayedFireBody] = Field(
        description="Fires that are still to come, the next first; `GET …/delayed-fires` has them all."
    )
    hooks: list[HookBody] = Field(description="Hooks that have not ended yet; parked ones need somebody.")

    @classmethod
    def of_description(cls, description: SessionDescription) -> SessionDetail:
        """The body for a description."""
        return cls(
            **SessionBody.of(description.summary).model_dump(),
            metadata=dict(description.metadata),
            tasks=_tasks(description),
            instances=[InstanceBody.of(view) for view in description.instances],
            latest_triggers=_plain(description.latest_kwargs),
            fires=[FireBody.of(fire) for fire in description.fires],
            delayed_fires=[DelayedFireBody.of(fire) for fire in description.delayed_fires],
            hooks=[HookBody.of(hook) for hook in description.hooks],
        )


def _tasks(description: SessionDescription) -> dict[str, TaskBody]:
    dag_ids = dag_ids_of(description.tasks)
    return {
        task.name: TaskBody.model_validate(
            {**task.to_directives(), "sentence": explain_task(task), "dag_id": dag_ids.get(task.name)}
        )
        for task in description.tasks
    }


def effect_of(fire: Fire | FireResult) -> dict[str, Any]:
    """What a fire did, as the fields of :class:`Effect`."""
    return {
        "fire_id": fire.fire_id,
        "trigger": fire.trigger_name,
        "touched": list(fire.touched),
        "created": list(fire.created),
        "scheduled": list(fire.scheduled),
        "abandoned": list(fire.abandoned),
    }


def _plain(kwargs: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    return {trigger: dict(values) for trigger, values in kwargs.items()}
