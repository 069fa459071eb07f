"""What a test asserts of a session. A failed assertion prints the instance and the session's story.

Neighbours: ``tester.py`` and ``case.py`` offer it; ``failure.py`` makes what is printed; ``exceptions.py`` compares
exceptions with their stored names.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from types import EllipsisType
from typing import Any

from airflow_triggers.domain.configuration import Kwargs
from airflow_triggers.domain.fires import Fire
from airflow_triggers.domain.instances import InstanceStatus, TaskInstance
from airflow_triggers.domain.metadata import EXCEPTION_MESSAGE, EXCEPTION_TYPE, PARENT
from airflow_triggers.errors import InstanceNotFound, TaskNotFound
from airflow_triggers.testing.exceptions import dotted_name, is_of_type
from airflow_triggers.testing.failure import difference, failure
from airflow_triggers.testing.near import did_you_mean, listing
from airflow_triggers.testing.session import TestedSession
from airflow_triggers.testing.story import excerpt, standing

# unittest hides this module's frames in its tracebacks.
__unittest = True


class SessionAssertions:
    """Assertions about the session :attr:`_tested_session`. Assertions about an instance return it.

    ``...`` as an expected value stands for any value.
    """

    @property
    def _tested_session(self) -> TestedSession:
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

        :param exception: its class or a base class, or its dotted name (``"requests.exceptions.Timeout"``).
        :param match: a regular expression, searched in the exception's message.
        """
        __tracebackhide__ = True
        instance = self._in_status(instance_name, InstanceStatus.FAILED)
        exception_type = str(instance.metadata.get(EXCEPTION_TYPE, "no exception"))
        if exception is not None and not is_of_type(exception_type, exception):
            raise self._failure(
                f"{instance.name} failed with {exception_type}, expected {dotted_name(exception)}.", instance
            )
        message = str(instance.metadata.get(EXCEPTION_MESSAGE, ""))
        if match is not None and not re.search(match, message):
            raise self._failure(
                f"{instance.name} failed with the message {message!r}, expected one that matches {match!r}.",
                instance,
            )
        return instance

    def assert_unstarted(
        self, instance_name: str, *, missing: Collection[str] | EllipsisType = ...
    ) -> TaskInstance:
        """The instance waits for triggers: with ``missing``, for exactly these."""
        __tracebackhide__ = True
        instance = self._in_status(instance_name, InstanceStatus.UNSTARTED)
        expected_triggers = {missing} if isinstance(missing, str) else missing
        if not isinstance(expected_triggers, EllipsisType) and instance.missing != set(expected_triggers):
            raise self._failure(
                f"{instance.name} lacks {listing(instance.missing)}, "
                f"expected that it lacks {listing(expected_triggers)}.",
                instance,
            )
        return instance

    def assert_scheduled(self, instance_name: str) -> TaskInstance:
        """The instance waits to run; maybe it is cooling down."""
        __tracebackhide__ = True
        return self._in_status(instance_name, InstanceStatus.SCHEDULED)

    def assert_running(self, instance_name: str) -> TaskInstance:
        """The instance is running: for use in functions called by its task."""
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
        clones = [
            clone.name
            for clone in self._tested_session.storage
            if clone.metadata.get(PARENT) == instance.name
        ]
        if by is not None and by not in clones:
            raise self._failure(
                f"{instance.name} was replayed by {listing(clones)}, expected {by}.", instance
            )
        return instance

    def assert_no_instance(self, name: str) -> None:
        """The task has no instance; or, for an instance's name, no such instance exists."""
        __tracebackhide__ = True
        task_name = name.partition("#")[0]
        self._known_task(task_name)
        instances = self._tested_session.storage.instances_of_task(task_name)
        matching_instances = [instance for instance in instances if name in (task_name, instance.name)]
        if matching_instances:
            names = listing(instance.name for instance in matching_instances)
            exist = "exists" if len(matching_instances) == 1 else "exist"
            raise self._failure(f"{names} {exist}, expected no instance {name}.", matching_instances[0])

    # -- the session ------------------------------------------------------------------------------------------

    def assert_unresolved_tasks(self, *task_names: str) -> None:
        """Exactly these tasks have no instance yet, or an unresolved one."""
        __tracebackhide__ = True
        for name in task_names:
            self._known_task(name)
        unresolved_names = {task.name for task in self._tested_session.storage.get_unresolved_tasks()}
        self._same_names("tasks", set(task_names), unresolved_names)

    def assert_unresolved_instances(self, *instance_names: str) -> None:
        """Exactly these instances exist and are not resolved."""
        __tracebackhide__ = True
        for name in instance_names:
            self._instance(name)
        unresolved_names = {
            instance.name for instance in self._tested_session.storage.get_unresolved_instances()
        }
        self._same_names("instances", set(instance_names), unresolved_names)

    def assert_fired(
        self,
        trigger_name: str,
        *,
        times: int | None = None,
        kwargs: Kwargs | EllipsisType = ...,
    ) -> list[Fire]:
        """The trigger was fired by anybody: the application, a task, a cascade.

        :param times: exactly this number of times; None: at least once. With ``kwargs``, only fires with these kwargs
            count.
        :param kwargs: exactly these.
        :returns: these fires, oldest first.
        """
        __tracebackhide__ = True
        fires = self._tested_session.storage.fires()[::-1]
        trigger_fires = [fire for fire in fires if fire.trigger_name == trigger_name]
        matching_fires = [
            fire for fire in trigger_fires if isinstance(kwargs, EllipsisType) or fire.kwargs == kwargs
        ]
        if len(matching_fires) == times or (times is None and matching_fires):
            return matching_fires
        problem = (
            f"{trigger_name} was {f'fired {_times(len(trigger_fires))}' if trigger_fires else 'never fired'}"
        )
        if not isinstance(kwargs, EllipsisType):
            problem += f", {_times(len(matching_fires))} with {excerpt(dict(kwargs))}"
        problem += f"; expected {'at least once' if times is None else _times(times)}."
        if not trigger_fires:
            problem += did_you_mean(trigger_name, {fire.trigger_name for fire in fires})
        elif len(trigger_fires) == 1 and not matching_fires and not isinstance(kwargs, EllipsisType):
            problem += difference(kwargs, trigger_fires[0].kwargs)
        raise self._failure(problem)

    # -- how --------------------------------------------------------------------------------------------------

    def _failure(self, problem: str, instance: TaskInstance | None = None) -> AssertionError:
        return failure(self._tested_session, problem, instance)

    def _instance(self, name: str) -> TaskInstance:
        __tracebackhide__ = True
        try:
            return self._tested_session.instance(name)
        except InstanceNotFound as error:
            raise self._failure(str(error)) from None

    def _known_task(self, name: str) -> None:
        __tracebackhide__ = True
        try:
            self._tested_session.task(name)
        except TaskNotFound as error:
            raise self._failure(str(error)) from None

    def _in_status(self, name: str, expected_status: InstanceStatus) -> TaskInstance:
        __tracebackhide__ = True
        instance = self._instance(name)
        if instance.status is expected_status:
            return instance
        session = self._tested_session
        details = standing(instance, session.runner.moments, session.storage.now())
        raise self._failure(
            f"{name} is {instance.status.value}{details}; expected {expected_status.value}.", instance
        )

    def _with_metadata(self, instance: TaskInstance, **expected_metadata: Any) -> TaskInstance:
        __tracebackhide__ = True
        for key, value in expected_metadata.items():
            actual = instance.metadata.get(key)
            if value is not ... and actual != value:
                problem = f"{instance.name} has the {key} {excerpt(actual)}, expected {excerpt(value)}."
                raise self._failure(problem + difference(value, actual), instance)
        return instance

    def _same_names(self, kind: str, expected_names: Iterable[str], actual_names: Iterable[str]) -> None:
        __tracebackhide__ = True
        if expected_names != actual_names:
            raise self._failure(
                f"The unresolved {kind} are {listing(actual_names)}; expected {listing(expected_names)}."
            )


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")
