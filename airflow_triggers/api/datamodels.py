"""What answers look like.

Neighbours: ``requests.py`` has the requests. ``routes/`` make these with their ``of`` methods, from the values that
``sessions/`` returns.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from airflow_triggers.answers.fires import DelayedFireAnswer, FireAnswer, FireResultAnswer
from airflow_triggers.answers.hooks import HookAnswer
from airflow_triggers.answers.instances import InstanceAnswer
from airflow_triggers.answers.sessions import SessionAnswer, SessionDetailAnswer
from airflow_triggers.api.answer_body import AnswerBody
from airflow_triggers.api.requests import KWARGS_EXAMPLE, TRIGGER_KWARGS_EXAMPLE
from airflow_triggers.domain.fires import DelayedFire, Fire, FireResult
from airflow_triggers.domain.hooks import Hook, PromisedHook
from airflow_triggers.domain.instances import InstanceStatus
from airflow_triggers.sessions.describing import InstanceView, SessionDescription, SessionSummary


class InvalidPlace(BaseModel):
    """An invalid part of a request."""

    location: str = Field(alias="in", description="`body`, `query`, `path` or `header`.", examples=["body"])
    field: str = Field(description="The names on the way to it.", examples=["trigger"])
    problem: str = Field(description="What was expected.", examples=["this is required"])
    found: str = Field(description="What was found, shortened.", examples=["nothing"])
    pointer: str | None = Field(
        None, description="Of a body: a JSON pointer to the part.", examples=["#/trigger"]
    )


class ErrorBody(BaseModel):
    """Every error's body: problem details (RFC 9457)."""

    type: str = Field(
        description="A URI reference for the type of problem. It leads to the list of types.",
        examples=["/triggers/api/v1/problems#SessionNotFound"],
    )
    title: str = Field(description="The type in a few words.", examples=["Session not found"])
    status: int = Field(description="The HTTP status.", examples=[404])
    detail: str = Field(
        description="A sentence for people.", examples=["There is no session 'respondent-17'."]
    )
    instance: str = Field(
        description="The path of the request. Of a fire of a batch, with a pointer to the fire.",
        examples=["/triggers/api/v1/sessions/respondent-17"],
    )
    reason: str = Field(description="A word for programs.", examples=["SessionNotFound"])
    errors: list[InvalidPlace] | None = Field(
        None, description="Of a body or a query that is not valid: each place."
    )


class ConfigurationVersionBody(AnswerBody):
    """The version of a session's rules."""

    hash: str = Field(description="A SHA-256 of the rules; equal rules have an equal one.")
    deployed_at: datetime | None = Field(
        description="When these rules were deployed; null: they were made at run time, or it is not known."
    )
    is_deployed: bool = Field(
        description="Whether these rules are deployed now. If not: `POST /configurations/{name}/migrate`."
    )


class DeletedSession(BaseModel):
    """A deleted session."""

    uid: str = Field(examples=["respondent-17"])
    deleted: bool = True


class SessionBody(AnswerBody):
    """A session in a list."""

    uid: str = Field(examples=["respondent-17"])
    manager: str = Field(description="The trigger manager that the session remembers.", examples=["default"])
    storage: str = Field(description="The storage backend that keeps the session.", examples=["sql"])
    configuration: str | None = Field(
        description="The deployed configuration's name; null for one made at run time.",
        examples=["questionnaire"],
    )
    version: ConfigurationVersionBody | None = Field(
        description="The version of its configuration; null: it has none."
    )
    created: datetime
    last_modified: datetime
    counts: dict[InstanceStatus, int] | None = Field(
        description="How many instances it has in each status; null for a session in another storage than Airflow's "
        "database.",
        examples=[{"finished": 2, "failed": 1}],
    )

    @classmethod
    def of(cls, summary: SessionSummary) -> SessionBody:
        """The body for a summary."""
        return cls.model_validate(SessionAnswer.of(summary))


class SessionsPage(AnswerBody):
    """Sessions, in the order asked for."""

    sessions: list[SessionBody]
    next: str | None = Field(
        description="Pass it as `after` to get the next page; null on the last one. A page may be short, or empty, and "
        "not be the last one: your filter matched few of the sessions at which the page looked."
    )
    total: int | None = Field(
        description="On the first page, how many sessions match; null if they are more than 1,000, or not cheap to "
        "count."
    )


class TaskBody(AnswerBody):
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


class InstanceBody(AnswerBody):
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
    is_resolved: bool = Field(
        description="True: nothing is left to do. It is finished, skipped, replayed or abandoned."
    )

    @classmethod
    def of(cls, view: InstanceView) -> InstanceBody:
        """The body for an instance and its run."""
        return cls.model_validate(InstanceAnswer.of(view))


