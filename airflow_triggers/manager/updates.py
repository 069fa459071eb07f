"""Updates: the configuration of a session after a change of its rules.

Neighbours: ``configuring.py`` saves it; ``configuration/`` has read the update.
"""

from __future__ import annotations

from dataclasses import replace

from airflow_triggers.configuration.pinning import pinned_configuration
from airflow_triggers.domain.configuration import Configuration
from airflow_triggers.domain.names import dag_ids_of
from airflow_triggers.storages.base import BaseStorageBackend


def merged_configuration(current: Configuration, update: Configuration) -> Configuration:
    """The session's configuration with the update's tasks."""
    return (
        current.with_update(pinned_configuration(update, unless_named=current.name))
        if current.tasks
        else update
    )


def migrated_configuration(
    storage: BaseStorageBackend, deployed_configuration: Configuration
) -> Configuration:
    """The deployed configuration, plus the session's removed tasks with instances, and its former DAGs."""
    current = storage.configuration
    earlier_tasks = {**current.removed, **current.tasks}
    removed_tasks = {
        name: task
        for name, task in earlier_tasks.items()
        if name not in deployed_configuration.tasks and storage.instances_of_task(name)
    }
    return with_former_dags(storage, replace(deployed_configuration, removed=removed_tasks))


def with_former_dags(storage: BaseStorageBackend, configuration: Configuration) -> Configuration:
    """The session's new configuration, with the DAGs of its earlier runs, where its tasks no longer name them."""
    current = storage.configuration
    before, after = dag_ids_of(current), dag_ids_of(configuration)
    former_dag_ids = {
        dag_id
        for name, dag_id in before.items()
        if (name not in after or dag_id != after[name])
        and any(instance.was_scheduled for instance in storage.instances_of_task(name))
    }
    return replace(
        configuration, former_dag_ids=configuration.former_dag_ids | current.former_dag_ids | former_dag_ids
    )
