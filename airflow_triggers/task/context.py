"""TaskContext: all that a trigger task is given, and by which it asks for something.

Neighbours: ``operator.py`` makes it from a DAG run's conf, ``runners/inprocess.py`` from a start;
``domain/report.py`` is what they are told afterwards.
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
"""The ``stacklevel`` of the ``with`` statement, seen from the body of a context manager: contextlib is between them."""


class _Requests:
    """What the task asked for and logged until now."""

    def __init__(self) -> None:
        self.fires: list[FireRequest] = []
        self.journal = Journal()


@dataclass(frozen=True, kw_only=True)
class TaskContext:
    """What a trigger task's callable is given.

    :param trigger_kwargs: ``{trigger: kwargs}``, with ``withParams`` merged under.
    :param session_uid: the session that the instance belongs to.
    :param instance_name: ``t_import#0``.
    :param task_name: the trigger task's name, ``t_import``.
    :param number: the instance's number; -1 in a run that was made by hand, see :attr:`by_hand`.
    :param configuration: the deployed configuration's name, None for one made at run time.
    :param manager_name: the name of the session's manager.
    :param task: the trigger task as the session's configuration has it.
    :param metadata: of the instance, when its run was made: ``parent``, ``depth``, ``retries`` of a replay.
    :param max_retries: how often :meth:`retry` may have the instance replayed.
    :param airflow: Airflow's own context of the running task (``ti``, ``dag_run``, …).
    :param session_manager: the session's manager, where there is a database; None in a worker.
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
        """Read whose run this is from the run's conf.

        :raises NotATriggerRun: when the run was made by hand, and for no session.
        """
        return cls(**identity_of(context["dag_run"]), airflow=context)

    @property
    def by_hand(self) -> bool:
        """Whether somebody made the run in Airflow: it executes no instance, and what it asks for is not done."""
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
            What the schema does not name is left out.
        :raises InvalidTriggerKwargs: listing every field that does not fit, of every trigger.
        """
        return filter_kwargs(self.trigger_kwargs, schema)

    @property
    def task_instance(self) -> TaskInstance:
        """The instance: as it is now where there is a database; in a worker as it was when its run was made."""
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

        In a worker, which has no database, it fires triggers as :meth:`fire` does, and knows of the session this
        instance only; whatever else it is asked raises :class:`NoDatabaseInTask`.

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
        """Fire a trigger into this session once the task succeeds, before its cascade; not at all if it does not.

        Exactly once, however often Airflow tries the task.

        :param fire_at: not before this moment; None: as soon as the task has succeeded.
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

        :param metadata: to be attached to the instance.
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

        :param exc: what went wrong; None: the exception that is being handled, if there is one.
        :param metadata: to be attached to the failed instance.
        :param replacement_kwargs: ``{trigger: kwargs}`` for the replay, instead of all that it had.
        :param cooldown: seconds until the replay runs.
        :param max_retries: how many such replays there may be in a row; None: :attr:`max_retries`. Past it the
            exception is :class:`MaxRetriesExceeded`, and the instance stays failed. A replay by an operator begins
            the count anew.
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
        """A logger whose records carry the values, and whose highest level becomes the instance's ``log_level``.

        An exception that leaves the block is logged as an error, with the values and those that
        :func:`~airflow_triggers.with_context` attached to it, and is raised on. It is logged once, however many blocks
        it leaves, and not again if the task logged it itself. What :meth:`skip` and :meth:`retry` raise, and Airflow's
        exceptions of this kind, are no errors.

        .. code-block:: python

            with context.get_logger_context(context={"respondent": 17}) as logger:
                logger.warning("No answer to %s", question, extra={"context": {"page": 3}})

        The values of a record's own ``extra={"context": …}`` are merged over those of the block.

        :param context: the values.
        :param name: of the logger; None: one of the trigger task's own.
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
        """What is to be said once the task has ended. Triggers that it fired are said only of one that succeeded.

        :param error: by which it ended; None: it succeeded.
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
