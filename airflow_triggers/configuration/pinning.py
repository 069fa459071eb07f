"""Pins tasks of a deployed configuration for use in another configuration.

Neighbours: ``domain/names.py`` knows which DAG a task runs; ``manager/manager.py`` merges configurations.
"""

from __future__ import annotations

from dataclasses import replace

from airflow_triggers.domain.configuration import Configuration
from airflow_triggers.domain.names import dag_id_of


def pinned_configuration(configuration: Configuration, *, unless_named: str | None) -> Configuration:
    """The configuration with every ``run`` as a DAG id: it no longer depends on the configuration's name.

    A configuration without a name, or with the name ``unless_named``, is returned as it is.
    """
    if configuration.name is None or configuration.name == unless_named:
        return configuration
    tasks = {task.name: replace(task, run=dag_id_of(configuration, task)) for task in configuration}
    return Configuration(tasks)
