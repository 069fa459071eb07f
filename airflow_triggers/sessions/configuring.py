"""Gives a session its first configuration, or checks that it already has the same one.

Neighbours: ``opening.py`` calls this under the session's lock; ``TriggerManager.update_configuration`` changes one
later.
"""

from __future__ import annotations

from dataclasses import replace

from airflow_triggers import gateway
from airflow_triggers.domain.configuration import Configuration
from airflow_triggers.domain.events import EventKind, configuration_details
from airflow_triggers.errors import ConfigurationError, RegistryError, SessionExists
from airflow_triggers.manager.manager import TriggerManager
from airflow_triggers.runners import task_runners
from airflow_triggers.storages.transaction import snapshot


def deployed_configuration(name: str) -> Configuration:
    """The deployed configuration with this name.

    :raises UnknownConfiguration: when there is none.
    """
    with snapshot() as session:
        return gateway.deployed_configuration(session, name)


def near_configurations(name: str) -> list[Configuration]:
    """Deployed configurations with names similar to this one, the most similar first."""
    with snapshot() as session:
        return gateway.near_configurations(session, name)


def configure(
    manager: TriggerManager, configuration: Configuration, *, is_deployed: bool, by: str | None
) -> bool:
    """Give a session its configuration; False when it already had the same one. The caller holds the session's lock.

    A deployed configuration is not checked against the deployed DAGs: a DAG may be missing for a moment (the DAG
    processor is at work), and then only an instance waits, not the session. But its runners are checked: a missing
    runner does not appear without help.

    :raises SessionExists: when the session has another configuration or manager.
    :raises ConfigurationError: when a runner is not installed here, or a configuration made at run time is invalid.
    """
    storage = manager.storage
    existing = storage.configuration
    if existing.tasks:
        _check_same(manager, existing, configuration)
        return False
    if is_deployed:
        _check_runners(manager, configuration)
        storage.set_configuration(configuration)
        storage.record_event(
            EventKind.CONFIGURE, instance=None, by=by, details=configuration_details(configuration.tasks)
        )
    else:
        manager.update_configuration(configuration, by=by)
    return True


def _check_runners(manager: TriggerManager, configuration: Configuration) -> None:
    """Check that every task's runner is installed here.

    :raises ConfigurationError: with one problem for each task without its runner.
    """
    problems = []
    for task in configuration:
        try:
            task_runners.get_class(task.using or manager.default_task_runner_name)
        except RegistryError as error:
            using = (
                repr(task.using) if task.using else f"missing, and the manager {manager.name!r} has its own"
            )
            problems.append(f"task {task.name!r}: 'using' is {using}. {error}")
    if problems:
        raise ConfigurationError(problems)


def _check_same(manager: TriggerManager, existing: Configuration, configuration: Configuration) -> None:
    uid = manager.storage.uid
    is_same = (
        existing.name == configuration.name
        if configuration.name
        else _content_of(existing) == _content_of(configuration)
    )
    if not is_same:
        raise SessionExists(
            f"Session {uid!r} exists with {description_of(existing)}, not with {description_of(configuration)}. "
            "Choose another UID, or update that session's configuration."
        )
    if manager.storage.manager_name != manager.name:
        raise SessionExists(
            f"Session {uid!r} exists with the manager {manager.storage.manager_name!r}, not {manager.name!r}."
        )


def _content_of(configuration: Configuration) -> str:
    """The content to compare, for configurations without a name. DAGs replaced by earlier updates do not count."""
    return replace(configuration, former_dag_ids=frozenset()).content_hash


def description_of(configuration: Configuration) -> str:
    """The session's configuration, worded for a message."""
    if configuration.name:
        return f"the configuration {configuration.name!r}"
    return "a configuration of its own" if configuration.tasks else "no configuration"
