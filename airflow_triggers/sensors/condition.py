"""What a sensor waits for in a session, and what it looks like when that has come, or cannot come any more.

Neighbours: ``sensor.py`` looks from a worker, ``waiting.py`` from the triggerer; both ask with the REST client.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_triggers.domain.metadata import EXCEPTION_MESSAGE, EXCEPTION_TYPE, RESULT
from airflow_triggers_client import (
    Condition,
    FireRecord,
    Instance,
    InstanceStatus,
    Session,
    TriggersClient,
    instance_has_status,
    resolved,
    trigger_fired,
)
from airflow_triggers_client.errors import ConnectionFailed, ServerError, SessionNotFound, WaitTimeout
from airflow_triggers_client.exchange import Steps
from airflow_triggers_client.operations.instances import session_instances
from airflow_triggers_client.service import Service

log = logging.getLogger(__name__)

AWAY = (ConnectionFailed, ServerError)
"""Errors of a deployment that is away, or restarts: the sensor goes on waiting."""

MOST_NAMED = 3
"""The most failed instances that a reason names."""

SETTLED = frozenset(
    {
        InstanceStatus.FINISHED,
        InstanceStatus.FAILED,
        InstanceStatus.REPLAYED,
        InstanceStatus.SKIPPED,
        InstanceStatus.ABANDONED,
    }
)
"""An instance leaves these statuses only by a repair, or never."""


@dataclass(frozen=True)
class Outcome:
    """The end of waiting.

    :param has_come: whether what was waited for has come; False: it does not come without a repair.
    :param value: the sensor's result, in JSON's types.
    :param reason: why it does not come, as a sentence.
    """

    has_come: bool
    value: dict[str, Any] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class SessionCondition:
    """Until when a sensor waits.

    :param instance: an instance's name: until it has one of the ``statuses``.
    :param trigger: a trigger's name: until it has fired. Without either: until the session is resolved.
    :param fail_early: whether waiting ends as soon as something has failed.
    """

    instance: str | None = None
    statuses: Sequence[str] = ()
    trigger: str | None = None
    fail_early: bool = False

    def to_client(self) -> Condition[Outcome]:
        """The condition for the client's ``wait_for``. A session that does not exist yet is waited for."""
        success, failure = self._success(), self._failure()

        def look(service: Service, session_uid: str) -> Steps[Outcome | None]:
            try:
                proof = yield from success.look(service, session_uid)
                if proof is not None:
                    return Outcome(True, _value_of(proof))
                if failure is None:
                    return None
                proof = yield from failure.look(service, session_uid)
            except SessionNotFound:
                return None
            return None if proof is None else Outcome(False, reason=_reason_of(proof))

        return Condition(success.description, look)

    def _success(self) -> Condition[Any]:
        if self.instance is not None:
            return instance_has_status(self.instance, *self.statuses)
        return resolved() if self.trigger is None else trigger_fired(self.trigger)

    def _failure(self) -> Condition[Any] | None:
        if not self.fail_early:
            return None
        if self.instance is not None:
            hopeless = SETTLED - set(map(InstanceStatus, self.statuses))
            return instance_has_status(self.instance, *hopeless) if hopeless else None
        return _instance_failed()


def _instance_failed() -> Condition[Sequence[Instance]]:
    """The newest failed instances, as soon as there is one. However many others the session has, none is missed."""

    def look(service: Service, session_uid: str) -> Steps[Sequence[Instance] | None]:
        failed_instances = session_instances(session_uid, status=InstanceStatus.FAILED.value)
        page = yield from failed_instances.first(service, count=MOST_NAMED)
        return page.items or None

    return Condition("an instance of it has failed", look)


def look(client: TriggersClient, session_uid: str, condition: SessionCondition) -> Outcome | None:
    """One look at the session; None: wait on. While the deployment is away there is nothing to see."""
    try:
        return client.wait_for(session_uid, until=condition.to_client(), timeout=0)
    except WaitTimeout:
        return None
    except AWAY as error:
        log.warning("Session %s cannot be read: %s", session_uid, error)
        return None


def _value_of(proof: Session | Instance | FireRecord) -> dict[str, Any]:
    """What a sensor returns: enough for the tasks after it, and no more."""
    if isinstance(proof, Instance):
        return {
            "instance": proof.name,
            "status": str(proof.status),
            "result": proof.metadata.get(RESULT),
        }
    if isinstance(proof, FireRecord):
        return {"trigger": proof.trigger, "kwargs": proof.kwargs, "fired_at": proof.fired_at.isoformat()}
    return {"session": proof.uid}


def _reason_of(proof: Instance | Sequence[Instance]) -> str:
    instances = [proof] if isinstance(proof, Instance) else proof
    return " ".join(map(_sentence_of, instances))


def _sentence_of(instance: Instance) -> str:
    error = instance.metadata.get(EXCEPTION_TYPE)
    message = str(instance.metadata.get(EXCEPTION_MESSAGE, "")).partition("\n")[0]
    return f"{instance.name} is {instance.status}{f': {error}: {message}' if error else ''}."
