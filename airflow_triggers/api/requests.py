"""The models of requests: queries and bodies.

Neighbours: ``fields.py`` has the types of their fields, ``datamodels.py`` the answers; ``routes/`` read these.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SkipValidation,
    ValidationInfo,
)

from airflow_triggers.api.fields import (
    TRIGGER_NAME,
    FiredTriggerName,
    Form,
    HistoryCursor,
    Id,
    InstanceName,
    KeptName,
    Limit,
    ManagerName,
    SessionUidText,
    StorageName,
    TriggerName,
    located_json_object,
)
from airflow_triggers.domain.fires import FireFilter, SessionFireRequest
from airflow_triggers.domain.uids import SessionUid
from airflow_triggers.domain.validation import MAX_COOLDOWN, parse_moment

MAX_BATCH = 1000


def _read_moment(value: object, info: ValidationInfo) -> datetime:
    return parse_moment(value, name=str(info.field_name))


Moment = Annotated[AwareDatetime, BeforeValidator(_read_moment)]
JsonObject = Annotated[dict[str, Any], AfterValidator(located_json_object)]
ReplacementKwargs = Annotated[dict[str, JsonObject], Form({"propertyNames": TRIGGER_NAME})]

KWARGS_EXAMPLE = {"respondent": 17, "page": 1}
TRIGGER_KWARGS_EXAMPLE = {"firstPageReceived": KWARGS_EXAMPLE}


class Request(BaseModel):
    """What a caller sends. An unknown field is refused, not ignored."""

    model_config = ConfigDict(extra="forbid")


class DeleteSessionQuery(Request):
    """How to delete a session."""

    force: bool = Field(
        False,
        description="Delete it although it is not resolved. What runs goes on in Airflow; nothing follows from it.",
    )


TouchedChoice = Literal["nothing"]
TOUCHED = Field(
    None, description="`nothing`: only fires that had no effect: no task uses them, or all had them."
)


class FiresQuery(Request):
    """Which fires to list."""

    limit: Limit = Field(50, description="How many at most.")
    before: Id | None = Field(None, description="The cursor: `next` of the page before.")
    trigger: TriggerName | None = Field(None, description="Only fires of this trigger.")
    instance: InstanceName | None = Field(
        None, description="Only fires that touched this instance, or that it fired."
    )
    touched: TouchedChoice | None = TOUCHED

    def fire_filter(self) -> FireFilter:
        """The filter for the storage."""
        in_vain = True if self.touched == "nothing" else None
        return FireFilter(trigger_name=self.trigger, instance=self.instance, in_vain=in_vain)


class HistoryQuery(Request):
    """Which entries of a session's history to list."""

    limit: Limit = Field(50, description="How many at most.")
    before: HistoryCursor | None = Field(
        None, description="The cursor: `next` of the page before.", examples=["41.17.0"]
    )
    instance: InstanceName | None = Field(
        None, description="Only what concerns this instance.", examples=["t_importSubject#0"]
    )
    trigger: TriggerName | None = Field(None, description="Only fires of this trigger.")
    touched: TouchedChoice | None = TOUCHED


class VainFiresQuery(Request):
    """Which fires of all sessions to list."""

    touched: TouchedChoice = Field(
        description="`nothing`: fires that had no effect. There is no other choice."
    )
    limit: Limit = Field(50, description="How many at most.")
    before: Id | None = Field(None, description="The cursor: `next` of the page before.")
    trigger: TriggerName | None = Field(None, description="Only fires of this trigger.")
    configuration: KeptName | None = Field(
        None, description="Only in sessions of this deployed configuration."
    )


class DelayedFiresQuery(Request):
    """Which delayed fires to list."""

    limit: Limit = Field(50, description="How many at most.")
    after: str | None = Field(
        None,
        pattern=r"^-?[0-9]{1,19}\.[0-9]{1,19}$",
        description="The cursor: `next` of the page before.",
        examples=["1936771200000000.7"],
    )


