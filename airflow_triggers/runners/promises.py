"""DAG runs of sessions outside of Airflow's database.

No transaction can both save such a session and create its runs. So a run is promised in a row of ``triggers_run``
before the session is saved. It is created afterwards, once, by the process that saved the session. If this process died
in between, the controller asks the session whether the instance really waits for its run, and creates it. Neighbours:
``airflow.py`` promises, ``controller/`` makes good; ``storages/anchors.py`` lets Airflow's processes find the session.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from airflow_triggers import gateway
from airflow_triggers.domain.failures import describe_exception
from airflow_triggers.domain.instances import InstanceStatus, TaskInstance
from airflow_triggers.domain.runs import PROMISED, RunKey
from airflow_triggers.domain.states import Event
from airflow_triggers.errors import DagUnavailable, RunIdTaken, RunnerError
from airflow_triggers.gateway import NewRun
from airflow_triggers.runners import bindings
from airflow_triggers.runners.base import Start
from airflow_triggers.sentences import sentence
from airflow_triggers.storages.anchors import anchor
from airflow_triggers.storages.lock_waits import first_statement
from airflow_triggers.storages.transaction import transaction

GRACE = timedelta(seconds=30)
"""The time in which the promising process saves the session and creates the run. Then the controller takes over."""

Report = Callable[..., TaskInstance]


def promise(start: Start, new_run: Callable[[Session, int, Start], tuple[NewRun, int]]) -> None:
    """Save everything needed to create the run, and create it once the session is saved.

    :raises RunIdTaken: when the DAG has a run of this id.
    :raises DagUnavailable: when the DAG could not run it now.
    :raises RunnerError: when other processes could not find the session.
    """
    storage = start.storage
    if not storage.shared:
        raise RunnerError(sentence("Airflow's processes cannot see the session", storage.unshared_because))
    with transaction() as session:
        session_id = anchor(session, storage, configuration=start.configuration)
        new, attempt = new_run(session, session_id, start)
        gateway.check_runnable(session, new)
        if not start.run_id_taken and gateway.has_run(session, new.dag_id, new.run_id):
            raise RunIdTaken(f"DAG {new.dag_id!r} has a run {new.run_id!r} already.")
        bindings.remove_promise(session, RunKey(new.dag_id, new.run_id))
        binding = replace(
            bindings.binding_of(new, session_id, start.instance, attempt=attempt, seen_run=PROMISED),
            is_watched=False,
            promised_run=_to_json(new),
            retry_at=datetime.now(UTC) + GRACE,
        )
        bindings.bind(session, binding)
    storage.after_release(partial(fulfil, binding.key, start.report))


def fulfil(run: RunKey, report: Report) -> None:
    """Create the promised run, unless somebody else did. If the DAG refuses it, fail its instance.

    :param report: takes the instance's progress, as ``Start.report`` does.
    """
    try:
        with transaction() as session:
            _create(session, run)
    except DagUnavailable as error:
        report(Event.FAIL, metadata=describe_exception(error))
        withdraw(run)


def make_good(run: RunKey, instance: TaskInstance | None, report: Report) -> bool:
    """Handle a promise whose process has died, for the controller, under the session's lock.

    :param instance: as it was saved; None when it was not.
    :returns: whether the instance waits for its run. If it does not, the promise was withdrawn.
    """
    waits = instance is not None and instance.status is InstanceStatus.SCHEDULED
    if waits:
        fulfil(run, report)
    else:
        withdraw(run)
    return waits


def withdraw(run: RunKey) -> None:
    """Forget an unfulfilled promise."""
    with transaction() as session:
        first_statement(session, lambda: bindings.remove_promise(session, run))


def _create(session: Session, run: RunKey) -> None:
    record = bindings.claim_promise(session, run)
    if record is not None:
        seen_run = gateway.create_run(session, _from_json(record))
        bindings.note_created(session, run, seen_run)


def _to_json(new: NewRun) -> dict[str, Any]:
    return {**asdict(new), "run_after": new.run_after.isoformat() if new.run_after else None}


def _from_json(record: Mapping[str, Any]) -> NewRun:
    after = record["run_after"]
    return NewRun(**{**record, "run_after": datetime.fromisoformat(after) if after else None})
