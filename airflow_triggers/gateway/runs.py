"""Airflow's DAG runs: created, observed, marked. Every function works in the caller's transaction and never commits.

Neighbours: ``runners/airflow.py`` creates and marks runs, ``controller/`` observes them; ``run_columns.py`` has the
compared columns. Source of what is called here: ``airflow.serialization.definitions.dag.SerializedDAG.create_dagrun``
and the route ``airflow.api_fastapi.core_api.routes.public.dag_run.trigger_dag_run``. :func:`_runnable_dag` repeats the
route's checks.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any

from airflow.models.dag import DagModel
from airflow.models.dag_version import DagVersion
from airflow.models.dagrun import DagRun
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.taskinstance import TaskInstance
from airflow.models.taskinstancehistory import TaskInstanceHistory
from airflow.models.xcom import XComModel
from airflow.sdk.exceptions import AirflowException
from airflow.utils.state import DagRunState, State, TaskInstanceState
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    case,
    cast,
    exists,
    false,
    literal,
    or_,
    select,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from airflow_triggers.domain import jsonb
from airflow_triggers.domain.names import FORM, RunKind, run_kind
from airflow_triggers.domain.report import REPORT_KEY
from airflow_triggers.domain.runs import SeenRun
from airflow_triggers.errors import DagUnavailable, RunIdTaken
from airflow_triggers.gateway.manifests import compiled_configuration
from airflow_triggers.gateway.run_columns import DagRunColumns, OnlyTask
from airflow_triggers.sentences import error_in_short, sentence
from airflow_triggers.storages.prepared import PreparedStatement
from airflow_triggers.storages.stored import Unreadable, read_json
from airflow_triggers.storages.transaction import is_sqlite, send

RETURN_KEY = "return_value"
MAX_NOTE_LENGTH = 1000
PARAGRAPHS = "\n\n"
"""Between the paragraphs of a note, in Markdown."""


@dataclass(frozen=True, kw_only=True)
class NewRun:
    """A DAG run to create.

    :param conf: the content of ``dag_run.conf`` for the tasks.
    :param session_uid: becomes the partition key where the DAG's timetable accepts one.
    :param note: Markdown; Airflow keeps :data:`MAX_NOTE_LENGTH` characters of it.
    :param run_after: not before this moment (UTC); None: at once.
    :param user_name: who fired, if known.
    :param configuration: the deployed configuration of a compiled DAG; None: the DAG is somebody's own.
    :param task_name: the configuration's task behind the DAG.
    """

    dag_id: str
    run_id: str
    conf: Mapping[str, Any]
    session_uid: str
    note: str
    run_after: datetime | None = None
    user_name: str | None = None
    configuration: str | None = None
    task_name: str | None = None


class _LenientParams:
    """Replaces a DAG's params where every conf of ours fits them: validating a conf costs more than the look-up."""

    def deep_merge(self, conf: object) -> _LenientParams:
        return self

    def validate(self) -> dict[str, Any]:
        return {}


_dags: dict[str, tuple[str, Any]] = {}
_dags_lock = threading.Lock()


