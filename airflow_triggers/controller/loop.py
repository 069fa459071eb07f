"""The controller's loop: observe, decide, apply; one session at a time, each in a transaction of its own.

Neighbours: ``observe.py`` finds what changed, ``decide.py`` says what it means, the manager applies it,
``process.py`` keeps the process alive. Level-triggered: a pass needs no notification, so the next one repairs any
crash.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from airflow_triggers import metrics
from airflow_triggers.controller import observe
from airflow_triggers.controller.apply import CONTROLLER, apply
from airflow_triggers.controller.assets import (
    LATE,
    RECENT,
    HandledEvents,
    fire_asset_events,
    forget_handled_events,
    watermark,
)
from airflow_triggers.controller.bulk import work_off
from airflow_triggers.controller.decide import decide
from airflow_triggers.controller.delayed import fire_due
from airflow_triggers.controller.observation import observe_run
from airflow_triggers.controller.observe import ChangedRun
from airflow_triggers.controller.unrecorded import MAX_ATTEMPTS, UnrecordedRun, fail_instance
from airflow_triggers.domain import backoff
from airflow_triggers.domain.backoff import BackOff
from airflow_triggers.domain.events import EventKind, backoff_details, withdrawal_details
from airflow_triggers.domain.failures import describe_exception
from airflow_triggers.domain.instances import TaskInstance
from airflow_triggers.domain.metadata import EXCEPTION_INFO, EXCEPTION_MESSAGE
from airflow_triggers.domain.runs import Binding, RunKey
from airflow_triggers.errors import (
    LockTimeout,
    SessionError,
    SessionNotFound,
    TriggersError,
)
from airflow_triggers.gateway.wakeup import Listener
from airflow_triggers.manager.manager import TriggerManager, trigger_managers
from airflow_triggers.metrics import Metric
from airflow_triggers.runners import bindings, promises, task_runners
from airflow_triggers.runners.progress import FAULTS, is_system_fault
from airflow_triggers.runners.transactions import after_saving, with_session
from airflow_triggers.sessions.opening import open_session
from airflow_triggers.sessions.records import manager_of
from airflow_triggers.storages import hooks, storage_backends, tables
from airflow_triggers.storages.base import BaseStorageBackend
from airflow_triggers.storages.events import add_event
from airflow_triggers.storages.hooks import HOOK_GRACE
from airflow_triggers.storages.transaction import glance, transaction

log = logging.getLogger(__name__)

SWEEP_INTERVAL = timedelta(seconds=60)
MAX_PAUSE = timedelta(seconds=30)
"""The longest pause between two failed passes, for example while the database is away."""

HURRY = 0.05
"""The least seconds between two passes while one pass cannot compare all watched runs."""

MAX_SILENCE = 1.0
"""The most seconds that an idle controller waits before it checks whether a heartbeat is due."""

IDLE_SHARE = 9
"""After a pass with nothing to do, the pause lasts at least this many times as long as the pass."""


class Controller:
    """Applies changes of DAG runs to the instances that they execute. Any number of controllers may run at once.

    :param interval: seconds between two passes when there is nothing to do.
    :param beat: the sign of life. The controller calls it after each pass, after each session of a pass, and while it
        waits for the next pass. A controller that hangs, or whose passes fail, gives none.
    """

    def __init__(self, *, interval: float = 0.5, beat: Callable[[], None] = lambda: None) -> None:
        self.interval = interval
        self._beat = beat
        self._next_sweep = datetime.min.replace(tzinfo=UTC)
        self._slice_end = observe.START
        self._events_after = 0
        self._handled_events = HandledEvents()

    def run_forever(self, stop: threading.Event) -> None:
        """Run pass after pass until ``stop`` is set. A failed pass is logged and does not end the loop."""
        for registry in (trigger_managers, storage_backends, task_runners):
            registry.check()
        log.info("Triggers controller: watching DAG runs every %s s", self.interval)
        listener, failures = Listener(), 0
        between_failures = BackOff(first=timedelta(seconds=self.interval), longest=MAX_PAUSE)
        while not stop.is_set():
            pause = between_failures.pause_after(failures + 1).total_seconds()
            try:
                self._work(stop, listener)
            except TriggersError as error:
                log.error("Triggers controller: %s The next look is in %.0f s.", error, pause)
            except Exception:
                log.exception("Triggers controller: a pass failed; the next one is in %.0f s", pause)
            else:
                failures = 0
                continue
            failures += 1
            stop.wait(pause)
        listener.close()
        log.info("Triggers controller: stopped")

    def _work(self, stop: threading.Event, listener: Listener) -> None:
        """One pass. If it found nothing to do, a pause follows, in which notified runs are handled at once."""
        started_at = time.monotonic()
        work_count = self.run_once(stop)
        metrics.time(Metric.LOOP, timedelta(seconds=time.monotonic() - started_at))
        self._beat()
        if work_count:
            return
        ended_at = time.monotonic()
        between = self.interval if self._slice_end == observe.START else min(HURRY, self.interval)
        deadline = ended_at + max(between, IDLE_SHARE * (ended_at - started_at))
        while not stop.is_set() and (seconds_left := deadline - time.monotonic()) > 0:
            if runs := listener.wait(stop, min(seconds_left, MAX_SILENCE)):
                self.look_at(runs, stop)
            self._beat()

    def run_once(self, stop: threading.Event | None = None) -> int:
        """One pass. Returns how many sessions were brought up to date, plus the number of fires and hooks called.

        It compares at most :data:`observe.SLICE` watched runs; the next pass continues from there.

        :param stop: once it is set, no further session is begun.
        """
        now = datetime.now(UTC)
        sweep = self._slice_end == observe.START and now >= self._next_sweep
        with glance() as connection:
            changed_runs = self._compare(connection, now, sweep=sweep)
            due_work = observe.due_work(connection, now=now, after=self._events_after)
            if due_work.promises:
                changed_runs += observe.promised_runs(connection, now=now)
        work_count = self._handle(changed_runs, stop)
        if stop is not None and stop.is_set():
            return work_count
        work_count += fire_due(now) if due_work.fires else 0
        work_count += fire_asset_events(now, after=self._events_after) if due_work.asset_events else 0
        if sweep:
            with transaction() as session:
                self._handled_events.note(session, after=self._events_after)
                recent = self._handled_events.before(now - RECENT)
                self._events_after = max(watermark(session, now, RECENT), recent)
        work_count += self._call_due_hooks(now) if due_work.hooks else 0
        if not due_work.bulk_acts:
            return work_count
        # Last, and for a short time: nobody waits for one of these in particular.
        return work_count + work_off(
            now, is_stopped=lambda: stop is not None and stop.is_set(), beat=self._beat
        )

    def look_at(self, runs: list[RunKey], stop: threading.Event | None = None) -> int:
        """Look at these runs only. Returns how many sessions were brought up to date."""
        now = datetime.now(UTC)
        with glance() as connection:
            changed_runs = observe.named_runs(connection, runs, now=now)
        return self._handle(changed_runs, stop)

    def _compare(self, connection: Connection, now: datetime, *, sweep: bool) -> list[ChangedRun]:
        """Compare the next slice of the watched runs; with the first slice, also look at the other runs."""
        other_runs: list[ChangedRun] = []
        if self._slice_end == observe.START:
            other_runs += observe.reopened_runs(connection, now=now)
            if sweep:
                other_runs += observe.settled_runs(connection, now=now)
                self._next_sweep = now + SWEEP_INTERVAL
                with transaction() as session:
                    self._handled_events.forget(now - LATE)
                    late = self._handled_events.before(now - LATE)
                    self._events_after = max(forget_handled_events(session, now), late)
        run_slice = observe.watched_runs(connection, now=now, after=self._slice_end)
        self._slice_end = run_slice.end
        if run_slice.over:
            with transaction() as session:
                bindings.settle(session, run_slice.over)
        return [*run_slice.news, *other_runs]

    def _handle(self, changed_runs: list[ChangedRun], stop: threading.Event | None) -> int:
        by_session: dict[str, list[ChangedRun]] = {}
        # A run may have been found twice: watched, and in flight again.
        for changed_run in {changed_run.key: changed_run for changed_run in changed_runs}.values():
            by_session.setdefault(changed_run.session_uid, []).append(changed_run)
        session_count = 0
        for runs_of_session in by_session.values():
            if stop is not None and stop.is_set():
                break
            session_count += self._handle_session(runs_of_session)
            self._beat()
        return session_count

    # -- one session ------------------------------------------------------------------------------------------

    def _handle_session(self, changed_runs: list[ChangedRun]) -> bool:
        """Bring one session up to date. A failure is logged and backed off, and stops no other session."""
        session, runs = changed_runs[0], [changed_run.key for changed_run in changed_runs]
        uid, is_in_airflow = session.session_uid, False
        try:
            manager = manager_of(uid, manager=session.manager, storage=session.storage)
            is_in_airflow = manager.storage.in_airflow_database
            failures = self._commit_runs(manager, runs)
        except LockTimeout:
            log.debug("Session %s is being written by another process; the next pass looks again", uid)
            return False
        except FAULTS as error:
            if isinstance(error, SessionNotFound) and is_in_airflow:
                log.info("Session %s was deleted; what its runs do concerns no session", uid)
                return False
            log.exception("Triggers controller: session %s cannot be brought up to date; backing off", uid)
            if isinstance(error, SessionNotFound):
                # The session is kept elsewhere, and was never saved or is gone: no run may be created for it.
                for run in runs:
                    promises.withdraw(run)
            _back_off(uid, runs, error)
            return False
        for run, reason in failures.items():
            _fail_or_back_off(manager, run, reason)
        return len(failures) < len(runs)

    def _commit_runs(self, manager: TriggerManager, runs: list[RunKey]) -> dict[RunKey, BaseException]:
        """Bring the session's runs up to date in one commit. Returns the runs that failed, and why.

        A store may refuse what one of the runs left behind when all is saved. Then each run has a commit of its own.
        """
        try:
            with manager.storage.acquire_lock(wait=False):
                return self._handle_runs(manager, runs)
        except FAULTS as error:
            if is_system_fault(error) or isinstance(error, SessionNotFound):
                raise
            log.exception("Triggers controller: session %s cannot be kept", manager.storage.uid)
            if len(runs) == 1:
                return {runs[0]: error}
        failures: dict[RunKey, BaseException] = {}
        for run in runs:
            failures |= self._commit_runs(manager, [run])
        return failures

    def _handle_runs(self, manager: TriggerManager, runs: list[RunKey]) -> dict[RunKey, BaseException]:
        """Bring the session's runs up to date, one by one. Returns the failed runs with their errors."""
        failures: dict[RunKey, BaseException] = {}
        for run in runs:
            try:
                with manager.storage.savepoint():
                    self._handle_run(manager, run)
            except FAULTS as error:
                if is_system_fault(error):
                    raise
                log.exception("Triggers controller: run %s of %s cannot be applied", run.run_id, run.dag_id)
                failures[run] = error
        return failures

    def _handle_run(self, manager: TriggerManager, run: RunKey) -> None:
        storage = manager.storage
        with with_session(storage) as session:
            binding = bindings.find_by_run(session, run)
            if binding is None:
                # Meanwhile somebody set its instance back by hand, and the instance has another run.
                return
            observation = (
                None if binding.is_promise else observe_run(session, storage[binding.instance_name], binding)
            )
        if observation is None:
            _make_good(manager, binding)
            return
        instance = observation.instance
        decision = decide(instance.status, seen_run=observation.seen_run, now=observation.now)
        noting = partial(
            bindings.note_applied, run=run, seen_run=observation.latest, is_watched=decision.watched
        )
        after_saving(storage, noting)
        if not storage.in_airflow_database:
            instance = bindings.with_seen(storage, instance, run, observation.latest)
        apply(manager, instance, decision, observation)

    # -- hooks ------------------------------------------------------------------------------------------------

    def _call_due_hooks(self, now: datetime) -> int:
        """Call due hooks: their process died after the commit, or they raised before."""
        with transaction() as session:
            claimed_hooks = observe.claim_hooks(session, now=now, grace=HOOK_GRACE)
        for row in claimed_hooks:
            log.info("Triggers controller: calling hook %s of session %s", row.hook, row.uid)
            try:
                _call_hook(open_session(row.uid), row)
            except Exception as error:
                log.exception(
                    "Triggers controller: hook %s of session %s cannot be called", row.hook, row.uid
                )
                _count_hook(row, error)
            self._beat()
        return len(claimed_hooks)


