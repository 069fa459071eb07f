"""What a DAG run's state means for its instance. Pure: a table, no database, no clock.

Neighbours: ``observation.py`` has looked at the run, ``loop.py`` asks here, ``apply.py`` applies the decision.
"""

from __future__ import annotations

from dataclasses import dataclass

from airflow_triggers.domain.instances import STATUSES_WITHOUT_WORK, InstanceStatus
from airflow_triggers.domain.runs import IN_FLIGHT, SeenRun
from airflow_triggers.domain.states import Event


@dataclass(frozen=True)
class Decision:
    """What to do about a changed run.

    :param events: what happened to the instance, in order; empty: nothing concerns it.
    :param watched: whether every pass still has to compare the run's state.
    """

    events: tuple[Event, ...] = ()
    watched: bool = True


_S = InstanceStatus
_OPEN = (_S.SCHEDULED, _S.RUNNING)
_SETTLED = (_S.FAILED, _S.FINISHED, _S.SKIPPED)


def is_past(status: InstanceStatus, *, seen_run: SeenRun, now: SeenRun | None) -> bool:
    """Whether the run no longer concerns its instance, whatever it does.

    Parameters: see :func:`decide`.
    """
    if status in STATUSES_WITHOUT_WORK:
        return True
    if now is None:
        return status not in _OPEN
    # Somebody settled it by hand while the run was at work: the end of this try no longer counts.
    is_same_try = now.clear_number == seen_run.clear_number
    return status in _SETTLED and is_same_try and seen_run.state in IN_FLIGHT


def decide(status: InstanceStatus, *, seen_run: SeenRun, now: SeenRun | None) -> Decision:
    """What happened to the instance of a run.

    :param status: the instance's status.
    :param seen_run: the run as it was last seen.
    :param now: the run as Airflow has it now; None when it is gone.
    """
    if is_past(status, seen_run=seen_run, now=now):
        return Decision(watched=False)
    if now is None:
        return Decision((Event.FAIL,), watched=False)
    again = now.clear_number != seen_run.clear_number
    has_changed = again or now.state != seen_run.state
    match now.state:
        case "queued":
            return Decision(() if status is _S.SCHEDULED else (Event.REOPEN,))
        case "running":
            return Decision(_on_running(status))
        case "success":
            return Decision(_on_success(status, again=again, has_changed=has_changed), watched=now.early)
        case "failed":
            has_failed = status in _OPEN or (has_changed and status in _SETTLED)
            return Decision((Event.FAIL,) if has_failed else ())
        case _:
            return Decision()


def _on_running(status: InstanceStatus) -> tuple[Event, ...]:
    if status is _S.SCHEDULED:
        return (Event.START,)
    return () if status is _S.RUNNING else (Event.REOPEN, Event.START)


def _on_success(status: InstanceStatus, *, again: bool, has_changed: bool) -> tuple[Event, ...]:
    """Finish the instance, unless this completion was counted. A run cleared and finished again is a new one."""
    if has_changed and (status in _OPEN or status is _S.FAILED):
        return (Event.FINISH,)
    return (Event.FINISH,) if again else ()