def create_run(session: Session, new: NewRun) -> SeenRun:
    """Create the DAG run in the caller's transaction.

    Whoever catches an error must undo the partial work.

    :raises RunIdTaken: when the DAG has a run of this id.
    :raises DagUnavailable: when the DAG is missing, stale, has import errors, cannot be read, refuses manual runs, or
        the run's conf does not fit its params; or when the database refuses its task instances.
    """
    dag = _runnable_dag(session, new)
    takes_key = bool(getattr(dag.timetable, "partitioned_at_runtime", False))
    now = datetime.now(UTC)
    try:
        with _no_rollback(session):
            dag.create_dagrun(
                run_id=new.run_id,
                run_after=new.run_after or now,
                conf=dict(new.conf) if is_sqlite() else jsonb.sendable(new.conf),
                run_type=DagRunType.MANUAL,
                triggered_by=DagRunTriggeredByType.REST_API,
                triggering_user_name=new.user_name,
                state=DagRunState.QUEUED,
                partition_key=new.session_uid if takes_key else None,
                note=new.note[:MAX_NOTE_LENGTH],
                session=session,
            )
    except IntegrityError as error:
        is_taken = _is_taken(error)
        why = "there is one already" if is_taken else str(error.orig)
        kind = RunIdTaken if is_taken else DagUnavailable
        raise kind(sentence(f"DAG {new.dag_id!r} could not get the run {new.run_id!r}", why)) from error
    except _RollbackRefused as error:
        reason = error.__context__ or error
        raise DagUnavailable(
            sentence(f"The database refused the task instances of DAG {new.dag_id!r}", error_in_short(reason))
            + " Does a cluster policy leave one of their columns empty?"
        ) from reason
    except (AirflowException, ValueError) as error:
        raise DagUnavailable(sentence(f"DAG {new.dag_id!r} refused the run {new.run_id!r}", error)) from error
    return SeenRun(DagRunState.QUEUED.value, 0)


class _RollbackRefused(Exception):
    """Somebody wanted to undo a transaction that is not theirs."""


@contextmanager
def _no_rollback(session: Session) -> Iterator[None]:
    """Refuse to roll back inside. The session's transaction is the caller's, with all that it has written.

    Airflow takes task instances that the database refuses for a sign that somebody else has made them. It rolls back
    and returns, as if the run were there. Source: ``airflow.models.dagrun.DagRun._create_task_instances``.
    """

    def refuse() -> None:
        raise _RollbackRefused

    session.rollback = refuse  # type: ignore[method-assign]
    try:
        yield
    finally:
        del session.rollback


def _is_taken(error: IntegrityError) -> bool:
    message = str(error.orig)
    return "dag_run_dag_id_run_id_key" in message or "dag_run.run_id" in message


def has_run(session: Session, dag_id: str, run_id: str) -> bool:
    """Whether the DAG has a run of this id."""
    run = DagRunColumns
    query = select(literal(1)).where(run.dag_id == dag_id, run.run_id == run_id)
    return bool(session.scalar(select(query.exists())))


def check_runnable(session: Session, new: NewRun) -> None:
    """:raises DagUnavailable: when the run could not be created now."""
    _runnable_dag(session, new)


def missing_dags(session: Session, dag_ids: set[str]) -> set[str]:
    """The DAG ids without a deployed DAG."""
    deployed_dag_ids = session.scalars(
        select(DagModel.dag_id).where(DagModel.dag_id.in_(dag_ids), ~DagModel.is_stale)
    )
    return dag_ids - set(deployed_dag_ids)


def near_dag_ids(session: Session, dag_id: str) -> list[str]:
    """Deployed DAG ids similar to this one."""
    return get_close_matches(
        dag_id, session.scalars(select(DagModel.dag_id).where(~DagModel.is_stale)).all(), n=1
    )


_LATEST_HASH = (
    select(SerializedDagModel.dag_hash)
    .join(DagVersion, SerializedDagModel.dag_version_id == DagVersion.id)
    .where(DagVersion.dag_id == DagModel.dag_id)
    .order_by(DagVersion.version_number.desc())
    .limit(1)
    .scalar_subquery()
)
"""The hash of a DAG's latest version; NULL when it has none."""

_DEPLOYED = PreparedStatement(
    select(
        DagModel.dag_id,
        cast(DagModel.is_stale, Integer).label("is_stale"),
        cast(DagModel.has_import_errors, Integer).label("has_import_errors"),
        cast(DagModel.allowed_run_types, Text).label("allowed_run_types"),
        _LATEST_HASH.label("dag_hash"),
    ).where(or_(DagModel.dag_id == bindparam("of_dag"), DagModel.dag_id == bindparam("of_manifest")))
)
"""The facts needed before a run: about its DAG ``of_dag``, and ``of_manifest``, which carries its configuration."""


