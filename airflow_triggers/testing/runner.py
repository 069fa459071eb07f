"""The tester's runner: an instance waits in a queue until the test runs it, in the test's own thread.

Neighbours: ``calls.py`` calls the function and tells the manager; ``functions.py`` finds the function.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from airflow_triggers.domain.configuration import Configuration, Kwargs
from airflow_triggers.domain.instances import InstanceStatus, TaskInstance
from airflow_triggers.errors import ConfigurationError
from airflow_triggers.runners import BaseTaskRunner, Start, task_runners
from airflow_triggers.storages.base import BaseStorageBackend
from airflow_triggers.testing.bench import Bench
from airflow_triggers.testing.calls import Call
from airflow_triggers.testing.functions import function_of, is_callable_run
from airflow_triggers.testing.near import did_you_mean

BUILT_IN = frozenset({"airflow", "threading"})
"""The built-in runners. They need no search in the installed packages."""


class QueueingTaskRunner(BaseTaskRunner):
    """Runs all instances of one tested session, for any runner named by the tasks. It is registered nowhere."""

    name = "testing"

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self.queue: list[Start] = []
        """The scheduled instances which have not run yet, in the order of scheduling."""

    # -- as the manager calls it ------------------------------------------------------------------------------

    def run(self, start: Start) -> None:
        """See :meth:`BaseTaskRunner.run`: the instance is queued when the lock is released."""
        start.storage.after_release(partial(self.queue.append, start))

    def overruled(self, storage: BaseStorageBackend, instance: TaskInstance, *, by: str | None) -> None:
        """Remove the instance from the queue after its status was set by hand, unless it is scheduled."""
        if instance.status is not InstanceStatus.SCHEDULED:
            storage.after_release(partial(self._drop, instance.name))

    def skip(
        self, storage: BaseStorageBackend, instance: TaskInstance, *, by: str | None, result: Kwargs | None
    ) -> None:
        """Do nothing: a failed call is no longer in the queue."""

    def replayed(
        self, storage: BaseStorageBackend, failed: TaskInstance, clone: TaskInstance, *, by: str | None
    ) -> None:
        """Do nothing: a failed call is no longer in the queue."""

    def validate(self, storage: BaseStorageBackend, configuration: Configuration) -> None:
        """Refuse misspelt names of runners. Other unknown runners may be installed in production.

        :raises ConfigurationError: naming the tasks, with a suggestion for each.
        """
        runner_of_task = {
            task.name: task.using for task in configuration if task.using and task.using not in BUILT_IN
        }
        known_runners = task_runners.names() if runner_of_task else []
        problems = [
            f"task {task_name!r}: 'using' is {using!r}, expected the name of a runner.{hint}"
            for task_name, using in runner_of_task.items()
            if using not in known_runners and (hint := did_you_mean(using, known_runners))
        ]
        if problems:
            raise ConfigurationError(problems)

    # -- as the tester calls it -------------------------------------------------------------------------------

    @property
    def due_starts(self) -> list[Start]:
        """The starts that may run now, in the order of their scheduling."""
        now = self._bench.clock.now
        return [start for start in self.queue if start.run_after is None or start.run_after <= now]

    @property
    def moments(self) -> dict[str, datetime | None]:
        """By name of each queued instance, the earliest moment of its run; None: at any time."""
        return {start.instance.name: start.run_after for start in self.queue}

    def work(self, start: Start) -> TaskInstance:
        """Run one start of :attr:`queue` to its end.

        :raises RunnerError: when its task needs a stub; the start stays in the queue.
        """
        __tracebackhide__ = True
        task = start.instance.task
        with self._bench.importable():
            call = Call(function_of(task, self._bench), as_dag=not is_callable_run(task, self._bench))
            # Only now: if the task needs a stub, the start stays in the queue.
            self.queue.remove(start)
            return call.perform(start)

    def _drop(self, instance_name: str) -> None:
        self.queue[:] = [start for start in self.queue if start.instance.name != instance_name]


@dataclass(frozen=True)
class OneRunner:
    """Gives one runner to every task and ignores ``using``. The process's registry is not changed."""

    runner: BaseTaskRunner

    def get(self, name: str, /) -> BaseTaskRunner:
        """See :class:`airflow_triggers.manager.instance_runners.RunnerSource`."""
        return self.runner
