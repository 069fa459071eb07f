"""Trigger tasks of the contract suite: one for each way in which a task can end or make a request."""

from __future__ import annotations

from typing import Any

from airflow.sdk.exceptions import AirflowSkipException

from airflow_triggers.domain.failures import with_context
from airflow_triggers.task import TaskContext

WORD = "hello"


def greet(context: TaskContext) -> dict[str, Any]:
    """Reads the UID of its session."""
    return {"greeting": f"{WORD} {context.session_uid}"}


def nothing(context: TaskContext) -> None:
    """Returns nothing."""


def a_list(context: TaskContext) -> Any:
    """Returns a list, which no task may return."""
    return [1, 2]


def fail(context: TaskContext) -> None:
    """Raises."""
    raise ValueError("no\0such thing")


def echo(context: TaskContext) -> dict[str, Any]:
    """Returns its trigger kwargs."""
    return dict(context.trigger_kwargs)


def skip(context: TaskContext) -> None:
    """Skips itself by Airflow's own exception."""
    raise AirflowSkipException("nothing to do")


def leave(context: TaskContext) -> None:
    """Raises SystemExit: in a process of its own it would end the process."""
    raise SystemExit(3)


def again(context: TaskContext) -> dict[str, Any]:
    """Asks to run again with another number, unless the number is large."""
    number = context.trigger_kwargs["x"].get("n", 0)
    if number >= 100:
        return {}
    try:
        raise ValueError(f"{number} is too small")
    except ValueError as error:
        raise context.retry(
            metadata={"seen": number}, replacement_kwargs={"x": {"n": number + 1}}, cooldown=0.01
        ) from error


def skip_with_reason(context: TaskContext) -> None:
    """Fires without effect, because it skips itself."""
    context.fire("never")
    raise context.skip({"why": "embedded"})


def fires(context: TaskContext) -> dict[str, Any]:
    """Fires twice, and logs an error."""
    fire_count = len(context.manager.storage.fires())
    context.fire("first", {"n": 1})
    context.fire("second", idempotency_key="second")
    with context.get_logger_context(context={"seen": fire_count}) as logger:
        logger.error("%s fires were seen", fire_count)
    return {"seen": fire_count}


def logs_and_fails(context: TaskContext) -> None:
    """Lets an exception with values leave a logger's context."""
    with context.get_logger_context(context={"respondent": 17}):
        raise with_context(ValueError("no such age"), {"age": "thirty-six"})


def clones(context: TaskContext) -> dict[str, Any]:
    """Makes a copy of its own instance."""
    with context.manager.storage.acquire_lock() as storage:
        clone = storage.clone_instance(context.instance_name)
    return {"clone": clone.name, "status": clone.status.value}


def fires_and_fails(context: TaskContext) -> None:
    """Fires without effect, because it fails."""
    context.fire("never")
    raise ValueError


def looks(context: TaskContext) -> dict[str, Any]:
    """Reads its session, and fires at once: it runs in a process with a database."""
    result = context.manager.fire("unheard")
    return {
        "manager": context.manager.name,
        "status": context.task_instance.status.value,
        "tasks": sorted(context.manager.storage.tasks),
        "scheduled": list(result.scheduled),
    }
