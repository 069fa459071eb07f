"""Which DAG run executes which instance: the rows of ``triggers_run``. Nothing else writes them.

Neighbours: ``airflow.py`` and ``promises.py`` bind runs, ``controller/`` compares them with Airflow's own and notes
the result; ``domain/runs.py`` has the :class:`Binding`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    bindparam,
    delete,
    exists,
    insert,
    literal,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.orm import Session

from airflow_triggers.domain.instances import TaskInstance
from airflow_triggers.domain.metadata import SEEN_RUN
from airflow_triggers.domain.names import RunKind, run_kind
from airflow_triggers.domain.runs import PROMISED, Binding, RunKey, SeenRun
from airflow_triggers.domain.states import with_metadata
from airflow_triggers.gateway import DagRunColumns, NewRun
from airflow_triggers.storages import tables
from airflow_triggers.storages.base import BaseStorageBackend
from airflow_triggers.storages.lock_waits import first_statement
from airflow_triggers.storages.prepared import PreparedStatement
from airflow_triggers.storages.transaction import send

_COLUMNS = tables.run.c
_BIND = PreparedStatement(insert(tables.run), sets=_COLUMNS.keys())
_IS_PROMISED = _COLUMNS.seen_state == PROMISED.state


# -- reading --------------------------------------------------------------------------------------------------


def find(session: Session, storage: BaseStorageBackend, instance: TaskInstance) -> Binding | None:
    """The binding of an instance; None when it has no run."""
    query = select(tables.run).where(*_of_instance(_key_of_session(storage), instance))
    row = session.execute(query).one_or_none()
    return None if row is None else binding_from_row(row)


def find_by_run(session: Session, run: RunKey) -> Binding | None:
    """The binding of a run; None when it executes no instance (any more)."""
    row = session.execute(select(tables.run).where(*_by_key(run))).one_or_none()
    return None if row is None else binding_from_row(row)


def binding_from_row(row: Row[Any]) -> Binding:
    """The binding in a row of ``triggers_run``."""
    return Binding(
        dag_id=row.dag_id,
        run_id=row.run_id,
        session_id=row.session_id,
        task_name=row.task_name,
        number=row.number,
        attempt=row.attempt,
        is_compiled=row.compiled,
        seen_run=SeenRun(row.seen_state, row.seen_clear_number),
        is_watched=row.watched,
        promised_run=row.promised,
        retry_at=row.retry_at,
        failures=row.failures,
    )


def seen_of(instance: TaskInstance, binding: Binding) -> SeenRun:
    """The run as last seen. The session's own record counts, if the session is kept in another store than the row."""
    record = instance.metadata.get(SEEN_RUN)
    if record is not None and record["run_id"] == binding.run_id:
        return SeenRun(record["state"], record["clear_number"])
    return binding.seen_run


def with_seen(
    storage: BaseStorageBackend, instance: TaskInstance, run: RunKey, seen_run: SeenRun
) -> TaskInstance:
    """Save the seen state of its run with the session: the row is in another store, and may lag behind.

    Call it under the session's lock; see :func:`seen_of`.
    """
    record = {"run_id": run.run_id, "state": seen_run.state, "clear_number": seen_run.clear_number}
    after = with_metadata(instance, {SEEN_RUN: record}, now=storage.now())
    storage.put(instance, after)
    return after


# -- a run begins, or begins again ----------------------------------------------------------------------------


def binding_of(
    new: NewRun, session_id: int, instance: TaskInstance, *, attempt: int, seen_run: SeenRun
) -> Binding:
    """The binding of a new run to the instance that it executes.

    :param attempt: how many runs the instance had before.
    """
    return Binding(
        dag_id=new.dag_id,
        run_id=new.run_id,
        session_id=session_id,
        task_name=instance.task.name,
        number=instance.number,
        attempt=attempt,
        is_compiled=run_kind(instance.task.run) is not RunKind.DAG,
        seen_run=seen_run,
    )


def bind(session: Session, binding: Binding) -> None:
    """Keep a new binding."""
    values = {
        "dag_id": binding.dag_id,
        "run_id": binding.run_id,
        "session_id": binding.session_id,
        "task_name": binding.task_name,
        "number": binding.number,
        "attempt": binding.attempt,
        "compiled": binding.is_compiled,
        "promised": binding.promised_run,
        "watched": binding.is_watched,
        "retry_at": binding.retry_at,
        "failures": binding.failures,
        **_as_columns(binding.seen_run),
    }
    send(session, _BIND, values)


def unbind(session: Session, session_id: int, instance: TaskInstance) -> int:
    """Forget the run of an instance, if it has one. Returns the number of its next one."""
    removal = delete(tables.run).where(*_of_instance(session_id, instance))
    earlier = session.scalar(removal.returning(_COLUMNS.attempt))
    return 0 if earlier is None else int(earlier) + 1


def unbind_all(session: Session, session_id: int) -> None:
    """Forget the runs of a session that its storage lost: a new session of the same UID takes its row."""
    session.execute(delete(tables.run).where(_COLUMNS.session_id == session_id))


# -- promises: runs of sessions that are kept elsewhere -------------------------------------------------------


