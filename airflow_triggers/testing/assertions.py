"""What a test asserts of a session. A failed assertion prints the instance and the session's story.

Neighbours: ``tester.py`` and ``case.py`` offer it; ``failure.py`` makes what is printed; ``exceptions.py`` compares
exceptions with what was kept of them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from types import EllipsisType
from typing import Any

from airflow_triggers.domain.configuration import Kwargs
from airflow_triggers.domain.fires import Fire
from airflow_triggers.domain.instances import InstanceStatus, TaskInstance
from airflow_triggers.errors import InstanceNotFound, TaskNotFound
from airflow_triggers.testing.exceptions import dotted_name, is_of_type
from airflow_triggers.testing.failure import difference, failure
from airflow_triggers.testing.near import did_you_mean, listed
from airflow_triggers.testing.session import TestedSession
from airflow_triggers.testing.story import shown, standing

__unittest = True  # unittest leaves frames of this module out of the tracebacks that it shows


class SessionAssertions:
    """Assertions about the session that :attr:`_tested` is. Those about an instance return it.

    ``...`` as an expected value stands for any.
    """

    @property
    def _tested(self) -> TestedSession:
        raise NotImplementedError

    # -- instances --------------------------------------------------------------------------------------------

    def assert_finished(
        self, instance_name: str, *, result: Mapping[str, Any] | Any | EllipsisType = ...
    ) -> TaskInstance:
        """The instance is finished, with exactly this result (None: it returned nothing)."""
        __tracebackhide__ = True
        instance = self._in_status(instance_name, InstanceStatus.FINISHED)
        return self._with_metadata(instance, result=result)

    def assert_failed(
        self,
        instance_name: str,
        exception: type[BaseException] | str | None = None,
        *,
        match: str | None = None,
    ) -> TaskInstance:
        """The instance is failed.

        :param exception: its class or a base of it, or its dotted name (``"requests.exceptions.Timeout"``).
        :param match: a regular expression that is found in the exception's message.
        """
        __tracebackhide__ = True
        instance = self._in_status(instance_name, InstanceStatus.FAILED)
        found = str(instance.metadata.get("exceptionType", "no exception"))
        if exception is not None and not is_of_type(found, exception):
            raise self._failure(
                f"{instance.name} failed with {found}, expected {dotted_name(exception)}.", instance
            )
        message = str(instance.metadata.get("exceptionMessage", ""))
        if match is not None and not re.search(match, message):
            raise self._failure(
                f"{instance.name} failed with the message {message!r}, expected one that matches {match!r}.",
                instance,
            )
        return instance

    def assert_unstarted(
        self, instance_name: str, *, missing: Collection[str] | EllipsisType = ...
    ) -> TaskInstance:
        """The instance waits for triggers, for exactly these."""
        __tracebackhide__ = True
        instance = self._in_status(instance_name, InstanceStatus.UNSTARTED)
        expected = {missing} if isinstance(missing, str) else missing
        if not isinstance(expected, EllipsisType) and instance.missing != set(expected):
            raise self._failure(
                f"{instance.name} lacks {listed(instance.missing)}, expected that it lacks {listed(expected)}.",
                instance,
            )
        return instance

    def assert_scheduled(self, instance_name: str) -> TaskInstance:
        """The instance waits to be run; maybe it cools down."""
        __tracebackhide__ = True
        return self._in_status(instance_name, InstanceStatus.SCHEDULED)

    def assert_running(self, instance_name: str) -> TaskInstance:
        """The instance runs: for use in what it calls."""
        __tracebackhide__ = True
        return self._in_status(instance_name, InstanceStatus.RUNNING)

    def assert_abandoned(self, instance_name: str) -> TaskInstance:
        """The instance was abandoned: every ``unless`` trigger had fired."""
        __tracebackhide__ = True
        return self._in_status(instance_name, InstanceStatus.ABANDONED)

    def assert_skipped(
        self,
        instance_name: str,
        *,
        result: Mapping[str, Any] | EllipsisType | None = ...,
        cascade: bool | EllipsisType = ...,
    ) -> TaskInstance:
        """The instance skipped itself or was waived, with exactly this result and cascade."""
        __tracebackhide__ = True
        instance = self._in_status(instance_name, InstanceStatus.SKIPPED)
        return self._with_metadata(instance, result=result, cascade=cascade)

    def assert_replayed(self, instance_name: str, *, by: str | None = None) -> TaskInstance:
        """The instance failed, and a clone took over.

        :param by: the clone's name.
        """
        __tracebackhide__ = True
        instance = self._in_status(instance_name, InstanceStatus.REPLAYED)
        clones = [one.name for one in self._tested.storage if one.metadata.get("parent") == instance.name]
        if by is not None and by not in clones:
            raise self._failure(f"{instance.name} was replayed by {listed(clones)}, expected {by}.", instance)
        return instance

    def assert_no_instance(self, name: str) -> None:
        """The task has no instance; or, of an instance's name, there is none of that name."""
        __tracebackhide__ = True
        task_name = name.partition("#")[0]
        self._known_task(task_name)
        found = self._tested.storage.instances_of_task(task_name)
        named = [one for one in found if name in (task_name, one.name)]
        if named:
            names = listed(one.name for one in named)
            exist = "exists" if len(named) == 1 else "exist"
            raise self._failure(f"{names} {exist}, expected no instance {name}.", named[0])

    # -- the session ------------------------------------------------------------------------------------------

    def assert_unresolved_tasks(self, *task_names: str) -> None:
        """Exactly these tasks have no instance yet, or an unresolved one."""
        __tracebackhide__ = True
        for name in task_names:
            self._known_task(name)
        found = {task.name for task in self._tested.storage.get_unresolved_tasks()}
        self._same_names("tasks", set(task_names), found)

    def assert_unresolved_instances(self, *instance_names: str) -> None:
        """Exactly these instances exist and are not resolved."""
        __tracebackhide__ = True
        for name in instance_names:
            self._instance(name)
        found = {one.name for one in self._tested.storage.get_unresolved_instances()}
        self._same_names("instances", set(instance_names), found)

    def assert_fired(
        self,
        trigger_name: str,
        *,
        times: int | None = None,
        kwargs: Kwargs | EllipsisType = ...,
    ) -> list[Fire]:
        """The trigger was fired, by whomever: the application, a task, a cascade.

        :param times: exactly so often; None: at least once. With ``kwargs``, so often with these.
        :param kwargs: exactly these.
        :returns: these fires, oldest first.
        """
        __tracebackhide__ = True
        fires = self._tested.storage.fires()[::-1]
        of_it = [fire for fire in fires if fire.trigger_name == trigger_name]
        matching = [fire for fire in of_it if isinstance(kwargs, EllipsisType) or fire.kwargs == kwargs]
        if len(matching) == times or (times is None and matching):
            return matching
        problem = f"{trigger_name} was {f'fired {_times(len(of_it))}' if of_it else 'never fired'}"
        if not isinstance(kwargs, EllipsisType):
            problem += f", {_times(len(matching))} with {shown(dict(kwargs))}"
        problem += f"; expected {'at least once' if times is None else _times(times)}."
        if not of_it:
            problem += did_you_mean(trigger_name, {fire.trigger_name for fire in fires})
        elif len(of_it) == 1 and not matching and not isinstance(kwargs, EllipsisType):
            problem += difference(kwargs, of_it[0].kwargs)
        raise self._failure(problem)

    # -- how --------------------------------------------------------------------------------------------------

    def _failure(self, problem: str, instance: TaskInstance | None = None) -> AssertionError:
        return failure(self._tested, problem, instance)

    def _instance(self, name: str) -> TaskInstance:
        __tracebackhide__ = True
        try:
            return self._tested.instance(name)
        except InstanceNotFound as error:
            raise self._failure(str(error)) from None

    def _known_task(self, name: str) -> None:
        __tracebackhide__ = True
        try:
            self._tested.task(name)
        except TaskNotFound as error:
            raise self._failure(str(error)) from None

    def _in_status(self, name: str, expected: InstanceStatus) -> TaskInstance:
        __tracebackhide__ = True
        instance = self._instance(name)
        if instance.status is expected:
            return instance
        session = self._tested
        more = standing(instance, session.runner.moments, session.storage.now())
        raise self._failure(f"{name} is {instance.status.value}{more}; expected {expected.value}.", instance)

    def _with_metadata(self, instance: TaskInstance, **expected: Any) -> TaskInstance:
        __tracebackhide__ = True
        for key, value in expected.items():
            found = instance.metadata.get(key)
            if value is not ... and found != value:
                problem = f"{instance.name} has the {key} {shown(found)}, expected {shown(value)}."
                raise self._failure(problem + difference(value, found), instance)
        return instance

    def _same_names(self, what: str, expected: Iterable[str], found: Iterable[str]) -> None:
        __tracebackhide__ = True
        if expected != found:
            raise self._failure(f"The unresolved {what} are {listed(found)}; expected {listed(expected)}.")


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")
