"""Airflow's own options for a trigger task: their names and form, and whether the DAG or the operator takes them.

Neighbours: ``parse.py`` refuses unknown ones, ``compile.py`` passes them on, ``schema.py`` publishes them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from enum import Enum, StrEnum
from typing import Any

from airflow_triggers.domain.validation import excerpt

RESULT_TASK_ID = "result_task_id"
"""Only if ``run`` is a DAG: the task whose return value is the result."""


class OptionOwner(StrEnum):
    """The owner of the option in Airflow."""

    #: the option belongs to the compiled DAG
    DAG = "dag"
    #: the option belongs to the only task of the compiled DAG
    OPERATOR = "operator"
    #: neither: the option says how to read the result of a DAG that is not compiled here
    TRIGGERS = "triggers"


class Form(Enum):
    """How an option's value is written: its name in messages, and its JSON Schema."""

    INTEGER = ("a whole number", {"type": "integer"})
    NUMBER = ("a number", {"type": "number"})
    SECONDS = ("a number of seconds", {"type": "number"})
    STRING = ("a string", {"type": "string"})
    BOOLEAN = ("true or false", {"type": "boolean"})
    STRINGS = ("a list of strings", {"type": "array", "items": {"type": "string"}})
    MAPPING = ("a mapping", {"type": "object"})
    LINKS = ("a mapping of owner to link", {"type": "object", "additionalProperties": {"type": "string"}})
    RIGHTS = (
        "a mapping of role to a list of rights, or to a mapping of resource to such a list",
        {
            "type": "object",
            "additionalProperties": {
                "anyOf": [
                    {"type": "array", "items": {"type": "string"}},
                    {
                        "type": "object",
                        "additionalProperties": {"type": "array", "items": {"type": "string"}},
                    },
                ]
            },
        },
    )

    def __init__(self, expectation: str, schema: dict[str, Any]) -> None:
        self.expectation, self.schema = expectation, schema

    def fits(self, value: Any) -> bool:
        """Whether the value is of this form."""
        number = isinstance(value, int | float) and not isinstance(value, bool)
        match self:
            case Form.INTEGER:
                return number and (isinstance(value, int) or value.is_integer())
            case Form.NUMBER | Form.SECONDS:
                return number and (isinstance(value, int) or math.isfinite(value))
            case Form.STRINGS:
                return _are_strings(value)
            case Form.LINKS:
                return isinstance(value, Mapping) and all(map(_is_string, (*value, *value.values())))
            case Form.RIGHTS:
                return isinstance(value, Mapping) and all(
                    _is_string(role) and _are_rights(rights) for role, rights in value.items()
                )
        kinds: dict[Form, type[Any]] = {Form.STRING: str, Form.BOOLEAN: bool, Form.MAPPING: Mapping}
        return isinstance(value, kinds[self])


def _is_string(value: Any) -> bool:
    return isinstance(value, str)


