"""Configurations: what users write, read and validated, explained as sentences, compiled to DAGs.

``parse.py`` validates, ``load.py`` reads YAML files, ``explain.py`` makes sentences, ``graph.py`` graphs,
``compile.py`` DAGs (in DAG files only: importing this package imports no Airflow). ``check.py`` and ``posted.py``
look for slips, ``schema.py`` publishes the JSON Schema, ``domain/names.py`` has the names used in Airflow.
"""

from __future__ import annotations

from airflow_triggers.configuration.explain import explain_configuration, explain_task
from airflow_triggers.configuration.parse import parse_configuration

__all__ = ["explain_configuration", "explain_task", "parse_configuration"]
