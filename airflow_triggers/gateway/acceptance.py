"""Asks Airflow whether it would take a DAG: its executors, its rights, its checks, its serialization. No database.

Neighbours: ``configuration/admission.py`` asks, and turns each refusal into an error of one configuration.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
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

_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def unknown_executors(dag: DAG) -> Iterator[str]:
    """A sentence for each executor unknown to Airflow. ``DagBag`` checks them too, and would refuse the whole file."""
    for name in dict.fromkeys(task.executor for task in dag.tasks if task.executor):
        team_name = _team_name()
        if not any(_has_executor(name, team) for team in (team_name, None)):
            executor_names = ", ".join(
                sorted(
                    str(executor.alias or executor.module_path)
                    for executor in ExecutorLoader.get_executor_names(validate_teams=False)
                    if executor.team_name in (team_name, None)
                )
            )
            yield f"there is no executor {name!r}; [core] executor has: {executor_names}."


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
    # A DAG file has no other way to learn which bundle it belongs to.
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        bag = frame.f_locals.get("self")
        if isinstance(bag, DagBag) and bag.bundle_name:
            bundle = cast(Any, DagBundlesManager)()._bundle_config.get(bag.bundle_name)
            return bundle.team_name if bundle else None
        frame = frame.f_back
    return None


def unknown_rights(dag: DAG) -> Iterator[str]:
    """A sentence for each right unknown to FAB's auth manager. It checks on writing, and would refuse the file."""
    if not dag.access_control or "FabAuthManager" not in conf.get("core", "auth_manager"):
        return
    # FAB may not be installed.
    from airflow.providers.fab.www.security.permissions import RESOURCE_DETAILS_MAP

    for role, rights in dag.access_control.items():
        for resource, actions in rights.items():
            if resource not in RESOURCE_DETAILS_MAP:
                resources = ", ".join(RESOURCE_DETAILS_MAP)
                yield f"'access_control' names the resource {resource!r} for {role!r}, expected one of: {resources}."
                continue
            resource_actions = RESOURCE_DETAILS_MAP[resource]["actions"]
            if unknown := ", ".join(map(repr, sorted(set(actions) - resource_actions))):
                action_names = ", ".join(sorted(resource_actions))
                yield f"'access_control' gives {role!r} {unknown} on {resource!r}, expected some of: {action_names}."


def deploy(dag: DAG) -> None:
    """Do what Airflow does with a DAG on its way to the scheduler, without Airflow's database."""
    cast(Any, dag).validate()
    try:
        # Checks cycles, templates, and the deployment's policies.
        DagBag(os.devnull, collect_dags=False).bag_dag(dag)
    except AirflowClusterPolicySkipDag:
        return
    content = DagSerialization.to_dict(dag)
    # On the way to the DAG processor, integers have 64 bits and texts no surrogates.
    msgspec.msgpack.encode(content)
    # On the way to the database, there is no NaN and no NUL.
    if _NUL.search(json.dumps(content, allow_nan=False)):
        raise ValueError("found the character NUL, which databases cannot keep")
    DagSerialization.from_dict(content)
