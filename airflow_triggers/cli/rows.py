"""The output of the commands: answers as rows, in Airflow's output formats.

JSON and YAML show the whole row; a table shows some of its columns. Some rows have a value twice, also under its older
key (``instance`` for ``name``, ``uid`` for ``session_uid``): scripts read it. New answers need no older key.
Neighbours: ``answers/`` has the keys, the same as in the REST API; the modules of the commands print rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from airflow.cli.simple_table import AirflowConsole

from airflow_triggers.answers.fires import DelayedFireAnswer, FireAnswer, FireResultAnswer
from airflow_triggers.answers.hooks import HookAnswer
from airflow_triggers.answers.instances import InstanceAnswer
from airflow_triggers.answers.sessions import SessionAnswer, SessionDetailAnswer
from airflow_triggers.cli.terminal import escaped
from airflow_triggers.domain.fires import DelayedFire, Fire, FireResult
from airflow_triggers.domain.hooks import PromisedHook
from airflow_triggers.sessions.describing import InstanceView, SessionDescription, SessionSummary

Row = dict[str, Any]
Columns = Sequence[str]

STRUCTURED = frozenset({"json", "yaml"})
"""The formats that keep types and nested values. The others are tables of text."""

SHORT_VERSION = 12
"""The digits shown of a hash: enough to tell the versions of a configuration apart."""

SESSION_COLUMNS: Columns = (
    "uid",
    "configuration",
    "version",
    "is_deployed",
    "manager",
    "storage",
    "counts",
    "created",
    "last_modified",
)
MIGRATION_COLUMNS: Columns = (
    "uid",
    "outcome",
    "why",
    "removed_tasks",
    "created",
    "scheduled",
    "changed",
    "abandoned",
)
INSTANCE_COLUMNS: Columns = ("instance", "status", "missing", "dag_id", "dag_run_id")
FIRE_RESULT_COLUMNS: Columns = (
    "fire_id",
    "delayed_fire_id",
    "trigger",
    "touched",
    "created",
    "scheduled",
    "abandoned",
    "repeated",
    "deferred",
    "fire_at",
    "cancelled",
)
DELAYED_FIRE_COLUMNS: Columns = (
    "uid",
    "id",
    "trigger",
    "kwargs",
    "fire_at",
    "fired_by",
    "idempotency_key",
    "attempts",
    "parked",
    "error",
    "cancelled_by",
)
OCCASIONAL = frozenset({"uid", "delayed_fire_id", "deferred", "fire_at", "cancelled", "cancelled_by"})
"""A table leaves out these columns if no row has a value for them."""


def with_short_version(row: Row) -> Row:
    """The row of a session for a table. Its version becomes the start of the hash, and ``is_deployed``; its
    counts become text.
    """
    version = row["version"] or {"hash": "", "is_deployed": None}
    counts = [f"{count} {status}" for status, count in (row["counts"] or {}).items()]
    return {
        **row,
        "version": version["hash"][:SHORT_VERSION],
        "is_deployed": version["is_deployed"],
        "counts": counts,
    }


def of_answer(answer: Any) -> Row:
    """An answer in the types of JSON and YAML, key by key.

    :param answer: one of the dataclasses of ``answers/``.
    """
    return {field.name: plain(getattr(answer, field.name)) for field in fields(answer)}


def plain(value: Any) -> Any:
    """A value of an answer in the types of JSON and YAML."""
    if is_dataclass(value):
        return of_answer(value)
    if isinstance(value, Mapping):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, tuple | list):
        return [plain(part) for part in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return value.value if isinstance(value, Enum) else value


def of_session(summary: SessionSummary) -> Row:
    """A session in a list."""
    return of_answer(SessionAnswer.of(summary))


def of_instance(view: InstanceView) -> Row:
    """An instance with its DAG run."""
    return {"instance": view.instance.name, **of_answer(InstanceAnswer.of(view))}


def of_fire(fire: Fire) -> Row:
    """A fire in a session's history. ``repeated`` is always false: only the answer to a fire can be a repeat."""
    return {**of_answer(FireAnswer.of(fire)), "repeated": False}


def of_fire_result(result: FireResult) -> Row:
    """What a fire did."""
    return of_answer(FireResultAnswer.of(result))


def of_delayed_fire(fire: DelayedFire) -> Row:
    """A delayed fire: still to come, or cancelled."""
    return of_answer(DelayedFireAnswer.of(fire))


def of_hook(hook: PromisedHook) -> Row:
    """A hook not ended yet."""
    return of_answer(HookAnswer.of(hook))


def of_description(description: SessionDescription) -> Row:
    """A whole session."""
    return {
        **of_answer(SessionDetailAnswer.of_description(description)),
        "instances": [of_instance(view) for view in description.instances],
        "fires": [of_fire(fire) for fire in description.fires],
    }


def print_row(row: Row, output: str, *, columns: Columns | None = None) -> None:
    """Print one row: an object in JSON and YAML, a table of one line otherwise.

    :param columns: the columns of the table; None for all keys.
    """
    if output in STRUCTURED:
        _print_structured(row, output)
    else:
        print_rows([row], output, columns=columns)


def print_rows(rows: list[Row], output: str, *, columns: Columns | None = None) -> None:
    """Print rows in one of Airflow's output formats.

    :param columns: the columns of a table; None for all keys. The table omits a column of :data:`OCCASIONAL` when no
        row has a value for it.
    """
    if output in STRUCTURED:
        _print_structured(rows, output)
    else:
        # Text that looks like markup or an emoji's name is shown as it is: other people wrote it.
        console = AirflowConsole(markup=False, emoji=False)
        console.print_as([_cells(row, _shown_columns(rows, columns)) for row in rows], output)


def _shown_columns(rows: list[Row], columns: Columns | None) -> Columns | None:
    if columns is None:
        return None
    return [column for column in columns if column not in OCCASIONAL or any(row.get(column) for row in rows)]


def _cells(row: Row, columns: Columns | None) -> Row:
    return {column: _cell(row[column]) for column in (row if columns is None else columns)}


def _print_structured(value: Any, output: str) -> None:
    # Not print_as: it turns every value into text, and True would become "True".
    console = AirflowConsole()
    if output == "json":
        console.print_as_json(value)
    else:
        console.print_as_yaml(_in_utf8(value))


def _in_utf8(value: Any) -> Any:
    """The value with unpaired surrogates replaced: JSON can escape them, YAML cannot."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, Mapping):
        return {_in_utf8(key): _in_utf8(part) for key, part in value.items()}
    return [_in_utf8(part) for part in value] if isinstance(value, list) else value


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    return "" if value is None else escaped(value) if isinstance(value, str) else value
