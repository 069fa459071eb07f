"""The contract of a task runner: it starts a task instance that is ready.

Neighbours: ``manager.py`` calls it, under the session's lock; ``runners/airflow.py`` is the one for production.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from airflow_triggers.storages.base import BaseStorageBackend
from airflow_triggers.types import Configuration, Kwargs, TaskInstance, TriggerKwargs


@dataclass(frozen=True, kw_only=True)
class Start:
    """What a runner is told about an instance to start.

    :param storage: the session, whose lock is held.
    :param instance: the scheduled instance.
    :param kwargs: its trigger kwargs with ``withParams`` merged under.
    :param run_after: not before this moment (UTC); None: at once.
    :param by: who caused it, if known.
    :param report: takes what happens to the instance: a ``states.Event`` and the keywords of
        ``TriggerManager.record_progress``. To be called after the lock was released, from any thread.
    """

    storage: BaseStorageBackend
    configuration: Configuration
    instance: TaskInstance
    kwargs: TriggerKwargs
    run_after: datetime | None = None
    by: str | None = None
    report: Callable[..., TaskInstance]


class BaseTaskRunner(ABC):
    """Starts instances. Registered under the entry-point group ``triggers.runners``."""

    name: ClassVar[str]

    @abstractmethod
    def run(self, start: Start) -> None:
        """Start the instance, or arrange that it starts once the lock's content is kept.

        Called under the session's lock: what must be kept with the session goes into the same transaction; anything
        that acts outside of it goes into ``start.storage.after_release(…)``. Called at most once per instance.

        :raises RunnerError: when it cannot be started; the instance then fails with that reason, and can be replayed.
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

    def validate(self, storage: BaseStorageBackend, configuration: Configuration) -> None:  # noqa: B027
        """Refuse a configuration whose tasks could not run; the default accepts every one.

        :raises ConfigurationError: naming the task and the reason. Nothing is kept then.
        """