def _runnable_dag(session: Session, new: NewRun) -> Any:
    """The latest version of the DAG, after the checks of Airflow's own route."""
    dag_id = new.dag_id
    parameters = {"of_dag": dag_id, "of_manifest": new.configuration}
    rows = {row.dag_id: row for row in send(session, _DEPLOYED, parameters).rows}
    row, manifest = rows.get(dag_id), rows.get(new.configuration)
    has_version = row is not None and row.dag_hash is not None
    if has_version and manifest is not None and manifest.dag_hash is not None and not manifest.is_stale:
        _refuse_removed(session, new, manifest.dag_hash)
    if row is None or not has_version or row.is_stale:
        near = near_dag_ids(session, dag_id)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise DagUnavailable(
            f"There is no deployed DAG {dag_id!r}.{hint} Deploy it, then replay the instance."
        )
    if row.has_import_errors:
        raise DagUnavailable(f"DAG {dag_id!r} has import errors; repair its file, then replay the instance.")
    allowed_types = json.loads(row.allowed_run_types or "null")
    if allowed_types is not None and DagRunType.MANUAL.value not in allowed_types:
        raise DagUnavailable(
            f"DAG {dag_id!r} allows only runs of the types {', '.join(allowed_types)}, not manual ones."
        )
    return _deserialize(session, dag_id, row.dag_hash)


def _refuse_removed(session: Session, new: NewRun, manifest_hash: str) -> None:
    """Refuse a run of a removed task: Airflow keeps its DAG for minutes, and no worker would find the task.

    :raises DagUnavailable: when the deployed configuration no longer has the task, or the task runs another DAG now.
    """
    configuration = compiled_configuration(session, str(new.configuration), manifest_hash)
    task = configuration.tasks.get(str(new.task_name)) if configuration else None
    if configuration is None or (task is not None and run_kind(task.run) is not RunKind.DAG):
        return
    migration = f"airflow triggers sessions migrate --configuration {new.configuration}"
    if task is not None:
        raise DagUnavailable(
            f"The task {new.task_name!r} of the deployed configuration {new.configuration!r} runs a DAG of another id "
            f"now, so its former DAG {new.dag_id!r} cannot run. Move the session to the deployed rules, then replay "
            f"the instance: {migration}"
        )
    raise DagUnavailable(
        f"The deployed configuration {new.configuration!r} does not have the task {new.task_name!r} any more, so its "
        f"DAG {new.dag_id!r} cannot run. Deploy the task again, then replay the instance. Or skip the instance, and "
        f"move the session to the deployed rules: {migration}"
    )


def _deserialize(session: Session, dag_id: str, dag_hash: str) -> Any:
    with _dags_lock:
        cache_entry = _dags.get(dag_id)
    if cache_entry and cache_entry[0] == dag_hash:
        return cache_entry[1]
    model = SerializedDagModel.get(dag_id, session=session)
    if model is None:
        raise DagUnavailable(f"There is no deployed DAG {dag_id!r}. Deploy it, then replay the instance.")
    try:
        dag = model.dag
    except Exception as error:
        raise DagUnavailable(
            f"DAG {dag_id!r} cannot be read from the database ({error_in_short(error)}). Was it made by "
            "another version of Airflow, or does it need a plugin that is not installed here? Repair it, then "
            "replay the instance."
        ) from error
    is_compiled = bool(getattr(dag.timetable, "partitioned_at_runtime", False)) and set(dag.params) == FORM
    if is_compiled or not dag.params:
        dag.params = _LenientParams()  # type: ignore[assignment]
    with _dags_lock:
        _dags[dag_id] = (model.dag_hash, dag)
    return dag


# -- observing ------------------------------------------------------------------------------------------------


def see_run(session: Session, dag_id: str, run_id: str, *, is_compiled: bool = False) -> SeenRun | None:
    """The DAG run as it is now; None when there is none (any more).

    :param is_compiled: whether its only task tells its success; otherwise only the run itself does.
    """
    return _seen_run(session, _run_query(dag_id, run_id, is_compiled=is_compiled))


