"""Fires: the request for one, its result, its record in a session, a fire for later, and filters over fires.

Neighbours: the ways in (REST, CLI, Python, asset events, reports of tasks) make a :class:`FireRequest` and
``manager/`` takes it; ``states.py`` plans what a fire does, ``storages/`` keep fires.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BeforeValidator

from airflow_triggers.domain.configuration import Kwargs
from airflow_triggers.domain.instances import parse_instance_name
from airflow_triggers.domain.uids import SessionUid
from airflow_triggers.domain.validation import (
    parse_moment,
    validate_filter,
    validate_fire_at,
    validate_idempotency_key,
    validate_trigger_kwargs,
    validate_trigger_name,
)
from airflow_triggers.errors import InvalidFilter, InvalidTrigger

Moment = Annotated[
    datetime, BeforeValidator(lambda moment: moment if isinstance(moment, datetime) else parse_moment(moment))
]
"""A moment. In a worker's report: a string with an offset from UTC."""


@dataclass(frozen=True, kw_only=True)
class FireRequest:
    """A request to fire a trigger. It exists only when valid.

    It does not say who fires: no caller may say so of itself.

    :param trigger_kwargs: a mapping of JSON values. The request has a copy.
    :param idempotency_key: makes the fire idempotent for the life of the session.
    :param fire_at: not before this moment; None: at once.
    :raises InvalidTrigger: when the name, the kwargs, the key or the moment are outside the allowed form.
    """

    trigger_name: str
    trigger_kwargs: Kwargs = field(default_factory=dict)
    idempotency_key: str | None = None
    fire_at: Moment | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "trigger_name", validate_trigger_name(self.trigger_name))
        object.__setattr__(self, "trigger_kwargs", validate_trigger_kwargs(self.trigger_kwargs))
        if self.idempotency_key is not None:
            object.__setattr__(self, "idempotency_key", validate_idempotency_key(self.idempotency_key))
        object.__setattr__(self, "fire_at", validate_fire_at(self.fire_at))

    @classmethod
    def with_checked_kwargs(cls, trigger_kwargs: dict[str, Any], **fields: Any) -> Self:
        """The request with kwargs from :func:`json_object`: they are not checked a second time.

        A way in checks them itself in order to say where in a body they are wrong.
        """
        request = cls(**fields | {"trigger_kwargs": None})
        object.__setattr__(request, "trigger_kwargs", trigger_kwargs)
        return request


@dataclass(frozen=True, kw_only=True)
class SessionFireRequest(FireRequest):
    """A request to fire a trigger into the session of this UID.

    :param configuration: the name of a deployed configuration. A first fire makes the session with it. An existing
        session must have it; None: whichever it has.
    :param manager: an existing session must have it; None: whichever it has, and ``default`` for a new one.
    :raises InvalidSessionUid: when the UID is outside the allowed form.
    """

    session_uid: SessionUid
    configuration: str | None = None
    manager: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "session_uid", SessionUid(self.session_uid))
        super().__post_init__()


@dataclass(frozen=True, kw_only=True)
class FireResult:
    """What a fire did, by instance name.

    :param fire_id: identifies the fire for the life of the session; None until it takes effect.
    :param delayed_fire_id: the id of a fire for later, for lists and for cancelling.
    :param touched: instances that took the trigger, the created ones included.
    :param repeated: True when the idempotency key was used before: nothing was done, this is the first result.
    :param deferred: True when the fire takes effect later, and nothing else is known yet. It does so at
        :attr:`fire_at`, or once the firing task in a worker has succeeded.
    :param cancelled: True when the idempotency key belongs to a cancelled fire for later: it does not come back.
    :param fire_at: when it takes effect (UTC), if later.
    """

    fire_id: int | None
    trigger_name: str
    delayed_fire_id: int | None = None
    touched: tuple[str, ...] = ()
    created: tuple[str, ...] = ()
    scheduled: tuple[str, ...] = ()
    abandoned: tuple[str, ...] = ()
    repeated: bool = False
    deferred: bool = False
    cancelled: bool = False
    fire_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Fire:
    """A fire as the session's history keeps it.

    :param fire_id: counts up in the order in which the session's fires took effect.
    :param fired_by: the user or the component that fired, if known.
    :param touched: names of the instances that took the trigger; likewise ``created``, ``scheduled``, ``abandoned``.
    """

    fire_id: int = 0
    trigger_name: str
    kwargs: Kwargs
    fired_at: datetime
    fired_by: str | None = None
    idempotency_key: str | None = None
    touched: tuple[str, ...] = ()
    created: tuple[str, ...] = ()
    scheduled: tuple[str, ...] = ()
    abandoned: tuple[str, ...] = ()

    @property
    def in_vain(self) -> bool:
        """Whether it touched nothing. A task's end does not count here: often nobody waits for it."""
        effects = self.touched or self.created or self.scheduled or self.abandoned
        return not effects and not (self.fired_by or "").startswith(f"{self.trigger_name}#")

    @property
    def concerned(self) -> frozenset[str]:
        """The names of the instances that it touched or settled."""
        return frozenset((*self.touched, *self.created, *self.scheduled, *self.abandoned))

    def concerns(self, instance_name: str) -> bool:
        """Whether it touched or settled the instance, or the instance fired it."""
        return instance_name == self.fired_by or instance_name in self.concerned

    def to_result(self, *, is_repeat: bool = False) -> FireResult:
        """The answer of :meth:`TriggerManager.fire`."""
        return FireResult(
            fire_id=self.fire_id,
            trigger_name=self.trigger_name,
            touched=self.touched,
            created=self.created,
            scheduled=self.scheduled,
            abandoned=self.abandoned,
            repeated=is_repeat,
        )


