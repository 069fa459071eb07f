"""The form of one task's directives, as a pydantic model: checked by ``parse.py``, published by ``schema.py``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from airflow_triggers.configuration.options import OPTIONS

TriggerName = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=False)]


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

    model_config = ConfigDict(extra="allow", title="Trigger task", strict=True)

    after: Annotated[
        Sequence[TriggerName],
        Field(
            description="Triggers that must all have fired in the session, in any order. May be empty when andEvery is "
            "given.",
            examples=[["firstPageReceived", "questionnaireComplete"]],
        ),
    ]
    run: Annotated[
        Annotated[str, StringConstraints(min_length=1)] | OperatorRun,
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
        Sequence[TriggerName],
        Field(
            description="Once all of these have fired before an instance was scheduled, the instance is abandoned: it "
            "never runs."
        ),
    ] = []
    withParams: Annotated[  # noqa: N815 - the directive's name
        dict[str, dict[str, Any]],
        Field(
            description="Static kwargs, keyed like trigger kwargs and merged recursively under the fired ones."
        ),
    ] = {}
    using: Annotated[
        Annotated[str, StringConstraints(min_length=1)] | None,
        Field(description="The runner's name; without it, the manager's default."),
    ] = None
    airflow: Annotated[
        dict[str, Any],
        Field(
            description="Airflow's own options: of the operator (retries, pool, queue, execution_timeout, …; "
            "durations in seconds) and of the task's DAG (max_active_runs, tags, …). For a run that is a DAG: "
            "result_task_id.",
            json_schema_extra={
                "additionalProperties": False,
                "properties": {
                    name: {**option.form.schema, "description": option.description}
                    for name, option in sorted(OPTIONS.items())
                },
            },
        ),
    ] = {}


DIRECTIVES = tuple(Directives.model_fields)
