"""Whether Airflow, its database and its scheduler would take a DAG: asked before the DAG file hands it over.

A DAG that Airflow's checks, its serialization or its database refuses takes every other DAG of its file along, or the
whole DAG processor. So a DAG that is made alike goes the same way first, here, and its refusal becomes one
configuration's. What only the database knows (pools, roles) is not asked.

Neighbours: ``compile.py`` and ``declare.py`` make the DAGs; ``options.py`` has the limits of each option.
"""

from __future__ import annotations

import json
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from types import FrameType
from typing import Any, cast

import msgspec
from airflow.configuration import conf
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import DagBag
from airflow.exceptions import AirflowClusterPolicySkipDag, UnknownExecutorException
from airflow.executors.executor_loader import ExecutorLoader
from airflow.sdk import DAG
from airflow.serialization.serialized_objects import DagSerialization

from airflow_triggers.configuration.foreign import ForeignError, foreign_code
from airflow_triggers.configuration.options import OPERATOR_ATTRIBUTES, OPTIONS
from airflow_triggers.errors import ConfigurationError
from airflow_triggers.sentences import sentence
from airflow_triggers.validation import shown

DagMaker = Callable[[Mapping[str, Any]], DAG]
"""Makes the DAG anew, given Airflow's options for it."""

_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


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
        blamed = [
            f"'airflow' has {name!r} {shown(value)}, expected {OPTIONS[name].expected} that Airflow takes: {problem}"
            for name, value in airflow.items()
            for problem in problems_with({name: value})
        ]
        problems = blamed or problems
    raise ConfigurationError(problems)


def _problems(make_dag: DagMaker, airflow: Mapping[str, Any], fileloc: str | None) -> Iterator[str]:
    try:
        with foreign_code(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they are shown when the DAG itself is made
            dag = make_dag(airflow)
            if fileloc is not None:
                dag.fileloc = fileloc
            problems = [*_limits(dag), *_unknown_executors(dag), *_unknown_rights(dag)]
            if not problems:
                _deploy(dag)
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


def _unknown_executors(dag: DAG) -> Iterator[str]:
    """As ``DagBag`` checks them, which would refuse the whole file."""
    for name in dict.fromkeys(task.executor for task in dag.tasks if task.executor):
        team_name = _team_name()
        if not any(_has_executor(name, team) for team in (team_name, None)):
            known = ", ".join(
                sorted(
                    str(executor.alias or executor.module_path)
                    for executor in ExecutorLoader.get_executor_names(validate_teams=False)
                    if executor.team_name in (team_name, None)
                )
            )
            yield f"there is no executor {name!r}; [core] executor has: {known}."


def _has_executor(name: str, team_name: str | None) -> bool:
    try:
        ExecutorLoader.lookup_executor_name_by_str(name, team_name=team_name, validate_teams=False)
    except UnknownExecutorException:
        return False
    return True


def _team_name() -> str | None:
    """The team whose bundle is being parsed; None where Airflow has no teams."""
    if not conf.getboolean("core", "multi_team"):
        return None
    frame: FrameType | None = sys._getframe()  # nothing else tells a DAG file which bundle it is of
    while frame is not None:
        bag = frame.f_locals.get("self")
        if isinstance(bag, DagBag) and bag.bundle_name:
            bundle = cast(Any, DagBundlesManager)()._bundle_config.get(bag.bundle_name)
            return bundle.team_name if bundle else None
        frame = frame.f_back
    return None


def _unknown_rights(dag: DAG) -> Iterator[str]:
    """As FAB's auth manager checks them when the DAG is written, which would refuse the whole file."""
    if not dag.access_control or "FabAuthManager" not in conf.get("core", "auth_manager"):
        return
    from airflow.providers.fab.www.security.permissions import (
        RESOURCE_DETAILS_MAP,
    )  # FAB may not be installed

    for role, rights in dag.access_control.items():
        for resource, actions in rights.items():
            if resource not in RESOURCE_DETAILS_MAP:
                known = ", ".join(RESOURCE_DETAILS_MAP)
                yield f"'access_control' names the resource {resource!r} for {role!r}, expected one of: {known}."
                continue
            allowed = RESOURCE_DETAILS_MAP[resource]["actions"]
            if unknown := ", ".join(map(repr, sorted(set(actions) - allowed))):
                known = ", ".join(sorted(allowed))
                yield f"'access_control' gives {role!r} {unknown} on {resource!r}, expected some of: {known}."


def _deploy(dag: DAG) -> None:
    """What Airflow does with a DAG on its way to the scheduler, without its database."""
    cast(Any, dag).validate()
    try:
        DagBag(os.devnull, collect_dags=False).bag_dag(dag)  # cycles, templates, the deployment's policies
    except AirflowClusterPolicySkipDag:
        return
    content = DagSerialization.to_dict(dag)
    msgspec.msgpack.encode(
        content
    )  # to the DAG processor; integers have 64 bits there, and texts no surrogates
    if _NUL.search(json.dumps(content, allow_nan=False)):  # to the database
        raise ValueError("found the character NUL, which databases cannot keep")
    DagSerialization.from_dict(content)