def _make_good(manager: TriggerManager, binding: Binding) -> None:
    """Create a promised run whose process has died. Withdraw the promise if its instance does not wait for the run."""
    storage, name = manager.storage, binding.instance_name
    instance = _saved_instance(storage, name)
    if not promises.make_good(binding.key, instance, partial(manager.record_progress, name)):
        status = instance.status.value if instance else None
        details = withdrawal_details(binding.dag_id, binding.run_id, status=status)
        storage.record_event(EventKind.WITHDRAW, instance=name, by=CONTROLLER, details=details)


def _saved_instance(storage: BaseStorageBackend, name: str) -> TaskInstance | None:
    """The instance; None if the session was not saved with it."""
    try:
        return storage[name]
    except SessionError:
        return None


def _call_hook(manager: TriggerManager, row: Any) -> None:
    """Call the hook. A session kept elsewhere is asked first: it may not have been saved, or the hook may be done."""
    if manager.storage.in_airflow_database:
        manager.call_hook(row.id, row.hook, row.arguments)
        return
    requested_token = row.arguments[hooks.KNOWN_AS]
    for token, hook, arguments in manager.storage.pending_hooks():
        if token == requested_token:
            manager.call_hook(token, hook, arguments, owed_id=row.id)
            return
    hooks.forget(row.id)


