"""Wait for a condition of a session: it is resolved, an instance has a status, a trigger has fired.

The client polls the server with growing pauses. The server holds nothing meanwhile. Neighbours: ``sessions.py``,
``instances.py`` and ``history.py`` ask.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from airflow_triggers_client.errors import InstanceNotFound, InvalidArgument, WaitTimeout
from airflow_triggers_client.exchange import Pause, Steps
from airflow_triggers_client.models import FireRecord, InstanceDetail, InstanceStatus, Session
from airflow_triggers_client.operations.history import fires
from airflow_triggers_client.operations.instances import instance
from airflow_triggers_client.operations.sessions import session
from airflow_triggers_client.retries import check_seconds
from airflow_triggers_client.service import Service, checked_text

T = TypeVar("T")

IN_MOTION = frozenset({InstanceStatus.SCHEDULED, InstanceStatus.RUNNING})
RESOLVED = frozenset(
    {InstanceStatus.FINISHED, InstanceStatus.SKIPPED, InstanceStatus.REPLAYED, InstanceStatus.ABANDONED}
)
INSTANCE_NAME = re.compile(r".+#(0|[1-9][0-9]*)")

FIRST_PAUSE = 0.5
GROWTH = 1.5


@dataclass(frozen=True)
class Condition(Generic[T]):
    """A condition of a session.

    :param description: completes "waited until …".
    :param look: asks the server about a session; returns the proof if the condition holds, else None.
    """

    description: str
    look: Callable[[Service, str], Steps[T | None]] = field(repr=False)


def session_is(holds: Callable[[Session], bool], description: str = "it is as asked") -> Condition[Session]:
    """The session, as soon as ``holds(session)`` is true. Each look reads the session, with its newest instances.

    :param description: for the error when the time is up: completes "waited until …".
    :raises InvalidArgument: when ``holds`` is no function.
    """
    if not callable(holds):
        raise InvalidArgument(f"session_is takes a function of a session; found {holds!r}.")

    def look(service: Service, session_uid: str) -> Steps[Session | None]:
        current = yield from session(service, session_uid)
        return current if holds(current) else None

    return Condition(description, look)


def resolved() -> Condition[Session]:
    """The session, as soon as it is resolved: nothing in it waits, runs or is still to come.

    It has instances, and all are finished, skipped, replayed or abandoned. It has no fires for later, and no hooks that
    have not ended.
    """
    return session_is(_is_resolved, "it is resolved")


def _is_resolved(session: Session) -> bool:
    has_ended = 0 < session.count() == session.count(*RESOLVED)
    return has_ended and not session.delayed_fires and not session.hooks


def idle() -> Condition[Session]:
    """The session, as soon as no instance is scheduled or running. Failed and unstarted instances may exist."""
    return session_is(
        lambda current: current.count(*IN_MOTION) == 0,
        "none of its instances is scheduled or running",
    )


def instance_has_status(name: str, *statuses: InstanceStatus | str) -> Condition[InstanceDetail]:
    """The instance, as soon as it exists and has one of the statuses; by default finished.

    :param name: such as ``t_importSubject#0``.
    :raises InvalidArgument: for an unknown status, or a name without its number.
    """
    if not INSTANCE_NAME.fullmatch(checked_text(name, "An instance's name")):
        raise InvalidArgument(
            f"An instance's name has a number, such as 't_importSubject#0'; found {name!r}."
        )
    try:
        targets = {InstanceStatus(status) for status in statuses} or {InstanceStatus.FINISHED}
    except ValueError as error:
        names = ", ".join(status.value for status in InstanceStatus)
        raise InvalidArgument(f"{error}; expected some of {names}.") from error

    def look(service: Service, session_uid: str) -> Steps[InstanceDetail | None]:
        try:
            current = yield from instance(service, session_uid, name)
        except InstanceNotFound:
            return None
        return current if current.status in targets else None

    words = " or ".join(sorted(status.value for status in targets))
    return Condition(f"{name} is {words}", look)


def trigger_fired(trigger: str) -> Condition[FireRecord]:
    """The trigger's latest fire, as soon as there is one. A finished task fires its own name.

    :raises InvalidArgument: when the name is no text, or empty.
    """
    if not checked_text(trigger, "A trigger's name"):
        raise InvalidArgument("A trigger's name is not empty.")

    def look(service: Service, session_uid: str) -> Steps[FireRecord | None]:
        page = yield from fires(session_uid, trigger=trigger).first(service, count=1)
        return page.items[0] if page.items else None

    return Condition(f"{trigger} has fired", look)


def wait_for(
    service: Service,
    session_uid: str,
    *,
    until: Condition[T],
    timeout: float | None = None,
    longest_pause: float = 5.0,
) -> Steps[T]:
    """Wait until a condition of the session holds; returns the proof.

    :param until: ``resolved()``, ``idle()``, ``instance_has_status(…)``, ``trigger_fired(…)`` or ``session_is(…)``.
    :param timeout: seconds to wait at most; None: for ever.
    :param longest_pause: seconds between two looks, at most. The first pauses are shorter.
    :raises InvalidArgument: when ``until`` is no condition, or a number is no number of seconds.
    :raises WaitTimeout: when the time is up.
    :raises SessionNotFound: when there is no such session.
    """
    if not isinstance(until, Condition):
        raise InvalidArgument(f"'until' is a condition, such as resolved(); found {until!r}.")
    if timeout is not None:
        check_seconds("timeout", timeout)
    check_seconds("longest_pause", longest_pause, above_zero=True)
    began = service.clock()
    pause = FIRST_PAUSE
    while True:
        proof = yield from until.look(service, session_uid)
        if proof is not None:
            return proof
        remaining_time = float("inf") if timeout is None else began + timeout - service.clock()
        if remaining_time <= 0:
            raise WaitTimeout(
                f"Waited {timeout:g} seconds until {until.description}, in session {session_uid!r}."
            )
        yield Pause(min(pause, longest_pause, remaining_time))
        pause *= GROWTH
