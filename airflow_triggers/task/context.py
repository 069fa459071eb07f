"""TaskContext: gives a trigger task everything it needs, and takes its requests.

Neighbours: ``operator.py`` makes it from a DAG run's conf, ``runners/inprocess.py`` from a start;
``domain/report.py`` is the report to them afterwards.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from airflow.sdk.exceptions import AirflowSkipException

from airflow_triggers.domain.configuration import Kwargs, TaskConfig, TriggerKwargs
from airflow_triggers.domain.failures import attached_context, describe_exception, failure_in_short
from airflow_triggers.domain.fires import FireRequest
from airflow_triggers.domain.instances import InstanceStatus, TaskInstance
from airflow_triggers.domain.metadata import ACTUAL_KWARGS, RETRIES
from airflow_triggers.domain.report import RequestedReplay, TaskReport
from airflow_triggers.domain.validation import validate_instance_metadata, validate_max_retries
from airflow_triggers.errors import MaxRetriesExceeded
from airflow_triggers.extensions.plugins import trigger_managers
from airflow_triggers.task.identity import BY_HAND, identity_of
from airflow_triggers.task.kwargs import KwargsSchema, filter_kwargs
from airflow_triggers.task.log import ContextLogger, Journal
from airflow_triggers.task.signals import RetryInstance, SkipInstance, is_error
from airflow_triggers.task.storage import TaskStorage

DEFAULT_MAX_RETRIES = 3

_STATEMENT = 3
"""The ``stacklevel`` of the ``with`` statement, counted from a context manager's body: contextlib is in between."""


class _Requests:
    """The task's fires and log records so far."""

    def __init__(self) -> None:
        self.fires: list[FireRequest] = []
        self.journal = Journal()