def hold_run(session: Session, dag_id: str, run_id: str, *, is_compiled: bool = False) -> SeenRun | None:
    """The DAG run as it is now, locked until the transaction ends; see :func:`see_run`."""
    query = _run_query(dag_id, run_id, is_compiled=is_compiled)
    return _seen_run(session, query.with_for_update(of=DagRunColumns.table))


def _run_query(dag_id: str, run_id: str, *, is_compiled: bool) -> Select[Any]:
    run, tells = DagRunColumns, literal(is_compiled)
    early, is_half_cleared = OnlyTask.is_early(tells).label("early"), _is_half_cleared().label("half_cleared")
    return (
        select(OnlyTask.run_state(tells).label("state"), run.clear_number, early, is_half_cleared)
        .outerjoin_from(run.table, OnlyTask.table, OnlyTask.of(run.dag_id, run.run_id))
        .where(run.dag_id == dag_id, run.run_id == run_id)
    )


def _seen_run(session: Session, query: Select[Any]) -> SeenRun | None:
    row = session.execute(query).one_or_none()
    if row is None:
        return None
    early, is_half_cleared = bool(row.early), bool(row.half_cleared)
    return SeenRun(str(row.state), row.clear_number, early=early, half_cleared=is_half_cleared)


def _is_half_cleared() -> ColumnElement[bool]:
    """See :attr:`SeenRun.half_cleared`. The tasks of a run never cleared are not read."""
    run, state = DagRunColumns, TaskInstance.state
    still_to_run = exists(literal(1)).where(
        TaskInstance.dag_id == run.dag_id,
        TaskInstance.run_id == run.run_id,
        or_(state.is_(None), state.not_in(State.finished)),
    )
    return case((and_(run.state == "success", run.clear_number > 0), still_to_run), else_=false())


@dataclass(frozen=True, kw_only=True)
class RunXComs:
    """The XComs of a run that the framework reads: its result, and the reports of its tasks.

    They are the stored JSON values. An object serialized by Airflow stays JSON: no class named by a worker is loaded
    here.

    :param result: what the run returned; None if nothing; :class:`Unreadable` if Python or we cannot read it.
    :param reports: likewise the reports of its tasks, by task id and map index.
    """

    result: Any = None
    reports: tuple[Any, ...] = ()


def read_xcoms(session: Session, dag_id: str, run_id: str, *, task_id: str | None) -> RunXComs:
    """The run's XComs. Its result is the one of ``task_id``, else of the DAG's result task."""
    rows = session.execute(
        # The value as text: a value that Python cannot read then spoils one XCom and not the whole answer.
        select(
            XComModel.task_id,
            XComModel.key,
            XComModel.map_index,
            cast(XComModel.value, Text).label("text"),
            XComModel.dag_result,
        )
        .where(
            XComModel.dag_id == dag_id,
            XComModel.run_id == run_id,
            XComModel.key.in_((RETURN_KEY, REPORT_KEY)),
        )
        .order_by(XComModel.task_id, XComModel.map_index)
    ).all()
    results = (
        _parsed(row.text)
        for row in rows
        if row.key == RETURN_KEY
        and row.map_index == -1
        and (row.task_id == task_id or (task_id is None and row.dag_result))
    )
    result = next(results, None)
    return RunXComs(
        result=result if isinstance(result, Unreadable) else jsonb.restored(result),
        reports=tuple(_parsed(row.text) for row in rows if row.key == REPORT_KEY),
    )


def _parsed(text: str | None) -> Any:
    return None if text is None else read_json(text)