class Effect(AnswerBody):
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

    # A fire that was made has an id; the result of a fire for later has none. So the type is wider than the base's.
    fire_id: int | None = Field(  # type: ignore[assignment]
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
        return cls.model_validate(FireResultAnswer.of(result))


class BatchedResult(FireResultBody):
    """A fire of a batch: fired now, or before."""

    index: int = Field(description="Its place in the batch, from 0.")
    status: int = Field(description="Always 200.", examples=[200])


class BatchedError(ErrorBody):
    """A fire of a batch: not fired, and why."""

    index: int = Field(description="Its place in the batch, from 0.")
    status: int = Field(
        description="The HTTP status of the answer if the fire were sent alone.", examples=[404]
    )


class BatchResults(BaseModel):
    """One result for each fire, in the order sent."""

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
        return cls.model_validate(FireAnswer.of(fire))


class DelayedFireBody(AnswerBody):
    """A delayed fire: still to come, or cancelled."""

    id: int = Field(description="Identifies it until it takes effect: `DELETE …/delayed-fires/{id}`.")
    trigger: str = Field(examples=["reminderDue"])
    kwargs: dict[str, Any] = Field(examples=[KWARGS_EXAMPLE])
    fire_at: datetime
    fired_by: str | None
    idempotency_key: str | None
    attempts: int = Field(description="How often it could not be fired when it was due.")
    error: str | None = Field(description="Why not, the last time.")
    parked: bool = Field(description="True: it failed too often. The controller does not try it again.")
    cancelled_at: datetime | None = Field(description="When it was cancelled; null: it is still to come.")
    cancelled_by: str | None = Field(description="Who cancelled it.")

    @classmethod
    def of(cls, fire: DelayedFire) -> DelayedFireBody:
        """The body for a delayed fire."""
        return cls.model_validate(DelayedFireAnswer.of(fire))


class HookBody(AnswerBody):
    """A hook of the session's manager: promised by a commit, and not ended yet."""

    id: int = Field(description="Identifies it in the session: `POST …/hooks/{id}/call`.")
    hook: str = Field(examples=[Hook.POST_FIRE.value])
    arguments: dict[str, Any] = Field(examples=[{"trigger_name": "firstPageReceived", "scheduled": []}])
    attempts: int = Field(description="How often it raised.")
    due: datetime | None = Field(description="When the controller calls it; null where no controller does.")
    error: str | None = Field(description="The traceback of the last time.")
    parked: bool = Field(description="True: it raised too often. The controller does not call it again.")

    @classmethod
    def of(cls, hook: PromisedHook) -> HookBody:
        """The body for a hook."""
        return cls.model_validate(HookAnswer.of(hook))


class FiresPage(AnswerBody):
    """Fires, newest first."""

    fires: list[FireBody]
    next: int | None = Field(description="Pass it as `before` to get the next page; null on the last one.")


class InstancesOfSessionPage(AnswerBody):
    """Instances of a session, newest first."""

    instances: list[InstanceBody]
    next: str | None = Field(description="Pass it as `after` to get the next page; null on the last one.")


class ChainedInstanceBody(AnswerBody):
    """An instance of a replay chain, in short."""

    name: str = Field(examples=["t_importSubject#0"])
    status: InstanceStatus
    created: datetime | None
    parent: str | None = Field(description="The instance that it was cloned from; null for an original.")
    error_type: str | None = Field(examples=["builtins.ValueError"])
    error_message: str | None = Field(description="The first line of its error.", examples=["no such age"])


class RunBody(AnswerBody):
    """A DAG run in Airflow."""

    dag_id: str
    dag_run_id: str
    state: str | None = Field(
        description="`queued`, `running`, `success` or `failed`; null: it is gone.", examples=["success"]
    )
    queued_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None


def _next_field(route: str) -> Any:
    return Field(description=f"There is more: pass it to `GET …/{route}`. Null: they are all here.")


class SessionDetail(SessionBody):
    """A session at one moment: what it has, and the newest of each list."""

    metadata: dict[str, Any]
    tasks: dict[str, TaskBody]
    removed_tasks: list[str] = Field(
        description="Tasks that a migration removed from the rules. The session has instances of them.",
        examples=[[]],
    )
    task_counts: dict[str, dict[str, int]] = Field(
        description="How many instances each task has, by status. Tasks without any are left out.",
        examples=[{"t_importSubject": {"finished": 2, "failed": 1}}],
    )
    instances_total: int = Field(description="How many instances there are in all.")
    instances: list[InstanceBody] = Field(
        description="The newest instances, 25 at most or as many as `limit` of GET says, ordered by task and number."
    )
    instances_next: str | None = _next_field("instances?after=")
    latest_triggers: dict[str, dict[str, Any]] = Field(
        description="The kwargs of each trigger's latest fire, of 100 triggers at most. Those that the tasks name come "
        "first.",
        examples=[TRIGGER_KWARGS_EXAMPLE],
    )
    latest_triggers_complete: bool = Field(
        description="Whether they are all here. `GET …/fires?trigger=` has those of any trigger."
    )
    fires: list[FireBody] = Field(description="The newest fires, newest first. As many at most as instances.")
    fires_next: int | None = _next_field("fires?before=")
    delayed_fires: list[DelayedFireBody] = Field(
        description="Fires that are still to come, the next first. As many at most as instances."
    )
    delayed_fires_next: str | None = _next_field("delayed-fires?after=")
    hooks: list[HookBody] = Field(
        description="Hooks that have not ended yet, the oldest first. As many at most as instances. Parked ones need "
        "somebody."
    )
    hooks_next: int | None = _next_field("hooks?after=")

    @classmethod
    def of_description(cls, description: SessionDescription) -> SessionDetail:
        """The body for a description."""
        return cls.model_validate(SessionDetailAnswer.of_description(description))
