"""ThreadingTaskRunner: an instance is a call of its callable, in a thread of this process.

For tests, and for applications that run trigger tasks without Airflow's executors. Neighbours: ``inprocess.py``
calls the callable and reports the outcome to the manager, through ``Start.report``.
"""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime
from functools import partial
from typing import ClassVar

from airflow_triggers.domain.configuration import Configuration, Kwargs
from airflow_triggers.domain.instances import TaskInstance
from airflow_triggers.errors import ConfigurationError, RunnerError
from airflow_triggers.runners.base import BaseTaskRunner, Start
from airflow_triggers.runners.inprocess import path_of_run, perform
from airflow_triggers.storages.base import BaseStorageBackend

log = logging.getLogger(__name__)


class ThreadingTaskRunner(BaseTaskRunner):
    """Runs callables in threads. :meth:`join_all` waits for all threads of this process, their cascades included.

    When a process ends, its threads end, too. Their instances stay ``running``, and nobody takes over.
    """

    name = "threading"

    _condition: ClassVar[threading.Condition] = threading.Condition()
    _threads: ClassVar[set[threading.Thread]] = set()
    _joining: ClassVar[list[threading.Thread]] = []
    _errors: ClassVar[list[BaseException]] = []

    def run(self, start: Start) -> None:
        """See :meth:`BaseTaskRunner.run`. The thread begins after the commit.

        :raises RunnerError: when the task's ``run`` is no callable.
        """
        path_of_run(start.instance.task)
        thread = threading.Thread(target=self._work, args=(start,), name=start.instance.name)
        start.storage.after_release(partial(self._launch, thread))

    @classmethod
    def join_all(cls, timeout: float | None = None) -> None:
        """Wait until no thread of any session is at work.

        A hook may join too. A joining thread is not waited for: otherwise two of them would wait for each other.

        :param timeout: seconds for each thread; None waits as long as it takes.
        :raises TimeoutError: when a thread is still at work after this time.
        :raises ExceptionGroup: errors outside of the callables (the callables' own exceptions are in the instances).
        """
        this_thread = threading.current_thread()
        with cls._condition:
            cls._joining.append(this_thread)
            cls._condition.notify_all()
            try:
                while threads := cls._working():
                    cls._await_end(threads[0], timeout)
            finally:
                cls._joining.remove(this_thread)
            errors, cls._errors[:] = list(cls._errors), []
        if errors:
            raise BaseExceptionGroup("trigger tasks could not be run to their end", errors)

    def skip(
        self, storage: BaseStorageBackend, instance: TaskInstance, *, by: str | None, result: Kwargs | None
    ) -> None:
        """Do nothing: a failed thread leaves nothing behind."""

    def replayed(
        self, storage: BaseStorageBackend, failed: TaskInstance, clone: TaskInstance, *, by: str | None
    ) -> None:
        """Do nothing: a failed thread leaves nothing behind."""

    def validate(self, storage: BaseStorageBackend, configuration: Configuration) -> None:
        """Refuse tasks whose ``run`` is no callable importable in this process."""
        problems = []
        for task in configuration:
            try:
                path_of_run(task)
            except RunnerError as error:
                problems.append(f"task {task.name!r}: {error}")
        if problems:
            raise ConfigurationError(problems)

    @classmethod
    def _working(cls) -> list[threading.Thread]:
        return [thread for thread in cls._threads if thread not in cls._joining]

    @classmethod
    def _await_end(cls, thread: threading.Thread, timeout: float | None) -> None:
        """Wait for a thread to end or to join itself. The condition is held."""
        if not cls._condition.wait_for(lambda: thread not in cls._working(), timeout):
            raise TimeoutError(f"{thread.name} is still at work after {timeout} seconds.")

    def _launch(self, thread: threading.Thread) -> None:
        with self._condition:
            # Inside the condition: otherwise somebody could wait for a thread before its start.
            self._threads.add(thread)
            thread.start()

    def _work(self, start: Start) -> None:
        """The thread. A boundary: the framework's own errors are logged here and raised by ``join_all``."""
        try:
            _pause_until(start.run_after)
            perform(start)
        except BaseException as error:
            name, uid = start.instance.name, start.storage.uid
            log.exception("%s of session %s could not be run to its end", name, uid)
            with self._condition:
                self._errors.append(error)
        finally:
            with self._condition:
                self._threads.discard(threading.current_thread())
                self._condition.notify_all()


def _pause_until(moment: datetime | None) -> None:
    seconds = (moment - datetime.now(UTC)).total_seconds() if moment else 0
    if seconds > 0:
        threading.Event().wait(seconds)
