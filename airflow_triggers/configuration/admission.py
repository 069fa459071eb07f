"""Asks whether Airflow, its database and its scheduler would accept a DAG, before the DAG file hands it over.

One refused DAG breaks every other DAG of its file, or the whole DAG processor. Airflow's checks, its serialization or
its database can refuse it. So an equal DAG takes the same steps here first, and a refusal concerns only its own
configuration. Facts in the database alone (pools, roles) are not checked.

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
from airflow_triggers.domain.validation import excerpt
from airflow_triggers.errors import ConfigurationError
from airflow_triggers.gateway.acceptance import deploy, unknown_executors, unknown_rights
from airflow_triggers.sentences import sentence

DagMaker = Callable[[Mapping[str, Any]], DAG]
"""Makes a new DAG with the given Airflow options."""


def refuse_inadmissible(make_dag: DagMaker, airflow: Mapping[str, Any], *, fileloc: str | None) -> None:
    """Raise what Airflow would refuse in a DAG, naming the options concerned.

    :param airflow: the options; their form is already checked.
    :param fileloc: the DAG file, in whose folder Airflow looks for templates.
    :raises ConfigurationError: with a sentence for each refused option, or for the DAG itself when no option is the
        cause.
    """

    def problems_with(options: Mapping[str, Any]) -> list[str]:
        return list(_problems(make_dag, options, fileloc))

    problems = problems_with(airflow)
    if not problems:
        return
    if airflow and not problems_with({}):
        option_problems = [
            f"'airflow' has {name!r} {excerpt(value)}, expected {OPTIONS[name].expectation} that Airflow takes: "
            f"{problem}"
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
    """Attributes of the operator beyond the limits of Airflow and its databases, whatever arguments set them."""
    for task in dag.tasks:
        for name, option in OPERATOR_ATTRIBUTES.items():
            value = getattr(task, name, None)
            if isinstance(value, timedelta):
                value = value.total_seconds()
            if isinstance(value, str | int | float) and not option.holds(value):
                yield f"the operator's {name!r} is {excerpt(value)}, expected {option.expectation}."
