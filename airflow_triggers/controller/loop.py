"""The controller's loop: observe, decide, apply; one session at a time, each in a transaction of its own.

Neighbours: ``observe.py`` finds what changed, ``decide.py`` says what it means, the manager applies it,
``process.py`` keeps
the process alive. Level-triggered: a pass needs to have heard nothing, so a crash anywhere is made good by
the next one.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from airflow_triggers import gateway
from airflow_triggers.configuration.names import COMPILED_TASK_ID, RunKind, run_kind
from airflow_triggers.controller import observe
from airflow_triggers.controller.decide import Decision, decide
from airflow_triggers.errors import (
    InvalidTrigger,
    LockTimeout,
    RunDeleted,
    RunFailed,
    TaskProcessDied,
    TriggersError,
)
from airflow_triggers.failures import describe_exception
from airflow_triggers.manager import TriggerManager, trigger_managers
from airflow_triggers.runners import task_runners
from airflow_triggers.sessions import open_session
from airflow_triggers.states import Event
from airflow_triggers.storages import storage_backends, tables
from airflow_triggers.storages.sql import HOOK_GRACE, SqlStorageBackend
from airflow_triggers.storages.transaction import transaction
from airflow_triggers.types import SeenRun, TaskInstance, validate_trigger_kwargs

log = logging.getLogger(__name__)

SWEEP_INTERVAL = timedelta(seconds=60)
MAX_BACKOFF = timedelta(minutes=10)
MAX_PAUSE = 30.0
"""Seconds between two passes when the database cannot be had."""


class Controller:
    """Applies what happened to DAG runs to the instances that they execute. Any number may run at once.

    :param interval: seconds between two passes when there is nothing to do.
    """

    def __init__(self, *, interval: float = 0.5) -> None:
        self.interval = interval
        self._next_sweep = datetime.min.replace(tzinfo=UTC)

    def run_forever(self, stop: threading.Event) -> None:
        """Pass after pass until ``stop`` is set; a pass that fails is logged and does not end the loop."""
        for registry in (trigger_managers, storage_backends, task_runners):
            registry.check()
        log.info("Triggers controller: watching DAG runs every %s s", self.interval)
        failures = 0
        while not stop.is_set():
            pause = min(MAX_PAUSE, self.interval * 2**failures)
            try:
                busy = self.run_once(stop) > 0
            except TriggersError as error:
                log.error("Triggers controller: %s The next look is in %.0f s.", error, pause)
            except Exception:
                log.exception("Triggers controller: a pass failed; the next one is in %.0f s", pause)
            else:
                failures = 0
                if not busy:
                    stop.wait(self.interval)
                continue
            failures = min(failures + 1, 10)
            stop.wait(pause)
        log.info("Triggers controller: stopped")

    def run_once(self, stop: threading.Event | None = None) -> int:
        """One pass. Returns how many sessions were brought up to date, and hooks called.

        :param stop: once it is set, the session at hand is the last one.
        """
        now = datetime.now(UTC)
        with transaction() as session:
            changed = observe.changed_runs(session, now=now)
            if now >= self._next_sweep:
                changed += observe.settled_runs(session, now=now)
                self._next_sweep = now + SWEEP_INTERVAL
        by_session: dict[str, dict[tuple[str, str], None]] = {}
        for row in changed:
            by_session.setdefault(row.uid, {})[row.dag_id, row.run_id] = None
        handled = 0
        for uid, runs in by_session.items():
            if stop is not None and stop.is_set():
                return handled
            handled += self._handle_session(uid, list(runs))
        return handled + self._call_due_hooks(now)

    # -- one session ------------------------------------------------------------------------------------------

    def _handle_session(self, uid: str, runs: list[tuple[str, str]]) -> bool:
        """Bring one session up to date; one that cannot be is logged, backed off, and stops no other."""
        try:
            manager = open_session(uid)
            storage = manager.storage
            assert isinstance(storage, SqlStorageBackend)
            with storage.acquire_lock(wait=False):
                for dag_id, run_id in runs:
                    self._handle_run(manager, storage, dag_id, run_id)
            return True
        except LockTimeout:
            log.debug("Session %s is being written by another process; the next pass looks again", uid)
        except Exception as error:
            log.exception("Triggers controller: session %s cannot be brought up to date; backing off", uid)
            _back_off(uid, runs, error)
        return False

    def _handle_run(
        self, manager: TriggerManager, storage: SqlStorageBackend, dag_id: str, run_id: str
    ) -> None:
        session, bound = storage.transaction, tables.run.c
        mine = (bound.dag_id == dag_id, bound.run_id == run_id)
        row = session.execute(select(tables.run).where(*mine)).one()
        instance = storage[f"{row.task_name}#{row.number}"]
        seen, now = SeenRun(row.seen_state, row.seen_clear_number), gateway.see_run(session, dag_id, run_id)
        decision = decide(instance.status, seen=seen, now=now)
        current = now or seen
        session.execute(
            update(tables.run)
            .where(*mine)
            .values(
                seen_state=current.state,
                seen_clear_number=current.clear_number,
                watched=decision.watched,
                retry_at=None,
                failures=0,
            )
        )
        _apply(manager, instance, decision, dag_id=dag_id, run_id=run_id, gone=now is None)

    # -- hooks ------------------------------------------------------------------------------------------------

    def _call_due_hooks(self, now: datetime) -> int:
        """Call hooks whose process died after the commit, or that raised and are due again."""
        with transaction() as session:
            claimed = observe.claim_hooks(session, now=now, grace=HOOK_GRACE)
        for row in claimed:
            log.info("Triggers controller: calling hook %s of session %s", row.hook, row.uid)
            try:
                open_session(row.uid).call_hook(row.id, row.hook, row.arguments)
            except Exception:
                log.exception(
                    "Triggers controller: hook %s of session %s cannot be called", row.hook, row.uid
                )
        return len(claimed)


def _apply(
    manager: TriggerManager,
    instance: TaskInstance,
    decision: Decision,
    *,
    dag_id: str,
    run_id: str,
    gone: bool,
) -> None:
    storage = manager.storage
    assert isinstance(storage, SqlStorageBackend)
    for event in decision.events:
        if event is Event.FAIL:
            metadata = _failure(storage, instance, dag_id, run_id, gone=gone)
            after = manager.record_progress(instance, event, metadata=metadata)
        elif event is Event.FINISH:
            after = _finish(manager, storage, instance, dag_id, run_id)
        else:
            after = manager.record_progress(instance, event)
        log.info(
            "Session %s: %s %s → %s (DAG run %s of %s)",
            *(storage.uid, instance.name, instance.status.value, after.status.value, run_id, dag_id),
        )
        instance = after


def _finish(
    manager: TriggerManager, storage: SqlStorageBackend, instance: TaskInstance, dag_id: str, run_id: str
) -> TaskInstance:
    """The run succeeded: finished with what it returned; skipped when every task of it was."""
    if set(gateway.task_states(storage.transaction, dag_id, run_id).values()) == {"skipped"}:
        return manager.record_progress(instance, Event.WAIVE)
    kind = run_kind(instance.task.run)
    named = instance.task.airflow.get("result_task_id")
    task_id = named if kind is RunKind.DAG else COMPILED_TASK_ID
    result = gateway.read_result(storage.transaction, dag_id, run_id, task_id=task_id)
    try:
        kwargs = validate_trigger_kwargs(_as_kwargs(result))
    except InvalidTrigger as error:
        return manager.record_progress(instance, Event.FAIL, metadata=describe_exception(error))
    return manager.record_progress(
        instance, Event.FINISH, metadata={"result": result}, cascade=True, cascade_kwargs=kwargs
    )


def _as_kwargs(result: Any) -> Mapping[str, Any]:
    """What a run returned, as kwargs: a mapping is taken as it is, another value under its XCom key."""
    if result is None:
        return {}
    return result if isinstance(result, Mapping) else {gateway.RETURN_KEY: result}


def _failure(
    storage: SqlStorageBackend, instance: TaskInstance, dag_id: str, run_id: str, *, gone: bool
) -> dict[str, Any]:
    """Why an instance failed: what its task reported, else what Airflow knows."""
    if gone:
        return describe_exception(RunDeleted(f"The DAG run {run_id!r} of {dag_id!r} was deleted in Airflow."))
    reported = gateway.read_exception(storage.transaction, dag_id, run_id)
    if reported is not None:
        return dict(reported)
    states = gateway.task_states(storage.transaction, dag_id, run_id)
    failed = sorted(task_id for task_id, state in states.items() if state == "failed")
    if run_kind(instance.task.run) is RunKind.CALLABLE and failed:
        return describe_exception(
            TaskProcessDied(
                "The task's process ended without reporting an exception: it was killed, marked failed, ran out of "
                f"memory, or could not load its DAG file. Its log in Airflow, run {run_id!r} of "
                f"{dag_id!r}, may say more."
            )
        )
    what = (
        f"failed tasks: {', '.join(failed)}"
        if failed
        else "no task of it failed; it timed out or was marked failed"
    )
    return describe_exception(
        RunFailed(f"The DAG run {run_id!r} of {dag_id!r} failed ({what}). Their logs in Airflow say why.")
    )


def _back_off(uid: str, runs: list[tuple[str, str]], error: Exception) -> None:
    """Leave the session's runs alone for a while: 1 second, then twice as long each time, ten minutes at most."""
    now = datetime.now(UTC)
    with transaction() as session:
        for dag_id, run_id in runs:
            mine = (tables.run.c.dag_id == dag_id, tables.run.c.run_id == run_id)
            failures = session.scalar(select(tables.run.c.failures).where(*mine)) or 0
            wait = min(MAX_BACKOFF, timedelta(seconds=2 ** min(failures, 12)))
            session.execute(
                update(tables.run).where(*mine).values(failures=failures + 1, retry_at=now + wait)
            )
        owner = select(tables.session.c.id).where(tables.session.c.uid == uid).scalar_subquery()
        entry = {
            "kind": "backoff",
            "at": now,
            "by": "controller",
            "details": {"error": str(error), "runs": len(runs)},
        }
        session.execute(tables.event.insert().values(session_id=owner, instance=None, **entry))
