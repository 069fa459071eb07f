"""The contract of a task runner: it starts a task instance that is ready.

Neighbours: ``manager/manager.py`` calls it, under the session's lock; ``runners/airflow.py`` is the one for production.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from airflow_triggers.domain.configuration import Configuration, Kwargs, TriggerKwargs
from airflow_triggers.domain.instances import TaskInstance
from airflow_triggers.storages.base import BaseStorageBackend


@dataclass(frozen=True, kw_only=True)
class Start:
    """What a runner is told about an instance to start.

    :param storage: the session, whose lock is held.
    :param instance: the scheduled instance.
    :param kwargs: its trigger kwargs with ``withParams`` merged under.
    :param run_after: not before this moment (UTC); None: at once.
    :param by: who caused it, if known.
    :param manager: the session's manager, for whoever calls the task in this process.
    :param again: whether the instance was handed over before, and somebody set its status back since.
    :param run_id_taken: whether the run id that the instance would have is another run's.
    :param report: takes what happens to the instance: a ``states.Event`` and the keywords of
        ``TriggerManager.record_progress``. To be called after the lock was released, from any thread.
    """

    storage: BaseStorageBackend
    configuration: Configuration
    instance: TaskInstance
    kwargs: TriggerKwargs
    run_after: datetime | None = None
    by: str | None = None
    manager: Any = None
    again: bool = False
    run_id_taken: bool = False
    report: Callable[..., TaskInstance]


class BaseTaskRunner(ABC):
    """Starts instances. Registered under the entry-point group ``triggers.runners``."""

    name: ClassVar[str]

    @abstractmethod
    def run(self, start: Start) -> None:
        """Start the instance, or arrange that it starts once the lock's content is kept.

        Called under the session's lock: what must be kept with the session goes into the same transaction; anything
        that acts outside of it goes into ``start.storage.after_release(…)``. Called once per instance, and once more
        each time that somebody set its status back to ``unstarted`` (:attr:`Start.again`).

        :raises RunIdTaken: when the instance needs another run id; it is called again at once, with
            :attr:`Start.run_id_taken`, and what was written here is undone before.

        :raises RunnerError: when it cannot be started; the instance then fails with that reason, and can be replayed.
            So it does with any other exception, and what was written here is undone.
        """

    def confirm_failed(self, storage: BaseStorageBackend, failed: TaskInstance, event: str) -> None:  # noqa: B027
        """Say whether a failed instance may be skipped or replayed; the default knows nothing against it.

        Called under the session's lock, before anything of the repair is written.

        :param event: what is asked for, as a verb ("skip").
        :raises InvalidTransition: when what executed the instance is at work again, or ended otherwise meanwhile.
        """

    def overruled(self, storage: BaseStorageBackend, instance: TaskInstance, *, by: str | None) -> None:  # noqa: B027
        """Tell what executes the instance that its status was set by hand, and is not to be undone by a late report.

        Called under the session's lock; the default does nothing.

        :param instance: as it is now, with its new status.
        """

    @abstractmethod
    def skip(
        self, storage: BaseStorageBackend, instance: TaskInstance, *, by: str | None, result: Kwargs | None
    ) -> None:
        """Tell what executed the failed instance that it was waived. Called under the session's lock."""

    @abstractmethod
    def replayed(
        self, storage: BaseStorageBackend, failed: TaskInstance, clone: TaskInstance, *, by: str | None
    ) -> None:
        """Tell what executed the failed instance that a clone took over. Called under the session's lock."""

    def resolved(self, storage: BaseStorageBackend, configuration: Configuration) -> Configuration:
        """The configuration with each task's ``run`` as this runner keeps it; the default leaves it as it is.

        :raises ConfigurationError: naming the task whose ``run`` cannot be used, and the reason. Nothing is kept then.
        """
        return configuration

    def validate(self, storage: BaseStorageBackend, configuration: Configuration) -> None:  # noqa: B027
        """Refuse a configuration whose tasks could not run; the default accepts every one.

        :raises ConfigurationError: naming the task and the reason. Nothing is kept then.
        """
