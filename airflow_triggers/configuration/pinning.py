"""Pins tasks of one deployed configuration so that another one can hold them.

Neighbours: ``domain/names.py`` knows which DAG a task runs; ``manager/manager.py`` merges configurations.
"""

from __future__ import annotations

from dataclasses import replace

from airflow_triggers.domain.configuration import Configuration
from airflow_triggers.domain.names import dag_id_of


def pinned(configuration: Configuration, *, unless_named: str | None) -> Configuration:
    """The configuration with every ``run`` written as a DAG id, so that it no longer depends on its name.

    A configuration without a name, or of the name ``unless_named``, is returned as it is.
    """
    if configuration.name is None or configuration.name == unless_named:
        return configuration
    tasks = {task.name: replace(task, run=dag_id_of(configuration, task)) for task in configuration}
    return Configuration(tasks)
