"""Airflow's own options for a trigger task: which there are, their form, and whether its DAG or its operator has them.

Neighbours: ``parse.py`` refuses unknown ones, ``compile.py`` passes them on, ``schema.py`` publishes them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from enum import Enum, StrEnum
from typing import Any

RESULT_TASK_ID = "result_task_id"
"""For a ``run`` that is a DAG: the task whose return value is the result."""


class OptionOwner(StrEnum):
    """What of Airflow has the option."""

    DAG = "dag"  #: the compiled DAG
    OPERATOR = "operator"  #: its only task
    TRIGGERS = "triggers"  #: neither: it tells us how to read a DAG that is run as it is


class Form(Enum):
    """How an option's value is written: its name in messages, and its JSON Schema."""

    INTEGER = ("a whole number", {"type": "integer"})
    NUMBER = ("a number", {"type": "number"})
    SECONDS = ("a number of seconds", {"type": "number", "minimum": 0})
    STRING = ("a string", {"type": "string"})
    BOOLEAN = ("true or false", {"type": "boolean"})
    STRINGS = ("a list of strings", {"type": "array", "items": {"type": "string"}})
    MAPPING = ("a mapping", {"type": "object"})

    def __init__(self, expected: str, schema: dict[str, Any]) -> None:
        self.expected, self.schema = expected, schema

    def fits(self, value: Any) -> bool:
        """Whether the value is of this form."""
        number = isinstance(value, int | float) and not isinstance(value, bool)
        match self:
            case Form.INTEGER:
                return number and isinstance(value, int)
            case Form.NUMBER:
                return number
            case Form.SECONDS:
                return number and 0 <= value <= timedelta.max.total_seconds()
            case Form.STRINGS:
                return isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)
        kinds: dict[Form, type[Any]] = {Form.STRING: str, Form.BOOLEAN: bool, Form.MAPPING: Mapping}
        return isinstance(value, kinds[self])


@dataclass(frozen=True)
class Option:
    """An option of Airflow's: whose it is, its form, what it does."""

    owner: OptionOwner
    form: Form
    description: str


_DAG, _OPERATOR = OptionOwner.DAG, OptionOwner.OPERATOR

OPTIONS: Mapping[str, Option] = {
    "access_control": Option(_DAG, Form.MAPPING, "Rights by role, for auth managers that read them."),
    "dag_display_name": Option(_DAG, Form.STRING, "How the DAG is called in Airflow's UI."),
    "dagrun_timeout": Option(_DAG, Form.SECONDS, "Seconds after which a run fails, waiting included."),
    "description": Option(_DAG, Form.STRING, "Instead of the rule as a sentence."),
    "disable_bundle_versioning": Option(
        _DAG, Form.BOOLEAN, "Run the newest code, also where bundles have versions."
    ),
    "is_paused_upon_creation": Option(
        _DAG, Form.BOOLEAN, "False unless given: a paused trigger task silently holds."
    ),
    "max_active_runs": Option(_DAG, Form.INTEGER, "How many instances run at a time, over all sessions."),
    "max_active_tasks": Option(_DAG, Form.INTEGER, "How many task instances of a run are active at a time."),
    "owner_links": Option(_DAG, Form.MAPPING, "Links by owner, for Airflow's UI."),
    "render_template_as_native_obj": Option(
        _DAG, Form.BOOLEAN, "Templates become Python values instead of strings."
    ),
    "rerun_with_latest_version": Option(_DAG, Form.BOOLEAN, "Cleared runs take the newest code."),
    "tags": Option(_DAG, Form.STRINGS, "Tags besides those of the configuration."),
    "execution_timeout": Option(_OPERATOR, Form.SECONDS, "Seconds after which a try fails."),
    "executor": Option(_OPERATOR, Form.STRING, "The executor, where Airflow has several."),
    "executor_config": Option(_OPERATOR, Form.MAPPING, "What the executor is told."),
    "max_active_tis_per_dag": Option(
        _OPERATOR, Form.INTEGER, "How many run at a time, over all runs of the DAG."
    ),
    "max_retry_delay": Option(_OPERATOR, Form.SECONDS, "Seconds between two tries at most."),
    "owner": Option(_OPERATOR, Form.STRING, "Who answers for it."),
    "pool": Option(_OPERATOR, Form.STRING, "The pool whose slots it takes."),
    "pool_slots": Option(_OPERATOR, Form.INTEGER, "How many slots it takes."),
    "priority_weight": Option(_OPERATOR, Form.INTEGER, "Higher goes first."),
    "queue": Option(_OPERATOR, Form.STRING, "The queue whose workers run it."),
    "retries": Option(_OPERATOR, Form.INTEGER, "How often Airflow tries again before the instance fails."),
    "retry_delay": Option(_OPERATOR, Form.SECONDS, "Seconds between two tries."),
    "retry_exponential_backoff": Option(
        _OPERATOR, Form.NUMBER, "By what the delay grows with each try; 0 is not."
    ),
    "run_as_user": Option(_OPERATOR, Form.STRING, "The worker's user that runs it."),
    "weight_rule": Option(_OPERATOR, Form.STRING, "How priority_weight counts."),
    RESULT_TASK_ID: Option(
        OptionOwner.TRIGGERS,
        Form.STRING,
        "For a run that is a DAG: the task whose return value is the result.",
    ),
}


def wrong_options(options: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each option that Airflow does not have, or that is of another form."""
    for name, value in options.items():
        option = OPTIONS.get(name)
        if option is None:
            near = get_close_matches(str(name), OPTIONS, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"Expected one of: {', '.join(sorted(OPTIONS))}."
            yield f"'airflow' has the option {name!r}, which is unknown. {hint}"
        elif not option.form.fits(value):
            yield f"'airflow' has {name!r} {value!r}, expected {option.form.expected}."


def options_for(owner: OptionOwner, options: Mapping[str, Any]) -> dict[str, Any]:
    """Those of a task's options that the owner has, as Airflow takes them."""
    return {
        name: timedelta(seconds=value) if OPTIONS[name].form is Form.SECONDS else value
        for name, value in options.items()
        if OPTIONS[name].owner is owner
    }