def claim_promise(session: Session, run: RunKey) -> Mapping[str, Any] | None:
    """Claim a promise: then nobody else creates its run. It must be the transaction's first statement.

    :returns: what the run is created from; None when somebody else created it, or withdrew the promise.
    """
    claim = update(tables.run).where(*_by_key(run), _IS_PROMISED).values(failures=_COLUMNS.failures + 1)
    claimed_runs = first_statement(session, lambda: session.execute(claim.returning(_COLUMNS.run_id)).all())
    if not claimed_runs:
        return None
    record: Mapping[str, Any] | None = session.scalar(select(_COLUMNS.promised).where(*_by_key(run)))
    return record


def note_created(session: Session, run: RunKey, seen_run: SeenRun) -> None:
    """The promised run was created. It is watched from now on."""
    values = {**_as_columns(seen_run), "watched": True, "promised": None, "retry_at": None, "failures": 0}
    session.execute(update(tables.run).where(*_by_key(run), _IS_PROMISED).values(values))


def remove_promise(session: Session, run: RunKey) -> None:
    """Forget an unfulfilled promise. A created run keeps its binding."""
    session.execute(delete(tables.run).where(*_by_key(run), _IS_PROMISED))


# -- what was seen of a run -----------------------------------------------------------------------------------


def note_applied(session: Session, run: RunKey, seen_run: SeenRun, *, is_watched: bool) -> None:
    """Remember the run as it is, now applied to its instance."""
    values = {**_as_columns(seen_run), "watched": is_watched, "retry_at": None, "failures": 0}
    session.execute(update(tables.run).where(*_by_key(run)).values(values))


def note_seen(
    session: Session, binding: Binding, seen_run: SeenRun | None, *, is_watched: bool = False
) -> None:
    """Remember the run as seen, or as we made it. Stop watching it, unless it still has something to tell."""
    values = {**_as_columns(seen_run or binding.seen_run), "watched": is_watched}
    session.execute(update(tables.run).where(*_by_key(binding.key)).values(values))


def stop_watching(session: Session, storage: BaseStorageBackend, instance: TaskInstance) -> RunKey | None:
    """Stop watching the run of an instance. Returns its key; None when the instance has no run."""
    conditions = _of_instance(_key_of_session(storage), instance)
    settling = update(tables.run).where(*conditions).values(watched=False)
    row = session.execute(settling.returning(_COLUMNS.dag_id, _COLUMNS.run_id)).one_or_none()
    return None if row is None else RunKey(row.dag_id, row.run_id)


def watch(session: Session, dag_id: str, run_id: str, now: SeenRun) -> None:
    """Have the next pass look at a settled run. It does nothing if the run is unchanged, or nobody's.

    :param now: the run as it is now.
    """
    differs = or_(_COLUMNS.seen_state != now.state, _COLUMNS.seen_clear_number != now.clear_number)
    is_settled = (~_COLUMNS.watched, _COLUMNS.promised.is_(None), differs)
    session.execute(
        update(tables.run).where(*_by_key(RunKey(dag_id, run_id)), *is_settled).values(watched=True)
    )


def settle(session: Session, runs: list[RunKey]) -> None:
    """Stop watching these runs, unless they changed since. A cleared one is found later, as a run in flight again.

    It must be the transaction's first statement.
    """
    first_statement(session, lambda: session.execute(_SETTLE, {"keys": runs}))


def count_failure(session: Session, run: RunKey) -> int:
    """Count a failure. Returns the run's failures in a row. It must be the transaction's first statement."""
    increment = update(tables.run).where(*_by_key(run)).values(failures=_COLUMNS.failures + 1)
    failures = first_statement(session, lambda: session.scalar(increment.returning(_COLUMNS.failures)))
    return failures or 0


def postpone(session: Session, run: RunKey, *, until: datetime) -> None:
    """Make the controller leave the run alone until a moment."""
    session.execute(update(tables.run).where(*_by_key(run)).values(retry_at=until))


# -- statements -----------------------------------------------------------------------------------------------


def is_among_keys() -> ColumnElement[bool]:
    """The condition for a run to be among the statement's parameter ``keys``."""
    return tuple_(_COLUMNS.dag_id, _COLUMNS.run_id).in_(bindparam("keys", expanding=True))


def _as_columns(seen_run: SeenRun) -> dict[str, Any]:
    return {"seen_state": seen_run.state, "seen_clear_number": seen_run.clear_number}


def _by_key(run: RunKey) -> tuple[ColumnElement[bool], ...]:
    dag_id, run_id = run
    return _COLUMNS.dag_id == dag_id, _COLUMNS.run_id == run_id


def _of_instance(session_id: Any, instance: TaskInstance) -> tuple[ColumnElement[bool], ...]:
    return (
        _COLUMNS.session_id == session_id,
        _COLUMNS.task_name == instance.task.name,
        _COLUMNS.number == instance.number,
    )


def _key_of_session(storage: BaseStorageBackend) -> Any:
    return select(tables.session.c.id).where(tables.session.c.uid == storage.uid).scalar_subquery()


_SETTLE = (
    update(tables.run)
    .where(
        is_among_keys(),
        _COLUMNS.watched,
        _COLUMNS.seen_state == "success",
        exists(
            select(literal(1)).where(
                DagRunColumns.dag_id == _COLUMNS.dag_id,
                DagRunColumns.run_id == _COLUMNS.run_id,
                DagRunColumns.is_as_seen(_COLUMNS.seen_state, _COLUMNS.seen_clear_number),
            )
        ),
    )
    .values(watched=False)
)