@dataclass(frozen=True, kw_only=True)
class TaskContext:
    """The argument of a trigger task's callable.

    :param trigger_kwargs: ``{trigger: kwargs}``, merged over ``withParams``.
    :param session_uid: the UID of the instance's session.
    :param instance_name: ``t_import#0``.
    :param task_name: the trigger task's name, ``t_import``.
    :param number: the instance's number; -1 in a run made by hand, see :attr:`by_hand`.
    :param configuration: the deployed configuration's name; None for one made at run time.
    :param manager_name: the name of the session's manager.
    :param task: the trigger task as the session's configuration has it.
    :param metadata: the instance's metadata when its run was made: ``parent``, ``depth``, ``retries`` of a replay.
    :param max_retries: how often :meth:`retry` may have the instance replayed.
    :param airflow: Airflow's own context of the running task (``ti``, ``dag_run``, …).
    :param session_manager: the session's manager, if there is a database; None in a worker.
    """

    trigger_kwargs: TriggerKwargs
    session_uid: str
    instance_name: str
    task_name: str
    number: int
    configuration: str | None = None
    manager_name: str = "default"
    task: TaskConfig | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    max_retries: int = DEFAULT_MAX_RETRIES
    airflow: Mapping[str, Any] = field(default_factory=dict, repr=False)
    session_manager: Any = field(default=None, repr=False)
    _requests: _Requests = field(default_factory=_Requests, repr=False, compare=False)

    @classmethod
    def from_airflow(cls, context: Mapping[str, Any]) -> TaskContext:
        """The context of a DAG run, read from the run's conf.

        :raises NotATriggerRun: when the run was made by hand, and for no session.
        """
        return cls(**identity_of(context["dag_run"]), airflow=context)

    @property
    def by_hand(self) -> bool:
        """Whether somebody made the run by hand: then it executes no instance, and its requests have no effect."""
        return self.number == BY_HAND

    # -- reading ----------------------------------------------------------------------------------------------

    def filter_kwargs(self, schema: KwargsSchema) -> dict[str, Any]:
        """Validate and convert :attr:`trigger_kwargs`.

        >>> context = TaskContext(
        ...     trigger_kwargs={"page": {"number": "3"}},
        ...     session_uid="order-1",
        ...     instance_name="t_x#0",
        ...     task_name="t_x",
        ...     number=0,
        ... )
        >>> context.filter_kwargs({"page": {"number": int, "lang": (str, "en")}})
        {'page': {'number': 3, 'lang': 'en'}}

        :param schema: trigger → a pydantic model, a mapping of field → type or ``(type, default)``, or a type.
        :returns: the schema's triggers, each as the model's instance, a dict of the fields, or a value of the type.
            Other triggers and fields are left out.
        :raises InvalidTriggerKwargs: when kwargs do not fit; it lists every wrong field of every trigger.
        """
        return filter_kwargs(self.trigger_kwargs, schema)

    @property
    def task_instance(self) -> TaskInstance:
        """The instance: with a database as it is now; in a worker as it was when its run was made."""
        if self.session_manager is not None:
            instance: TaskInstance = self.session_manager.storage[self.instance_name]
            return instance
        return TaskInstance(
            task=self.task or TaskConfig(name=self.task_name, run=""),
            number=self.number,
            status=InstanceStatus.RUNNING,
            kwargs=self.trigger_kwargs,
            metadata={**self.metadata, ACTUAL_KWARGS: self.trigger_kwargs},
        )

    @cached_property
    def manager(self) -> Any:
        """The session's manager, of the class that the session remembers.

        A worker has no database. There the manager fires triggers as :meth:`fire` does, and knows only this instance
        of the session; everything else raises :class:`NoDatabaseInTask`.

        :raises RegistryError: when the session's manager is not installed here.
        """
        if self.session_manager is not None:
            return self.session_manager
        storage = TaskStorage(
            self.session_uid,
            instance=self.task_instance,
            manager_name=self.manager_name,
            fire=self._requests.fires.append,
        )
        return trigger_managers.get(self.manager_name, storage=storage)

    # -- asking -----------------------------------------------------------------------------------------------

    def fire(
        self,
        trigger_name: str,
        trigger_kwargs: Kwargs | None = None,
        *,
        idempotency_key: str | None = None,
        fire_at: datetime | None = None,
    ) -> None:
        """Fire a trigger into this session once the task succeeds, before its cascade. Nothing is fired if it fails.

        It fires exactly once, however often Airflow tries the task.

        :param idempotency_key: makes the fire count once for the life of the session.
        :param fire_at: not before this moment; None fires as soon as the task has succeeded.
        :raises InvalidTrigger: when the name, the kwargs, the key or the moment are outside the allowed form.
        """
        fire = FireRequest(
            trigger_name=trigger_name,
            trigger_kwargs=trigger_kwargs or {},
            idempotency_key=idempotency_key,
            fire_at=fire_at,
        )
        self._requests.fires.append(fire)

    def skip(self, metadata: Mapping[str, Any] | None = None) -> SkipInstance:
        """``raise context.skip()`` marks the instance skipped; nothing is fired.

        :param metadata: attached to the instance.
        :raises InvalidMetadata: when it is outside the allowed form.
        """
        return SkipInstance(validate_instance_metadata(metadata))

    def retry(
        self,
        exc: BaseException | None = None,
        metadata: Mapping[str, Any] | None = None,
        replacement_kwargs: TriggerKwargs | None = None,
        cooldown: float | None = None,
        *,
        max_retries: int | None = None,
    ) -> RetryInstance | MaxRetriesExceeded:
        """``raise context.retry()`` marks the instance failed and replays it, without Airflow's own retries.

        :param exc: the exception that went before; None means the exception being handled, if there is one.
        :param metadata: attached to the failed instance.
        :param replacement_kwargs: ``{trigger: kwargs}`` for the replay, instead of all its kwargs.
        :param cooldown: seconds until the replay runs.
        :param max_retries: how many such replays there may be in a row; None means :attr:`max_retries`. Beyond this
            number the exception is :class:`MaxRetriesExceeded`, and the instance stays failed. A replay by an operator
            starts the count again.
        :raises InvalidMetadata, InvalidTrigger, InvalidCooldown, InvalidMaxRetries: when metadata, kwargs, cooldown or
            the number of retries are outside their form.
        """
        reason = exc or sys.exc_info()[1]
        retries = int(self.metadata.get(RETRIES, 0))
        limit = self.max_retries if max_retries is None else validate_max_retries(max_retries)
        valid_metadata = validate_instance_metadata(metadata)
        retry = RequestedReplay(replacement_kwargs=replacement_kwargs, cooldown=cooldown, retries=retries + 1)
        if retries >= limit:
            error = MaxRetriesExceeded(self.instance_name, limit, valid_metadata)
            error.__cause__ = reason
            return error
        return RetryInstance(retry, valid_metadata, reason)

    @contextmanager
    def get_logger_context(
        self, context: Mapping[str, Any] | None = None, *, name: str | None = None
    ) -> Iterator[ContextLogger]:
        """A logger. Its records carry the values, and its highest level becomes the instance's ``log_level``.

        An exception from the block is logged as an error, and raised again. The log record has the values of the block
        and those attached by :func:`~airflow_triggers.with_context`. An exception is logged once, however many blocks
        it leaves, and not again if the task logged it itself. The exceptions of :meth:`skip` and :meth:`retry`, and
        Airflow's own of this kind, are no errors.

        .. code-block:: python

            with context.get_logger_context(context={"respondent": 17}) as logger:
                logger.warning("No answer to %s", question, extra={"context": {"page": 3}})

        The values in a call's own ``extra={"context": …}`` are merged over those of the block.

        :param context: the values.
        :param name: the logger's name; None for the trigger task's own logger.
        """
        logger = logging.getLogger(name or f"airflow_triggers.task.{self.task_name}")
        journal = self._requests.journal
        contextual = ContextLogger(logger, context or {}, journal)
        try:
            yield contextual
        except BaseException as error:
            if is_error(error) and not journal.holds(error):
                contextual.error(
                    "%s",
                    failure_in_short(describe_exception(error)),
                    exc_info=error,
                    extra={"context": attached_context(error)},
                    stacklevel=_STATEMENT,
                )
            raise

    # -- afterwards -------------------------------------------------------------------------------------------

    def report(self, error: BaseException | None = None) -> TaskReport:
        """The report once the task has ended. It contains the task's fires only if the task succeeded.

        :param error: the exception that ended the task; None when it succeeded.
        """
        level = self._requests.journal.level
        match error:
            case None:
                return TaskReport(fires=tuple(self._requests.fires), log_level=level)
            case SkipInstance():
                return TaskReport(metadata=error.metadata, log_level=level)
            case AirflowSkipException():
                return TaskReport(log_level=level)
            case RetryInstance():
                exception = describe_exception(error.reason or error)
                return TaskReport(
                    exception=exception, metadata=error.metadata, retry=error.retry, log_level=level
                )
        metadata = error.metadata if isinstance(error, MaxRetriesExceeded) else {}
        return TaskReport(exception=describe_exception(error), metadata=metadata, log_level=level)
