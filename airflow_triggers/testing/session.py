"""One session under test: its manager, its storage, its queue, and look-ups.

Neighbours: ``acts.py`` and ``assertions.py`` work on it; ``story.py`` tells what happened in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_triggers.domain.configuration import TaskConfig
from airflow_triggers.domain.instances import TaskInstance
from airflow_triggers.domain.validation import validate_metadata
from airflow_triggers.errors import InstanceNotFound, TaskNotFound
from airflow_triggers.manager.instance_runners import RunnerSource
from airflow_triggers.manager.manager import TriggerManager, trigger_managers
from airflow_triggers.storages.base import BaseStorageBackend
from airflow_triggers.testing.bench import Bench
from airflow_triggers.testing.near import did_you_mean, listing, nearest
from airflow_triggers.testing.runner import OneRunner, QueueingTaskRunner
from airflow_triggers.testing.storage import TesterStorage
from airflow_triggers.testing.story import story_of

ManagerSource = type[TriggerManager] | str | None
"""A manager's class, its registered name, or None for the default manager."""


class TestedSession:
    """A session on a test's bench.

    :raises RegistryError: when no manager has this name.
    :raises InvalidMetadata: when the metadata is no mapping or JSON cannot hold it.
    """

    # pytest must not collect it as a test, though its name begins with Test.
    __test__ = False

    def __init__(
        self, uid: str, *, bench: Bench, manager: ManagerSource, metadata: Mapping[str, Any] | None
    ) -> None:
        self.bench = bench
        self.runner = QueueingTaskRunner(bench)
        self.storage = TesterStorage(uid, region=bench.region, clock=bench.clock)
        self.manager = _manager(manager, self.storage, runners=OneRunner(self.runner))
        bench.sessions.append(self)
        if session_metadata := validate_metadata(metadata):
            with self.storage.acquire_lock(create=True, manager=self.manager.name):
                self.storage.set_metadata(session_metadata)

    def story(self) -> str:
        """What happened in the session."""
        return story_of(self.storage, manager_name=self.manager.name, waiting=self.runner.moments)

    def raise_broken_hooks(self) -> None:
        """Fail the test if a hook of the manager raised.

        :raises AssertionError: with the hook's traceback and the session's story.
        """
        __tracebackhide__ = True
        broken_hooks, self.storage.broken_hooks = self.storage.broken_hooks, []
        for hook, error in broken_hooks:
            raise AssertionError(
                f"The hook {hook} of the manager {self.manager.name!r} raised:\n{error}\n\n{self.story()}"
            )

    def instance(self, name: str) -> TaskInstance:
        """The instance. :raises InstanceNotFound: with the existing instances or a suggestion."""
        instances = self.storage.instances
        if name in instances:
            return instances[name]
        raise InstanceNotFound(f"There is no instance {name!r}.{self._alternatives(name, instances)}")

    def task(self, name: str) -> TaskConfig:
        """The task. :raises TaskNotFound: with the existing tasks, and a suggestion if any."""
        tasks = self.storage.tasks
        if name in tasks:
            return tasks[name]
        tasks_sentence = (
            f"The tasks are {listing(tasks)}." if tasks else "The session has no configuration yet."
        )
        raise TaskNotFound(f"There is no trigger task {name!r}.{did_you_mean(name, tasks)} {tasks_sentence}")

    def _alternatives(self, name: str, instances: Mapping[str, TaskInstance]) -> str:
        task_name, _, number = name.partition("#")
        task = self.storage.tasks.get(task_name)
        if task is None:
            near = nearest(task_name, self.storage.tasks)
            suggestion = f"{near}#{number}" if f"{near}#{number}" in instances else near
            return f" Did you mean {suggestion!r}?" if suggestion else ""
        instance_names = [instance.name for instance in instances.values() if instance.task.name == task_name]
        if name == task_name:
            return f" It is a trigger task; name an instance of it, as {name}#0. It has: {listing(instance_names)}."
        if instance_names:
            return f" The instances of {task_name} are {listing(instance_names)}."
        return f" {task_name} has none: nothing that concerns it has fired ({listing(task.triggers)})."


def _manager(source: ManagerSource, storage: BaseStorageBackend, *, runners: RunnerSource) -> TriggerManager:
    """The manager, with the test's runners.

    The runners are set afterwards: your manager's ``__init__`` may take the storage alone.
    """
    manager: TriggerManager = (
        trigger_managers.get(source, storage=storage)
        if isinstance(source, str)
        else (source or TriggerManager)(storage)
    )
    manager.runners = runners
    return manager