@dataclass(frozen=True, kw_only=True)
class DelayedFire:
    """A fire that takes effect later; the controller fires it.

    :param delayed_id: identifies it among all delayed fires.
    :param fire_at: not before this moment (UTC).
    :param attempts: how often it failed when it was due, ``error`` why.
    :param parked: whether it failed too often, and is not tried again automatically.
    :param cancelled_at: when it was cancelled (UTC), ``cancelled_by`` by whom; None: it is still to come.
    """

    delayed_id: int = 0
    trigger_name: str
    kwargs: Kwargs
    fire_at: datetime
    fired_by: str | None = None
    idempotency_key: str | None = None
    attempts: int = 0
    error: str | None = None
    parked: bool = False
    cancelled_at: datetime | None = None
    cancelled_by: str | None = None

    def to_request(self) -> FireRequest:
        """The request to fire it now."""
        return FireRequest(
            trigger_name=self.trigger_name,
            trigger_kwargs=self.kwargs,
            idempotency_key=self.idempotency_key,
        )

    def to_result(self, *, is_repeat: bool = False) -> FireResult:
        """The answer of :meth:`TriggerManager.fire`."""
        is_cancelled = self.cancelled_at is not None
        return FireResult(
            fire_id=None,
            delayed_fire_id=self.delayed_id,
            trigger_name=self.trigger_name,
            repeated=is_repeat,
            deferred=not is_cancelled,
            cancelled=is_cancelled,
            fire_at=self.fire_at,
        )


@dataclass(frozen=True, kw_only=True)
class FireFilter:
    """Which fires of a session to read.

    :param trigger_name: only fires of this trigger.
    :param instance: only fires that touched or settled the instance of this name, or that it fired.
    :param in_vain: only fires that touched nothing (see :attr:`Fire.in_vain`), or only the others.
    :raises InvalidFilter: when no trigger or instance can have such a name.
    """

    trigger_name: str | None = None
    instance: str | None = None
    in_vain: bool | None = None

    def __post_init__(self) -> None:
        validate_filter("trigger", self.trigger_name)
        validate_filter("instance", self.instance)

    def covers(self, fire: Fire) -> bool:
        """Whether the fire is one of them."""
        return (
            self.trigger_name in (None, fire.trigger_name)
            and self.in_vain in (None, fire.in_vain)
            and (self.instance is None or fire.concerns(self.instance))
        )


EVERY_FIRE = FireFilter()


def validate_names(*, trigger: str | None = None, instance: str | None = None) -> None:
    """Make sure that there can be a trigger and an instance of these names. None is none.

    Somebody who looks for a name that cannot be would find nothing, and take it for an answer.

    :raises InvalidFilter: when there cannot be.
    """
    FireFilter(trigger_name=trigger, instance=instance)
    try:
        if trigger is not None:
            validate_trigger_name(trigger)
        if instance is not None:
            parse_instance_name(instance)
    except (InvalidTrigger, ValueError) as error:
        raise InvalidFilter(str(error)) from None
