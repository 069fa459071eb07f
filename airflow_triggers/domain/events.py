"""Events: the entries of a session's history beside its fires, their kinds, and the keys of their details, each once.

Neighbours: ``storages/events.py`` keeps them, ``history/`` reads and words them. Every entry's details are made by a
function of this file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class EventKind(StrEnum):
    """What an entry of the history is about. The values are stored and part of the REST API."""

    CONFIGURE = "configure"  #: tasks were added, or replaced by name
    RECONCILE = "reconcile"  #: new rules made an instance, or changed one that waited
    PROGRESS = "progress"  #: an instance's status changed with what executes it
    STATUS = "status"  #: an instance's status was set by hand
    METADATA = "metadata"  #: something was attached to an instance by hand
    LOGS_RESOLVED = "logs_resolved"  #: an instance's log messages were dealt with
    REPLAY = "replay"  #: a failed instance was run again, as a clone
    SKIP = "skip"  #: a failed instance was waived
    DELAY = "delay"  #: somebody asked for a fire for later
    DELAYED_FIRE = "delayed_fire"  #: a fire for later took effect
    DELAYED_FIRE_FAILED = "delayed_fire_failed"  #: a due fire failed for the first time; it is tried again
    DELAYED_FIRE_PARKED = "delayed_fire_parked"  #: a due fire failed too often; no automatic retry
    DELAYED_FIRE_RETRIED = "delayed_fire_retried"  #: somebody had a fire for later tried again
    DELAYED_FIRE_CANCELLED = "delayed_fire_cancelled"  #: somebody cancelled a fire for later
    HOOK_FAILED = "hook_failed"  #: a hook raised for the first time; it is called again
    HOOK_PARKED = "hook_parked"  #: a hook raised too often; no automatic retry
    HOOK_CALLED = "hook_called"  #: somebody had a failed hook called again
    BACKOFF = "backoff"  #: the controller could not apply a DAG run's change, and looks again later
    WITHDRAW = "withdraw"  #: a promised DAG run is not created: the instance does not wait for it
    ASSET_EVENT = "asset_event"  #: an asset event could not be fired, and is not tried again


@dataclass(frozen=True, kw_only=True)
class SessionEvent:
    """An entry of a session's history that is no fire.

    :param event_id: counts up in the order of writing the session's entries.
    :param instance: the name of its instance, if it is about one.
    :param by: the user or the component that caused it, if known.
    :param details: what else is known; the keys depend on the kind.
    """

    event_id: int
    kind: str
    instance: str | None
    at: datetime
    by: str | None
    details: Mapping[str, Any]


class Detail:
    """The keys of the details. They are stored and part of the REST API."""

    TASKS = "tasks"  #: the names of tasks
    EVENT = "event"  #: what happened to the instance, as a verb
    FROM = "from"  #: the instance's status before
    TO = "to"  #: the instance's status after
    CAUSE = "cause"  #: why, as a phrase
    DAG_ID = "dag_id"  #: the DAG of the instance's run
    RUN_ID = "run_id"  #: the id of the instance's run
    RUN_STATE = "run_state"  #: the state of the run
    CLEAR_NUMBER = "clear_number"  #: how often the run had been cleared, if it had
    ERROR = "error"  #: an exception on one line
    KEYS = "keys"  #: the keys of the attached metadata
    REPLAY = "replay"  #: the name of the clone
    KWARGS_REPLACED = "kwargs_replaced"  #: whether the clone has other kwargs
    COOLDOWN = "cooldown"  #: seconds
    CASCADE = "cascade"  #: whether the task's name was fired
    RESULT = "result"  #: the kwargs of this fire
    DELAYED_FIRE_ID = "delayed_fire_id"  #: the id of a fire for later
    TRIGGER = "trigger"  #: the trigger of a fire for later
    FIRE_AT = "fire_at"  #: the moment of a fire for later
    FIRE_ID = "fire_id"  #: the id of the resulting fire
    HOOK = "hook"  #: the name of the manager's method
    TRIGGER_NAME = "trigger_name"  #: the trigger of the fire before the hook
    ENDED = "ended"  #: whether the hook ended
    ATTEMPTS = "attempts"  #: how often it had raised
    RUNS = "runs"  #: ids of DAG runs
    STATUS = "status"  #: the instance's status
    EVENT_ID = "event_id"  #: the id of an asset event
    REMOVED = "removed"  #: the names of tasks that a session lost
    HISTORY = "history"  #: whether the fires of the past count for new rules
    VERSION = "version"  #: the version of the deployed rules that a session got
    EFFECT = "effect"  #: what new rules did to the instance, as a verb
    FIRES = "fires"  #: the ids of fires, by trigger


Details = dict[str, Any]


def configuration_details(task_names: Iterable[str]) -> Details:
    """The details of :attr:`EventKind.CONFIGURE`: the added or replaced tasks."""
    return {Detail.TASKS: sorted(task_names)}


def progress_details(event: str, *, before: str, after: str, cause: Mapping[str, Any]) -> Details:
    """The details of :attr:`EventKind.PROGRESS`.

    :param before: the instance's status; likewise ``after``.
    :param cause: see :attr:`Cause.details`.
    """
    return {Detail.EVENT: event, Detail.FROM: before, Detail.TO: after, **cause}


def error_details(error: str | None) -> Details:
    """The exception on one line, for a :attr:`EventKind.PROGRESS` to a failure, besides :func:`progress_details`."""
    return {Detail.ERROR: error}


def cause_details(cause: str, *, dag_id: str | None = None, run_id: str | None = None) -> Details:
    """The content of :attr:`Cause.details`.

    :param cause: why, as a phrase ("its DAG run succeeded").
    :param dag_id: the DAG of the causing run, if a run was the cause; likewise ``run_id``.
    """
    run = {} if run_id is None else {Detail.DAG_ID: dag_id, Detail.RUN_ID: run_id}
    return {Detail.CAUSE: cause, **run}


def status_details(*, before: str, after: str, cascade: bool) -> Details:
    """The details of :attr:`EventKind.STATUS`: the status before and after, and whether the task's name was fired."""
    return {Detail.FROM: before, Detail.TO: after, Detail.CASCADE: cascade}


