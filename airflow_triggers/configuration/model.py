"""The form of one task's directives, as a pydantic model: checked by ``parse.py``, published by ``schema.py``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from airflow_triggers.configuration.options import OPTIONS

_END = r"(?![\s\S])"
"""Matches only at the very end of a text, not before a final line feed. It works in Python and in JavaScript."""

_WORD = r"[^\x00-,/:-@\[-^`{-\x7f\s]"
"""A letter of any script, a digit, ``_``, ``-`` or ``.``. It avoids ``\\w``, because editors read it as ASCII."""

_IDENTIFIER = r"[^\x00-/:-@\[-^`{-\x7f\s]"


def _name_pattern(*, without: str = "") -> str:
    """A pattern for printable names without surrounding blanks."""
    return rf"^(?!\s)[^\x00-\x1f\x7f{without}]*[^\x00-\x1f\x7f\s{without}]{_END}"


TASK_NAME_SCHEMA = {"minLength": 1, "maxLength": 200, "pattern": _name_pattern(without="#")}
"""The JSON Schema of a task's name; ``parse.py`` checks it."""

RUN_PATTERN = rf"^{_WORD}{{1,250}}{_END}|^{_IDENTIFIER}+(\.{_IDENTIFIER}+)*:{_IDENTIFIER}+{_END}"
"""A DAG's id or a callable, for the JSON Schema; ``parse.py`` checks it."""

TriggerName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, strip_whitespace=False),
    Field(json_schema_extra={"pattern": _name_pattern()}),
]


AirflowOptions = Annotated[
    dict[str, Any],
    Field(
        json_schema_extra={
            "additionalProperties": False,
            "properties": {
                name: {**option.schema, "description": option.description}
                for name, option in sorted(OPTIONS.items())
            },
        }
    ),
]


class OperatorRun(BaseModel):
    """A ``run`` that is an operator: its class, and the arguments that it is made with."""

    model_config = ConfigDict(extra="allow", title="Operator")

    operator: Annotated[
        str,
        StringConstraints(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$"),
        Field(
            description="The dotted path of the operator's class; every other key is an argument of it. Templated "
            "fields see dag_run.conf['trigger_kwargs'].",
            examples=["airflow.providers.standard.operators.bash.BashOperator"],
        ),
    ]


class Directives(BaseModel):
    """A trigger task: after X and Y, and every Z, run R unless U."""

    model_config = ConfigDict(
        extra="allow",
        title="Trigger task",
        strict=True,
        json_schema_extra={
            "anyOf": [
                {"properties": {"after": {"type": "array", "minItems": 1}}, "required": ["after"]},
                {"properties": {"andEvery": {"type": "string"}}, "required": ["andEvery"]},
            ]
        },
    )

    after: Annotated[
        Sequence[TriggerName] | None,
        Field(
            description="Triggers that must all have fired in the session, in any order. May be left out when andEvery "
            "is given.",
            examples=[["firstPageReceived", "questionnaireComplete"]],
        ),
    ] = []
    run: Annotated[
        Annotated[str, StringConstraints(min_length=1), Field(json_schema_extra={"pattern": RUN_PATTERN})]
        | OperatorRun,
        Field(
            description="What to run: the id of a deployed DAG, a callable that takes a TaskContext "
            "(package.module.function or module:function), or an operator with its arguments.",
            examples=["survey_tasks:import_subject"],
        ),
    ]
    andEvery: Annotated[  # noqa: N815 - the directive's name
        TriggerName | None,
        Field(
            description="Makes a new instance each time this trigger fires. It also counts as one of after."
        ),
    ] = None
    unless: Annotated[
        Sequence[TriggerName] | None,
        Field(
            description="Once all of these have fired before an instance was scheduled, the instance is abandoned: it "
            "never runs."
        ),
    ] = []
    withParams: Annotated[  # noqa: N815 - the directive's name
        dict[str, dict[str, Any]] | None,
        Field(
            description="Static kwargs, keyed like trigger kwargs and merged recursively under the fired ones."
        ),
    ] = {}
    using: Annotated[
        Annotated[str, StringConstraints(min_length=1)] | None,
        Field(description="The runner's name; without it, the manager's default."),
    ] = None
    airflow: Annotated[
        AirflowOptions | None,
        Field(
            description="Airflow's own options: of the operator (retries, pool, queue, execution_timeout, …; "
            "durations in seconds) and of the task's DAG (max_active_runs, tags, …). For a run that is a DAG: "
            "result_task_id."
        ),
    ] = {}


DIRECTIVES = tuple(Directives.model_fields)