def _count_hook(row: Any, error: Exception) -> None:
    """Count the failure of a hook without an installed manager. It also waits longer each time, and is parked."""
    try:
        hooks.postpone(row.id, describe_exception(error)[EXCEPTION_INFO])
    except Exception:
        log.exception("Triggers controller: session %s: the hook's failure cannot be kept", row.uid)


def _fail_or_back_off(manager: TriggerManager, run: RunKey, error: BaseException) -> None:
    """Leave a failing run alone for a while. After :data:`MAX_ATTEMPTS`, fail its instance."""
    attempts = _back_off(manager.storage.uid, [run], error).get(run, 0)
    if attempts >= MAX_ATTEMPTS:
        fail_instance(manager, UnrecordedRun(key=run, attempts=attempts, error=error))


def _back_off(uid: str, runs: list[RunKey], error: BaseException) -> dict[RunKey, int]:
    """Leave the runs alone for a while. Returns for each how often in a row it could not be applied.

    The history gets an entry at the first failure, not each time. If even this cannot be saved, it is logged, and the
    next pass tries the runs again.
    """
    try:
        with transaction() as session:
            attempts = {run: _count_failure(session, run) for run in runs}
            new_failures = [run for run, count in attempts.items() if count == 1]
            if new_failures:
                owner = select(tables.session.c.id).where(tables.session.c.uid == uid).scalar_subquery()
                message = describe_exception(error)[EXCEPTION_MESSAGE]
                details = backoff_details(message, run_ids=[run.run_id for run in new_failures])
                now = datetime.now(UTC)
                add_event(session, owner, EventKind.BACKOFF, at=now, by=CONTROLLER, details=details)
            return attempts
    except Exception:
        log.exception("Triggers controller: session %s cannot be backed off", uid)
        return {}


def _count_failure(session: Session, run: RunKey) -> int:
    """Count the failure and postpone the run. Returns its failures in a row, this one included."""
    failures = bindings.count_failure(session, run)
    bindings.postpone(session, run, until=datetime.now(UTC) + backoff.ATTEMPTS.pause_after(failures))
    return failures
