"""Whether Airflow, its database and its scheduler would take a DAG: asked before the DAG file hands it over.

A DAG that Airflow's checks, its serialization or its database refuses takes every other DAG of its file along, or the
whole DAG processor. So a DAG that is made alike goes the same way first, here, and its refusal becomes one
configuration's. What only the database knows (pools, roles) is not asked.

Neighbours: ``compile.py`` and ``declare.py`` make the DAGs; ``options.py`` has the limits of each option;
``gateway/acceptance.py`` asks Airflow.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG

from airflow_triggers.configuration.foreign import ForeignError, foreign_code
from airflow_triggers.configuration.options import OPERATOR_ATTRIBUTES, OPTIONS
from airflow_triggers.domain.validation import shown
from airflow_triggers.errors import ConfigurationError
from airflow_triggers.gateway.acceptance import deploy, unknown_executors, unknown_rights
from airflow_triggers.sentences import sentence

DagMaker = Callable[[Mapping[str, Any]], DAG]
"""Makes the DAG anew, given Airflow's options for it."""


def refuse_inadmissible(make_dag: DagMaker, airflow: Mapping[str, Any], *, fileloc: str | None) -> None:
    """Raise what Airflow would refuse in a DAG, naming the options concerned.

    :param airflow: the options; each one's form was checked already.
    :param fileloc: the DAG file, in whose folder Airflow looks for templates.
    :raises ConfigurationError: with a sentence for each option, or for what the DAG is without any.
    """

    def problems_with(options: Mapping[str, Any]) -> list[str]:
        return list(_problems(make_dag, options, fileloc))

    problems = problems_with(airflow)
    if not problems:
        return
    if airflow and not problems_with({}):
        option_problems = [
            f"'airflow' has {name!r} {shown(value)}, expected {OPTIONS[name].expected} that Airflow takes: {problem}"
            for name, value in airflow.items()
            for problem in problems_with({name: value})
        ]
        problems = option_problems or problems
    raise ConfigurationError(problems)


def _problems(make_dag: DagMaker, airflow: Mapping[str, Any], fileloc: str | None) -> Iterator[str]:
    try:
        with foreign_code(), warnings.catch_warnings():
            # Warnings are shown when the DAG itself is made.
            warnings.simplefilter("ignore")
            dag = make_dag(airflow)
            if fileloc is not None:
                dag.fileloc = fileloc
            problems = [*_limits(dag), *unknown_executors(dag), *unknown_rights(dag)]
            if not problems:
                deploy(dag)
    except ForeignError as error:
        problems = (
            error.cause.problems
            if isinstance(error.cause, ConfigurationError)
            else [sentence("Airflow refuses the DAG that it becomes", error)]
        )
    yield from problems


def _limits(dag: DAG) -> Iterator[str]:
    """What the operator's arguments make of its attributes, beyond what Airflow and its databases hold."""
    for task in dag.tasks:
        for name, option in OPERATOR_ATTRIBUTES.items():
            value = getattr(task, name, None)
            if isinstance(value, timedelta):
                value = value.total_seconds()
            if isinstance(value, str | int | float) and not option.holds(value):
                yield f"the operator's {name!r} is {shown(value)}, expected {option.expected}."
