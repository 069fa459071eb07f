"""What runs in a worker: the operator that calls a trigger task's callable, and the context that it is given.

Neighbours: ``configuration/compile.py`` puts the operator into DAGs; the controller reads what it reports,
from XComs of the run, since a worker has no database.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import (
    AirflowRescheduleException,
    AirflowSkipException,
    AirflowTaskTimeout,
    DagRunTriggerException,
    DownstreamTasksSkipped,
)

from airflow_triggers.errors import InvalidResult, InvalidTrigger, NotATriggerRun
from airflow_triggers.failures import EXCEPTION_KEY, describe_exception
from airflow_triggers.types import TriggerKwargs, validate_trigger_kwargs

IDENTITY = frozenset({"instance_name", "number", "session_uid", "task_name"})
"""What a run's ``conf["triggers"]`` says at least: whose run it is."""

NOT_FAILURES = (
    AirflowRescheduleException,
    AirflowSkipException,
    DagRunTriggerException,
    DownstreamTasksSkipped,
)
"""Exceptions by which a task tells Airflow something else than that it failed."""


@dataclass(frozen=True, kw_only=True)
class TaskContext:
    """What a trigger task's callable is given.

    :param trigger_kwargs: ``{trigger: kwargs}``, with ``withParams`` merged under.
    :param session_uid: the session that the instance belongs to.
    :param instance_name: ``t_import#0``.
    :param task_name: the trigger task's name, ``t_import``.
    :param number: the instance's number.
    :param configuration: the deployed configuration's name, None for one made at run time.
    :param airflow: Airflow's own context of the running task (``ti``, ``dag_run``, …).
    """

    trigger_kwargs: TriggerKwargs
    session_uid: str
    instance_name: str
    task_name: str
    number: int
    configuration: str | None = None
    airflow: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def from_airflow(cls, context: Mapping[str, Any]) -> TaskContext:
        """Read whose run this is from the run's conf.

        :raises NotATriggerRun: when the run was not made for a session.
        """
        dag_run = context["dag_run"]
        conf = dag_run.conf or {}
        identity = conf.get("triggers")
        if not isinstance(identity, Mapping) or not identity.keys() >= IDENTITY:
            raise NotATriggerRun(
                f"The run {dag_run.run_id!r} of {dag_run.dag_id!r} belongs to no session: its conf does not say which "
                "('triggers' is missing). Trigger tasks run when triggers are fired into a session, over REST or with "
                "'airflow triggers fire'."
            )
        known: dict[str, Any] = {key: identity.get(key) for key in (*IDENTITY, "configuration")}
        return cls(trigger_kwargs=conf.get("trigger_kwargs") or {}, airflow=context, **known)


TriggerCallable = Callable[[TaskContext], Mapping[str, Any] | None]


class TriggerTaskOperator(BaseOperator):
    """Calls a trigger task's callable; what it returns, a mapping or None, cascades.

    An exception is reported with its type, message and traceback before it is raised on, so that Airflow's own retries
    and the session's instance both know it.

    :param callable: ``module:function``; the function takes a :class:`TaskContext`.
    """

    template_fields = ("callable",)
    ui_color = "#e4f0e2"

    def __init__(self, *, callable: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.callable = callable

    def execute(self, context: Any) -> dict[str, Any] | None:
        """Run in the worker; see the class."""
        try:
            return run_callable(self.callable, TaskContext.from_airflow(context))
        except NOT_FAILURES:
            raise
        except (Exception, AirflowTaskTimeout, SystemExit) as error:
            context["ti"].xcom_push(key=EXCEPTION_KEY, value=describe_exception(error))
            raise


def run_callable(path: str, context: TaskContext) -> dict[str, Any] | None:
    """Call the function at ``module:function``; its result as JSON can hold it.

    :raises InvalidResult: when it returns neither a mapping that JSON can hold nor None.
    """
    return _checked(load_callable(path)(context), path)


def load_callable(path: str) -> TriggerCallable:
    """The function at ``module:function``. :raises ImportError, AttributeError: when there is none."""
    module_name, _, function_name = path.partition(":")
    found: TriggerCallable = getattr(import_module(module_name), function_name)
    return found


def _checked(result: Any, path: str) -> dict[str, Any] | None:
    if result is None:
        return None
    if not isinstance(result, Mapping):
        raise InvalidResult(
            f"{path} returned {type(result).__name__} {str(result)[:80]!r}, expected a mapping or None: it becomes the "
            "kwargs of the trigger that is fired when the task finishes."
        )
    try:
        return validate_trigger_kwargs(result)
    except InvalidTrigger as error:
        raise InvalidResult(f"{path} returned a mapping that JSON cannot hold: {error}") from error
