"""InstanceRunners: which runner executes which task of a session, and the calls to it.

A runner is somebody else's code, and reads what somebody else deployed. So each call to it is a boundary: when a runner
raises, it fails an instance, and never a fire or a repair. Neighbours: ``manager.py`` asks here; ``runners/base.py``
has the contract of a runner.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from airflow_triggers.domain.configuration import Configuration, TaskConfig
from airflow_triggers.errors import (
    ConfigurationError,
    InvalidTransition,
    RegistryError,
    RunIdTaken,
    RunnerError,
    StorageError,
)
from airflow_triggers.runners import BaseTaskRunner, Start, progress
from airflow_triggers.storages.base import BaseStorageBackend

log = logging.getLogger("airflow_triggers.manager.manager")


class RunnerSource(Protocol):
    """Where runners come from: the registry ``task_runners``; in a test, one runner for all tasks."""

    def get(self, name: str, /) -> BaseTaskRunner:
        """The runner of this name. :raises RegistryError: when it is not installed here, or broken."""


@dataclass(frozen=True, kw_only=True)
class InstanceRunners:
    """The runners of a session's tasks.

    :param source: gives a runner by name.
    :param default_name: returns the name of the runner for a task without ``using``.
    """

    storage: BaseStorageBackend
    source: RunnerSource
    default_name: Callable[[], str]

    def name_of(self, task: TaskConfig) -> str:
        """The name of the task's runner."""
        return task.using or self.default_name()

    def start(self, start: Start) -> BaseException | None:
        """Hand an instance to its runner.

        :returns: why it could not be started; then what the runner wrote is undone. None: it starts. In an undivided
            fire it does not return then: the whole fire is undone, and done again.
        :raises StorageError: when the database fails, and not the instance.
        """
        instance = start.instance
        try:
            self._hand_over(start)
        except progress.FAULTS as error:
            if isinstance(error, StorageError):
                raise
            is_expected = isinstance(error, (RunnerError, RegistryError, ConfigurationError))
            log.warning(
                "%s of session %s could not be started: %s",
                instance.name,
                self.storage.uid,
                error,
                exc_info=not is_expected,
            )
            return error
        return None

    def _hand_over(self, start: Start) -> None:
        runner = self._runner_of(start.instance.task)
        try:
            with self.storage.savepoint(optional=runner.is_undone_with(self.storage)):
                runner.run(start)
        except RunIdTaken:
            # The runs of a deleted session of this UID are still in Airflow.
            with self.storage.savepoint():
                runner.run(replace(start, run_id_taken=True))

    def notify(self, task: TaskConfig, message: Callable[[BaseTaskRunner], None]) -> None:
        """Tell the task's runner about a repair. A runner that raises, or is no longer installed, prevents no repair.

        :param message: calls the runner.
        :raises InvalidTransition: when the runner refuses.
        :raises StorageError: when the database fails.
        """
        try:
            with self.storage.savepoint():
                message(self._runner_of(task))
        except progress.FAULTS as error:
            if isinstance(error, (InvalidTransition, StorageError)):
                raise
            is_expected = isinstance(error, (RegistryError, RunnerError))
            log.warning(
                "Session %s: the runner of %s was not told: %s",
                self.storage.uid,
                task.name,
                error,
                exc_info=not is_expected,
            )

    def validate(self, configuration: Configuration) -> None:
        """Ask each runner whether it could run its tasks.

        :raises ConfigurationError: naming the task and the reason.
        """
        tasks_by_name: dict[str, dict[str, TaskConfig]] = {}
        for task in configuration:
            tasks_by_name.setdefault(self.name_of(task), {})[task.name] = task
        for runner, tasks in self._tasks_by_runner(tasks_by_name):
            runner.validate(self.storage, replace(configuration, tasks=tasks))

    def resolve(self, configuration: Configuration) -> Configuration:
        """The configuration with each task's ``run`` in its runner's form.

        :raises ConfigurationError: naming the task and the reason.
        """
        tasks_by_name: dict[str, dict[str, TaskConfig]] = {}
        for task in configuration:
            tasks_by_name.setdefault(self.name_of(task), {})[task.name] = task
        tasks = dict(configuration.tasks)
        for runner, runner_tasks in self._tasks_by_runner(tasks_by_name):
            tasks |= runner.resolved(self.storage, replace(configuration, tasks=runner_tasks)).tasks
        return replace(configuration, tasks=tasks)

    def require(self, configuration: Configuration) -> None:
        """:raises ConfigurationError: naming every task without a usable runner here."""
        problems = []
        for task in configuration:
            try:
                self._runner_of(task)
            except RegistryError as error:
                problems.append(
                    f"task {task.name!r}: its runner {self.name_of(task)!r} cannot be used here. {error}"
                )
        if problems:
            raise ConfigurationError(problems)

    def _tasks_by_runner(
        self, tasks_by_name: dict[str, dict[str, TaskConfig]]
    ) -> list[tuple[BaseTaskRunner, dict[str, TaskConfig]]]:
        """Each runner once with all its tasks. A source may give the same runner under several names."""
        pairs: dict[int, tuple[BaseTaskRunner, dict[str, TaskConfig]]] = {}
        for name, tasks in tasks_by_name.items():
            try:
                runner = self.source.get(name)
            except RegistryError as error:
                raise ConfigurationError(
                    f"task {next(iter(tasks))!r}: 'using' is {name!r}: {error}"
                ) from error
            _, runner_tasks = pairs.setdefault(id(runner), (runner, {}))
            runner_tasks.update(tasks)
        return list(pairs.values())

    def _runner_of(self, task: TaskConfig) -> BaseTaskRunner:
        return self.source.get(self.name_of(task))