def _are_strings(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(map(_is_string, value))


def _are_rights(rights: Any) -> bool:
    if not isinstance(rights, Mapping):
        return _are_strings(rights)
    return all(_is_string(resource) and _are_strings(actions) for resource, actions in rights.items())


@dataclass(frozen=True)
class Option:
    """An option of Airflow's: its owner, its form, its meaning, and the limits of Airflow and its databases.

    :param minimum: of a number.
    :param maximum: of a number.
    :param longest: the maximal number of characters of a string, or of each string of a list or mapping. A string with
        a limit must not be empty, except a tag.
    """

    owner: OptionOwner
    form: Form
    description: str
    minimum: int | None = None
    maximum: int | None = None
    longest: int | None = None

    def fits(self, value: Any) -> bool:
        """Whether the value is of the form, and within the limits."""
        return self.form.fits(value) and self.holds(value)

    def holds(self, value: Any) -> bool:
        """Whether a value of the form is within the limits."""
        if self.longest is not None:
            return all(self._shortest <= len(text) <= self.longest for text in self._texts(value))
        return (self.minimum is None or value >= self.minimum) and (
            self.maximum is None or value <= self.maximum
        )

    @property
    def expectation(self) -> str:
        """The values that fit, for messages."""
        if self.longest is not None:
            least = f"{self._shortest}-" if self._shortest else "at most "
            suffix = "" if self.form is Form.STRING else " each"
            return f"{self.form.expectation} of {least}{self.longest} characters{suffix}"
        if self.minimum is not None and self.maximum is not None:
            return f"{self.form.expectation} from {self.minimum} to {self.maximum}"
        return self.form.expectation

    @property
    def schema(self) -> dict[str, Any]:
        """Its JSON Schema."""
        limits = {"minimum": self.minimum, "maximum": self.maximum}
        schema = {**self.form.schema, **{key: limit for key, limit in limits.items() if limit is not None}}
        if self.longest is None:
            return schema
        length = {"minLength": self._shortest, "maxLength": self.longest}
        match self.form:
            case Form.STRINGS:
                return {**schema, "items": {**schema["items"], **length}}
            case Form.LINKS:
                return {
                    **schema,
                    "propertyNames": length,
                    "additionalProperties": {**schema["additionalProperties"], **length},
                }
        return {**schema, **length}

    def airflow_value(self, value: Any) -> Any:
        """A fitting value in the type for Airflow."""
        match self.form:
            case Form.SECONDS:
                return timedelta(seconds=value)
            case Form.INTEGER:
                # 3.0 fits, too; Airflow's columns take integers.
                return int(value)
            case Form.RIGHTS:
                return {role: _right_sets(rights) for role, rights in value.items()}
        return value

    @property
    def _shortest(self) -> int:
        return 0 if self.form is Form.STRINGS else 1

    def _texts(self, value: Any) -> Iterable[str]:
        if self.form is Form.STRING:
            return (value,)
        return (*value, *value.values()) if isinstance(value, Mapping) else value


def _right_sets(rights: Any) -> Any:
    """The rights as sets, the way FAB's auth manager compares them."""
    if isinstance(rights, Mapping):
        return {resource: set(actions) for resource, actions in rights.items()}
    return set(rights)


MAX_INTEGER = 2**31 - 1
"""The largest integer in Airflow's columns."""

MAX_SECONDS = 100 * 366 * 24 * 3600
"""A century. Airflow adds durations to the current time, and a date's year ends at 9999."""

MAX_RETRIES = 1_000_000
"""Far below the limit of a column: at each clear of a run, Airflow adds the retries to the tries."""

_DAG, _OPERATOR = OptionOwner.DAG, OptionOwner.OPERATOR


def _count(owner: OptionOwner, description: str) -> Option:
    """A positive number: with 0, nothing would run."""
    return Option(owner, Form.INTEGER, description, minimum=1, maximum=MAX_INTEGER)


def _duration(owner: OptionOwner, description: str) -> Option:
    return Option(owner, Form.SECONDS, description, minimum=0, maximum=MAX_SECONDS)


def _text(owner: OptionOwner, description: str, longest: int) -> Option:
    """A string with the length limit of its column in Airflow's database."""
    return Option(owner, Form.STRING, description, longest=longest)


OPTIONS: Mapping[str, Option] = {
    "access_control": Option(_DAG, Form.RIGHTS, "Rights by role, for auth managers that read them."),
    "dag_display_name": _text(_DAG, "How the DAG is called in Airflow's UI.", 2000),
    "dagrun_timeout": _duration(_DAG, "Seconds after which a run fails, waiting included."),
    "description": Option(_DAG, Form.STRING, "Instead of the rule as a sentence."),
    "disable_bundle_versioning": Option(
        _DAG, Form.BOOLEAN, "Run the newest code, also where bundles have versions."
    ),
    "is_paused_upon_creation": Option(
        _DAG, Form.BOOLEAN, "False unless given: a paused trigger task silently holds."
    ),
    "max_active_runs": _count(_DAG, "How many instances run at a time, over all sessions."),
    "max_active_tasks": _count(_DAG, "How many task instances of a run are active at a time."),
    "owner_links": Option(_DAG, Form.LINKS, "Links by owner, for Airflow's UI.", longest=500),
    "render_template_as_native_obj": Option(
        _DAG, Form.BOOLEAN, "Templates become Python values instead of strings."
    ),
    "rerun_with_latest_version": Option(_DAG, Form.BOOLEAN, "Cleared runs take the newest code."),
    "tags": Option(_DAG, Form.STRINGS, "Tags besides those of the configuration.", longest=100),
    "execution_timeout": _duration(_OPERATOR, "Seconds after which a try fails."),
    "executor": _text(_OPERATOR, "The executor, where Airflow has several.", 1000),
    "executor_config": Option(_OPERATOR, Form.MAPPING, "What the executor is told."),
    "max_active_tis_per_dag": _count(_OPERATOR, "How many run at a time, over all runs of the DAG."),
    "max_retry_delay": _duration(_OPERATOR, "Seconds between two tries at most."),
    "owner": _text(_OPERATOR, "Who answers for it.", 500),
    "pool": _text(_OPERATOR, "The pool whose slots it takes.", 256),
    "pool_slots": _count(_OPERATOR, "How many slots it takes."),
    "priority_weight": Option(
        _OPERATOR, Form.INTEGER, "Higher goes first.", minimum=-MAX_INTEGER - 1, maximum=MAX_INTEGER
    ),
    "queue": _text(_OPERATOR, "The queue whose workers run it.", 256),
    "retries": Option(
        _OPERATOR,
        Form.INTEGER,
        "How often Airflow tries again before the instance fails.",
        minimum=0,
        maximum=MAX_RETRIES,
    ),
    "retry_delay": _duration(_OPERATOR, "Seconds between two tries."),
    "retry_exponential_backoff": Option(
        _OPERATOR,
        Form.NUMBER,
        "By what the delay grows with each try; 0 is not.",
        minimum=0,
        maximum=1_000_000,
    ),
    "run_as_user": _text(_OPERATOR, "The worker's user that runs it.", 1000),
    "weight_rule": _text(_OPERATOR, "How priority_weight counts.", 1000),
    RESULT_TASK_ID: _text(
        OptionOwner.TRIGGERS, "For a run that is a DAG: the task whose return value is the result.", 250
    ),
}


OPERATOR_ATTRIBUTES: Mapping[str, Option] = {
    **{
        name: option
        for name, option in OPTIONS.items()
        if option.owner is _OPERATOR and name != "weight_rule"
    },
    "max_active_tis_per_dagrun": _count(_OPERATOR, "How many run at a time in one run."),
    "task_display_name": _text(_OPERATOR, "How the task is called in Airflow's UI.", 2000),
    "task_type": _text(_OPERATOR, "The operator's class.", 1000),
}
"""Attributes of operators of any origin. Without the weight rule: Airflow turns it into an object."""


def wrong_options(options: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each unknown option, and for each option of a wrong form."""
    for name, value in options.items():
        option = OPTIONS.get(name)
        if option is None:
            near = get_close_matches(str(name), OPTIONS, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"Expected one of: {', '.join(sorted(OPTIONS))}."
            yield f"'airflow' has the option {name!r}, which is unknown. {hint}"
        elif not option.fits(value):
            yield f"'airflow' has {name!r} {excerpt(value)}, expected {option.expectation}."


def options_for(owner: OptionOwner, options: Mapping[str, Any]) -> dict[str, Any]:
    """The owner's part of a task's options, in the types for Airflow."""
    return {
        name: OPTIONS[name].airflow_value(value)
        for name, value in options.items()
        if OPTIONS[name].owner is owner
    }