def metadata_details(keys: Iterable[str]) -> Details:
    """The details of :attr:`EventKind.METADATA`: the attached keys."""
    return {Detail.KEYS: sorted(keys)}


def replay_details(clone_name: str, *, kwargs_replaced: bool, cooldown: float | None) -> Details:
    """The details of :attr:`EventKind.REPLAY`."""
    return {Detail.REPLAY: clone_name, Detail.KWARGS_REPLACED: kwargs_replaced, Detail.COOLDOWN: cooldown}


def skip_details(*, cascade: bool, result: Mapping[str, Any] | None) -> Details:
    """The details of :attr:`EventKind.SKIP`."""
    return {Detail.CASCADE: cascade, Detail.RESULT: result}


def delayed_fire_details(
    delayed_fire_id: int,
    *,
    trigger_name: str,
    fire_at: datetime,
    fire_id: int | None = None,
    error: str | None = None,
) -> Details:
    """The details of the kinds about fires for later.

    :param fire_id: the resulting fire, if it was fired.
    :param error: why it could not be fired, if it could not.
    """
    details: Details = {
        Detail.DELAYED_FIRE_ID: delayed_fire_id,
        Detail.TRIGGER: trigger_name,
        Detail.FIRE_AT: fire_at.isoformat(),
    }
    outcome = {Detail.FIRE_ID: fire_id, Detail.ERROR: error}
    return details | {key: value for key, value in outcome.items() if value is not None}


def hook_failure_details(hook: str, *, trigger_name: str | None, error: str) -> Details:
    """The details of :attr:`EventKind.HOOK_FAILED` and :attr:`EventKind.HOOK_PARKED`.

    :param trigger_name: whose fire the hook follows, if it follows one.
    :param error: the exception on one line.
    """
    about = {} if trigger_name is None else {Detail.TRIGGER_NAME: trigger_name}
    return {Detail.HOOK: hook, **about, Detail.ERROR: error}


def hook_call_details(hook: str, *, has_ended: bool, attempts: int) -> Details:
    """The details of :attr:`EventKind.HOOK_CALLED`; ``attempts``: how often it had raised before."""
    return {Detail.HOOK: hook, Detail.ENDED: has_ended, Detail.ATTEMPTS: attempts}


def backoff_details(error: str, *, run_ids: Iterable[str]) -> Details:
    """The details of :attr:`EventKind.BACKOFF`."""
    return {Detail.ERROR: error, Detail.RUNS: list(run_ids)}


def withdrawal_details(dag_id: str, run_id: str, *, status: str | None) -> Details:
    """The details of :attr:`EventKind.WITHDRAW`; ``status``: the instance's, None where there is no instance."""
    return {Detail.DAG_ID: dag_id, Detail.RUN_ID: run_id, Detail.STATUS: status}


def asset_event_details(event_id: int, *, trigger_name: str, error: str) -> Details:
    """The details of :attr:`EventKind.ASSET_EVENT`."""
    return {Detail.EVENT_ID: event_id, Detail.TRIGGER: trigger_name, Detail.ERROR: error}


@dataclass(frozen=True)
class Cause:
    """Who or what changed an instance's status, and what else is known about it, for the history."""

    by: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
