"""What a test does to a session: configure, fire, run, replay, skip, stub, move the time.

Neighbours: ``tester.py`` and ``case.py`` offer it; ``assertions.py`` looks at what came of it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Self

from airflow_triggers.domain.configuration import Kwargs, TriggerKwargs
from airflow_triggers.domain.fires import FireResult
from airflow_triggers.domain.instances import InstanceStatus, TaskInstance
from airflow_triggers.errors import InvalidTransition
from airflow_triggers.manager.manager import TriggerManager
from airflow_triggers.storages.base import BaseStorageBackend
from airflow_triggers.task import TaskContext
from airflow_triggers.testing.failure import failure
from airflow_triggers.testing.session import TestedSession
from airflow_triggers.testing.sources import ConfigurationSource
from airflow_triggers.testing.story import standing
from airflow_triggers.testing.stubs import Stub

__unittest = True  # unittest leaves frames of this module out of the tracebacks that it shows

LIMIT = 1000
"""So many instances one ``run()`` runs before it takes the cascade for an endless one."""


class SessionActs:
    """What can be done to the session that :attr:`_tested` is.

    A hook of the session's manager that raises fails the test that caused it; in earnest it would be logged, and
    called again later.
    """

    @property
    def _tested(self) -> TestedSession:
        raise NotImplementedError

    @property
    def manager(self) -> TriggerManager:
        """The session's manager, for everything that has no short form here."""
        return self._tested.manager

    @property
    def storage(self) -> BaseStorageBackend:
        """The session's storage."""
        return self._tested.storage

    @property
    def now(self) -> datetime:
        """The test's present moment (UTC); it stands still until :meth:`advance`."""
        return self._tested.bench.clock.now

    @property
    def statuses(self) -> dict[str, str]:
        """The status of every instance, by name."""
        return {one.name: one.status.value for one in self.storage}

    def __getitem__(self, instance_name: str) -> TaskInstance:
        """The instance. :raises InstanceNotFound: saying what there is instead."""
        return self._tested.instance(instance_name)

    def story(self) -> str:
        """What happened in the session, in lines; every failed assertion prints it."""
        return self._tested.story()

    def configure(self, configuration: ConfigurationSource | None = None, /, **tasks: Any) -> Self:
        """Add tasks to the session, or replace them by name.

        :param configuration: task name → directives, a YAML file's path, or the name of one (``"questionnaire"``).
        :param tasks: tasks by name, instead: ``configure(t_import={"after": ["x"], "run": "…"})``.
        :raises ConfigurationError: as in earnest; nothing is changed then.
        """
        for source in (configuration, tasks or None):
            if source is not None:
                self.manager.update_configuration(self._tested.bench.read(source))
        return self

    def fire(
        self,
        trigger_name: str,
        trigger_kwargs: Kwargs | None = None,
        *,
        idempotency_key: str | None = None,
        fired_by: str | None = None,
    ) -> FireResult:
        """Fire a trigger, as an application does. What it schedules waits for :meth:`run`.

        See :meth:`TriggerManager.fire`.
        """
        result = self.manager.fire(
            trigger_name, trigger_kwargs, idempotency_key=idempotency_key, fired_by=fired_by
        )
        self._raise_broken_hooks()
        return result

    def replay(
        self,
        instance: TaskInstance | str,
        replacement_kwargs: TriggerKwargs | None = None,
        *,
        cooldown: float | None = None,
        by: str | None = None,
    ) -> TaskInstance:
        """Replay a failed instance. The clone, which is returned, waits for :meth:`run`.

        See :meth:`TriggerManager.replay_failed_instance`.
        """
        known = self._tested.instance(_name(instance))
        clone = self.manager.replay_failed_instance(known, replacement_kwargs, cooldown=cooldown, by=by)
        self._raise_broken_hooks()
        return clone

    def skip(
        self,
        instance: TaskInstance | str,
        cascade: bool = False,
        result: Kwargs | None = None,
        *,
        by: str | None = None,
    ) -> TaskInstance:
        """Waive a failed instance. See :meth:`TriggerManager.skip_failed_instance`."""
        known = self._tested.instance(_name(instance))
        skipped = self.manager.skip_failed_instance(known, cascade, result, by=by)
        self._raise_broken_hooks()
        return skipped

    def stub(
        self,
        task_name: str,
        *,
        result: Any = None,
        raises: BaseException | type[BaseException] | None = None,
        call: Callable[[TaskContext], Any] | None = None,
    ) -> Stub:
        """Say what a task does from now on in this test, in all its sessions, instead of its own work.

        :param result: what it returns: a mapping; for a DAG or an operator any value. None: nothing.
        :param raises: an exception, or a class of exceptions.
        :param call: a function that takes the :class:`TaskContext`, as the task's own does.
        :returns: the stub, whose ``contexts`` tell what it was given.
        :raises TaskNotFound: when the session has no such task.
        """
        task = self._tested.task(task_name)
        made = Stub(task.name, result=result, raises=raises, call=call)
        self._tested.bench.stubs[task.name] = made
        return made

    def unstub(self, task_name: str) -> None:
        """Have a task do its own work again."""
        self._tested.bench.stubs.pop(self._tested.task(task_name).name, None)

    def advance(
        self, *, seconds: float = 0, minutes: float = 0, hours: float = 0, days: float = 0
    ) -> datetime:
        """Move the test's time; instances that have cooled down can be run then.

        :returns: the new moment.
        """
        duration = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        return self._tested.bench.clock.advance(duration)

    # -- running ----------------------------------------------------------------------------------------------

    def _run(self, name: str | None, limit: int) -> list[str]:
        """See :meth:`SessionTester.run`."""
        __tracebackhide__ = True
        ran = self._run_named(name) if name is not None else self._run_all(limit)
        self._raise_broken_hooks()
        return ran

    def _run_next(self) -> TaskInstance | None:
        """See :meth:`SessionTester.run_next`."""
        __tracebackhide__ = True
        runner = self._tested.runner
        if not (due := runner.due):
            return None
        ended = runner.work(due[0])
        self._raise_broken_hooks()
        return ended

    def _run_all(self, limit: int) -> list[str]:
        __tracebackhide__ = True
        runner, ran = self._tested.runner, list[str]()
        while due := runner.due:
            if len(ran) == limit:
                names = ", ".join(start.instance.name for start in due[:5])
                raise failure(
                    self._tested,
                    f"{limit} instances were run, and there are more ({names}): does a task cause itself? If not, "
                    "raise the limit: run(limit=…).",
                )
            runner.work(due[0])
            ran.append(due[0].instance.name)
        return ran

    def _run_named(self, name: str) -> list[str]:
        """The instance of that name, or all of a task that are due."""
        __tracebackhide__ = True
        runner = self._tested.runner
        if name in self.storage.tasks:
            chosen = [start for start in runner.due if start.instance.task.name == name]
        else:
            instance = self._tested.instance(name)
            chosen = [start for start in runner.due if start.instance.name == name]
            if not chosen:
                raise self._not_due(instance)
        for start in chosen:
            runner.work(start)
        return [start.instance.name for start in chosen]

    def _not_due(self, instance: TaskInstance) -> InvalidTransition:
        status = f"{instance.status.value}{standing(instance, self._tested.runner.moments, self.now)}"
        waits = instance.status is InstanceStatus.SCHEDULED
        return InvalidTransition("run", instance.name, status, ("due" if waits else "scheduled",))

    def _raise_broken_hooks(self) -> None:
        __tracebackhide__ = True
        broken, self._tested.storage.broken_hooks = self._tested.storage.broken_hooks, []
        for hook, error in broken:
            raise failure(
                self._tested, f"The hook {hook} of the manager {self.manager.name!r} raised:\n{error}"
            )


def _name(instance: TaskInstance | str) -> str:
    return instance if isinstance(instance, str) else instance.name
