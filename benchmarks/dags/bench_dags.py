"""The benchmarks' configuration as DAGs."""

from __future__ import annotations

from airflow_triggers import trigger_dags

trigger_dags(__file__)
