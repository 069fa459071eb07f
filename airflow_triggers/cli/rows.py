"""What the commands print: sessions, instances and fires as rows, in Airflow's output formats.

Neighbours: ``commands.py``. The names of the columns are those of the REST API.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.cli.simple_table import AirflowConsole

from airflow_triggers.cli.terminal import escaped
from airflow_triggers.domain.fires import DelayedFire, Fire, FireResult
from airflow_triggers.domain.hooks import PromisedHook
from airflow_triggers.domain.instances import InstanceStatus, TaskInstance
from airflow_triggers.sessions.describing import InstanceView, SessionDescription, SessionSummary

Row = dict[str, Any]

STRUCTURED = frozenset({"json", "yaml"})
"""The formats that keep types and nested values; the others are tables of text."""


def of_session(summary: SessionSummary) -> Row:
    """A session in a list."""
    return {
        "uid": summary.uid,
        "configuration": summary.configuration,
        "manager": summary.manager,
        "created": summary.created.isoformat(),
        "last_modified": summary.last_modified.isoformat(),
    }


def of_changed_instance(instance: TaskInstance) -> Row:
    """An instance by itself."""
    waits = instance.status is InstanceStatus.UNSTARTED
    return {
        "instance": instance.name,
        "status": instance.status.value,
        "missing": sorted(instance.missing) if waits else [],
    }


def of_instance(view: InstanceView) -> Row:
    """An instance with its DAG run."""
    return {**of_changed_instance(view.instance), "dag_id": view.dag_id, "dag_run_id": view.run_id}


def of_fire(fire: Fire) -> Row:
    """A fire in a session's history."""
    return {
        **of_fire_result(fire.to_result()),
        "kwargs": dict(fire.kwargs),
        "fired_at": fire.fired_at.isoformat(),
        "fired_by": fire.fired_by,
        "idempotency_key": fire.idempotency_key,
    }


def of_fire_result(result: FireResult) -> Row:
    """What a fire did."""
    return {
        "fire_id": result.fire_id,
        **({"delayed_fire_id": result.delayed_fire_id} if result.delayed_fire_id else {}),
        "trigger": result.trigger_name,
        "touched": list(result.touched),
        "created": list(result.created),
        "scheduled": list(result.scheduled),
        "abandoned": list(result.abandoned),
        "repeated": result.repeated,
        **({"fire_at": result.fire_at.isoformat()} if result.fire_at else {}),
        **({"cancelled": True} if result.cancelled else {}),
    }


def of_delayed_fire(fire: DelayedFire) -> Row:
    """A fire that is still to come, or was cancelled."""
    return {
        "id": fire.delayed_id,
        "trigger": fire.trigger_name,
        "kwargs": dict(fire.kwargs),
        "fire_at": fire.fire_at.isoformat(),
        "fired_by": fire.fired_by,
        "idempotency_key": fire.idempotency_key,
        "parked": fire.parked,
        "error": fire.error,
        **({"cancelled_by": fire.cancelled_by} if fire.cancelled_at else {}),
    }


def of_hook(hook: PromisedHook) -> Row:
    """A hook that has not ended."""
    return {
        "id": hook.token,
        "hook": hook.hook,
        "arguments": dict(hook.arguments),
        "attempts": hook.attempts,
        "due": hook.due.isoformat() if hook.due else None,
        "parked": hook.parked,
        "error": hook.error,
    }


def of_description(description: SessionDescription) -> Row:
    """A session whole."""
    return {
        **of_session(description.summary),
        "metadata": dict(description.metadata),
        "instances": [
            {
                **of_instance(view),
                "kwargs": _plain(view.instance.kwargs),
                "metadata": dict(view.instance.metadata),
            }
            for view in description.instances
        ],
        "latest_triggers": _plain(description.latest_kwargs),
        "fires": [of_fire(fire) for fire in description.fires],
        "delayed_fires": [of_delayed_fire(fire) for fire in description.delayed_fires],
        "hooks": [of_hook(hook) for hook in description.hooks],
    }


def print_row(row: Row, output: str) -> None:
    """Print one row: an object in JSON and YAML, a table of one line otherwise."""
    if output in STRUCTURED:
        _print_structured(row, output)
    else:
        print_rows([row], output)


def print_rows(rows: list[Row], output: str) -> None:
    """Print rows in one of Airflow's output formats."""
    if output in STRUCTURED:
        _print_structured(rows, output)
    else:
        # What looks like markup or an emoji's name is text: it may be anybody's.
        console = AirflowConsole(markup=False, emoji=False)
        console.print_as([{key: _cell(value) for key, value in row.items()} for row in rows], output)


def _print_structured(value: Any, output: str) -> None:
    # Not print_as, which makes text of every value: True would become "True".
    console = AirflowConsole()
    if output == "json":
        console.print_as_json(value)
    else:
        console.print_as_yaml(_in_utf8(value))


def _in_utf8(value: Any) -> Any:
    """The value with half of a surrogate pair replaced: JSON can escape it, YAML cannot."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, Mapping):
        return {_in_utf8(key): _in_utf8(part) for key, part in value.items()}
    return [_in_utf8(part) for part in value] if isinstance(value, list) else value


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    return "" if value is None else escaped(value) if isinstance(value, str) else value


def _plain(kwargs: Any) -> dict[str, Any]:
    return {trigger: dict(values) for trigger, values in kwargs.items()}