def task_states(session: Session, dag_id: str, run_id: str) -> dict[str, str]:
    """The states of the run's task instances by task id (mapped ones: the last by state name)."""
    query = (
        select(TaskInstance.task_id, TaskInstance.state)
        .where(TaskInstance.dag_id == dag_id, TaskInstance.run_id == run_id)
        .order_by(TaskInstance.state)
    )
    return {row.task_id: str(row.state or "none") for row in session.execute(query)}


def skipped_itself(session: Session, dag_id: str, run_id: str) -> bool:
    """Whether all tasks of the run are skipped, and at least one skipped itself.

    When somebody marks a run as success before its tasks began, Airflow skips the tasks, too. Those were never
    executed, or not since they were cleared. A cleared task keeps the process id and the start of its earlier try.
    """
    history = TaskInstanceHistory
    same_try = (history.task_id == TaskInstance.task_id, history.map_index == TaskInstance.map_index)
    earlier = (
        history.dag_id == dag_id,
        history.run_id == run_id,
        history.start_date == TaskInstance.start_date,
    )
    was_executed = TaskInstance.pid.is_not(None) & ~exists().where(*earlier, *same_try)
    query = select(TaskInstance.state, was_executed).where(
        TaskInstance.dag_id == dag_id, TaskInstance.run_id == run_id
    )
    tasks = session.execute(query).all()
    return all(state == TaskInstanceState.SKIPPED for state, _ in tasks) and any(
        was_executed for _, was_executed in tasks
    )


# -- marking --------------------------------------------------------------------------------------------------


def skip_run(session: Session, dag_id: str, run_id: str, *, note: str) -> SeenRun | None:
    """Waive a failed run: its failed and upstream-failed task instances become skipped, and the run succeeds."""
    run = _run(session, dag_id, run_id)
    if run is None:
        return None
    failed_states = (TaskInstanceState.FAILED, TaskInstanceState.UPSTREAM_FAILED)
    query = select(TaskInstance).where(
        TaskInstance.dag_id == dag_id, TaskInstance.run_id == run_id, TaskInstance.state.in_(failed_states)
    )
    for task_instance in session.scalars(query):
        task_instance.set_state(TaskInstanceState.SKIPPED, session=session)
    run.set_state(DagRunState.SUCCESS)
    _add_note(run, note)
    session.flush()
    return SeenRun(DagRunState.SUCCESS.value, run.clear_number)


def finish_clearing(session: Session, dag_id: str, run_id: str) -> SeenRun | None:
    """Queue a run that is half cleared, as the clear would have done a moment later.

    A clear leaves the state of a running run alone. The scheduler may be ending this run in a transaction that is still
    open. Source: ``airflow.models.taskinstance.clear_task_instances``.
    """
    now = hold_run(session, dag_id, run_id)
    run = _run(session, dag_id, run_id)
    if now is None or run is None or not now.half_cleared:
        return now
    run.set_state(DagRunState.QUEUED)
    run.last_scheduling_decision = None
    session.flush()
    return SeenRun(DagRunState.QUEUED.value, now.clear_number)


def annotate_run(session: Session, dag_id: str, run_id: str, *, note: str) -> None:
    """Put a line before the run's note. If the run is gone, do nothing."""
    run = _run(session, dag_id, run_id)
    if run is not None:
        _add_note(run, note)
        session.flush()


def _run(session: Session, dag_id: str, run_id: str) -> DagRun | None:
    run: DagRun | None = session.scalar(
        select(DagRun).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id)
    )
    return run


def _add_note(run: DagRun, line: str) -> None:
    """Put the news first. If the note would become too long, the oldest news is left out, then the end is cut.

    The last paragraph says whose run it is.
    """
    paragraphs = [line, *(run.note.split(PARAGRAPHS) if run.note else ())]
    while len(PARAGRAPHS.join(paragraphs)) > MAX_NOTE_LENGTH and len(paragraphs) > 2:
        del paragraphs[-2]
    note = PARAGRAPHS.join(paragraphs)
    run.note = note if len(note) <= MAX_NOTE_LENGTH else f"{note[: MAX_NOTE_LENGTH - 1]}…"
