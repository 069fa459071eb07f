"""Fire a trigger. A fire always has an idempotency key: so it can be sent again when an answer is lost.

Neighbours: ``batches.py`` fires many.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from airflow_triggers_client.errors import InvalidArgument
from airflow_triggers_client.exchange import Request, Steps
from airflow_triggers_client.models import Fire, FireResult
from airflow_triggers_client.service import Service, body, checked_text, path


def fire(
    service: Service,
    session_uid: str,
    trigger: str,
    kwargs: Mapping[str, Any] | None = None,
    *,
    configuration: str | None = None,
    manager: str | None = None,
    idempotency_key: str | None = None,
    fire_at: datetime | None = None,
) -> Steps[FireResult]:
    """Fire a trigger into a session. The fire is idempotent: it counts once, even if it is sent again.

    :param kwargs: the trigger's kwargs, a JSON object.
    :param configuration: a deployed configuration's name: with it, a first fire makes the session.
    :param manager: the trigger manager of a new session; None: the default one.
    :param idempotency_key: makes the fire count once for the life of the session; None: the client makes a key. Give
        one if your program may make the same fire again, for example after a crash.
    :param fire_at: the earliest moment of the fire, with an offset from UTC; None: now.
    :raises SessionNotFound: when there is no such session, and no configuration is named.
    :raises IdempotencyConflict: when the key was used for another trigger or other kwargs.
    """
    keyed_fire = with_key(
        Fire(
            session_uid,
            trigger,
            kwargs or {},
            configuration=configuration,
            manager=manager,
            idempotency_key=idempotency_key,
            fire_at=fire_at,
        )
    )
    place = path("sessions", session_uid, "fires")
    return (
        yield from service.call(
            Request("POST", place, body=body(content_of(keyed_fire)), repeatable=True), FireResult
        )
    )


def with_key(fire: Fire) -> Fire:
    """The fire with an idempotency key; a random one if it has none."""
    return fire if fire.idempotency_key is not None else replace(fire, idempotency_key=uuid.uuid4().hex)


def content_of(fire: Fire) -> dict[str, Any]:
    """The fire as the API's body; the session is named in the path, or beside this content.

    :raises InvalidArgument: when a name is no text, ``fire_at`` is no moment with an offset from UTC, or ``kwargs``
        are no mapping.
    """
    checked_text(fire.trigger, "'trigger'")
    for name in ("configuration", "manager", "idempotency_key"):
        if (value := getattr(fire, name)) is not None:
            checked_text(value, repr(name))
    if fire.fire_at is not None and not isinstance(fire.fire_at, datetime):
        raise InvalidArgument(f"'fire_at' is a datetime; found {fire.fire_at!r}.")
    if fire.fire_at is not None and fire.fire_at.utcoffset() is None:
        raise InvalidArgument(f"'fire_at' needs an offset from UTC; found {fire.fire_at.isoformat()!r}.")
    if not isinstance(fire.kwargs, Mapping):
        raise InvalidArgument(f"'kwargs' is a mapping; found {type(fire.kwargs).__name__}.")
    return {
        "trigger": fire.trigger,
        "kwargs": dict(fire.kwargs),
        "configuration": fire.configuration,
        "manager": fire.manager,
        "idempotency_key": fire.idempotency_key,
        "fire_at": fire.fire_at.isoformat() if fire.fire_at else None,
    }
