"""The contract of a task runner, which starts ready task instances.

Neighbours: ``manager/manager.py`` calls it under the session's lock; ``runners/airflow.py`` is the one for production.
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
    """An instance to start, as its runner gets it.

    :param storage: the session; its lock is held.
    :param instance: the scheduled instance.
    :param kwargs: its trigger kwargs with ``withParams`` merged under.
    :param run_after: not before this moment (UTC); None: at once.
    :param by: who caused it, if known.
    :param manager: the session's manager, for runners that call the task in this process.
    :param again: whether the instance was handed over before, and somebody set its status back since.
    :param run_id_taken: whether the instance's run id belongs to another run.
    :param report: takes what happens to the instance: a ``states.Event`` and the keywords of
        ``TriggerManager.record_progress``. Call it after the lock was released, from any thread.
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
        """Start the instance, or arrange its start after the commit.

        Called under the session's lock. What must be saved with the session goes into the same transaction. Anything
        with an effect outside of it goes into ``start.storage.after_release(…)``. Called once per instance, and once
        more each time somebody set its status back to ``unstarted`` (:attr:`Start.again`). It may be called again in
        another case; see :meth:`is_undone_with`.

        :raises RunIdTaken: when the instance needs another run id. What was written here is undone, and this method is
            called again at once with :attr:`Start.run_id_taken`.
        :raises RunnerError: when it cannot be started. The instance then fails with this reason and can be replayed.
            Any other exception has the same effect. What was written here is undone.
        """

    def is_undone_with(self, storage: BaseStorageBackend) -> bool:
        """Whether undoing the storage's transaction undoes all that :meth:`run` does, so that it may be called again.

        Then no savepoint is made around :meth:`run`. If it raises, or another such call of the same fire does, the
        transaction is undone, and done again with savepoints: :meth:`run` is called a second time. The default says no.
        """
        return False

    def confirm_failed(self, storage: BaseStorageBackend, failed: TaskInstance, event: str) -> None:  # noqa: B027
        """Say whether a failed instance may be skipped or replayed. The default has no objection.

        Called under the session's lock, before anything of the repair is written.

        :param event: the requested repair, as a verb ("skip").
        :raises InvalidTransition: when its work runs again, or has ended otherwise meanwhile.
        """

    def overruled(self, storage: BaseStorageBackend, instance: TaskInstance, *, by: str | None) -> None:  # noqa: B027
        """Notify whatever executes the instance: somebody set its status by hand, and no late report may undo it.

        Called under the session's lock. The default does nothing.

        :param instance: as it is now, with its new status.
        """

    @abstractmethod
    def skip(
        self, storage: BaseStorageBackend, instance: TaskInstance, *, by: str | None, result: Kwargs | None
    ) -> None:
        """Notify whatever executed the failed instance of the waiver. Called under the session's lock."""

    @abstractmethod
    def replayed(
        self, storage: BaseStorageBackend, failed: TaskInstance, clone: TaskInstance, *, by: str | None
    ) -> None:
        """Notify whatever executed the failed instance of its clone. Called under the session's lock."""

    def resolved(self, storage: BaseStorageBackend, configuration: Configuration) -> Configuration:
        """The configuration with each task's ``run`` in this runner's form. The default returns it unchanged.

        :raises ConfigurationError: naming the task whose ``run`` cannot be used, and the reason. Nothing is saved then.
        """
        return configuration

    def validate(self, storage: BaseStorageBackend, configuration: Configuration) -> None:  # noqa: B027
        """Refuse a configuration whose tasks could not run. The default accepts every one.

        :raises ConfigurationError: naming the task and the reason. Nothing is saved then.
        """
