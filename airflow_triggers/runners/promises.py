"""DAG runs of sessions that are kept elsewhere than in Airflow's database.

There is no transaction that both saves such a session and creates its runs. So a run is promised in a row of
``triggers_run`` before the session is saved, and created afterwards, once: by the process that saved, or, if that died
in between, by the controller, which asks the session whether the instance really waits for its run. Neighbours:
``airflow.py`` promises, ``controller/`` makes good; ``storages/anchors.py`` lets Airflow's processes find the session.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from airflow_triggers import gateway
from airflow_triggers.domain.failures import describe_exception
from airflow_triggers.domain.instances import InstanceStatus, TaskInstance
from airflow_triggers.domain.runs import SeenRun
from airflow_triggers.domain.states import Event
from airflow_triggers.errors import DagUnavailable, RunnerError
from airflow_triggers.gateway import NewRun
from airflow_triggers.runners import bindings
from airflow_triggers.runners.base import Start
from airflow_triggers.sentences import sentence
from airflow_triggers.storages import tables
from airflow_triggers.storages.anchors import anchor
from airflow_triggers.storages.transaction import first_statement, transaction

GRACE = timedelta(seconds=30)
"""How long the process that promised has to save the session and create the run before the controller looks."""

PROMISED = SeenRun("promised", 0)

Report = Callable[..., TaskInstance]


def promise(start: Start, new_run: Callable[[Session, int, Start], tuple[NewRun, int]]) -> None:
    """Keep what is needed to create the run, and create it once the session is saved.

    :raises DagUnavailable: when the DAG could not run it now.
    :raises RunnerError: when other processes could not find the session.
    """
    storage = start.storage
    if not storage.shared:
        raise RunnerError(sentence("Airflow's processes cannot see the session", storage.unshared_because))
    with transaction() as session:
        session_id = anchor(session, storage, configuration=start.configuration)
        new, attempt = new_run(session, session_id, start)
        gateway.check_runnable(session, new.dag_id)
        session.execute(delete(tables.run).where(*bindings.by_key(new.dag_id, new.run_id), _is_promised()))
        retry_at = datetime.now(UTC) + GRACE
        bindings.bind(
            session,
            new,
            session_id,
            start.instance,
            attempt=attempt,
            seen_run=PROMISED,
            watched=False,
            promised=_to_json(new),
            retry_at=retry_at,
        )
    storage.after_release(partial(fulfil, new.dag_id, new.run_id, start.report))


def fulfil(dag_id: str, run_id: str, report: Report) -> None:
    """Create the promised run, unless somebody else did; what cannot be created fails its instance.

    :param report: told of the instance, as ``Start.report``.
    """
    try:
        with transaction() as session:
            _create(session, dag_id, run_id)
    except DagUnavailable as error:
        report(Event.FAIL, metadata=describe_exception(error))
        withdraw(dag_id, run_id)


def make_good(dag_id: str, run_id: str, instance: TaskInstance | None, report: Report) -> bool:
    """What the controller does about a promise whose process has died, under the session's lock.

    :param instance: as it was saved; None when it was not.
    :returns: whether the instance waits for its run; if it does not, the promise was withdrawn.
    """
    waits = instance is not None and instance.status is InstanceStatus.SCHEDULED
    if waits:
        fulfil(dag_id, run_id, report)
    else:
        withdraw(dag_id, run_id)
    return waits


def withdraw(dag_id: str, run_id: str) -> None:
    """Forget a promise that was not made good."""
    with transaction() as session:
        removal = delete(tables.run).where(*bindings.by_key(dag_id, run_id), _is_promised())
        first_statement(session, lambda: session.execute(removal))


def _create(session: Session, dag_id: str, run_id: str) -> None:
    is_own_promise = (*bindings.by_key(dag_id, run_id), _is_promised())
    claim = update(tables.run).where(*is_own_promise).values(failures=tables.run.c.failures + 1)
    claimed_runs = first_statement(
        session, lambda: session.execute(claim.returning(tables.run.c.run_id)).all()
    )
    if not claimed_runs:
        return
    record = session.scalar(select(tables.run.c.promised).where(*is_own_promise))
    seen_run = gateway.create_run(session, _from_json(record))
    values = {"seen_state": seen_run.state, "seen_clear_number": seen_run.clear_number, "watched": True}
    session.execute(
        update(tables.run).where(*is_own_promise).values(**values, promised=None, retry_at=None, failures=0)
    )


def is_promise(row: Any) -> bool:
    """Whether the row's run is still to be created: it says so, and from what."""
    return row.seen_state == PROMISED.state and row.promised is not None


def _is_promised() -> Any:
    return tables.run.c.seen_state == PROMISED.state


def _to_json(new: NewRun) -> dict[str, Any]:
    return {**asdict(new), "run_after": new.run_after.isoformat() if new.run_after else None}


def _from_json(record: Any) -> NewRun:
    after = record["run_after"]
    return NewRun(**{**record, "run_after": datetime.fromisoformat(after) if after else None})
