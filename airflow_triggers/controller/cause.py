"""Says, for the history, what in Airflow made an instance's status change. Pure: no database, no clock.

Neighbours: ``decide.py`` says what the change means, ``apply.py`` has it recorded, ``gateway.waiting`` knows who acted.
"""

from __future__ import annotations

from airflow_triggers.domain.instances import InstanceStatus
from airflow_triggers.domain.runs import SeenRun
from airflow_triggers.domain.states import Event

_SETTLED = (InstanceStatus.FAILED, InstanceStatus.FINISHED, InstanceStatus.SKIPPED)


def cause_of(status: InstanceStatus, event: Event, *, seen_run: SeenRun, now: SeenRun | None) -> str:
    """What happened in Airflow.

    :param status: the instance's status before the event.
    :param seen_run: the run as it was last seen; ``now``: as it is, None when it is gone.
    """
    if now is None:
        return "its DAG run was deleted in Airflow"
    if event is Event.REOPEN and now.clear_number != seen_run.clear_number:
        return "its DAG run was cleared in Airflow"
    if event is Event.REOPEN:
        return "its DAG run was set back in Airflow"
    if event is Event.START:
        return "its DAG run started"
    if event is Event.WAIVE:
        return "all tasks of its DAG run were skipped"
    if status in _SETTLED and now.clear_number == seen_run.clear_number:
        return f"its DAG run was marked {now.state} in Airflow"
    outcome = "succeeded" if now.state == "success" else "failed"
    return f"its DAG run {outcome}"


def is_by_hand(status: InstanceStatus, *, seen_run: SeenRun, now: SeenRun | None) -> bool:
    """Whether somebody other than Airflow's scheduler brought the run to its present state."""
    return now is None or now.clear_number != seen_run.clear_number or status in _SETTLED