class CreateSession(Request):
    """A session to create."""

    uid: SessionUidText = Field(
        description='1-200 printable characters without "/" and surrounding blanks, and not "." or "..".',
        examples=["respondent-17"],
    )
    configuration: KeptName = Field(
        description="A deployed configuration's name.", examples=["questionnaire"]
    )
    manager: ManagerName = Field("default", description="The trigger manager that the session remembers.")
    storage: StorageName = Field("sql", description="The storage backend that keeps the session.")
    metadata: JsonObject = Field({}, description="Whatever the application wants to keep with the session.")


class FireTrigger(Request):
    """A trigger to fire."""

    trigger: FiredTriggerName = Field(description="The trigger's name.", examples=["firstPageReceived"])
    kwargs: JsonObject = Field({}, description="The trigger's kwargs.", examples=[KWARGS_EXAMPLE])
    configuration: KeptName | None = Field(
        None,
        description="A deployed configuration's name: with it, a first fire creates the session. A session that "
        "exists must have it.",
        examples=["questionnaire"],
    )
    manager: ManagerName | None = Field(
        None,
        description="The trigger manager of a session created by this fire; null: `default`. A session that exists "
        "must have it.",
    )
    idempotency_key: KeptName | None = Field(
        None,
        description="Makes the fire idempotent for the life of the session: a repeat does nothing, and the answer is "
        "the first result. With another trigger or other kwargs, the repeat is refused. Its `fire_at` may differ: the "
        "first one counts.",
        examples=["respondent-17/page-1"],
    )
    fire_at: Moment | None = Field(
        None,
        description="Not before this moment (with its offset from UTC). Null, or one that has passed: now.",
        examples=["2031-05-17T08:00:00Z"],
    )

    def into(self, session_uid: SessionUid, *, idempotency_key: str | None) -> SessionFireRequest:
        """The request to fire it into the session.

        :param idempotency_key: from this body, or from the header ``Idempotency-Key``.
        :raises InvalidTrigger: when no trigger can have such a name.
        """
        return SessionFireRequest.with_checked_kwargs(
            self.kwargs,
            session_uid=session_uid,
            trigger_name=self.trigger,
            configuration=self.configuration,
            manager=self.manager,
            idempotency_key=idempotency_key,
            fire_at=self.fire_at,
        )


class BatchedFire(FireTrigger):
    """A trigger to fire into a session."""

    session_uid: SessionUidText = Field(description="The session's UID.", examples=["respondent-17"])

    def to_request(self) -> SessionFireRequest:
        """The request to fire it.

        :raises InvalidSessionUid: when no session can have such a UID.
        :raises InvalidTrigger: when no trigger can have such a name.
        """
        return self.into(SessionUid(self.session_uid), idempotency_key=self.idempotency_key)


class FireBatch(Request):
    """Triggers to fire, into any sessions. Each is validated alone: a bad one is refused, the others are fired."""

    fires: list[SkipValidation[BatchedFire]] = Field(
        min_length=1, max_length=MAX_BATCH, description="Fires of one session take effect in this order."
    )


class ReplayInstance(Request):
    """How to replay a failed instance."""

    kwargs: ReplacementKwargs | None = Field(
        None,
        description="By trigger, in place of ALL the kwargs of the failed one (`{}`: none). Null: the same again.",
        examples=[TRIGGER_KWARGS_EXAMPLE],
    )
    cooldown: float | None = Field(
        None,
        ge=0,
        le=MAX_COOLDOWN,
        allow_inf_nan=False,
        strict=True,
        description="Seconds to wait before it runs.",
    )


class SkipInstance(Request):
    """How to skip a failed instance."""

    cascade: bool = Field(False, strict=True, description="Fire the task's name, as if it had finished.")
    result: JsonObject | None = Field(None, description="The kwargs of that cascade; kept in the metadata.")
