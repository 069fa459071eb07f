"""Updates: what a session's configuration becomes when tasks are added or replaced.

Neighbours: ``manager.py`` keeps it; ``configuration/`` has read the update.
"""

from __future__ import annotations

from dataclasses import replace

from airflow_triggers.configuration.pinning import pinned
from airflow_triggers.domain.configuration import Configuration
from airflow_triggers.domain.names import dag_ids_of
from airflow_triggers.storages.base import BaseStorageBackend


def updated_configuration(storage: BaseStorageBackend, update: Configuration) -> Configuration:
    """The session's configuration with the update's tasks, and the DAGs that replaced tasks have run."""
    current = storage.configuration
    if not current.tasks:
        return update
    configuration = current.updated(pinned(update, unless_named=current.name))
    before, after = dag_ids_of(current), dag_ids_of(configuration)
    former = {
        dag_id
        for name, dag_id in before.items()
        if dag_id != after[name]
        and any(instance.was_scheduled for instance in storage.instances_of_task(name))
    }
    return replace(configuration, former_dag_ids=current.former_dag_ids | former)
