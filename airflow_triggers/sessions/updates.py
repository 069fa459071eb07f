"""Updates of a session's rules, asked for by people: tried out, authorized, and applied as they were tried out.

Neighbours: ``TriggerManager.update_configuration`` updates, ``migration.py`` moves sessions to the deployed rules;
``api/`` and ``cli/`` ask here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_triggers.configuration import parse_configuration
from airflow_triggers.domain.configuration import Configuration, TaskConfig
from airflow_triggers.domain.reconcile import Preview
from airflow_triggers.errors import ConfigurationError
from airflow_triggers.manager.configuring import History
from airflow_triggers.manager.manager import TriggerManager
from airflow_triggers.manager.updates import merged_configuration
from airflow_triggers.runners.airflow import AirflowTaskRunner
from airflow_triggers.sessions.authorization import Authorize, allow
from airflow_triggers.sessions.opening import open_session
from airflow_triggers.sessions.preconditions import Precondition


@dataclass(frozen=True, kw_only=True)
class Update:
    """Tasks to add to a session's rules, or to replace by name.

    :param tasks: task name → directives.
    :param history: see :meth:`TriggerManager.update_configuration`.
    :param by: who updates, for the history and the audit log.
    :param authorize: asked about the rules before, and about the rules afterwards.
    :param in_airflow_only: refuse tasks whose work would be in a server's own process.
    :param if_match: the version that the session must have.
    """

    tasks: Mapping[str, Any]
    history: History = "ignore"
    by: str | None = None
    authorize: Authorize = allow
    in_airflow_only: bool = False
    if_match: Precondition | None = None


def preview_update(uid: str, update: Update) -> Preview:
    """What the update would do. Nothing is written.

    :raises SessionNotFound: when there is no such session.
    :raises ConfigurationError: when the rules are not accepted.
    :raises PreconditionFailed: when the session has another version than ``if_match``.
    :raises Refused: when ``authorize`` refuses.
    """
    return _tried_out(open_session(uid), update)


def update_session(uid: str, update: Update) -> Preview:
    """Update the rules, and return what it did.

    :raises SessionNotFound, ConfigurationError, PreconditionFailed, Refused: see :func:`preview_update`.
    :raises PreviewOutdated: when somebody changed the session at the same time; nothing is changed.
    """
    manager = open_session(uid)
    preview = _tried_out(manager, update)
    with manager.storage.acquire_lock():
        _check_version(manager, update)
        manager.update_configuration(update.tasks, by=update.by, history=update.history, previewed=preview)
    return preview


def _tried_out(manager: TriggerManager, update: Update) -> Preview:
    """The preview, after a check of the caller's rights. The auth manager may be slow, so no lock is held then."""
    current = manager.storage.configuration
    update.authorize(current)
    _check_version(manager, update)
    if not update.tasks:
        raise ConfigurationError("'tasks' is empty, expected at least one task with its directives.")
    new = parse_configuration(update.tasks, existing_tasks=tuple(current.tasks))
    if update.in_airflow_only and (problems := list(_work_elsewhere(manager, current, new))):
        raise ConfigurationError(problems)
    # Before the preview: its errors say which DAGs are deployed.
    update.authorize(merged_configuration(current, new))
    preview = manager.update_configuration(new, history=update.history, preview=True)
    update.authorize(preview.configuration)
    return preview


def _check_version(manager: TriggerManager, update: Update) -> None:
    if update.if_match is not None:
        update.if_match.check_session(manager.storage)


def _work_elsewhere(manager: TriggerManager, current: Configuration, new: Configuration) -> Iterator[str]:
    """The problem of each changed task that Airflow does not run."""
    for task in new:
        runner_name = task.using or manager.default_task_runner_name
        if runner_name != AirflowTaskRunner.name and not _is_same_work(task, current.tasks.get(task.name)):
            yield (
                f"task {task.name!r}: its runner is {runner_name!r}, expected {AirflowTaskRunner.name!r}. Nobody "
                "changes the work of a server's own process from outside. Update it in Python, or deploy it."
            )


def _is_same_work(task: TaskConfig, before: TaskConfig | None) -> bool:
    return before is not None and (task.using, task.run) == (before.using, before.run)
