"""The actors of the contract suites: runners that only remember or refuse, a manager with a trace of its hooks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from airflow_triggers.domain.configuration import Kwargs
from airflow_triggers.domain.instances import TaskInstance
from airflow_triggers.domain.states import Event
from airflow_triggers.errors import RunnerError
from airflow_triggers.manager.manager import TriggerManager
from airflow_triggers.runners import BaseTaskRunner, Start, task_runners
from airflow_triggers.storages.base import BaseStorageBackend


class RecordingRunner(BaseTaskRunner):
    """Remembers every call."""

    name = "recording"

    def __init__(self) -> None:
        self.started: list[Start] = []
        self.skips: list[tuple[str, str | None, Kwargs | None]] = []
        self.replays: list[tuple[str, str, str | None]] = []
        self.overrulings: list[tuple[str, str, str | None]] = []

    def run(self, start: Start) -> None:
        """Remember the start."""
        self.started.append(start)

    def skip(
        self, storage: BaseStorageBackend, instance: TaskInstance, *, by: str | None, result: Kwargs | None
    ) -> None:
        """Remember the skip."""
        self.skips.append((instance.name, by, result))

    def replayed(
        self, storage: BaseStorageBackend, failed: TaskInstance, clone: TaskInstance, *, by: str | None
    ) -> None:
        """Remember the replay."""
        self.replays.append((failed.name, clone.name, by))

    def overruled(self, storage: BaseStorageBackend, instance: TaskInstance, *, by: str | None) -> None:
        """Remember the status set by hand."""
        self.overrulings.append((instance.name, instance.status.value, by))

    @property
    def names(self) -> list[str]:
        """The names of the started instances, in order."""
        return [start.instance.name for start in self.started]


class RefusingRunner(RecordingRunner):
    """Refuses every start."""

    name = "refusing"

    def run(self, start: Start) -> None:
        """Refuse."""
        raise RunnerError(f"{start.instance.name} cannot be started here.")


class BreakingRunner(RecordingRunner):
    """Writes, registers an action for the release of the lock, and then raises an unexpected exception."""

    name = "breaking"

    def run(self, start: Start) -> None:
        """Break."""
        start.storage.set_metadata({"half": "done"})
        start.storage.after_release(lambda: self.started.append(start))
        raise LookupError(f"{start.instance.name} met a bug")


class TracedManager(TriggerManager):
    """Keeps a trace of its hooks, and raises in the hooks named in ``raises``."""

    name = "traced"
    default_task_runner_name = "recording"

    def __init__(self, storage: BaseStorageBackend) -> None:
        super().__init__(storage)
        self.trace: list[tuple[Any, ...]] = []
        self.raises: set[str] = set()

    def _note(self, *entry: Any) -> None:
        self.trace.append(entry)
        if entry[0] in self.raises:
            raise RuntimeError(f"{entry[0]} is broken")

    def _post_fire(self, trigger_name: str, tasks_scheduled: Sequence[TaskInstance]) -> None:
        self._note("fire", trigger_name, [instance.name for instance in tasks_scheduled])

    def _post_replay(self, task_instance: TaskInstance) -> None:
        self._note("replay", task_instance.name, self.storage[task_instance.metadata["parent"]].status.value)

    def _post_skip(self, task_instance: TaskInstance, cascade: bool) -> None:
        self._note("skip", task_instance.name, cascade)


@contextmanager
def registered(*runners: BaseTaskRunner) -> Iterator[None]:
    """Inside, the runners are available under their names."""
    for runner in runners:
        task_runners.register(runner.name, lambda runner=runner: runner)
    try:
        yield
    finally:
        for runner in runners:
            task_runners.unregister(runner.name)


def configure(manager: TriggerManager, **tasks: Any) -> None:
    """Give the session tasks; the default of ``run`` is a DAG without runs."""
    manager.update_configuration({name: {"run": "a_dag", **directives} for name, directives in tasks.items()})


def statuses(manager: TriggerManager) -> dict[str, str]:
    """The status of every instance, by name."""
    return {name: instance.status.value for name, instance in manager.storage.instances.items()}


def fail(manager: TriggerManager, instance_name: str) -> None:
    """Let the instance fail."""
    manager.record_progress(
        instance_name, Event.FAIL, metadata={"exceptionType": "builtins.ValueError", "exceptionInfo": "tb"}
    )


def finish(manager: TriggerManager, instance_name: str, result: dict[str, Any] | None = None) -> None:
    """Let the instance finish, and cascade with its result."""
    manager.record_progress(
        instance_name,
        Event.FINISH,
        metadata={"result": result},
        cascade=True,
        cascade_kwargs=result,
    )
