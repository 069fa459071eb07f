"""What a test does to a session: configure, fire, run, replay, skip, stub, move the time.

Neighbours: ``tester.py`` and ``case.py`` offer these methods; ``assertions.py`` checks the outcome.
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
from airflow_triggers.testing.delayed_fires import next_due_fire
from airflow_triggers.testing.failure import failure
from airflow_triggers.testing.session import TestedSession
from airflow_triggers.testing.sources import ConfigurationSource
from airflow_triggers.testing.story import standing
from airflow_triggers.testing.stubs import Stub

# unittest hides this module's frames in its tracebacks.
__unittest = True

LIMIT = 1000
"""The most instances that one ``run()`` runs. With more, it takes the cascade for an endless one."""


class SessionActs:
    """The acts on the session :attr:`_tested_session`.

    If a hook of the session's manager raises, the test fails. In production the error is logged, and the hook is called
    again later.
    """

    @property
    def _tested_session(self) -> TestedSession:
        raise NotImplementedError

    @property
    def manager(self) -> TriggerManager:
        """The session's manager, for everything without a short form here."""
        return self._tested_session.manager

    @property
    def storage(self) -> BaseStorageBackend:
        """The session's storage."""
        return self._tested_session.storage

    @property
    def now(self) -> datetime:
        """The test's present moment (UTC); it stands still until :meth:`advance`."""
        return self._tested_session.bench.clock.now

    @property
    def statuses(self) -> dict[str, str]:
        """The status of every instance, by name."""
        return {instance.name: instance.status.value for instance in self.storage}

    def __getitem__(self, instance_name: str) -> TaskInstance:
        """The instance. :raises InstanceNotFound: with the existing instances or a suggestion."""
        return self._tested_session.instance(instance_name)

    def story(self) -> str:
        """What happened in the session, in lines; every failed assertion prints it."""
        return self._tested_session.story()

    def configure(self, configuration: ConfigurationSource | None = None, /, **tasks: Any) -> Self:
        """Add tasks to the session, or replace them by name.

        :param configuration: task name → directives, a YAML file's path, or the name of one (``"questionnaire"``).
        :param tasks: tasks by name, instead: ``configure(t_import={"after": ["x"], "run": "…"})``.
        :raises ConfigurationError: as in production; nothing is changed then.
        """
        for source in (configuration, tasks or None):
            if source is not None:
                self.manager.update_configuration(self._tested_session.bench.read(source))
        return self

    def fire(
        self,
        trigger_name: str,
        trigger_kwargs: Kwargs | None = None,
        *,
        idempotency_key: str | None = None,
        fired_by: str | None = None,
        fire_at: datetime | None = None,
    ) -> FireResult:
        """Fire a trigger, as an application does. Scheduled instances wait for :meth:`run`.

        See :meth:`TriggerManager.fire`.

        :param fire_at: not before this moment, such as ``tester.now + timedelta(days=2)``; :meth:`advance` makes it
            come.
        """
        result = self.manager.fire(
            trigger_name,
            trigger_kwargs,
            idempotency_key=idempotency_key,
            fired_by=fired_by,
            fire_at=fire_at,
        )
        self._tested_session.raise_broken_hooks()
        return result

    def replay(
        self,
        instance: TaskInstance | str,
        replacement_kwargs: TriggerKwargs | None = None,
        *,
        cooldown: float | None = None,
        by: str | None = None,
    ) -> TaskInstance:
        """Replay a failed instance and return the clone. The clone waits for :meth:`run`.

        See :meth:`TriggerManager.replay_failed_instance`.
        """
        known_instance = self._tested_session.instance(_name(instance))
        clone = self.manager.replay_failed_instance(
            known_instance, replacement_kwargs, cooldown=cooldown, by=by
        )
        self._tested_session.raise_broken_hooks()
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
        known_instance = self._tested_session.instance(_name(instance))
        skipped_instance = self.manager.skip_failed_instance(known_instance, cascade, result, by=by)
        self._tested_session.raise_broken_hooks()
        return skipped_instance

    def stub(
        self,
        task_name: str,
        *,
        result: Any = None,
        raises: BaseException | type[BaseException] | None = None,
        call: Callable[[TaskContext], Any] | None = None,
    ) -> Stub:
        """Replace a task's work from now on in this test, in all its sessions.

        :param result: the task's result: a mapping; for a DAG or an operator any value. None: nothing.
        :param raises: an exception, or a class of exceptions.
        :param call: a function of the :class:`TaskContext`, like the task's own function.
        :returns: the stub; its ``contexts`` are the contexts of the calls.
        :raises TaskNotFound: when the session has no such task.
        """
        task = self._tested_session.task(task_name)
        stub = Stub(task.name, result=result, raises=raises, call=call)
        self._tested_session.bench.stubs[task.name] = stub
        return stub

    def unstub(self, task_name: str) -> None:
        """Let a task do its own work again."""
        self._tested_session.bench.stubs.pop(self._tested_session.task(task_name).name, None)

    def advance(
        self, *, seconds: float = 0, minutes: float = 0, hours: float = 0, days: float = 0
    ) -> datetime:
        """Move the test's time forward: instances past their cooldown can run then, and fires for later come.

        Each of these fires comes at its own moment, in all sessions of the test. What it schedules waits for
        :meth:`run`.

        :returns: the new moment.
        """
        __tracebackhide__ = True
        bench = self._tested_session.bench
        duration = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        end = bench.clock.now + duration
        while due := next_due_fire(bench, end):
            session, fire = due
            bench.clock.advance(max(fire.fire_at - bench.clock.now, timedelta()))
            session.manager.fire_delayed(fire.delayed_id)
            session.raise_broken_hooks()
        return bench.clock.advance(end - bench.clock.now)

    # -- running ----------------------------------------------------------------------------------------------

    def _run(self, name: str | None, limit: int) -> list[str]:
        """See :meth:`SessionTester.run`."""
        __tracebackhide__ = True
        instance_names = self._run_by_name(name) if name is not None else self._run_all(limit)
        self._tested_session.raise_broken_hooks()
        return instance_names

    def _run_next(self) -> TaskInstance | None:
        """See :meth:`SessionTester.run_next`."""
        __tracebackhide__ = True
        runner = self._tested_session.runner
        if not (due_starts := runner.due_starts):
            return None
        instance = runner.work(due_starts[0])
        self._tested_session.raise_broken_hooks()
        return instance

    def _run_all(self, limit: int) -> list[str]:
        __tracebackhide__ = True
        runner, instance_names = self._tested_session.runner, list[str]()
        while due_starts := runner.due_starts:
            if len(instance_names) == limit:
                names = ", ".join(start.instance.name for start in due_starts[:5])
                raise failure(
                    self._tested_session,
                    f"{limit} instances were run, and there are more ({names}): does a task cause itself? If not, "
                    "raise the limit: run(limit=…).",
                )
            runner.work(due_starts[0])
            instance_names.append(due_starts[0].instance.name)
        return instance_names

    def _run_by_name(self, name: str) -> list[str]:
        """Run the instance of this name, or all due instances of a task."""
        __tracebackhide__ = True
        runner = self._tested_session.runner
        if name in self.storage.tasks:
            starts = [start for start in runner.due_starts if start.instance.task.name == name]
        else:
            instance = self._tested_session.instance(name)
            starts = [start for start in runner.due_starts if start.instance.name == name]
            if not starts:
                raise self._not_due(instance)
        for start in starts:
            runner.work(start)
        return [start.instance.name for start in starts]

    def _not_due(self, instance: TaskInstance) -> InvalidTransition:
        status = f"{instance.status.value}{standing(instance, self._tested_session.runner.moments, self.now)}"
        waits = instance.status is InstanceStatus.SCHEDULED
        return InvalidTransition("run", instance.name, status, ("due" if waits else "scheduled",))


def _name(instance: TaskInstance | str) -> str:
    return instance if isinstance(instance, str) else instance.name
